"""Provide the command line: ``python -m model_runtime COMMAND``.

* ``main``: the table of commands. ``console``: parser, progress line, messages.
* ``generate``, ``idle``, ``batch``, ``info``, ``selftest``, ``worker``: one command each.
* ``script``: the script of a clip, read and written.
* ``options``: options that ``generate`` and ``batch`` share.
"""
