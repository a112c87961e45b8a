"""Install a GPU runtime: a separate environment with PyTorch, next to Blender's Python. No bpy.

``python -m cstalk_blender.runtime_install --help`` does the same from a terminal.

- ``machine``: detects system, graphics card and driver.
- ``plan``: chooses the build of PyTorch for them; ``sources`` names the kinds of sources.
- ``pythons``: finds an interpreter for the environment.
- ``commands``: runs pip and other commands, and stops them.
- ``packages``: resolves and installs wheels with pip; ``fetch`` downloads them.
- ``steps``: one installation from start to end.
- ``state``: the records of the runtime's folder; ``ownership`` records what the installer created.
- ``runtime_choice``: which Python and engine the next worker process uses.
"""
