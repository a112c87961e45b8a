"""Read and write checkpoint folders: ``config.json`` and ``weights.safetensors``. No torch."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from ..arrays import FloatArray
from ..config import GeneratorConfig, generator_config_from
from ..errors import BadOutput, BadWeights
from ..files import replace_file
from ..protocol import DEFAULT_RIG
from .calibration import calibration_shapes, fold_calibration, split_calibration
from .old_names import renamed
from .safetensors import read_tensors, write_tensors

FORMAT: Final = 2
"""Written. Format 1 is that of version 0.1, which ``old_names`` brings to this one."""
READABLE: Final = (1, 2)
GENERATOR: Final = "generator"
CONFIG_NAME: Final = "config.json"
WEIGHTS_NAME: Final = "weights.safetensors"
WEIGHTS_FOLDER: Final = Path(__file__).resolve().parents[1] / "weights"
DEFAULT_NAME: Final = f"cstalk-{DEFAULT_RIG}"
ACTIVATIONS: Final = ("gelu", "hard_swish")
MAX_CONFIG_BYTES = 1 << 20
MAX_WIDTH = 16_384
"""Far above any layer in use; protects against a corrupt config that asks for all memory."""
# Checked before memory is allocated by the numbers.
MAX_SPECTRUM = 10.0
"""Feature units; speech stays within 2 of the centre, so a larger number is corruption."""
FETCH_HINT = "Download the checkpoint again, or choose another folder with --model"


@dataclasses.dataclass(frozen=True)
class Checkpoint:
    """Configuration and weights of a generator, checked against each other."""

    folder: Path
    config: GeneratorConfig
    tensors: dict[str, FloatArray]
    """Float32 arrays by the names of the torch parameters."""
    training: dict[str, Any]
    """Record of the training run; JSON."""

    @property
    def name(self) -> str:
        """Return the name of the folder."""
        return self.folder.name

    @property
    def parameter_count(self) -> int:
        """Return the number of parameters."""
        return sum(tensor.size for tensor in self.tensors.values())


def default_checkpoint() -> Path:
    """Return the folder of the shipped checkpoint, whether or not it exists."""
    return WEIGHTS_FOLDER / DEFAULT_NAME


def shipped_checkpoints() -> tuple[Path, ...]:
    """Return the folders under ``weights`` with a generator or an unreadable config, by name."""
    paths = sorted(WEIGHTS_FOLDER.glob(f"*/{CONFIG_NAME}"))
    return tuple(path.parent for path in paths if _kind_of(path) in (GENERATOR, ""))


def _kind_of(path: Path) -> str:
    """Return the kind that a config declares; empty if it declares none."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return ""
    return str(data.get("kind", "")) if isinstance(data, dict) else ""


def load_checkpoint(folder: str | Path, *, calibrated: bool = True) -> Checkpoint:
    """Read and check a generator.

    Args:
        folder: Checkpoint folder.
        calibrated: Fold the output calibration, if there is one, into the heads; False leaves it
            out and returns the network as it was trained.

    Raises:
        BadWeights: Not a checkpoint folder, another kind or format, a corrupt or truncated file, a
            digest that does not match, or a tensor that is missing, unknown or of another shape
            than the config requires.
    """
    folder = Path(folder)
    values, tensors, training = read_folder(folder, kind=GENERATOR)
    try:
        config = generator_config_from(values)
        check_config(config)
    except (TypeError, KeyError, ValueError, AttributeError) as error:
        raise BadWeights(f"{folder / CONFIG_NAME} is invalid: {error}", hint=FETCH_HINT) from error
    # Names of version 0.1 first: shapes are listed by today's names.
    tensors = renamed(tensors, config.regions)
    _check_shapes(tensors, _expected_shapes(config, tensors), folder)
    # After the check, so that a calibration of another rig is found too.
    tensors, calibration = split_calibration(tensors)
    if calibrated:
        config, tensors = fold_calibration(config, tensors, calibration)
    return Checkpoint(folder, config, tensors, training)


def save_checkpoint(
    folder: str | Path,
    config: GeneratorConfig,
    tensors: Mapping[str, FloatArray],
    training: dict[str, Any],
    *,
    half: bool = True,
) -> None:
    """Write a generator; each file is replaced atomically, the config last.

    Args:
        folder: Created if missing; its parent must exist.
        config: Configuration that the tensors belong to.
        tensors: Values by the names of the torch parameters.
        training: Record of the training run; JSON.
        half: Store float16, half the size; False stores float32.

    Raises:
        BadOutput: The folder cannot be written.
        BadWeights: The tensors do not match ``config``, or are not finite.
    """
    # Before anything is written: an incomplete checkpoint must not replace a good one.
    _check_shapes(tensors, _expected_shapes(config, tensors), Path(folder))
    values = dataclasses.asdict(config)
    write_folder(Path(folder), GENERATOR, values, tensors, training, half=half)


