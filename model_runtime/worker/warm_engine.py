"""Keep an engine loaded between requests and write the curves of each request to a file."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable
from pathlib import Path

from ..checkpoint.folder import CONFIG_NAME, WEIGHTS_NAME, default_checkpoint, load_checkpoint
from ..clip_memory import ClipMemory
from ..curves.file_names import name_problem
from ..curves.formats.registry import write_layered
from ..curves.layered import LayeredCurves
from ..engines.base import Engine, KeepsEncodings
from ..engines.factory import open_engine
from ..errors import BadArgument, BadOutput
from ..generate import Progress, perform, perform_layered
from ..protocol import EmotionKey, Generate, Result

log = logging.getLogger(__name__)

# Also on Windows: no separators, no leading dot.
ENCODINGS_BYTES = 24 << 20
"""Encoder output of about ten minutes, so that another emotion runs the decoder alone."""
SAFE_ID = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}")
"""Ids become file names."""


class WarmEngine:
    """Answers requests with one engine, which is loaded for the first of them."""

    def __init__(self, *, engine: str, device: str, model: str) -> None:
        """Store the settings; nothing is loaded yet.

        Args:
            engine: See ``engines.factory.open_engine``.
            device: See ``engines.factory.open_engine``.
            model: Default checkpoint folder; empty means the shipped one.
        """
        self._engine_name, self._device_name, self._model = engine, device, model
        self._engine: Engine | None = None
        self._key: tuple[object, ...] = ()
        self._memory = ClipMemory()

    def answer(
        self, request: Generate, *, progress: Progress, cancelled: Callable[[], bool]
    ) -> Result:
        """Generate the curves and write them to ``<output_folder>/<id>.npz``.

        Args:
            request: The request; its id becomes the file name.
            progress: Called with the fraction done and the stage.
            cancelled: Checked between windows.

        Raises:
            RuntimeFault: See ``load_checkpoint``, ``open_engine``, ``perform`` and
                ``write_layered``; BadOutput if the output folder is missing.
        """
        started = time.perf_counter()
        target = _target(request)
        # An empty model is the default of this worker.
        engine = self._loaded(request.model or self._model)
        if request.is_layered:
            curves = perform_layered(
                request.performance,
                engine,
                progress=progress,
                cancelled=cancelled,
                memory=self._memory,
            )
        else:
            curves = LayeredCurves.without_layers(
                perform(
                    request.performance,
                    engine,
                    progress=progress,
                    cancelled=cancelled,
                    memory=self._memory,
                )
            )
        track = curves.full
        write_layered(curves, target)
        seconds = time.perf_counter() - started
        frames, channels = track.values.shape
        log.info("%d frames in %.2f s with %s on %s", frames, seconds, engine.name, engine.device)
        return Result(
            id=request.id,
            path=str(target),
            frames=frames,
            channels=channels,
            fps=track.fps,
            seconds=seconds,
            engine=engine.name,
            device=engine.device,
            heard=track.detected_title,
            emotion_keys=tuple(EmotionKey(**key) for key in track.detected_emotion.get("keys", ())),
            note="; ".join(text for text in (engine.note, *track.warnings) if text),
            summary=f"{frames} frames, {channels} channels, {track.duration_s:.1f} s of speech",
        )

    def _loaded(self, model: str) -> Engine:
        """Return the engine of a checkpoint folder, reloaded only when its files have changed."""
        folder = Path(model) if model else default_checkpoint()
        files = [path for name in (CONFIG_NAME, WEIGHTS_NAME) if (path := folder / name).is_file()]
        # Modification times: a checkpoint that was trained again is loaded again.
        key = (str(folder), *(path.stat().st_mtime_ns for path in files))
        if self._engine is None or self._key != key:
            self._memory.clear()  # it belongs to the other checkpoint
            self._engine = None  # free its memory before the next one is loaded
            checkpoint = load_checkpoint(folder)
            self._engine = open_engine(
                checkpoint, engine=self._engine_name, device=self._device_name
            )
            if isinstance(self._engine, KeepsEncodings):
                self._engine.keep_encodings(ENCODINGS_BYTES)
            self._key = key
        return self._engine


def _target(request: Generate) -> Path:
    # An id comes from another process and becomes a file name.
    if not SAFE_ID.fullmatch(request.id) or name_problem(request.id):
        raise BadArgument(
            f"Request id {request.id!r} cannot be a file name", hint="Use letters and digits"
        )
    folder = Path(request.output_folder)
    if not folder.is_dir():
        raise BadOutput(f"Output folder not found: {folder}", hint="Create the output folder first")
    return folder / f"{request.id}.npz"
