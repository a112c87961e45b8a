"""Animate faces in Blender from speech. Importing the package does not import bpy.

- ``registration``: registers all features, in order, or none.
- ``ui``: operators, panels, properties, preferences.
- ``cli``: the shell command ``blender --command cstalk``.
- ``api``: functions for scripts, which the operators call too.
- ``jobs``: Generate, batch and runtime installation, driven by timers.
- ``direct``: layers over a generated performance.
- ``scene``: audio strips, lines and emotion tracks of scenes.
- ``rig``: from channels to shape keys, bones and drivers; keys, and the check of the result.
- ``demo_head``: a head with all 52 ARKit shape keys.
- ``dialogue``: lines of a batch: cast, layout, emotion keys, worker process.
- ``session``: the worker process and its requests.
- ``runtime_install``: installation of PyTorch in an environment of its own.
- ``package``: location of the add-on, access to ``model_runtime``.
- ``compat``: differences between Blender versions.
- ``lazy``: modules that are read at first use.
- ``errors``, ``text``: errors and texts that users see. ``arrays``: types of numpy arrays.
"""

from __future__ import annotations

import importlib


def register() -> None:
    """Register the add-on; a failing step raises and undoes the steps before it."""
    # Before anything else of the package: modules imported earlier would be read already.
    importlib.import_module(".lazy", __package__).defer_packages()
    importlib.import_module(".registration", __package__).register()


def unregister() -> None:
    """Unregister the add-on and end its worker processes."""
    importlib.import_module(".registration", __package__).unregister()
