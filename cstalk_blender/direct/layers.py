"""Apply the layers of a direction to a prediction, without the model. numpy only.

The layers act in this order; each is left out where it is neutral, so that neutral settings return
the prediction bit by bit:

1. mirror, asymmetry and number of blinks, 2. timing, 3. smoothing, 4. emotion and speech,
5. strength with jaw range, lip tightness and blinks, 6. offset, 7. gain and offset of single
channels, 8. mute and solo, 9. bounds of the rig.

What acts over all regions and on one of them is combined: strengths multiply, offsets and times
add up, smoothings add up as variances, two mirrors cancel. Animated settings hold for the frame in
which they act: timing and smoothing come before them.

A range limits timing, smoothing, emotion, speech, strength, offset and mute of its layer. Layers of
the face, mirror and solo act on the whole clip.
"""

from __future__ import annotations

import dataclasses
import math

import numpy as np
from numpy.typing import NDArray

from ..arrays import FloatArray
from ..package import resample, track
from . import blink_rate, ranges
from .direction import Direction, RegionSettings, Value, is_neutral
from .prediction import Prediction
from .regions import JAW_OPEN, LIPS, MOUTH_CLOSE, REGIONS, ChannelTable, table_of
from .smoothing import keeping_weights, smoothed

WHOLE_FRAME = 1e-6
"""Frames: a shift this near to a whole number is one, because 100 ms are no binary fraction."""
CLOSED_GAP = 0.02
"""Of jawOpen less mouthClose: lips meet under it, as for fitted keys."""
CLOSED_LID = 0.8
"""Of eyeBlink: the lids of a blink are closed above it, as the demo head's are."""


def apply(prediction: Prediction, direction: Direction) -> track.CurveTrack:
    """Return the curves of a prediction as they are directed.

    Args:
        prediction: What the model predicted.
        direction: Its layers; curves in it have one value for each frame of the prediction.

    Returns:
        Curves of the same channels, frames and times, for a bake.

    Raises:
        ValueError: A curve of the direction has another number of frames.
    """
    _check_lengths(direction, prediction.frame_count)
    table = table_of(prediction.rig, prediction.channels)
    stage = _Stage(prediction, direction, table)
    stage.mirror()
    stage.change_blinks()
    # The empty region is that of channels that no region has, which obey the overall settings.
    for region in ("", *REGIONS):
        stage.shape_region(region)
    stage.correct_channels()
    stage.mute()
    return dataclasses.replace(prediction.curves(), values=stage.bounded())


