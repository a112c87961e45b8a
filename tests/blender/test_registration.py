"""The add-on comes and goes whole."""

from __future__ import annotations

import subprocess
import sys
import types
from pathlib import Path

import bpy
import pytest

import cstalk_blender
from cstalk_blender import registration
from cstalk_blender.jobs import open_jobs

ROOT = Path(__file__).resolve().parents[2]


def is_there() -> list[bool]:
    """Return for each part of the add-on whether Blender has it."""
    return [
        hasattr(bpy.types.Scene, "cstalk"),
        hasattr(bpy.types, "CSTALK_OT_generate"),
        hasattr(bpy.types, "CSTALK_PT_main"),
        hasattr(bpy.types, "CSTALK_OT_add_demo_head"),
        open_jobs.on_load in bpy.app.handlers.load_pre,
        open_jobs.GENERATE.create is not None,
    ]


def test_register_unregister_register():
    for _ in range(3):
        cstalk_blender.register()
        assert all(is_there())
        cstalk_blender.unregister()
        assert not any(is_there())


def test_second_registration_is_refused_and_harmless(addon):
    with pytest.raises(RuntimeError, match="registered already"):
        cstalk_blender.register()
    assert all(is_there())


def test_unregister_twice_does_nothing():
    cstalk_blender.register()
    cstalk_blender.unregister()
    cstalk_blender.unregister()
    assert not any(is_there())


def test_failing_registration_fails_loudly_and_undoes_itself(monkeypatch):
    class CSTALK_OT_broken(bpy.types.Operator):  # without bl_idname: Blender refuses it
        bl_label = "Broken"
        bl_idname = "not an id"

    feature = types.ModuleType("broken")
    feature.CLASSES = (CSTALK_OT_broken,)
    monkeypatch.setattr(registration, "FEATURES", (*registration.FEATURES, feature))
    with pytest.raises((RuntimeError, ValueError)):
        cstalk_blender.register()
    assert not any(is_there())
    monkeypatch.undo()
    cstalk_blender.register()
    cstalk_blender.unregister()


def test_failing_attach_fails_loudly_and_undoes_the_features_before_it(monkeypatch):
    def attach():
        raise OSError("no room left")

    feature = types.ModuleType("broken")
    feature.attach = attach
    monkeypatch.setattr(registration, "FEATURES", (*registration.FEATURES, feature))
    with pytest.raises(OSError, match="no room left"):
        cstalk_blender.register()
    assert not any(is_there())


def test_every_feature_has_classes_or_both_attach_and_detach():
    for feature in registration.FEATURES:
        has = {name for name in ("CLASSES", "attach", "detach") if hasattr(feature, name)}
        assert has in ({"CLASSES"}, {"attach", "detach"}, {"CLASSES", "attach", "detach"})


def test_every_class_of_ours_has_a_tooltip_and_a_blender_name():
    for cls in registration.classes():
        assert cls.__name__.startswith("CSTALK_")
        assert (cls.__doc__ or "").strip()


def test_scene_settings_explain_themselves(addon):
    properties = bpy.types.Scene.bl_rna.properties["cstalk"].fixed_type.properties
    own = [prop for prop in properties if prop.identifier not in ("rna_type", "name")]
    assert len(own) == 17
    assert all(prop.description for prop in own)
    emotions = properties["emotion"].enum_items
    named = [item for item in emotions if item.identifier]  # the others are separators
    assert len(named) == 15
    assert all(item.description for item in named)


def test_intensity_reaches_one_by_dragging_and_one_and_a_half_by_typing(addon):
    settings = bpy.types.Scene.bl_rna.properties["cstalk"].fixed_type
    intensity = settings.properties["intensity"]
    assert (intensity.soft_min, intensity.soft_max) == (0.0, 1.0)
    assert (intensity.hard_min, intensity.hard_max) == (0.0, 1.5)


RIG = ROOT / "cstalk_blender" / "rig"


def test_enabling_reads_neither_the_rig_nor_the_files_of_a_batch():
    code = (
        "import os, bpy, cstalk_blender, cstalk_blender.lazy as lazy\n"
        "cstalk_blender.register()\n"
        "print(' '.join(sorted(lazy._unread)), flush=True)\n"
        "cstalk_blender.unregister()\n"
        "os._exit(0)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    unread = set(done.stdout.split())
    # From the disk: a package that is added to the rig must be postponed too.
    packages = [f"rig/{path.parent.name}" for path in RIG.glob("*/__init__.py")]
    expected = {
        f"cstalk_blender.{package.replace('/', '.')}.{path.stem}"
        for package in (*packages, "session")
        for path in (ROOT / "cstalk_blender" / package).glob("*.py")
        if not path.name.startswith("__")
    }
    assert len(expected) > 35
    assert expected - unread == set()
    assert "cstalk_blender.dialogue.lines" in unread


def test_light_modules_need_no_blender():
    code = (
        "import sys; sys.modules['bpy'] = None\n"
        "import cstalk_blender, cstalk_blender.package, cstalk_blender.errors\n"
        "import cstalk_blender.session.client, cstalk_blender.rig.mapping.names\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
