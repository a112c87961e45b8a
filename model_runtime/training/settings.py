"""Read the settings of a training from a TOML file (docs/training.md)."""

from __future__ import annotations

import dataclasses
import tomllib
from pathlib import Path
from typing import Any

from ..checkpoint.folder import check_config, default_checkpoint, load_checkpoint
from ..config import AttentionConfig, GeneratorConfig
from ..curves.rig import RigDefinition, load_rig
from ..errors import BadArgument
from ..protocol import DEFAULT_RIG
from .data.acoustic_batches import DrawSettings
from .stages.acoustic import AcousticSettings
from .stages.loss_weights import LossWeights
from .stages.run import StageSettings
from .teacher.probe import ProbeSettings


@dataclasses.dataclass(frozen=True)
class FaceCorpus:
    """Recorded faces with audio: a table ``[[faces]]`` of the file."""

    kind: str
    """A kind of ``corpora.reading.corpus_kinds``."""
    folder: Path
    name: str = ""
    """Of its cache and its sampling weight; empty takes the kind."""
    by_speaker: bool = True
    """False keeps only sentences apart in the splits: for the takes of one actor."""
    unknown_emotion: str = "neutral"
    """Emotion of clips whose corpus names none; empty leaves such clips out."""
    language: str = ""
    """Code as ``en`` or ``de``: clips with words are aligned, which sharpens the lips. Empty: not.
    """

    @property
    def title(self) -> str:
        """Name of its cache."""
        return self.name or self.kind


@dataclasses.dataclass(frozen=True)
class EncoderSettings:
    """The table ``[encoder]``: a pretrained speech encoder in place of log-mel."""

    folder: Path | None = None
    """Folder of its ``config.json`` and weights, or to download them into."""
    hub: str = ""
    """Its name on the Hugging Face hub, as ``facebook/wav2vec2-base``."""
    allow_download: bool = False
    """Download ``hub`` into ``folder`` where it is missing. Nothing is downloaded otherwise."""
    layer: int = 6
    """Layer whose hidden states are used: middle layers represent phones best."""


@dataclasses.dataclass(frozen=True)
class CalibrationSettings:
    """Fit of the output calibration: the section ``[calibration]``."""

    steps: int = 240
    batches: int = 16
    """Batches of the dev split, each as large as the generator's."""
    learning_rate: float = 0.01
    pull: float = 0.05
    """Weight of the squared distance from the identity."""
    gain_range: tuple[float, float] = (0.8, 1.3)
    most_bias: float = 0.05
    most_mixing: float = 0.15
    """Largest share that a channel takes from another of its region."""
    seed: int = 11


@dataclasses.dataclass(frozen=True)
class TeacherSettings(ProbeSettings):
    """The table ``[teacher]``: a Whisper encoder that labels speech, where it is installed."""

    folder: Path | None = None
    """Where its package was installed with ``pip install --target``; None looks in this Python."""
    aligned: tuple[str, ...] = ("librispeech_mini",)
    """Corpora that pocketsphinx aligns for the probe."""
    processes: int = 1
    start: bool = True
    """Start the encoder from the teacher's first layers."""


_TEACHER, _DRAW, _ACOUSTIC = TeacherSettings(), DrawSettings(), AcousticSettings()
_GENERATOR = StageSettings(learning_rate=1.2e-3)
_CORRELATION = StageSettings(steps=1500, learning_rate=6e-4, clips=32, evaluate_every=0)


@dataclasses.dataclass(frozen=True)
class Settings:
    """All settings of a training."""

    data: Path
    """Folder with ``speech`` and ``capture`` (docs/training.md)."""
    work: Path
    """Folder for alignments, caches and unfinished runs."""
    runs: str = "runs"
    """Folder in ``work`` of unfinished runs and trained networks."""
    rig: str = DEFAULT_RIG
    corpora: dict[str, float] = dataclasses.field(default_factory=dict)
    """Sampling weight of corpora; 1 when not named, 0 leaves one out."""
    teacher: TeacherSettings = _TEACHER
    draw: DrawSettings = _DRAW
    acoustic: AcousticSettings = _ACOUSTIC
    generator: StageSettings = _GENERATOR
    correlation: StageSettings = _CORRELATION
    loss: LossWeights = dataclasses.field(default_factory=LossWeights)
    calibration: CalibrationSettings = CalibrationSettings()
    start_from: Path | None = None
    """Checkpoint folder to fine-tune from; its shape is taken over."""
    keep: float = 0.0
    """Fine-tuning: weight of keeping the effect of emotions as it is in ``start_from``."""
    faces: tuple[FaceCorpus, ...] = ()
    nonspeech: int = 600
    """Number of non-speech clips to synthesise, 6 s each."""
    equalise: bool = True
    """Bring the spectrum of inputs half way to the mean spectrum of the training speech."""
    model: dict[str, Any] = dataclasses.field(default_factory=dict)
    """Fields of ``GeneratorConfig`` (hidden, latent, ...) other than by default."""
    encoder: EncoderSettings | None = None

    @property
    def results(self) -> Path:
        """Folder of unfinished runs and trained networks."""
        return self.work / self.runs