class _Stage:
    """Curves between two layers."""

    def __init__(self, prediction: Prediction, direction: Direction, table: ChannelTable) -> None:
        self.direction, self.table = direction, table
        self.channels, self.fps = prediction.channels, prediction.fps
        self.start_s = prediction.start_s
        self.source = prediction.values
        # Three states: the source for bounds, the mirrored curves with and without emotion, the
        # result.
        self.full, self.speech = prediction.values, prediction.speech
        self.values = prediction.values.copy()
        self.has_emotion = prediction.has_emotion
        # Untouched channels are left out of the bounds, so that they stay bit by bit.
        self.is_changed = np.zeros(len(self.channels), bool)

    def mirror(self) -> None:
        """Exchange left and right, and scale the difference of the halves."""
        mirrored = self._mirrored_columns()
        difference = self.direction.asymmetry
        if not mirrored.any() and is_neutral(difference, 1.0):
            return
        self.full = self._sides(self.full, mirrored, difference)
        self.speech = self._sides(self.speech, mirrored, difference)
        self.values = self.full.copy()
        self.is_changed |= (self.values != self.source).any(0)

    def change_blinks(self) -> None:
        """Remove blinks, or add more; the same ones in speech and emotion."""
        rate, lids = self.direction.blink_rate, self.table.blinks
        if rate == 1 or not len(lids):
            return
        plan = blink_rate.plan_for(self.full[:, lids].mean(1), self.fps, rate)
        self.full = blink_rate.apply(self.full, self.channels, self.fps, plan)
        self.speech = blink_rate.apply(self.speech, self.channels, self.fps, plan)
        self.is_changed |= (self.full != self.values).any(0)
        self.values = self.full.copy()

    def shape_region(self, region: str) -> None:
        """Apply timing, smoothing, emotion, speech, strength and offset to one region."""
        columns = self._columns(region)
        if not len(columns):
            return
        overall, own = self.direction.overall, self.direction.region(region)

        def region_over(base: RegionSettings) -> FloatArray:
            """Return the curves with the layers of the region over those of the face."""
            return ranges.within(
                self._share(own),
                lambda: self._shaped(region, columns, _combined(base, own)),
                lambda: self._shaped(region, columns, base),
            )

        out = ranges.within(
            self._share(overall),
            lambda: region_over(overall),
            lambda: region_over(RegionSettings()),
        )
        # Compared rather than asked: settings may cancel each other.
        if not np.array_equal(out, self.full[:, columns]):
            self.values[:, columns] = out
            self.is_changed[columns] = True

    def _share(self, settings: RegionSettings) -> Value:
        return ranges.share_of(settings, self.start_s, self.fps, len(self.source))

    def _shaped(
        self, region: str, columns: NDArray[np.intp], settings: RegionSettings
    ) -> FloatArray:
        """Return the curves of one region as one set of layers makes them in the whole clip."""
        full, speech = self.full[:, columns], self.speech[:, columns]
        if settings.timing_ms or settings.smoothing_ms:
            keep = self._kept_frames(region)
            full = self._moved(full, keep, settings)
            # Without an emotion both are one array.
            speech = self._moved(speech, keep, settings) if self.has_emotion else full
        out = _mixed(full, speech, settings)
        out = self._strengthened(out, region, columns, settings)
        return self._offset(out, region, columns, settings)

    def correct_channels(self) -> None:
        """Apply gain and offset of single channels."""
        for column, name in enumerate(self.channels):
            settings = self.direction.channels.get(name)
            if settings is None or (settings.gain == 1 and settings.offset == 0):
                continue
            self.values[:, column] *= np.float32(settings.gain)
            self.values[:, column] += np.float32(settings.offset)
            self.is_changed[column] = True

    def mute(self) -> None:
        """Hold muted regions at rest, and those that are not solo where one is."""
        for region in ("", *REGIONS):
            settings, columns = self.direction.region(region), self._columns(region)
            if self.direction.has_solo and not settings.is_solo:
                self.values[:, columns] = 0.0
            for muting in (settings, self.direction.overall):
                if muting.is_muted:
                    self.values[:, columns] *= 1 - _over_time(self._share(muting))

    def bounded(self) -> FloatArray:
        """Return the values, in changed columns within the rig's bounds."""
        columns = np.flatnonzero(self.is_changed)
        if len(columns):
            # Captured curves may lie outside of the bounds; what they reach is allowed.
            low = np.minimum(self.table.low[columns], self.source[:, columns].min(0))
            high = np.maximum(self.table.high[columns], self.source[:, columns].max(0))
            self.values[:, columns] = np.clip(self.values[:, columns], low, high)
        return self.values

    def _columns(self, region: str) -> NDArray[np.intp]:
        if region:
            return self.table.columns[region]
        return np.array([i for i, r in enumerate(self.table.region_of) if not r], np.intp)

    def _mirrored_columns(self) -> NDArray[np.bool_]:
        overall = self.direction.overall.is_mirrored
        regions = [self.direction.region(name).is_mirrored for name in self.table.region_of]
        # Two mirrors cancel, see the module.
        return np.array([one != overall for one in regions], bool)

    def _sides(
        self, values: FloatArray, mirrored: NDArray[np.bool_], difference: Value
    ) -> FloatArray:
        other = values[:, self.table.mirrors] * self.table.signs
        out = np.where(mirrored, other, values)
        if is_neutral(difference, 1.0):
            return out
        other = out[:, self.table.mirrors] * self.table.signs
        # Half of the difference belongs to each side, so that their mean stays.
        half = (out - other) / 2
        sided = out + (_over_time(difference) - 1) * half
        # The head has no halves: its turns are no asymmetry of the face.
        is_face = np.array([r not in ("head", "gaze", "") for r in self.table.region_of])
        return np.where(is_face, sided, out).astype(np.float32)

    def _kept_frames(self, region: str) -> NDArray[np.intp]:
        """Return the frames of closures, of lips or lids, that smoothing must not open."""
        if region in LIPS:
            return closed_lips(self.channels, self.full)
        if region == "eyes" and len(self.table.blinks):
            return np.flatnonzero((self.full[:, self.table.blinks] > CLOSED_LID).any(1))
        return np.zeros(0, np.intp)

    def _moved(
        self, values: FloatArray, keep: NDArray[np.intp], settings: RegionSettings
    ) -> FloatArray:
        """Return values after smoothing and timing; both are linear, so their order is free."""
        sigma = settings.smoothing_ms / 1000 * self.fps
        if sigma:
            weights = keeping_weights(keep, len(values), sigma)[:, None]
            soft = smoothed(values, sigma)
            values = np.where(weights == 1, values, weights * values + (1 - weights) * soft)
            values = values.astype(np.float32)
        return shifted(values, settings.timing_ms / 1000 * self.fps)

    def _strengthened(
        self,
        values: FloatArray,
        region: str,
        columns: NDArray[np.intp],
        settings: RegionSettings,
    ) -> FloatArray:
        direction = self.direction
        if not is_neutral(settings.strength, 1.0):
            values = values * _over_time(settings.strength)
        if region == "jaw" and not is_neutral(direction.jaw_range, 1.0):
            # mouthClose scales with the jaw: closed lips are those that close what the jaw opens.
            is_opening = [self.channels[c] in (JAW_OPEN, MOUTH_CLOSE) for c in columns]
            values = np.where(is_opening, values * _over_time(direction.jaw_range), values)
        if region == "mouth" and not is_neutral(direction.lip_tightness, 0.0):
            gains = self.table.tightness[columns]
            values = values * (1 + _over_time(direction.lip_tightness) * gains)
        if region == "eyes" and not is_neutral(direction.blink, 1.0):
            is_lid = np.isin(columns, self.table.blinks)
            values = np.where(is_lid, values * _over_time(direction.blink), values)
        return values.astype(np.float32, copy=False)

    def _offset(
        self,
        values: FloatArray,
        region: str,
        columns: NDArray[np.intp],
        settings: RegionSettings,
    ) -> FloatArray:
        if not region or is_neutral(settings.offset, 0.0):
            return values
        added = _over_time(settings.offset) * self.table.offsets[columns]
        names = [self.channels[c] for c in columns]
        if region == "jaw" and {JAW_OPEN, MOUTH_CLOSE} <= set(names):
            opening, closing = names.index(JAW_OPEN), names.index(MOUTH_CLOSE)
            jaw, seal = values[:, opening], values[:, closing]
            # The lips follow the jaw by the share in which they are closed: closures stay.
            share = np.clip(seal / np.maximum(jaw, 1e-4), 0, 1)
            values = values + added
            values[:, closing] = np.maximum(seal, share * values[:, opening])
            return values.astype(np.float32)
        return (values + added).astype(np.float32)


