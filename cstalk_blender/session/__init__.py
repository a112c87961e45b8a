"""Run the worker process for Blender: start it, send requests, receive their results. No bpy.

- ``environment``: finds the Python interpreter and builds the command line of a process.
- ``process``: one child process and its pipes, read and written by threads.
- ``request``: a request, its states and the timeouts.
- ``client``: keeps one worker process and ends each request exactly once.
- ``awake_clock``: a clock that does not count time in which the computer slept.
"""