def read_folder(
    folder: Path, *, kind: str
) -> tuple[dict[str, Any], dict[str, FloatArray], dict[str, Any]]:
    """Read a checkpoint of any kind.

    Args:
        folder: Checkpoint folder.
        kind: Expected kind, such as ``generator``.

    Returns:
        Config, tensors and training record.

    Raises:
        BadWeights: See ``load_checkpoint``.
    """
    path = folder / CONFIG_NAME
    if folder.is_file():
        raise BadWeights(f"{folder} is a file, not a checkpoint folder", hint=FETCH_HINT)
    if not path.is_file():
        raise BadWeights(f"No checkpoint at {folder}: it has no {CONFIG_NAME}", hint=FETCH_HINT)
    try:
        # A config is a few kilobytes; json.loads of a large file could take all memory.
        if path.stat().st_size > MAX_CONFIG_BYTES:
            raise BadWeights(
                f"{path} is too large for a config ({path.stat().st_size} bytes)", hint=FETCH_HINT
            )
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise BadWeights(f"{path} cannot be read: {error}", hint=FETCH_HINT) from error
    if not isinstance(data, dict) or not isinstance(data.get("config"), dict):
        raise BadWeights(f"{path} is not the config of a checkpoint", hint=FETCH_HINT)
    if data.get("format") not in READABLE or data.get("kind") != kind:
        raise BadWeights(
            f"{path} is of format {data.get('format')!r} and kind {data.get('kind')!r}, "
            f"not {FORMAT} and {kind!r}",
            hint="Use a checkpoint made for this version of CSTalk",
        )
    weights = folder / WEIGHTS_NAME
    tensors = read_tensors(weights)
    digest = data.get("sha256")
    # The digest ties both files together: half of an old checkpoint is refused.
    if digest is not None and digest != _sha256(weights):
        raise BadWeights(f"{weights} does not match the digest in {CONFIG_NAME}", hint=FETCH_HINT)
    training = data.get("training")
    return data["config"], tensors, training if isinstance(training, dict) else {}


def write_folder(
    folder: Path,
    kind: str,
    config: dict[str, Any],
    tensors: Mapping[str, FloatArray],
    training: dict[str, Any],
    *,
    half: bool,
) -> None:
    """Write a checkpoint of any kind.

    Args:
        folder: Created if missing; its parent must exist.
        kind: Kind to declare, such as ``generator``.
        config: Configuration; JSON.
        tensors: Values by name.
        training: Record of the training run; JSON.
        half: Store float16 instead of float32.

    Raises:
        BadOutput: The folder cannot be written.
        BadWeights: A value is not finite.
    """
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise BadOutput(
            f"Cannot create {folder}: {error.strerror}", hint="Check the path"
        ) from error
    # Weights first, config last: the config names the digest of the weights.
    write_tensors(folder / WEIGHTS_NAME, tensors, half=half)
    record = {
        "format": FORMAT,
        "kind": kind,
        "sha256": _sha256(folder / WEIGHTS_NAME),
        "config": config,
        "training": training,
    }
    replace_file(folder / CONFIG_NAME, (json.dumps(record, indent=1) + "\n").encode())


def check_config(config: GeneratorConfig) -> None:
    """Raise ValueError if the settings of a generator are inconsistent."""
    channels, regions = len(config.channels), len(config.regions)
    if not channels or len(set(config.channels)) != channels:
        raise ValueError("channels must be named and distinct")
    if len(config.region_of) != channels or set(config.region_of) != set(range(regions)):
        raise ValueError("region_of must assign each channel to a region, and use every region")
    if not config.emotions or not config.phones:
        raise ValueError("emotions and phones must not be empty")
    sizes: tuple[int, ...] = (
        config.hidden,
        config.latent * regions,
        config.emotion_dim,
        config.style_dim,
        config.head_taps,
    )
    if config.encoder is not None:
        sizes = (*sizes, config.encoder.width, config.encoder.layer + 1)
    if config.attention is not None:
        sizes = (*sizes, *dataclasses.astuple(config.attention))
    dilations = (*config.encoder_dilations, *config.decoder_dilations)
    mel = config.features
    windows = (mel.sample_rate, mel.window_samples, mel.hop_samples, mel.mel_bands)
    # bool is an int in Python, which `type(...) is int` excludes.
    for number in (*sizes, *dilations, *windows):
        if type(number) is not int or number < 1:
            raise ValueError(f"{number!r} is not a positive integer")
    if max(*sizes, *dilations, mel.mel_bands) > MAX_WIDTH:
        raise ValueError(f"a layer is wider than {MAX_WIDTH}")
    if type(config.conditioned_heads) is not bool:
        raise ValueError(f"conditioned_heads {config.conditioned_heads!r} is not true or false")
    # Centred: an even number of taps would shift the curves by half a frame.
    if config.head_taps % 2 == 0:
        raise ValueError("head_taps must be odd")
    if config.activation not in ACTIVATIONS:
        raise ValueError(f"activation {config.activation!r} is not one of {ACTIVATIONS}")
    if config.attention is not None and config.hidden % config.attention.heads:
        raise ValueError("hidden must be a multiple of attention.heads")
    spectrum = config.reference_spectrum
    if spectrum and not (
        len(spectrum) == mel.mel_bands and all(abs(level) < MAX_SPECTRUM for level in spectrum)
    ):
        raise ValueError(f"reference_spectrum must be {mel.mel_bands} numbers, or none")
    if mel.fft_samples < mel.window_samples or mel.floor <= 0:
        raise ValueError("the feature window must fit into the FFT, and the floor must be positive")


