"""Laws of the teacher's labels: alignment by posteriors, storage, start of the encoder."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from model_runtime.config import PHONES, AttentionConfig, FeatureConfig  # noqa: E402
from model_runtime.errors import BadArgument  # noqa: E402
from model_runtime.model.generator import Generator  # noqa: E402
from model_runtime.training.alignment.forced import AlignmentFailed  # noqa: E402
from model_runtime.training.alignment.posteriors import align_posteriors  # noqa: E402
from model_runtime.training.teacher.encoder_start import feature_map, start_encoder  # noqa: E402
from model_runtime.training.teacher.labels import (  # noqa: E402
    LabelWriter,
    decoded,
    encoded,
    labels_path,
    read_labels,
)
from model_runtime.training.teacher.whisper import WhisperEncoder, whisper_mel  # noqa: E402
from tests.fakes.checkpoints import tiny_config  # noqa: E402
from tests.fakes.sounds import voice  # noqa: E402

WORDS = {"map": (("m", "ae", "p"),), "the": (("dh", "ah"), ("dh", "iy"))}
EVEN = np.full(len(PHONES), 1 / len(PHONES), np.float32)


class Words:
    """A lexicon of two words."""

    def variants(self, word: str) -> tuple[tuple[str, ...], ...]:
        return WORDS.get(word, ())


def posteriors_of(*runs: tuple[str, int], sure: float = 0.8) -> np.ndarray:
    rows = []
    for phone, frames in runs:
        row = np.full(len(PHONES), (1 - sure) / (len(PHONES) - 1), np.float32)
        row[PHONES.index(phone)] = sure
        rows += [row] * frames
    return np.stack(rows)


def test_phones_are_found_where_their_posteriors_are_high() -> None:
    seen = posteriors_of(
        ("sil", 5), ("dh", 3), ("iy", 4), ("m", 6), ("ae", 9), ("p", 3), ("sil", 2)
    )
    found = align_posteriors(seen, "the map", Words(), EVEN)
    assert [(p.phone, p.start_s, p.end_s, p.word) for p in found.phones] == [
        ("sil", 0.0, 0.1, ""),
        ("dh", 0.1, 0.16, "the"),
        ("iy", 0.16, 0.24, "the"),
        ("m", 0.24, 0.36, "map"),
        ("ae", 0.36, 0.54, "map"),
        ("p", 0.54, 0.6, "map"),
        ("sil", 0.6, 0.64, ""),
    ]
    assert found.score == pytest.approx(np.log(0.8), abs=1e-3)


def test_a_pause_between_words_is_silence_and_none_is_needed() -> None:
    seen = posteriors_of(("dh", 3), ("ah", 3), ("sil", 8), ("m", 3), ("ae", 3), ("p", 3))
    found = align_posteriors(seen, "the map", Words(), EVEN)
    assert [p.phone for p in found.phones] == ["dh", "ah", "sil", "m", "ae", "p"]


def test_a_wrong_text_scores_far_lower() -> None:
    seen = posteriors_of(("s", 10), ("iy", 10), ("t", 10), sure=0.95)
    assert align_posteriors(seen, "map", Words(), EVEN).score < -4


@pytest.mark.parametrize("text", ["", "zebra", "the map"])
def test_what_cannot_be_aligned_is_refused(text: str) -> None:
    with pytest.raises(AlignmentFailed):
        align_posteriors(posteriors_of(("dh", 2), ("ah", 2)), text, Words(), EVEN)


def test_codes_keep_small_probabilities() -> None:
    given = np.array([[0.9, 0.0995, 0.0005], [0.34, 0.33, 0.33]], np.float32)
    np.testing.assert_allclose(decoded(encoded(given)), given, atol=0.006)
    assert decoded(encoded(given))[0, 2] > 1e-4
    assert decoded(np.zeros((1, 3), np.uint8)).sum() == 0


def test_labels_of_a_killed_run_are_continued(tmp_path: Path) -> None:
    seen = posteriors_of(("dh", 3), ("ah", 3))
    aligned = align_posteriors(seen, "the", Words(), EVEN)
    path = labels_path(tmp_path, "tiny")
    LabelWriter(path).add("a.opus", encoded(seen), aligned)
    with path.open("a", encoding="utf-8") as lines:
        lines.write('{"file": "b.op')
    with path.with_suffix(".bin").open("ab") as data:
        data.write(b"torn")
    again = LabelWriter(path)
    assert again.done == {"a.opus"}
    again.add("c.opus", encoded(seen[:2]), "no text")
    labels = read_labels(tmp_path, "tiny")
    assert labels is not None
    kept = labels.alignments["a.opus"].phones
    assert [(p.phone, p.end_s) for p in kept] == [("dh", 0.06), ("ah", 0.12)]
    assert labels.dropped == {"c.opus": "no text"}
    np.testing.assert_array_equal(labels.of("c.opus"), encoded(seen[:2]))
    assert labels.of("b.opus") is None


def whisper(width: int = 24, heads: int = 2, layers: int = 2, feed_forward: int = 48):
    """A Whisper encoder with small random weights."""
    random = torch.Generator().manual_seed(5)

    def drawn(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=random) / max(1, shape[-1]) ** 0.5

    weights = {
        "conv1/weight": drawn(width, 80, 3),
        "conv1/bias": drawn(width),
        "conv2/weight": drawn(width, width, 3),
        "conv2/bias": drawn(width),
        "position_encodings/encodings": drawn(1500, width),
    }
    for layer in range(layers):
        for part, outputs, inputs in (
            ("self_attention/linear_0", 3 * width, width),
            ("self_attention/linear_1", width, width),
            ("ffn/linear_0", feed_forward, width),
            ("ffn/linear_1", width, feed_forward),
        ):
            weights[f"layer_{layer}/{part}/weight"] = drawn(outputs, inputs)
            weights[f"layer_{layer}/{part}/bias"] = drawn(outputs)
        for part in ("self_attention", "ffn"):
            weights[f"layer_{layer}/{part}/layer_norm/gamma"] = 1 + 0.1 * drawn(width)
            weights[f"layer_{layer}/{part}/layer_norm/beta"] = drawn(width)
    return WhisperEncoder(weights, layers, width, heads)


def test_the_encoder_starts_close_to_the_teacher_with_one_position() -> None:
    config = tiny_config(
        activation="hard_swish",
        attention=AttentionConfig(layers=2, heads=2, feed_forward=48, reach=60),
    )
    torch.manual_seed(0)
    generator, teacher = Generator(config), whisper()
    clips = [voice(2.0).astype(np.float32), voice(1.6).astype(np.float32)]
    start_encoder(generator, teacher, clips)
    for block in generator.encoder:
        torch.nn.init.zeros_(block.distance)
    matrix, offset = feature_map(clips, FeatureConfig())
    from model_runtime.audio.features import log_mel

    ours = torch.from_numpy(log_mel(clips[1], FeatureConfig()))
    theirs = whisper_mel(torch.from_numpy(clips[1])).T
    explained = 1 - (theirs - ours @ matrix - offset).var() / theirs.var()
    assert float(explained) > 0.8
    with torch.no_grad():
        x = generator.activation(generator.stem_wide(ours[None]))
        x = generator.activation(generator.stem_down(x)) + generator.encoder_offset
        for block in generator.encoder:
            x = block(x)
    wanted = teacher.hidden(clips[1], position=250)[-1]
    found = x[0] / 1.702
    correlation = torch.corrcoef(torch.stack([found.flatten(), wanted[: len(found)].flatten()]))
    assert float(correlation[0, 1]) > 0.95


def test_a_teacher_of_another_width_is_refused() -> None:
    config = tiny_config(activation="hard_swish", attention=AttentionConfig(2, 2, 48, reach=5))
    with pytest.raises(BadArgument, match="width 32"):
        start_encoder(Generator(config), whisper(width=32), [])
