"""Run the commands ``batch`` and ``batch-worker``.

* `command`: ``batch``, with events on the console or as JSON lines.
* `serve`: ``batch-worker``, which takes lines and commands from the add-on on stdin.
* `options`: options of ``batch``.
* `console`: events as text.
* `threads`: threads that each process may use.
"""
