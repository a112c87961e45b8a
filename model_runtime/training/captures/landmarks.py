"""Turn filmed landmarks into still heads: decoding, head motion and scale removed, measures.

Axes after ``decode``: the person's left is +x, up is +y, towards the camera is +z. Lengths after
``stabilise`` are in *eyes*: 1 is the distance of the speaker's outer eye corners.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from ...arrays import BoolArray, DoubleArray, IntArray
from ..reference.rig import reference_rig

LIP_LINES: dict[str, tuple[int, ...]] = {
    "outer_upper": (61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291),
    "outer_lower": (61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291),
    "inner_upper": (78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308),
    "inner_lower": (78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308),
}
"""MediaPipe face mesh ids of the lip lines, from the person's right corner to the left one."""
CHIN = (149, 176, 148, 152, 377, 400, 378)
"""The edge of the chin, right to left."""
BROWS = (70, 63, 105, 66, 107, 336, 296, 334, 293, 300)
"""The upper edges of both brows, right to left."""
STILL_POINTS = (33, 133, 362, 263, 168, 6, 197, 195, 5, 4, 98, 327, 10, 151, 9)
# What moves with the jaw or lips is left out, or head motion would take speech away.
"""Points that speech hardly moves: eye corners, bridge and wings of the nose, forehead."""
MIRRORED_STILL = (263, 362, 133, 33, 168, 6, 197, 195, 5, 4, 327, 98, 10, 151, 9)
POSE_SMOOTHING_FRAMES = 1.0
"""Standard deviation of the Gaussian over the still points: heads move slower than lips."""
MEASURES = (
    "gap",
    "width",
    "outer_height",
    "protrusion",
    "brow_inner_left",
    "brow_inner_right",
    "brow_outer_left",
    "brow_outer_right",
    "aperture_left",
    "aperture_right",
)


@dataclasses.dataclass(frozen=True)
class FilmedClip:
    """One film as landmarks."""

    name: str
    fps: float
    points: DoubleArray
    """Shape (frames, landmarks, 3), pixels, person's left / up / towards the camera positive."""
    scores: DoubleArray
    """MediaPipe blend-shape scores 0..1, shape (frames, 52), columns of the reference rig."""
    turns: DoubleArray
    """Head rotation, shape (frames, 3, 3): points of a frontal head times its transpose."""
    lost: BoolArray
    """Frames without a face, shape (frames,)."""


@dataclasses.dataclass(frozen=True)
class Film:
    """All clips of one speaker."""

    landmark_ids: tuple[int, ...]
    clips: tuple[FilmedClip, ...]

    def rows(self, ids: tuple[int, ...]) -> IntArray:
        """Return where the MediaPipe ``ids`` stand on the landmark axis."""
        return np.array([self.landmark_ids.index(number) for number in ids])


def read_film(path: Path) -> Film:
    """Read a ``face_25fps.npz`` (format: ``shared/docs/data.md``); clips sorted by name."""
    with np.load(path) as archive:
        ids = tuple(int(number) for number in archive["landmark_ids"])
        order = _score_columns([str(name) for name in archive["arkit_names"]])
        fps = float(archive["fps"])
        names = sorted(name[3:] for name in archive.files if name.startswith("lm_"))
        clips = []
        for name in names:
            points = decode(archive[f"lm_{name}"])
            flag = f"lost_{name}"
            lost = archive[flag] if flag in archive.files else np.zeros(len(points), bool)
            # Scores are stored in one byte each.
            scores = archive[f"bs_{name}"].astype(np.float64)[:, order] / 255.0
            # A column of -1 picked the last score: it is cleared.
            scores[:, np.array(order) < 0] = 0.0
            turns = archive[f"mat_{name}"][:, :3, :3].astype(np.float64)
            # Bridged, not dropped: frames keep their times.
            clips.append(FilmedClip(name, fps, bridge(points, lost), scores, turns, lost))
    return Film(ids, tuple(clips))


def _score_columns(names: list[str]) -> list[int]:
    wanted = reference_rig().channel_names
    return [names.index(name) if name in names else -1 for name in wanted]


def decode(differences: NDArray[np.int16]) -> DoubleArray:
    """Undo the storage: differences along time in 0.1 px, image axes, to (frames, n, 3) pixels."""
    # The first row holds positions, so the running sum undoes the differences. int32: sums pass the
    # range of int16.
    pixels = np.cumsum(differences, axis=0, dtype=np.int32) / 10.0
    # Image axes point right, down and away.
    flipped: DoubleArray = pixels * np.array([1.0, -1.0, -1.0])
    return flipped