_SECTIONS: dict[str, Any] = {
    "teacher": Settings.teacher,
    "draw": Settings.draw,
    "acoustic": Settings.acoustic,
    "generator": Settings.generator,
    "correlation": Settings.correlation,
    "loss": LossWeights(),
    "calibration": CalibrationSettings(),
    "encoder": EncoderSettings(),
}
SHIPPED = "shipped"
"""Value of ``start_from`` for the weights that come with the extension."""
SHAPE = (
    *("hidden", "encoder_dilations", "latent", "decoder_dilations", "emotion_dim", "style_dim"),
    *("features", "reference_spectrum", "head_taps", "conditioned_heads"),
    *("activation", "attention"),
)
"""Fields of a checkpoint's config that a fine-tuned one shares."""


def read_settings(path: Path) -> Settings:
    """Read a TOML file; relative paths in it are relative to the file.

    Raises:
        BadArgument: Not TOML, an unknown key, or a value of the wrong type.
    """
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    # TOML errors name their line.
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise BadArgument(f"Cannot read {path}: {error}", hint="See docs/training.md") from error
    # Relative to the file, so that a settings file can be moved with its data.
    here = path.resolve().parent
    try:
        for name, default in _SECTIONS.items():
            if name in data:
                # Unknown keys raise TypeError in the dataclass: that is how they are refused.
                data[name] = dataclasses.replace(default, **_with_tuples(data[name]))
        if data.get("start_from") == SHIPPED:
            data["start_from"] = default_checkpoint()
        for name in ("data", "work", "start_from"):
            if name in data:
                # `here / absolute` is the absolute path.
                data[name] = here / Path(data[name]).expanduser()
        data.setdefault("data", here)
        data["faces"] = tuple(_face_corpus(here, table) for table in data.get("faces", ()))
        for name in ("encoder", "teacher"):
            if name in data and data[name].folder is not None:
                folder = here / Path(data[name].folder).expanduser()
                data[name] = dataclasses.replace(data[name], folder=folder)
        return Settings(**data)
    except TypeError as error:
        raise BadArgument(f"{path}: {error}", hint="See docs/training.md for the keys") from error


def _with_tuples(table: dict[str, Any]) -> dict[str, Any]:
    # Frozen settings are compared and hashed; lists are neither.
    return {k: tuple(v) if isinstance(v, list) else v for k, v in table.items()}


def _face_corpus(here: Path, table: dict[str, Any]) -> FaceCorpus:
    return FaceCorpus(**{**table, "folder": here / Path(table["folder"]).expanduser()})


def generator_config(settings: Settings, **changes: Any) -> GeneratorConfig:
    """Return the configuration of the generator over the channels of the rig.

    Its shape is that of ``start_from`` where there is one, else the default; changed by ``[model]``
    and ``changes``.

    Raises:
        BadArgument: ``[model]`` has an unknown field or numbers that do not belong together.
        BadWeights: ``start_from`` is no checkpoint.
    """
    rig = load_rig(settings.rig)
    given = {k: tuple(v) if isinstance(v, list) else v for k, v in settings.model.items()}
    if settings.start_from is not None:
        # Without its calibration: training starts from what the network itself puts out.
        taken = load_checkpoint(settings.start_from, calibrated=False).config
        changes = {name: getattr(taken, name) for name in SHAPE} | changes
    try:
        attention: Any = given.get("attention")
        # TOML gives a table as a dict.
        if isinstance(attention, dict):
            given["attention"] = AttentionConfig(**attention)
        # [model] wins over the checkpoint's shape.
        config = _over_rig(rig, {**changes, **given})
        # Checked before caches are read or a network is made.
        check_config(config)
    except (TypeError, ValueError) as error:
        raise BadArgument(f"[model]: {error}", hint="See docs/training.md for the keys") from error
    return config


def _over_rig(rig: RigDefinition, shape: dict[str, Any]) -> GeneratorConfig:
    return GeneratorConfig(
        rig=rig.name,
        channels=rig.channel_names,
        regions=rig.regions,
        # Indices, as checkpoints store them.
        region_of=tuple(rig.regions.index(channel.region) for channel in rig.channels),
        **shape,
    )
