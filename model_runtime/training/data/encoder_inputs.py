"""Load the inputs of a training: log-mel, or cached features of a pretrained speech encoder."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import torch

from ...arrays import FloatArray, HalfArray
from ...audio.equalisation import mean_spectrum
from ...audio.level import level_gain
from ...audio.store import load_speech
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

SPECTRUM_CLIPS = 100
"""Clips of each corpus that its mean spectrum is computed from."""
FETCHED = ("config.json", "preprocessor_config.json", "model.safetensors")
"""Files that are downloaded from the hub: no code and no pickles."""


def load_training_inputs(settings: Settings) -> tuple[GeneratorConfig, list[Cache]]:
    """Return the generator's configuration and the caches with its inputs.

    A fine-tuned generator keeps the reference spectrum of the first; any other takes the caches'.

    Raises:
        BadArgument, BadWeights: See ``generator_config``, ``load_caches``, ``fetched_encoder``.
    """
    if settings.encoder is None:
        config, caches = generator_config(settings), load_caches(settings)
        if settings.equalise and not config.reference_spectrum:
            # A fine-tuned generator keeps the spectrum its weights were trained with.
            config = dataclasses.replace(config, reference_spectrum=training_spectrum(caches))
        return config, caches
    encoder = fetched_encoder(settings.encoder)
    caches = load_caches(settings, encoder=encoder_key(encoder))
    return generator_config(settings, encoder=encoder), caches


def training_spectrum(caches: Sequence[Cache]) -> tuple[float, ...]:
    """Return the mean spectrum of the training speech, each corpus once; empty without any.

    Returns:
        One number per mel band, feature units (``audio.equalisation.mean_spectrum``).
    """
    means = []
    for cache in caches:
        entries = [e for e in cache.entries if e.split == "train" and e.supervision != "still"]
        found = [
            mean_spectrum(cut(cache, entry, 0, entry.frames).features.astype(np.float32))
            # Evenly spaced, so that long corpora cost no more than short ones.
            for entry in entries[:: max(1, len(entries) // SPECTRUM_CLIPS)]
        ]
        frames = [loud for _, loud in found]
        if any(frames):
            # Weighted by speech frames within a corpus; corpora count alike, whatever their length.
            means.append(np.average([colour for colour, _ in found], axis=0, weights=frames))
    if not means:
        return ()
    # Four digits: the numbers are stored in the checkpoint's JSON.
    return tuple(round(float(level), 4) for level in np.mean(means, axis=0))


def encoder_key(encoder: EncoderConfig) -> str:
    """Return a short name of an encoder and layer, for files."""
    # The checksum is part of the name: features of other weights are not taken by mistake.
    return f"{encoder.kind}-{encoder.sha256[:12]}-{encoder.layer}"


def fetched_encoder(settings: EncoderSettings) -> EncoderConfig:
    """Return the encoder in its folder, downloaded from the hub first where that is allowed.

    Raises:
        BadArgument: No folder is named, or it is empty and downloads are not allowed.
        BadWeights: The folder holds no such encoder.
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
        # Nothing is downloaded unless the settings say so (docs/training.md).
        if not settings.allow_download:
            raise BadArgument(
                f"No speech encoder in {settings.folder}, and downloads are not allowed",
                hint=f"Set allow_download = true to get {settings.hub} from huggingface.co",
            )
        _fetch(settings.hub, settings.folder)
    return describe_encoder(settings.folder, settings.layer)


def write_encoder_features(
    folder: Path,
    jobs: Sequence[Job],
    encoder: EncoderConfig,
    *,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Cache the encoder's features of every item of the cache ``folder``, unless they are there.

    Args:
        folder: A finished cache.
        jobs: It was made of; none for non-speech, which is synthesised again.
        encoder: See ``fetched_encoder``.
        progress: Called with items done and items in all.
    """
    key = encoder_key(encoder)
    if has_features(folder, key):
        return
    cache = read_cache(folder)
    speech_encoder = SpeechEncoder(
        encoder, Path(encoder.folder), torch.device(pick_device("auto").kind)
    )

    def items() -> Iterator[HalfArray]:
        # The cache's own order and speeds: the features lie next to its other arrays, frame by
        # frame.
        sounds = _samples_of(cache, jobs)
        for done, (entry, samples) in enumerate(zip(cache.entries, sounds, strict=True), 1):
            yield _encoder_item(speech_encoder, entry, samples)
            if progress is not None:
                progress(done, len(cache.entries))

    write_features(folder, key, items())


def _encoder_item(encoder: SpeechEncoder, entry: Entry, samples: FloatArray) -> HalfArray:
    # Levelled as for log-mel, so that training and inference see the same loudness.
    levelled = samples * level_gain(samples)
    read = functools.partial(_part, levelled)
    return encoder.extract_features(read, len(levelled), first_frame=0, frames=entry.frames).astype(
        np.float16
    )


def _part(samples: FloatArray, first: int, count: int) -> FloatArray:
    return samples[first : first + count]


def _samples_of(cache: Cache, jobs: Sequence[Job]) -> Iterator[FloatArray]:
    """Yield the samples of each entry, as they were when it was cached."""
    if not jobs:
        count = len(cache.entries)
        # Non-speech is not kept as sound: the same seed gives it again.
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
            f"Downloading {name} needs huggingface_hub", hint="pip install transformers"
        ) from error
    folder.mkdir(parents=True, exist_ok=True)
    try:
        # Weights as safetensors only: a pickle could run code.
        snapshot_download(name, local_dir=str(folder), allow_patterns=list(FETCHED))
    except (OSError, ValueError) as error:
        raise BadArgument(f"Cannot download {name}: {error}", hint="Check the name") from error