def generator_shapes(config: GeneratorConfig) -> dict[str, tuple[int, ...]]:
    """Return name and shape of every tensor of ``model.generator.Generator``."""
    width, phones = config.hidden, len(config.phones)
    latents = config.latent * len(config.regions)
    condition = config.condition_width
    shapes: dict[str, tuple[int, ...]] = {}
    shapes["emotion_table"] = (len(config.emotions), config.emotion_dim)

    def convolution(name: str, outputs: int, inputs: int, taps: int) -> None:
        shapes[f"{name}.weight"] = (outputs, inputs, taps)
        shapes[f"{name}.bias"] = (outputs,)

    def attention_block(name: str) -> None:
        assert config.attention is not None
        norm(f"{name}.norm", width)
        convolution(f"{name}.attend", 3 * width, width, 1)
        # One bias a distance, both directions.
        shapes[f"{name}.distance"] = (config.attention.heads, 2 * config.attention.reach + 1)
        convolution(f"{name}.project", width, width, 1)
        norm(f"{name}.feed_norm", width)
        convolution(f"{name}.expand", config.attention.feed_forward, width, 1)
        convolution(f"{name}.contract", width, config.attention.feed_forward, 1)

    def norm(name: str, size: int) -> None:
        shapes[f"{name}.weight"] = shapes[f"{name}.bias"] = (size,)

    convolution("stem_wide", width, config.feature_width, 5)
    if config.encoder is None:
        convolution("stem_down", width, width, 4)
    if config.attention is not None:
        shapes["encoder_offset"] = (width,)
    for i in range(config.attention.layers if config.attention else 0):
        attention_block(f"encoder.{i}")
    for i in range(0 if config.attention else len(config.encoder_dilations)):
        norm(f"encoder.{i}.norm", width)
        convolution(f"encoder.{i}.conv", width, width, 3)
        convolution(f"encoder.{i}.mix", width, width, 1)
    norm("encoder_norm", width)
    convolution("phone_head", phones, width, 1)
    convolution("to_latents", latents, width + phones, 1)
    for i in range(len(config.decoder_dilations)):
        norm(f"decoder.{i}.norm", latents)
        convolution(f"decoder.{i}.conv", latents, latents, 3)
        shapes[f"decoder.{i}.film.weight"] = (2 * latents, condition, 1)
        convolution(f"decoder.{i}.mix", latents, latents, 1)
    norm("decoder_norm", latents)
    for i, region in enumerate(config.regions):
        convolution(
            f"heads.{region}", config.region_of.count(i), config.head_width, config.head_taps
        )
    return shapes


def _expected_shapes(
    config: GeneratorConfig, tensors: Mapping[str, FloatArray]
) -> dict[str, tuple[int, ...]]:
    """Return the shapes of a generator, with those of a calibration where ``tensors`` have one."""
    has_calibration = bool(split_calibration(tensors)[1])
    return generator_shapes(config) | (calibration_shapes(config) if has_calibration else {})


def _check_shapes(
    tensors: Mapping[str, FloatArray], shapes: dict[str, tuple[int, ...]], folder: Path
) -> None:
    for name, shape in shapes.items():
        if name not in tensors:
            raise BadWeights(f"{folder} lacks the tensor {name!r}", hint=FETCH_HINT)
        if tensors[name].shape != shape:
            raise BadWeights(
                f"Tensor {name!r} of {folder} has shape {tensors[name].shape}, not {shape}",
                hint=FETCH_HINT,
            )
    # Unknown tensors mean another architecture, whose output would be wrong without an error.
    unknown = sorted(set(tensors) - set(shapes))
    if unknown:
        raise BadWeights(f"{folder} has the unknown tensor {unknown[0]!r}", hint=FETCH_HINT)


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
