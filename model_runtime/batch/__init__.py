"""Generate the curves of many lines at once.

* `run`: a whole batch: lock, journal, lines, reports.
* `line_work`: one line, from the check whether anything is to do to its journal entry.
* `clip`: one line's curves, rating and files.
* `quality`: the rating.
* `events`: counts and progress as protocol messages.
* `local_pool`: lines in threads; `shared_engine`, `torch_batches`: their windows in one batch.
* `ray_pool`: lines on a Ray cluster.
* `lines`: lists, names, plan, journal, reports (standard library only).
"""