def bridge(values: DoubleArray, lost: BoolArray) -> DoubleArray:
    """Return values with lost frames interpolated from their neighbours.

    Args:
        values: Frames first.
        lost: Which frames, shape (frames,).
    """
    if not lost.any() or lost.all():
        return values
    frames = np.arange(len(values))
    flat = values.reshape(len(values), -1).copy()
    for column in range(flat.shape[1]):
        flat[lost, column] = np.interp(frames[lost], frames[~lost], flat[~lost, column])
    return flat.reshape(values.shape)


def stabilise(film: Film) -> list[DoubleArray]:
    """Return every clip's points on one still, frontal head in eyes, (frames, landmarks, 3).

    Rotation and place are fitted per frame to points that speech hardly moves, the scale per clip
    (camera distance); the head they are fitted to is the speaker's own, made symmetric.
    """
    still = film.rows(STILL_POINTS)
    template = _template(film, still)
    return [_stabilise_clip(clip.points, still, template) for clip in film.clips]


def _template(film: Film, still: IntArray) -> DoubleArray:
    """Return the talker's still points, frontal, symmetric, outer eye corners 1 apart, (n, 3)."""
    heads = []
    for clip in film.clips:
        # The landmarker's rotation serves for the template; single frames are fitted to it below.
        frontal = np.einsum("tki,tij->tkj", clip.points[:, still], clip.turns)[~clip.lost]
        if len(frontal):
            centred = frontal - frontal.mean(axis=1, keepdims=True)
            head = np.median(centred, axis=0)
            heads.append(head / np.linalg.norm(head[0] - head[3]))
    template = np.median(heads, axis=0)
    mirror = [STILL_POINTS.index(number) for number in MIRRORED_STILL]
    # Symmetric: a speaker filmed from a little beside would turn every frame.
    symmetric = 0.5 * (template + template[mirror] * np.array([-1.0, 1.0, 1.0]))
    symmetric -= symmetric.mean(axis=0)
    width = np.linalg.norm(symmetric[0] - symmetric[3])
    return np.asarray(symmetric / width, np.float64)


def _stabilise_clip(points: DoubleArray, still: IntArray, template: DoubleArray) -> DoubleArray:
    anchors = gaussian_filter1d(points[:, still], POSE_SMOOTHING_FRAMES, axis=0, mode="nearest")
    centre = anchors.mean(axis=1, keepdims=True)
    covariance = np.einsum("tki,kj->tij", anchors - centre, template)
    left, strength, right = np.linalg.svd(covariance)
    # Orthogonal Procrustes (Kabsch): without the sign a mirror image could fit better.
    handed = np.sign(np.linalg.det(left) * np.linalg.det(right))
    left[:, :, 2] *= handed[:, None]
    strength[:, 2] *= handed
    turn = left @ right
    spread = ((anchors - centre) ** 2).sum(axis=(1, 2))
    # One scale a clip: a scale per frame would take part of the jaw's motion for distance.
    scale = np.median(strength.sum(axis=1) / spread)
    return np.asarray(np.einsum("tki,tij->tkj", points - centre, turn) * scale, np.float64)


def measure(film: Film, points: DoubleArray) -> DoubleArray:
    """Return face measures of stabilised points, shape (frames, len(MEASURES)), eyes.

    Args:
        film: Names the landmarks.
        points: From ``stabilise``.
    """
    row = {number: i for i, number in enumerate(film.landmark_ids)}

    def height(*ids: int) -> DoubleArray:
        return np.asarray(points[:, [row[number] for number in ids], 1].mean(axis=1))

    def depth(*ids: int) -> DoubleArray:
        return np.asarray(points[:, [row[number] for number in ids], 2].mean(axis=1))

    corners = points[:, row[291], :2] - points[:, row[61], :2]
    columns = {
        "gap": height(13) - height(14),
        "width": np.linalg.norm(corners, axis=1),
        "outer_height": height(0) - height(17),
        "protrusion": depth(0, 13, 14, 17),
        "brow_inner_left": height(336, 285, 296, 295),
        "brow_inner_right": height(107, 55, 66, 65),
        # Means of four landmarks: single ones jitter by a pixel.
        "brow_outer_left": height(300, 293, 276, 283),
        "brow_outer_right": height(70, 63, 46, 53),
        "aperture_left": height(385, 386, 387) - height(380, 374, 373),
        "aperture_right": height(158, 159, 160) - height(153, 145, 144),
    }
    return np.stack([columns[name] for name in MEASURES], axis=1)
