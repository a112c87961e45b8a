"""Implement the commands of `build.py`. Standard library only.

- ``environments``: creates and caches Python environments; ``pythons`` finds their interpreters,
  ``system_libraries`` checks what Blender's wheel needs on Linux.
- ``testing``: runs the suite; ``faults`` runs the fault tests and prints their table;
  ``codings`` reads every audio coding with both Pythons.
- ``checks``: style, spelling, dependencies, types and sizes.
- ``extension``: builds the zip; ``repository`` builds a static repository of it.
- ``demonstration``: makes the demo; ``emotion_sheet`` the sheet of emotions.
- ``benchmarks``: what the add-on costs; ``window``: user sessions in a real window.
- ``reference_pages``: generates docs/protocol.md and docs/python_api.md.
- ``product_commands``: command line of the last four; ``console``: output and processes.
"""
