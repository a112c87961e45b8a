"""Check the shared libraries that Blender's wheel needs on Linux. Standard library only."""

from __future__ import annotations

import ctypes
import sys

from .console import BuildError

APT_PACKAGES = {
    "libX11.so.6": "libx11-6",
    "libXrender.so.1": "libxrender1",
    "libXxf86vm.so.1": "libxxf86vm1",
    "libXfixes.so.3": "libxfixes3",
    "libXi.so.6": "libxi6",
    "libxkbcommon.so.0": "libxkbcommon0",
    "libgomp.so.1": "libgomp1",
    "libSM.so.6": "libsm6",
    "libGL.so.1": "libgl1",
    "libEGL.so.1": "libegl1",
}
"""Output of ``ldd`` on the bpy wheels 4.2 to 5.2, and EGL, which Workbench opens to render."""


def missing() -> tuple[str, ...]:
    """Return the libraries that the loader does not find; none on macOS and Windows."""
    if not sys.platform.startswith("linux"):
        return ()
    # By loading: file names differ between distributions.
    return tuple(name for name in APT_PACKAGES if not _loads(name))


def require() -> None:
    """Raise BuildError with the apt command when a library is missing."""
    absent = missing()
    if absent:
        packages = " ".join(APT_PACKAGES[name] for name in absent)
        raise BuildError(
            f"Blender needs system libraries that are not installed: {', '.join(absent)}",
            hint=f"sudo apt-get update && sudo apt-get install -y {packages}",
        )


def _loads(name: str) -> bool:
    try:
        # The loader's own search, with its cache and LD_LIBRARY_PATH.
        ctypes.CDLL(name)
    except OSError:
        return False
    return True
