"""Keep what the model predicted for a clip, with and without its emotion, as a few bytes. No bpy.

The bytes are a mark, a format number and a deflated body: the length of a JSON header, the header,
and the values as float16, low bytes before high bytes, which deflates better than whole numbers.
Nothing is unpickled. Ten seconds of 55 channels at 60 frames a second take 91 KB with
both tracks (`demo/speech/hard.flac`, happy).
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
import struct
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..arrays import FloatArray
from ..errors import SessionError
from ..package import layered, phone_track, runtime_errors, track

# Before the deflated body: it tells another file from a damaged one.
MARK = b"CSTKPRD"
FORMAT = 1
LARGEST_BYTES = 512 << 20
"""Of an inflated prediction: an hour of 60 channels at 120 frames a second has 104 MB."""
MOST_CHANNELS = 2048
ID_BYTES = 8
HINT = "Generate the performance again"


class BadPrediction(SessionError):
    """Stored bytes that are no prediction, or a prediction that cannot be stored."""

    code = "bad-prediction"


@dataclasses.dataclass(frozen=True)
class Interval:
    """A word or phone, in seconds of the clip."""

    name: str
    start_s: float
    end_s: float


# By identity: arrays have no single answer to ``==``.
@dataclasses.dataclass(frozen=True, eq=False)
class Prediction:
    """Curves of one clip as the model predicted them, before any direction.

    Values are rounded to float16 when a prediction is made, so that stored and fresh ones are
    equal bit by bit.
    """

    id: str
    """16 hexadecimal digits that depend on the content alone."""
    channels: tuple[str, ...]
    """Names of the rig's channels, then those of the head where it moves."""
    fps: float
    start_s: float
    """Second of the audio file at frame 0."""
    values: FloatArray
    """With emotion, shape (frames, channels); not writable."""
    speech: FloatArray
    """Without emotion, of the same shape; ``values`` itself where there is none."""
    request: dict[str, Any]
    """What the curves were generated with, and what was found in the audio; JSON."""

    @classmethod
    def of(cls, curves: layered.LayeredCurves) -> Prediction:
        """Return the prediction of finished curves.

        Raises:
            BadPrediction: A value is too large for float16, or the request is not JSON.
        """
        full = curves.full
        halves = [_halved(full.values)]
        if curves.has_emotion:
            halves.append(_halved(curves.speech.values))
        return _of_halves(full.channels, full.fps, full.start_s, halves, full.request)

    @property
    def has_emotion(self) -> bool:
        """Return whether emotion and speech are known apart."""
        # The same array stands for "no emotion", which costs no memory.
        return self.speech is not self.values

    @property
    def frame_count(self) -> int:
        """Return the number of frames."""
        return len(self.values)

    @property
    def duration_s(self) -> float:
        """Return the seconds from frame 0 to one frame after the last."""
        return self.frame_count / self.fps

    @property
    def rig(self) -> str:
        """Return the name of the rig definition of the channels; empty where it is not known."""
        return str(self.request.get("rig", ""))

    @property
    def words(self) -> tuple[Interval, ...]:
        """Return the words of the script that were found, in order of time."""
        return _intervals(_script_track(self.request).get("words"))

    @property
    def phones(self) -> tuple[Interval, ...]:
        """Return the phones: those of the script where it was found, else the recognised ones."""
        scripted = _intervals(_script_track(self.request).get("phones"))
        return scripted or _intervals(self.request.get(layered.PHONES))

    def curves(self) -> track.CurveTrack:
        """Return the performance with its emotion, for a bake."""
        return track.CurveTrack(self.values, self.channels, self.fps, self.start_s, self.request)

    def to_bytes(self) -> bytes:
        """Return the prediction for a file; equal predictions give equal bytes."""
        parts = [self.values, self.speech] if self.has_emotion else [self.values]
        halves = [_halved(values) for values in parts]
        body = _body(self.channels, self.fps, self.start_s, halves, self.request)
        return MARK + bytes([FORMAT]) + zlib.compress(body, 6)


def from_bytes(data: bytes) -> Prediction:
    """Read a prediction.

    Raises:
        BadPrediction: The bytes are not what ``Prediction.to_bytes`` writes, or are incomplete.
    """
    if data[: len(MARK)] != MARK:
        raise _bad("they do not begin with CSTalk's mark")
    if data[len(MARK) : len(MARK) + 1] != bytes([FORMAT]):
        raise _bad("their format is not known to this version")
    body = _inflated(data[len(MARK) + 1 :])
    # Little-endian on every machine.
    try:
        (length,) = struct.unpack_from("<I", body)
        header = json.loads(body[4 : 4 + length].decode("ascii"))
        return _read(header, body[4 + length :])
    except (struct.error, ValueError, RecursionError, runtime_errors.RuntimeFault) as error:
        raise _bad(" ".join(str(error).split())[:200]) from error


