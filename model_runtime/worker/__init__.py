"""Serve requests of the add-on in a separate process, as JSON lines on stdin and stdout.

* ``loop``: reads and writes the lines.
* ``request_queue``: runs requests one at a time, each with exactly one ending.
* ``warm_engine``: keeps the engine loaded between requests.
* ``parent_watch``: ends the process when its parent ends.
"""