def closed_lips(channels: tuple[str, ...], values: FloatArray) -> NDArray[np.intp]:
    """Return the frames in which the lips meet over an open jaw.

    Args:
        channels: Names in column order; without jawOpen and mouthClose there are none.
        values: Shape (frames, channels).
    """
    if not {JAW_OPEN, MOUTH_CLOSE} <= set(channels):
        return np.zeros(0, np.intp)
    jaw = values[:, channels.index(JAW_OPEN)]
    seal = values[:, channels.index(MOUTH_CLOSE)]
    return np.flatnonzero((jaw - seal < CLOSED_GAP) & (seal > CLOSED_GAP))


def shifted(values: FloatArray, frames: float) -> FloatArray:
    """Delay values; the first or last pose fills the gap.

    Args:
        values: Shape (frames, channels).
        frames: Frames of delay; a whole number moves the values bit by bit, others are
            interpolated by a monotone cubic, which never leaves the two values around it.
    """
    if abs(frames) < WHOLE_FRAME:
        return values
    # Whole frames are moved, not interpolated: bit-equal, and a closure of one frame stays.
    whole = round(frames)
    if math.isclose(frames, whole, abs_tol=WHOLE_FRAME):
        return values[np.clip(np.arange(len(values)) - whole, 0, len(values) - 1)]
    return resample.sample(values, np.arange(len(values), dtype=np.float64) - frames)


def _check_lengths(direction: Direction, frames: int) -> None:
    parts = (direction, direction.overall, *direction.regions.values())
    for part in parts:
        for name, value in vars(part).items():
            if isinstance(value, np.ndarray) and value.shape != (frames,):
                raise ValueError(f"{name} has shape {value.shape}, not {(frames,)}")


def _combined(overall: RegionSettings, region: RegionSettings) -> RegionSettings:
    """Return what acts on a region: its own settings under those over all."""
    return RegionSettings(
        strength=overall.strength * region.strength,
        emotion=overall.emotion * region.emotion,
        speech=overall.speech * region.speech,
        offset=overall.offset + region.offset,
        # Gaussians in a row add their variances.
        smoothing_ms=math.hypot(overall.smoothing_ms, region.smoothing_ms),
        timing_ms=overall.timing_ms + region.timing_ms,
    )


def _mixed(full: FloatArray, speech: FloatArray, settings: RegionSettings) -> FloatArray:
    """Return speech and what the emotion adds to it, each by its strength."""
    emotion, spoken = settings.emotion, settings.speech
    if is_neutral(emotion, 1.0) and is_neutral(spoken, 1.0):
        return full
    # The stored speech itself, bit by bit, where the emotion is taken away.
    if is_neutral(emotion, 0.0) and is_neutral(spoken, 1.0):
        return speech
    mixed: FloatArray = _over_time(spoken) * speech + _over_time(emotion) * (full - speech)
    return mixed.astype(np.float32, copy=False)


def _over_time(value: Value) -> FloatArray | np.float32:
    """Return a setting so that it multiplies values of shape (frames, channels)."""
    return value[:, None] if isinstance(value, np.ndarray) else np.float32(value)
