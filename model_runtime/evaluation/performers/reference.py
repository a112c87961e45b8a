"""Perform with the label rules of training, given the true phones of a clip.

The reference of jitter, co-movement and emotion, and a column of the table: from audio alone a
network can hardly do better than the targets that it was taught.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import torch

from ...arrays import FloatArray
from ...audio.store import load_speech
from ...choices import EMOTIONS
from ...config import GeneratorConfig
from ...curves.resample import resample_speech
from ...curves.track import CurveTrack
from ...emotion.keys import emotion_weights
from ...postprocess.finish import LIP_REGIONS
from ...protocol import EmotionKey
from ...style import style_noise
from ...training.preparation.items import AUX, Item, make_item
from ...training.reference.articulation import CALIBRATED, load_articulation
from ...training.reference.motion import Script, act
from ...training.reference.rig import reference_rig
from ..data.clips import SpokenClip
from .base import EVALUATION_FPS, Direction


class ReferencePerformer:
    """Performs the clips it is given; a path it does not know raises KeyError.

    Args:
        clips: Clips with their phones.
    """

    name = "labels, true phones"

    def __init__(self, clips: Iterable[SpokenClip]) -> None:
        # By path: the measures know clips by their audio.
        self._clips = {clip.path: clip for clip in clips}
        self._items: dict[Path, Item] = {}
        self._config = GeneratorConfig()
        self._articulation = load_articulation(CALIBRATED)

    def perform(self, path: Path, direction: Direction) -> CurveTrack:
        """Return label curves at ``EVALUATION_FPS``; see ``Performer.perform``.

        Args:
            path: Of a clip that was given.
            direction: Emotion and seed; nothing is added after the labels.
        """
        item = self._item(path)
        frames, rate = len(item.mouth), self._config.frame_rate
        key = EmotionKey(0.0, direction.emotion, direction.intensity)
        emotion = emotion_weights(
            [key], emotions=EMOTIONS, frame_rate=rate, first_frame=0, frames=frames
        )
        style = style_noise(
            direction.seed,
            channels=self._config.style_dim,
            frame_rate=rate,
            first_frame=0,
            frames=frames,
        )
        # No gradients: this is not training.
        with torch.no_grad():
            curves = act(_script(item), _batch(emotion), _batch(style))[0].numpy()
        track = CurveTrack(curves, _channels(), rate)
        return resample_speech(
            track,
            EVALUATION_FPS,
            # As many frames as a performance has, so that both can be subtracted.
            frames=round(frames * EVALUATION_FPS / rate),
            lip_columns=_lip_columns(),
        )

    def _item(self, path: Path) -> Item:
        if path not in self._items:
            samples = load_speech(path).samples
            phones = self._clips[path].phones
            self._items[path] = make_item(
                samples, phones, self._articulation, self._config.features
            )
        return self._items[path]


def _channels() -> tuple[str, ...]:
    return reference_rig().channel_names


def _batch(values: FloatArray) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(values, np.float32))[None]


def _script(item: Item) -> Script:
    aux = {name: _batch(item.aux[:, i].astype(np.float32)) for i, name in enumerate(AUX)}
    return Script(mouth=_batch(item.mouth.astype(np.float32)), **aux)


def _lip_columns() -> list[int]:
    channels = reference_rig().channels
    # Lips are resampled with their closures kept (curves/resample.py).
    return [i for i, channel in enumerate(channels) if channel.region in LIP_REGIONS]
