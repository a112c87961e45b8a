"""What a run hears: log-mel, or a pretrained speech encoder whose features are cached beside it."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import torch

from ...arrays import FloatArray, HalfArray
from ...audio.equalisation import mean_spectrum
from ...audio.store import level_gain, load_speech
from ...config import EncoderConfig, GeneratorConfig
from ...engines.device import pick_device
from ...engines.torch_encoder import CONFIG_NAME, SpeechEncoder, describe_encoder
from ...errors import BadArgument, EngineUnavailable
from ..preparation.clip_task import Job
from ..preparation.items import at_speed
from ..preparation.nonspeech import nonspeech_clips
from ..settings import EncoderSettings, Settings, generator_config
from .cache import Cache, Entry, cut, has_features, read_cache, write_features
from .loading import load_caches

COLOUR_CLIPS = 100
"""Clips of each corpus whose mean is its colour."""
FETCHED = ("config.json", "preprocessor_config.json", "model.safetensors")
"""Files of a repository on the hub that are wanted: no code and no pickles."""


def heard(settings: Settings) -> tuple[GeneratorConfig, list[Cache]]:
    """The generator's configuration and the caches with what it hears.

    A generator that starts from another keeps that one's colour; any other takes the caches'.

    Raises:
        BadArgument, BadWeights: See ``generator_config``, ``load_caches``, ``fetched_encoder``.
    """
    if settings.encoder is None:
        config, caches = generator_config(settings), load_caches(settings)
        if not config.reference_spectrum:
            config = dataclasses.replace(config, reference_spectrum=usual_colour(caches))
        return config, caches
    encoder = fetched_encoder(settings.encoder)
    caches = load_caches(settings, encoder=encoder_key(encoder))
    return generator_config(settings, encoder=encoder), caches


def usual_colour(caches: Sequence[Cache]) -> tuple[float, ...]:
    """Mean colour of the speech to learn from, every corpus counting once; empty without any.

    Returns:
        One number a mel band, feature units (``colour.mean_spectrum``).
    """
    means = []
    for cache in caches:
        entries = [e for e in cache.entries if e.split == "train" and e.supervision != "still"]
        found = [
            mean_spectrum(cut(cache, entry, 0, entry.frames).features.astype(np.float32))
            for entry in entries[:: max(1, len(entries) // COLOUR_CLIPS)]
        ]
        frames = [loud for _, loud in found]
        if any(frames):
            means.append(np.average([colour for colour, _ in found], axis=0, weights=frames))
    if not means:
        return ()
    return tuple(round(float(level), 4) for level in np.mean(means, axis=0))


def encoder_key(encoder: EncoderConfig) -> str:
    """Short name of an encoder and layer, for files."""
    return f"{encoder.kind}-{encoder.sha256[:12]}-{encoder.layer}"


def fetched_encoder(settings: EncoderSettings) -> EncoderConfig:
    """The encoder in its folder, fetched from the hub first where that is allowed.

    Raises:
        BadArgument: No folder is named, or it is empty and nothing may be fetched.
        BadWeights: What is there is no such encoder.
        EngineUnavailable: ``huggingface_hub`` is needed and not installed.
    """
    if settings.folder is None:
        raise BadArgument("[encoder] names no folder", hint='Add folder = "..."')
    if not (settings.folder / CONFIG_NAME).is_file():
        if not settings.hub:
            raise BadArgument(
                f"No speech encoder in {settings.folder}",
                hint="Put config.json and model.safetensors of wav2vec 2.0, HuBERT or WavLM there",
            )
        if not settings.allow_download:
            raise BadArgument(
                f"No speech encoder in {settings.folder}, and nothing is fetched without leave",
                hint=f"Set allow_download = true to get {settings.hub} from huggingface.co",
            )
        _fetch(settings.hub, settings.folder)
    return describe_encoder(settings.folder, settings.layer)


def write_heard(
    folder: Path,
    jobs: Sequence[Job],
    encoder: EncoderConfig,
    *,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Cache what the encoder hears in every item of the cache ``folder``, unless it is there.

    Args:
        folder: A finished cache.
        jobs: What it was made of; none for sounds that are no speech, which are made again.
        encoder: See ``fetched_encoder``.
        progress: Told items done and their number.
    """
    key = encoder_key(encoder)
    if has_features(folder, key):
        return
    cache = read_cache(folder)
    ear = SpeechEncoder(encoder, Path(encoder.folder), torch.device(pick_device("auto").kind))

    def items() -> Iterator[HalfArray]:
        sounds = _sounds(cache, jobs)
        for done, (entry, samples) in enumerate(zip(cache.entries, sounds, strict=True), 1):
            yield _heard_item(ear, entry, samples)
            if progress is not None:
                progress(done, len(cache.entries))

    write_features(folder, key, items())


def _heard_item(ear: SpeechEncoder, entry: Entry, samples: FloatArray) -> HalfArray:
    levelled = samples * np.float32(level_gain(samples))
    read = functools.partial(_part, levelled)
    return ear.extract_features(read, len(levelled), first_frame=0, frames=entry.frames).astype(
        np.float16
    )


def _part(samples: FloatArray, first: int, count: int) -> FloatArray:
    return samples[first : first + count]


def _sounds(cache: Cache, jobs: Sequence[Job]) -> Iterator[FloatArray]:
    """Samples of each entry, as they were when it was cached."""
    if not jobs:
        count = len(cache.entries)
        for _, samples in nonspeech_clips(int(cache.note["seed"]), count):
            yield samples
        return
    paths = {job.clip.key: job.clip.path for job in jobs}
    for entry in cache.entries:
        samples = load_speech(paths[entry.clip]).samples
        yield at_speed(samples, (), entry.speed)[0]


def _fetch(name: str, folder: Path) -> None:
    try:
        from huggingface_hub import snapshot_download
    except ImportError as error:
        raise EngineUnavailable(
            f"Fetching {name} needs huggingface_hub", hint="pip install transformers"
        ) from error
    folder.mkdir(parents=True, exist_ok=True)
    try:
        snapshot_download(name, local_dir=str(folder), allow_patterns=list(FETCHED))
    except (OSError, ValueError) as error:
        raise BadArgument(f"{name} cannot be fetched: {error}", hint="Check the name") from error
