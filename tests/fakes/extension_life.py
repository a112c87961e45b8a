"""Subscribe to, install, upgrade, disable and uninstall an extension, without a window.

    python extension_life.py SITE OLD_ZIP OLD_INDEX NEW_ZIP NEW_INDEX

Runs in a Python with bpy, with a user folder of its own, and prints what it saw as JSON on its last
line. ``SITE`` is an empty folder that stands for a web server. Imports nothing of ours.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import bpy

REPOSITORY = "our_site"
MODULE = f"bl_ext.{REPOSITORY}.cstalk"
SEED = 4711


def traces() -> dict[str, list[str]]:
    """Return everything that an add-on could leave in Blender, by kind."""
    found: dict[str, list[str]] = {}
    found["classes"] = [name for name in dir(bpy.types) if name.startswith("CSTALK")]
    found["properties"] = [
        f"{kind.__name__}.{name}"
        for kind in (bpy.types.Scene, bpy.types.Object, bpy.types.WindowManager, bpy.types.Key)
        for name in sorted(kind.bl_rna.properties.keys())
        if "cstalk" in name.lower()
    ]
    found["operators"] = dir(bpy.ops.cstalk)
    found["handlers"] = [
        f"{name}: {handler.__module__}"
        for name in dir(bpy.app.handlers)
        if isinstance(handlers := getattr(bpy.app.handlers, name), list)
        for handler in handlers
        if "cstalk" in getattr(handler, "__module__", "")
    ]
    found["menus"] = [
        f"{name}: {draw.__module__}"
        for name in dir(bpy.types)
        if ("_MT_" in name or "_HT_" in name or "_PT_" in name)
        and "draw" in vars(menu := getattr(bpy.types, name))
        for draw in getattr(menu.draw, "_draw_funcs", ())
        if "cstalk" in getattr(draw, "__module__", "")
    ]
    found["threads"] = [thread.name for thread in threading.enumerate() if "cstalk" in thread.name]
    config = bpy.context.window_manager.keyconfigs.addon
    maps = () if config is None else config.keymaps
    found["keys"] = [i.idname for m in maps for i in m.keymap_items if "cstalk" in i.idname]
    addons = sorted(bpy.context.preferences.addons.keys())
    found["preferences"] = [name for name in addons if "cstalk" in name]
    return {kind: names for kind, names in found.items() if names}


def files_of_ours(root: Path) -> list[str]:
    """Return the extension's files in Blender's user folder."""
    return sorted(
        path.relative_to(root).as_posix()
        for path in root.rglob("*")
        if path.is_file() and "cstalk" in path.relative_to(root).as_posix()
    )


def publish(site: Path, archive: str, index: str) -> None:
    """Publish a release on the site."""
    for path in site.iterdir():
        path.unlink()
    shutil.copy(archive, site)
    shutil.copy(index, site / "index.json")


def subscribe(site: Path) -> int:
    """Add the site as a remote repository and return its index among Blender's repositories."""
    bpy.context.preferences.system.use_online_access = True
    repos = bpy.context.preferences.extensions.repos
    repo = repos.new(name="Our site", module=REPOSITORY, remote_url=f"{site.as_uri()}/index.json")
    repo.enabled = True
    repo.use_sync_on_startup = False
    return list(repos).index(repo)


def module_named(name: str) -> object:
    """Return a module of the installed extension."""
    return sys.modules[f"{MODULE}.cstalk_blender.{name}"]


def version() -> str:
    """Return the version of the extension on the disk."""
    manifest = Path(sys.modules[MODULE].__file__).with_name("blender_manifest.toml")
    line = next(x for x in manifest.read_text("utf-8").splitlines() if x.startswith("version"))
    return line.split('"')[1]


def settings_now(user_folder: Path) -> dict[str, object]:
    """Return the settings that an upgrade must keep."""
    preferences = bpy.context.preferences.addons[MODULE].preferences
    return {
        "engine": preferences.engine,
        "seed": bpy.context.scene.cstalk.seed,
        "user_file": (user_folder / "mine.txt").read_text("utf-8")
        if (user_folder / "mine.txt").is_file()
        else None,
    }


def main(site_path: str, old: str, old_index: str, new: str, new_index: str) -> dict[str, object]:
    """Run the whole life of the extension and print what was observed."""
    site, root = Path(site_path), Path(os.environ["BLENDER_USER_RESOURCES"])
    report: dict[str, object] = {"before": traces()}
    publish(site, old, old_index)
    index = subscribe(site)
    step(bpy.ops.extensions.repo_sync, repo_index=index)
    install = {"repo_index": index, "pkg_id": "cstalk", "enable_on_install": True}
    step(bpy.ops.extensions.package_install, **install)
    report["old_version"] = version()
    report["enabled"] = traces()
    user_folder = Path(bpy.utils.extension_path_user(MODULE, create=True))
    (user_folder / "mine.txt").write_text("a preset of mine", encoding="utf-8")
    bpy.context.preferences.addons[MODULE].preferences.engine = "numpy"
    bpy.context.scene.cstalk.seed = SEED
    report["set"] = settings_now(user_folder)

    publish(site, new, new_index)
    step(bpy.ops.extensions.repo_sync, repo_index=index)
    step(bpy.ops.extensions.package_install, **install)
    report["new_version"] = version()
    report["kept"] = settings_now(user_folder)

    bpy.ops.preferences.addon_disable(module=MODULE)
    report["disabled"] = traces()
    bpy.ops.preferences.addon_enable(module=MODULE)
    report["enabled_again"] = traces()
    report["seed_again"] = bpy.context.scene.cstalk.seed
    step(bpy.ops.extensions.package_uninstall, repo_index=index, pkg_id="cstalk")
    report["uninstalled"] = traces()
    report["files_left"] = [
        name for name in files_of_ours(root) if "/.blender_ext/" not in f"/{name}"
    ]
    return report


def step(operator: Callable[..., set[str]], **arguments: object) -> None:
    """Run an operator that must finish."""
    result = operator(**arguments)
    if result != {"FINISHED"}:
        raise RuntimeError(f"{operator} {arguments} gave {result}")


if __name__ == "__main__":
    sys.stdout.write("\n" + json.dumps(main(*sys.argv[1:])) + "\n")
    sys.stdout.flush()
    os._exit(0)  # 4.2's wheel frees Python callbacks after Python has ended, and dies of it
