"""Read Audio2Face-3D Claire: skin points (Maya cache) solved into ARKit weights by its poses.

``cache/skin/<shot>.xml`` and ``.mc`` (30 fps), ``audio/<shot>.wav``, ``bs_data/bs_skin.npz`` with
``neutral``, ``poseNames``, ``frontalMask`` and an array for each pose. A shot is named
``<text>_<emotion>``. Not turned into channels: the tongue, ``xform/jaw_keypoints_cache_all.npz``
(the skin shows the jaw) and ``xform/eye_rotations_all.npz`` (which eye is first and which way is
positive is not documented); their lengths must fit the skin's where they are there.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...arrays import DoubleArray, FloatArray, IntArray
from ...curves.rig import load_rig
from ...curves.track import CurveTrack
from ...errors import BadCurves
from .catalogue import Corpus
from .clip import FaceClip, SkippedFile
from .emotion_labels import emotion_of, intensity_of
from .files import finite, load_arrays, reading, sound_beside_or_none
from .matching import match_channels
from .maya_cache import read_frames, read_rate

SPEAKER = "claire"
POSES = Path("bs_data") / "bs_skin.npz"
# Lengths are checked although the content is not used: a shot whose parts differ in length is
# broken.
TRANSFORMS = tuple(
    Path("xform") / name for name in ("jaw_keypoints_cache_all.npz", "eye_rotations_all.npz")
)
NEUTRAL = "neutral"
RIDGE = 1e-4
"""Share of the mean diagonal added to the normal equations, so that like poses share a motion."""
SWEEPS = 200
"""Of coordinate descent; the weights of a face no longer change in the fourth decimal."""


@dataclasses.dataclass(frozen=True)
class SkinPoses:
    """The pose basis that turns points into weights."""

    names: tuple[str, ...]
    neutral: FloatArray
    """Points of the masked neutral face, flat, shape (M,)."""
    deltas: FloatArray
    """Shape (poses, M)."""
    mask: IntArray
    points: int
    """Points of the whole skin."""


def find_clips(folder: Path, corpus: Corpus) -> Iterator[FaceClip | SkippedFile]:
    """Yield every skin cache in ``cache/skin`` at or under ``folder``.

    Args:
        folder: Of the corpus.
        corpus: Its entry in the catalogue.
    """
    for path in sorted(p for p in folder.rglob("*.mc") if p.parent.name == "skin"):
        shot, root = path.stem, path.parent.parent.parent
        text, _, word = shot.rpartition("_")
        emotion = emotion_of(word)
        yield FaceClip(
            corpus=corpus.kind,
            clip_id=shot,
            file=path,
            audio=sound_beside_or_none(root / "audio" / shot),
            speaker=SPEAKER,
            # One text may be acted in several emotions.
            sentence=text or shot,
            emotion=emotion,
            intensity=intensity_of(emotion),
            licence=corpus.licence,
            rig=corpus.rig,
            load=functools.partial(read_face, path, root, corpus),
        )


def read_face(path: Path, root: Path, corpus: Corpus) -> CurveTrack:
    """Return the weights of the skin in each frame.

    Audio2Face's pose ``mouthClose`` contains its ``jawOpen``; Apple's does not. The jaw's weight is
    therefore the sum of both.

    Args:
        path: The skin cache.
        root: Folder of the corpus, which holds the poses.
        corpus: Its entry in the catalogue.

    Raises:
        BadCurves: Poses or cache broken or of another mesh, or lengths that differ.
    """
    poses = read_poses(root / POSES)
    columns = match_channels(poses.names, load_rig(corpus.rig))
    fps = read_rate(path.with_suffix(".xml"))
    weights = solve(poses, path)
    for transform in TRANSFORMS:
        _check_length(root / transform, path.stem, len(weights))
    names = load_rig(corpus.rig).channel_names
    place = dict(zip(names, columns, strict=True))
    jaw, close = place.get("jawOpen"), place.get("mouthClose")
    if jaw is not None and close is not None:
        # Clipped at 1: both poses at full weight would open the jaw twice.
        weights[:, jaw] = np.minimum(1.0, weights[:, jaw] + weights[:, close])
    return CurveTrack(weights, poses.names, fps)


# One set of poses a corpus, read once for all shots.
@functools.lru_cache(maxsize=1)
def read_poses(path: Path) -> SkinPoses:
    """Return the poses of ``bs_skin.npz``, stored as displacements or as whole faces.

    Raises:
        BadCurves: Broken, or a pose missing or of another shape.
    """
    head = load_arrays(path, ("poseNames", NEUTRAL, "frontalMask"))
    with reading(path):
        # numpy stores names as bytes or text, depending on who wrote them.
        listed = (n.decode() if isinstance(n, bytes) else n for n in head["poseNames"].tolist())
        names = tuple(str(name) for name in listed if str(name).lower() != NEUTRAL)
        faces = load_arrays(path, names)
        return _skin_poses(names, head, faces)


def _skin_poses(
    names: tuple[str, ...], head: dict[str, NDArray[Any]], faces: dict[str, NDArray[Any]]
) -> SkinPoses:
    neutral, mask = finite(head[NEUTRAL]), head["frontalMask"].astype(np.int64)
    shapes = {face.shape for face in faces.values()} | {neutral.shape}
    if len(shapes) != 1 or neutral.ndim != 2 or neutral.shape[1] != 3 or not len(mask):
        raise BadCurves(f"Poses of shapes {sorted(shapes)} and a mask of {len(mask)} points")
    if mask.min() < 0 or mask.max() >= len(neutral):
        raise BadCurves("The frontalMask points outside the mesh")
    flat = neutral[mask].reshape(-1)
    stacked = finite(np.stack([faces[name][mask].reshape(-1) for name in names]))
    # Stored as faces, the poses are close to the neutral face; stored as displacements, they are
    # not.
    whole_faces = np.linalg.norm(stacked - flat) < np.linalg.norm(stacked)
    # The mask keeps the face's front, as Audio2Face's own solver does.
    deltas = stacked - flat if whole_faces else stacked
    return SkinPoses(names, flat, deltas, mask, len(neutral))


def solve(poses: SkinPoses, cache: Path) -> FloatArray:
    """Return weights whose poses add up to the points best, shape (frames, poses), 0 to 1.

    Args:
        poses: From ``read_poses``.
        cache: The skin cache.

    Raises:
        BadCurves: The cache is broken or of another mesh.
    """
    wanted = []
    for frame in read_frames(cache):
        if len(frame) != poses.points:
            raise BadCurves(f"{len(frame)} points, the poses have {poses.points}")
        # Projected on the poses at once: the points of all frames would fill the memory.
        wanted.append(poses.deltas @ (frame[poses.mask].reshape(-1) - poses.neutral))
    gram = (poses.deltas @ poses.deltas.T).astype(np.float64)
    # Poses such as smile and dimple are nearly parallel; without the ridge their weights would
    # jump.
    gram[np.diag_indices_from(gram)] += RIDGE * float(np.trace(gram)) / len(gram)
    target = np.array(wanted, np.float64).reshape(len(wanted), len(gram))
    return bounded_least_squares(gram, target).astype(np.float32)


def bounded_least_squares(gram: DoubleArray, target: DoubleArray) -> DoubleArray:
    """Minimise x' gram x / 2 - x' target over 0 <= x <= 1, for each row of ``target``.

    Cyclic coordinate descent, which converges for a positive definite ``gram``.

    Args:
        gram: Shape (K, K), positive definite.
        target: Shape (frames, K).

    Returns:
        Shape (frames, K).
    """
    x = np.zeros_like(target)
    for _ in range(SWEEPS):
        before = x.copy()
        for column in range(len(gram)):
            # The gradient along one weight, without its own part.
            pull = target[:, column] - x @ gram[column] + x[:, column] * gram[column, column]
            x[:, column] = np.clip(pull / gram[column, column], 0.0, 1.0)
        # Most frames settle long before the last sweep.
        if np.abs(x - before).max(initial=0.0) < 1e-5:
            break
    return x


def _check_length(path: Path, shot: str, frames: int) -> None:
    if not path.is_file():
        return
    moved = load_arrays(path, (shot,))[shot]
    if moved.shape[:1] != (frames,):
        raise BadCurves(f"{path.name} has shape {moved.shape} for it, the skin {frames} frames")
