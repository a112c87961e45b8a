"""Build small wheels that stand in for large ones."""

from __future__ import annotations

import base64
import hashlib
import zipfile
from collections.abc import Mapping
from pathlib import Path


def make_wheel(
    folder: Path,
    name: str,
    version: str,
    files: Mapping[str, bytes],
    requires: tuple[str, ...] = (),
) -> Path:
    """Build a pure wheel with ``files`` (path in site-packages to contents)."""
    info = f"{name}-{version}.dist-info"
    metadata = [f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}"]
    metadata += [f"Requires-Dist: {requirement}" for requirement in requires]
    contents = {
        **files,
        f"{info}/METADATA": ("\n".join(metadata) + "\n").encode(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\n"
        b"Tag: py3-none-any\n",
    }
    record = [f"{path},sha256={_digest(data)},{len(data)}" for path, data in contents.items()]
    contents[f"{info}/RECORD"] = "\n".join([*record, f"{info}/RECORD,,", ""]).encode()
    path = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name_inside, data in contents.items():
            archive.writestr(name_inside, data)
    return path


def make_torch(folder: Path, version: str, packages: Path, *, padding: int = 0) -> list[Path]:
    """Build wheels of torch and numpy that lead to the real ones in ``packages``."""
    way = f"{packages}\n".encode()
    weight = bytes(range(256)) * (padding // 256)
    return [
        make_wheel(
            folder, "torch", version, {"torch_way.pth": way, "torch_weight.bin": weight}, ("numpy",)
        ),
        make_wheel(folder, "numpy", "99.0", {"numpy_way.pth": way}),
    ]


def make_broken_torch(folder: Path, version: str, packages: Path, message: str) -> list[Path]:
    """Build a torch that raises when it is imported, and a numpy that leads to the real one."""
    code = f"raise ImportError({message!r})\n".encode()
    way = f"{packages}\n".encode()
    return [
        make_wheel(folder, "torch", version, {"torch/__init__.py": code}, ("numpy",)),
        make_wheel(folder, "numpy", "99.0", {"numpy_way.pth": way}),
    ]


def _digest(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