def _read(header: Any, values: bytes) -> Prediction:
    """Return the prediction of a header and its values.

    Raises:
        ValueError: They do not fit each other.
    """
    if not isinstance(header, dict):
        raise ValueError("the header is no object")
    channels, request = header.get("channels"), header.get("request")
    if not isinstance(channels, list) or not 0 < len(channels) <= MOST_CHANNELS:
        raise ValueError("the channels are no list of names")
    if not all(isinstance(name, str) and 0 < len(name) < 256 for name in channels):
        raise ValueError("a channel has no name")
    if not isinstance(request, dict):
        raise ValueError("the request is no object")
    frames, tracks = header.get("frames"), header.get("tracks")
    # ``type`` instead of ``isinstance``: True would pass as one frame.
    if type(frames) is not int or frames < 1 or tracks not in (1, 2):
        raise ValueError(f"{frames!r:.20} frames in {tracks!r:.20} tracks")
    count = frames * len(channels)
    # Exactly as long: neither cut off nor with something behind.
    if len(values) != 2 * tracks * count:
        raise ValueError(f"{len(values)} bytes for {tracks} tracks of {count} values")
    halves = [
        _from_planes(values[2 * count * k : 2 * count * (k + 1)], len(channels), frames)
        for k in range(tracks)
    ]
    # NaN would spread into the keyframes.
    if not all(np.isfinite(half).all() for half in halves):
        raise ValueError("a value is not finite")
    fps, start_s = _number(header.get("fps")), _number(header.get("start_s"))
    return _of_halves(tuple(channels), fps, start_s, halves, request)


def _of_halves(
    channels: tuple[str, ...],
    fps: float,
    start_s: float,
    halves: list[NDArray[np.float16]],
    request: dict[str, Any],
) -> Prediction:
    body = _body(channels, fps, start_s, halves, request)
    # Of the body before compression, whose bytes depend on the version of zlib.
    identity = hashlib.blake2b(body, digest_size=ID_BYTES).hexdigest()
    values = [half.astype(np.float32) for half in halves]
    for one in values:
        # Read-only, since all users share the arrays.
        one.flags.writeable = False
    track.CurveTrack(values[0], channels, fps, start_s)  # refuses bad names and rates
    return Prediction(identity, channels, fps, start_s, values[0], values[-1], request)


def _body(
    channels: tuple[str, ...],
    fps: float,
    start_s: float,
    halves: list[NDArray[np.float16]],
    request: dict[str, Any],
) -> bytes:
    header: dict[str, Any] = {"channels": channels, "fps": fps, "start_s": start_s}
    header.update(frames=len(halves[0]), tracks=len(halves), request=request)
    try:
        # Sorted and ASCII: the same content gives the same bytes, and so the same id.
        encoded = json.dumps(header, sort_keys=True, allow_nan=False).encode("ascii")
    except (TypeError, ValueError) as error:
        raise BadPrediction(f"The request cannot be stored: {error}", hint=HINT) from error
    return b"".join([struct.pack("<I", len(encoded)), encoded, *map(_planes, halves)])


def _planes(half: NDArray[np.float16]) -> bytes:
    """Return values (frames, channels) channel by channel: all low bytes, then all high bytes."""
    # Channel by channel, since a channel changes little from frame to frame, and the high bytes
    # (sign and exponent) repeat: both help deflate.
    pairs = np.ascontiguousarray(half.T.astype("<f2")).view(np.uint8).reshape(-1, 2)
    return pairs.T.tobytes()


def _from_planes(data: bytes, channels: int, frames: int) -> NDArray[np.float16]:
    pairs = np.frombuffer(data, np.uint8).reshape(2, -1).T
    values = np.ascontiguousarray(pairs).view("<f2").reshape(channels, frames)
    return np.ascontiguousarray(values.T).astype(np.float16)


def _halved(values: NDArray[Any]) -> NDArray[np.float16]:
    # Overflow gives inf, which is refused below with a sentence.
    with np.errstate(over="ignore"):
        half = values.astype(np.float16)
    if not np.isfinite(half).all():
        raise BadPrediction("A curve has values beyond 65504", hint="Check the file of the curves")
    return half


def _inflated(data: bytes) -> bytes:
    unpacker = zlib.decompressobj()
    try:
        # With a limit: deflated zeros grow a thousandfold, and the bytes may come from any file.
        body = unpacker.decompress(data, LARGEST_BYTES)
    except zlib.error as error:
        raise _bad(str(error)) from error
    # Data behind the end would be ignored in silence.
    if not unpacker.eof or unpacker.unused_data:
        raise _bad("they are incomplete or too long")
    return body


def _number(value: Any) -> float:
    # bool is an int in Python.
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{value!r:.20} is not a number")
    return float(value)


def _script_track(request: dict[str, Any]) -> dict[str, Any]:
    whole = request.get(phone_track.PHONE_TRACK)
    if isinstance(whole, dict):  # with the corrections of the user
        return whole
    match = request.get(track.SCRIPT_MATCH)
    found = match.get("track") if isinstance(match, dict) else None
    return found if isinstance(found, dict) else {}


def _intervals(entries: Any) -> tuple[Interval, ...]:
    """Return the well-formed entries ``[name, start_s, end_s, ...]`` of a list."""
    found = []
    for entry in entries if isinstance(entries, list | tuple) else ():
        # Entries of other shapes are skipped: words are for display and for no computation.
        if isinstance(entry, list | tuple) and len(entry) >= 3 and isinstance(entry[0], str):
            times = [t for t in entry[1:3] if isinstance(t, int | float)]
            if len(times) == 2:
                found.append(Interval(entry[0], float(times[0]), float(times[1])))
    return tuple(found)


def _bad(reason: str) -> BadPrediction:
    return BadPrediction(f"The stored prediction cannot be read: {reason}", hint=HINT)
