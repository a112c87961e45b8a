"""Check each term of the generator's loss: 0 at the target, higher with its own error."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("librosa")

from model_runtime.config import GeneratorConfig  # noqa: E402
from model_runtime.curves.rig import load_rig  # noqa: E402
from model_runtime.training.data.batches import Batch  # noqa: E402
from model_runtime.training.reference.lips import close_lips  # noqa: E402
from model_runtime.training.stages.loss_weights import LossFocus, LossWeights  # noqa: E402
from model_runtime.training.stages.losses import GeneratorLoss  # noqa: E402

CLIPS, FRAMES = 2, 60
RIG = load_rig("arkit52")
CONFIG = GeneratorConfig(
    channels=RIG.channel_names,
    regions=RIG.regions,
    region_of=tuple(RIG.regions.index(channel.region) for channel in RIG.channels),
)
PHONES = torch.zeros(CLIPS, FRAMES, 40)
M, F, TH, OO, SILENCE = slice(10, 16), slice(20, 26), slice(30, 36), slice(40, 46), slice(50, 60)
EE = slice(46, 50)
"""Frames of an m, f, th, oo, of silence and of an ee; the other frames are an open vowel."""


def column(name: str) -> int:
    return CONFIG.channels.index(name)


def batch_of() -> Batch:
    curves = torch.zeros(CLIPS, FRAMES, 52)
    curves[..., column("jawOpen")] = 0.3 + 0.05 * torch.sin(torch.arange(FRAMES) / 3)
    curves[:, F, column("jawOpen")] = 0.05
    curves[:, F, column("mouthRollLower")] = 0.58
    curves[:, TH, column("tongueOut")] = 0.4
    curves[:, OO, column("mouthPucker")] = 0.5
    curves[:, EE, column("mouthSmileLeft")] = curves[:, EE, column("mouthSmileRight")] = 0.4
    curves[:, SILENCE] = 0
    closure, tuck, still = (torch.zeros(CLIPS, FRAMES) for _ in range(3))
    closure[:, M], tuck[:, F], still[:, SILENCE] = 1, 1, 1
    return Batch(
        features=torch.zeros(CLIPS, 2 * FRAMES, 80),
        emotion=torch.zeros(CLIPS, FRAMES, 8),
        style=torch.zeros(CLIPS, FRAMES, 4),
        curves=close_lips(curves, closure),
        phones=still.eq(0).long(),
        closure=closure,
        tuck=tuck,
        still=still,
        filmed=torch.zeros(CLIPS),
        observed=torch.ones(CLIPS, 52, dtype=torch.bool),
    )


def terms_of(
    curves: torch.Tensor, batch: Batch | None = None, weights: LossWeights | None = None
) -> dict[str, float]:
    loss = GeneratorLoss(CONFIG, torch.full((52,), 0.1), weights or LossWeights())
    return loss(curves, PHONES, batch or batch_of())[1]


def added(name: str, amount: float, where: slice) -> Callable[[torch.Tensor], None]:
    def change(curves: torch.Tensor) -> None:
        curves[:, where, column(name)] += amount

    return change


def trembled(curves: torch.Tensor) -> None:
    curves[:, SILENCE, column("jawOpen")] += 0.05 * (torch.arange(10) % 2)


def flattened(curves: torch.Tensor) -> None:
    curves[:] = curves.mean(1, keepdim=True)


ALL = slice(None)
OWN_ERRORS: dict[str, Callable[[torch.Tensor], None]] = {
    "reconstruction": added("browInnerUp", 0.2, ALL),
    "velocity": added("browInnerUp", 0.2, slice(0, 30)),
    "lip_gap": added("jawOpen", 0.2, slice(0, 10)),
    "lip_width": added("mouthSmileLeft", 0.3, slice(0, 10)),
    "rounding": added("mouthSmileLeft", 0.3, OO),
    "spreading": added("mouthSmileLeft", -0.3, EE),
    "coupling": added("mouthSmileLeft", 0.3, slice(0, 10)),
    "closure": added("jawOpen", 0.2, M),
    "opening": added("mouthClose", 0.6, slice(0, 10)),
    "tuck": added("mouthRollLower", -0.4, F),
    "tongue": added("tongueOut", -0.3, TH),
    "stillness": trembled,
    "amplitude": flattened,
    "bounds": added("jawOpen", 0.9, slice(0, 10)),
}


def test_every_curve_term_has_a_law() -> None:
    own = {field.name for field in dataclasses.fields(LossWeights)}
    assert set(OWN_ERRORS) == own - {"phones", "correlation", "focus"}


@pytest.mark.parametrize("term", OWN_ERRORS)
def test_term_is_zero_at_the_target_and_rises_with_its_own_error(term: str) -> None:
    batch = batch_of()
    assert terms_of(batch.curves.clone())[term] == pytest.approx(0, abs=1e-7)
    values = []
    for share in (0.5, 1.0):
        curves = batch.curves.clone()
        OWN_ERRORS[term](curves)
        values.append(terms_of(batch.curves + share * (curves - batch.curves))[term])
    if term != "bounds":  # half of that error still lies inside the bounds
        assert values[0] > 1e-6
    assert values[1] > max(1.5 * values[0], 1e-6)


@pytest.mark.parametrize("term", OWN_ERRORS)
def test_weighted_sum_counts_every_term_by_its_weight(term: str) -> None:
    only = {field.name: 0.0 for field in dataclasses.fields(LossWeights) if field.name != "focus"}
    weights = LossWeights(**{**only, term: 3.0})
    batch = batch_of()
    curves = batch.curves.clone()
    OWN_ERRORS[term](curves)
    loss = GeneratorLoss(CONFIG, torch.full((52,), 0.1), weights)
    total, terms = loss(curves, PHONES, batch)
    assert float(total) == pytest.approx(3 * terms[term], rel=1e-5)
    assert float(total) > 0


def test_cross_entropy_of_undecided_phones_is_the_logarithm_of_their_number() -> None:
    assert terms_of(batch_of().curves)["phones"] == pytest.approx(np.log(40), rel=1e-3)


def test_open_lips_at_a_bilabial_cost_more_than_an_open_vowel() -> None:
    batch = batch_of()
    loss = GeneratorLoss(CONFIG, torch.full((52,), 0.1), LossWeights(phones=0))
    costs = []
    for where in (M, slice(0, 6)):
        curves = batch.curves.clone()
        curves[:, where, column("jawOpen")] += 0.2
        costs.append(float(loss(curves, PHONES, batch)[0]))
    assert costs[0] > 2 * costs[1]


def test_lower_lip_of_f_need_not_close_the_mouth_as_m_must() -> None:
    still = batch_of()
    zero, one = torch.zeros(CLIPS, FRAMES), torch.ones(CLIPS, FRAMES)
    costs = {}
    for name, opening in (("raised", 0.03), ("low", 0.2)):
        curves = torch.zeros(CLIPS, FRAMES, 52)
        curves[..., column("jawOpen")] = opening
        for phone, (closure, tuck) in {"m": (one, zero), "f": (zero, one)}.items():
            batch = dataclasses.replace(
                still, closure=closure, tuck=tuck, curves=torch.zeros_like(curves)
            )
            costs[name, phone] = terms_of(curves, batch)["closure"]
    assert costs["raised", "f"] == 0 < costs["raised", "m"]
    assert costs["low", "f"] > 0


def test_missed_closure_under_full_emotion_costs_twice_as_much() -> None:
    batch = batch_of()
    curves = batch.curves + 0.0
    curves[..., column("jawOpen")] += 0.3
    costs = []
    for intensity in (0.0, 0.5, 1.0, 1.25):
        emotion = torch.zeros_like(batch.emotion)
        emotion[..., 1] = intensity
        costs.append(terms_of(curves, dataclasses.replace(batch, emotion=emotion))["closure"])
    assert np.divide(costs, costs[0]).tolist() == pytest.approx([1, 1.5, 2, 2], rel=1e-4)


@pytest.mark.parametrize("probability, least, most", [(0.15, 0.0, 0.5), (0.9, 0.8, 1.0)])
def test_roll_stays_low_in_doubt_and_is_full_when_certain(
    probability: float, least: float, most: float
) -> None:
    levels = torch.linspace(0, 0.58, 59)
    costs = []
    for level in levels:
        curves = torch.zeros(1, 1, 52)
        curves[..., column("mouthRollLower")] = level
        said, other = (
            dataclasses.replace(
                batch_of(),
                curves=torch.where(torch.arange(52) == column("mouthRollLower"), wanted, 0.0)[
                    None, None
                ],
                tuck=torch.full((1, 1), float(wanted > 0)),
            )
            for wanted in (0.58, 0.0)
        )
        loss = GeneratorLoss(CONFIG, torch.full((52,), 0.1), LossWeights())
        missed, mistaken = (2 * float(loss._tuck(curves, b)) for b in (said, other))
        costs.append(probability * missed + (1 - probability) * mistaken / 2)
    best = float(levels[int(np.argmin(costs))]) / (0.85 * 0.58)
    assert least <= best <= most


def test_film_teaches_lips_with_more_weight_than_single_channels() -> None:
    batch = batch_of()
    curves = batch.curves + 0.1
    filmed, ruled = (
        terms_of(curves, dataclasses.replace(batch, filmed=torch.full((CLIPS,), known)))
        for known in (1.0, 0.0)
    )
    ratio = {name: filmed[name] / ruled[name] for name in ("reconstruction", "lip_gap")}
    assert ratio["lip_gap"] == pytest.approx(5, rel=1e-3)
    assert ratio["reconstruction"] == pytest.approx(1, rel=1e-3)
    width = filmed["lip_width"] / ruled["lip_width"]
    assert 1 < width < 0.5 * ratio["lip_gap"]


def test_settings_table_names_focus_values_and_refuses_unknown_ones() -> None:
    assert LossWeights(focus={"speech_gap": 0.2}).focus == LossFocus(speech_gap=0.2)
    with pytest.raises(TypeError, match="speach_gap"):
        LossWeights(focus={"speach_gap": 0.2})


def reconstruction_of(spread: torch.Tensor, name: str) -> float:
    """Return the reconstruction term of an error of 0.2 in one channel."""
    batch = batch_of()
    curves = batch.curves.clone()
    curves[..., column(name)] += 0.2
    return GeneratorLoss(CONFIG, spread, LossWeights())(curves, PHONES, batch)[1]["reconstruction"]


def test_error_of_a_channel_that_moves_little_costs_more() -> None:
    spread = torch.full((52,), 0.24)
    spread[column("browInnerUp")] = 0.10
    # Squares of (0.24 + 0.04) and (0.10 + 0.04).
    still, lively = (reconstruction_of(spread, name) for name in ("browInnerUp", "browDownLeft"))
    assert still / lively == pytest.approx(4, rel=1e-4)


def test_a_channel_that_hardly_moves_weighs_four_times_the_mean_at_most() -> None:
    spread = torch.full((52,), 0.36)
    spread[column("browInnerUp")] = 0.0
    assert reconstruction_of(spread, "browInnerUp") == pytest.approx(4 * 0.2**2 / 52, rel=1e-4)


@pytest.mark.parametrize("where, factor", [(M, 2), (F, 4), (SILENCE, 6)])
def test_mouth_errors_weigh_more_in_contacts_and_in_silence(where: slice, factor: float) -> None:
    batch = batch_of()
    costs = []
    for frames in (slice(where.start, where.start + 6), slice(0, 6)):
        curves = batch.curves.clone()
        curves[:, frames, column("mouthLeft")] += 0.2
        costs.append(terms_of(curves, batch)["reconstruction"])
    assert costs[0] / costs[1] == pytest.approx(factor, rel=1e-4)


def test_error_of_the_lip_gap_weighs_up_to_twice_as_much_at_closed_lips() -> None:
    batch = batch_of()
    costs = []
    for frames in (M, slice(0, 6)):
        curves = batch.curves.clone()
        curves[:, frames, column("jawOpen")] += 0.05
        costs.append(terms_of(curves, batch)["lip_gap"])
    assert 1.6 < costs[0] / costs[1] <= 2


def test_a_mouth_that_is_rounder_than_asked_for_is_no_lack_of_rounding() -> None:
    batch = batch_of()
    curves = batch.curves.clone()
    curves[:, OO, column("mouthPucker")] += 0.3
    assert terms_of(curves, batch)["rounding"] == 0


def test_lips_that_meet_in_silence_lack_no_opening() -> None:
    batch = batch_of()
    opened = batch.curves.clone()
    opened[:, SILENCE, column("jawOpen")] = 0.3
    shut = opened.clone()
    shut[:, SILENCE, column("mouthClose")] = 0.3
    assert terms_of(shut, dataclasses.replace(batch, curves=opened))["opening"] == 0


def test_amplitude_of_the_lips_counts_beyond_that_of_their_channels() -> None:
    batch = batch_of()
    times = torch.arange(FRAMES) / 3
    costs = {}
    for name in ("jawOpen", "browInnerUp"):
        target, flat = batch.curves.clone(), batch.curves.clone()
        target[..., column(name)] = 0.4 + 0.3 * torch.sin(times)
        flat[..., column(name)] = 0.4
        costs[name] = terms_of(flat, dataclasses.replace(batch, curves=target))["amplitude"]
    assert costs["jawOpen"] > 5 * costs["browInnerUp"]


@pytest.mark.parametrize("phone, weight", [("sil", 0.5), ("m", 2.5), ("v", 3.0), ("t", 1.5)])
def test_a_phone_counts_by_what_the_face_shows_of_it(phone: str, weight: float) -> None:
    other = CONFIG.phones.index("aa")
    phones = torch.full((CLIPS, FRAMES), other)
    phones[:, : FRAMES // 2] = CONFIG.phones.index(phone)
    batch = dataclasses.replace(batch_of(), phones=phones)
    certain = torch.zeros(CLIPS, FRAMES, 40)
    certain[:, FRAMES // 2 :, other] = 50.0  # right about the vowel, undecided about the phone
    loss = GeneratorLoss(CONFIG, torch.full((52,), 0.1), LossWeights())
    found = loss(batch.curves, certain, batch)[1]["phones"]
    assert found == pytest.approx(np.log(40) * weight / (weight + 1), rel=1e-4)


def test_values_below_zero_cost_as_much_as_values_above_one() -> None:
    batch = dataclasses.replace(batch_of(), curves=torch.zeros(CLIPS, FRAMES, 52))
    costs = []
    for value in (-0.2, 1.2):
        curves = batch.curves.clone()
        curves[..., column("browInnerUp")] = value
        costs.append(terms_of(curves, batch)["bounds"])
    # 0.18 beyond the margin of 0.02, in one of 52 channels.
    assert costs == pytest.approx([0.18**2 / 52] * 2, rel=1e-3)
