"""A stand-in of every family performs without a click as the demo head does, on the mesh."""

from __future__ import annotations

import functools
import sys

import bpy
import numpy as np
import pytest

from cstalk_blender.demo_head import build_demo_head, demo_head_geometry
from cstalk_blender.package import track
from cstalk_blender.rig.binding import targets
from cstalk_blender.rig.drive import mouth
from cstalk_blender.rig.fitting import lips
from cstalk_blender.rig.keys import bake
from cstalk_blender.rig.verify import seal
from cstalk_blender.rig.verify.evaluation import evaluate_mesh
from tests.fakes.faces import ARKIT
from tests.fakes.family_heads import CASES, make_family_head
from tests.fakes.family_names import LISTS

WHOLE_ERROR = 0.03
"""RMS of the motion's error on a face with all 52 channels, part of that of the motion."""
LEAST_LIKENESS = {"VRoid": 0.85, "VRM": 0.85, "MMD": 0.85, "Oculus": 0.85}
"""Correlation of the lip gap with the demo head's where there are only sounds; else `LIKENESS`."""
LIKENESS = 0.95
FPS = 24.0


@functools.cache
def performance() -> track.CurveTrack:
    """Four vowels with closed lips between them; lips, cheeks, eyes and brows join in.

    The lips close as the model closes them: the jaw a little open, mouthClose as far as the jaw.
    """
    times = np.arange(round(2.5 * FPS)) / FPS
    values = {channel: np.zeros(len(times)) for channel in ARKIT}
    speaks = (times > 0.25) & (times < 2.25)
    values["jawOpen"] = speaks * (0.3 + 0.3 * np.sin(np.pi * (times - 0.25) / 0.5) ** 2)
    shut = np.clip(1.8 * np.cos(np.pi * (times - 0.25) / 0.5) ** 2 - 0.8, 0.0, 1.0)
    values["mouthClose"] = shut * values["jawOpen"]
    for number, channel in enumerate(ARKIT):
        if channel in ("jawOpen", "mouthClose", "tongueOut"):
            continue
        middle = 0.5 + 1.5 * number / len(ARKIT)  # away from the closures' ends
        strength = 0.15 if channel.startswith("mouth") else 0.5
        wave = np.exp(-(((times - middle) / 0.15) ** 2))
        values[channel] = strength * wave * (1.0 - shut)
    return track.CurveTrack(np.stack([values[c] for c in ARKIT], axis=1), ARKIT, FPS)


def performed(face: bpy.types.Object) -> np.ndarray:
    """Motion of each vertex of the evaluated mesh at each frame, (frames, V, 3)."""
    scene, count = bpy.context.scene, performance().frame_count
    frames = [evaluate_mesh(face, scene, 1.0 + n)[0] for n in range(count)]
    rest = demo_head_geometry().neutral
    return np.stack(frames) - rest[None]


@functools.cache
def demo_motion() -> np.ndarray:
    """The demo head's, on the evaluated mesh."""
    head = build_demo_head()
    bake.bake_track([head], performance(), start_frame=1, frame_rate=FPS, line="x")
    return performed(head)


def gap_of(motion: np.ndarray) -> np.ndarray:
    """Lip gap in metres at each frame, (frames,)."""
    marks = demo_head_geometry().landmarks
    upper, lower = (marks[f"cstalk_lip_{lip}"][0] for lip in ("upper", "lower"))
    return (motion[:, upper] - motion[:, lower])[:, 2]


def closures_of(gap: np.ndarray) -> lips.Closures:
    return lips.closures(mouth.reference_gap(performance()), lips.relative(gap), FPS)


@pytest.mark.parametrize("case", CASES)
def test_stand_in_of_every_family_performs_as_the_demo_head_does(case):
    wanted = demo_motion()
    face = make_family_head(case)
    covered = len(targets.routing_of(face).channels)
    assert covered == (LISTS[case][2] if case in LISTS else 52)
    report = bake.bake_track([face], performance(), start_frame=1, frame_rate=FPS, line="x")
    assert report.channels == covered
    motion = performed(face)
    error = float(np.sqrt(((motion - wanted) ** 2).sum() / (wanted**2).sum()))
    gap, gap_wanted = gap_of(motion), gap_of(wanted)
    likeness = float(np.corrcoef(gap, gap_wanted)[0, 1])
    opening = float(np.quantile(gap, 0.9) / np.quantile(gap_wanted, 0.9))
    plain, on_demo = closures_of(gap), closures_of(gap_wanted)
    met = plain.met
    if not plain.all_met:
        seal.seal_lips(face, FPS)
        met = closures_of(gap_of(performed(face))).met
    sys.stderr.write(
        f"{case}: {covered} of 52, motion error {100 * error:.1f} % RMS, lip gap likeness "
        f"{likeness:.3f}, opening {opening:.2f} of the demo head's, closures {plain.met} of "
        f"{plain.wanted}, {met} sealed, {on_demo.met} on the demo head\n"
    )
    still = ~demo_head_geometry().deltas.any(axis=(0, 2))
    assert np.abs(motion[:, still]).max() < 1e-5, "a key that stands for nothing is played"
    assert on_demo.wanted >= 3
    assert met >= on_demo.met
    assert likeness > LEAST_LIKENESS.get(case, LIKENESS)
    assert 0.6 < opening < 1.5
    if covered == 52:
        assert error < WHOLE_ERROR
        assert plain.met >= on_demo.met, "all movements are there: no seal is needed"
