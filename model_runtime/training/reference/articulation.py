"""Map phones to mouth controls by a dominance model of coarticulation, in torch.

After Cohen & Massaro (1993). Each phone drives every control towards its target. Its dominance is
full inside the phone and falls off as a Gaussian before (anticipation) and after (carry-over). A
control is the mean of the targets weighted by dominance. All parameters are per phone and per group
of controls and can be fitted to captures by gradient descent (``calibrate``).

Axes: P units (phones, diphthongs as two), T frames, K controls, G control groups, U kinds of unit.
"""

from __future__ import annotations

import dataclasses
import functools
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ..alignment.forced import PhoneTime

HAND_SET = Path(__file__).with_name("phone_targets.json")
CALIBRATED = Path(__file__).with_name("articulation.json")
FRAME_RATE = 50.0  # Hz, the model's

BILABIALS = frozenset({"m", "b", "p"})
LABIODENTALS = frozenset({"f", "v"})
# Without it the flanks of neighbours would meet with a corner at the border.
EDGE_S = 0.012
"""A phone dominates fully from so far inside its borders: half a frame keeps flanks smooth."""
# An outlier, such as a door that slams, would otherwise open the mouth as a shout does.
LOUDNESS_LIMIT = 2.0
"""Standard deviations beyond which louder speech opens no further."""


@dataclasses.dataclass(frozen=True)
class Unit:
    """A phone, or half a diphthong, in seconds."""

    kind: str
    start_s: float
    end_s: float


@functools.cache
def phone_table() -> dict[str, Any]:
    """Return the hand-set targets and groups of ``phone_targets.json``."""
    table: dict[str, Any] = json.loads(HAND_SET.read_text(encoding="utf-8"))
    return table


def units_of(phones: Sequence[PhoneTime]) -> list[Unit]:
    """Return phones as units, diphthongs cut in two: the glide begins after 55 % of the phone."""
    diphthongs: dict[str, list[str]] = phone_table()["diphthongs"]
    units = []
    for phone in phones:
        if phone.phone in diphthongs:
            first, second = diphthongs[phone.phone]
            middle = phone.start_s + 0.55 * (phone.end_s - phone.start_s)
            units += [Unit(first, phone.start_s, middle), Unit(second, middle, phone.end_s)]
        else:
            units.append(Unit(phone.phone, phone.start_s, phone.end_s))
    return units


class ArticulationModel(nn.Module):
    """Hold targets, strengths and reaches of every kind of unit."""

    def __init__(self) -> None:
        super().__init__()
        table = phone_table()
        self.kinds: tuple[str, ...] = tuple(table["targets"])
        self.controls: tuple[str, ...] = tuple(table["controls"])
        self.groups: tuple[str, ...] = tuple(table["groups"])
        kinds, groups = len(self.kinds), len(self.groups)
        targets = torch.zeros(kinds, len(self.controls))
        strengths = torch.zeros(kinds, groups)
        for row, kind in enumerate(self.kinds):
            for control, value in table["targets"][kind].items():
                targets[row, self.controls.index(control)] = value
            strength = table["strength"].get(kind, table["strength"]["default"])
            strengths[row] = torch.tensor([strength[group] for group in self.groups])
        before = torch.tensor([table["reach_before_s"][group] for group in self.groups])
        after = torch.tensor([table["reach_after_s"][group] for group in self.groups])
        gain = [table["loudness_gain"].get(control, 0.0) for control in self.controls]
        self.targets = nn.Parameter(targets)
        # As logarithms: positive whatever a step of the fit does.
        self.log_strengths = nn.Parameter(strengths.log())
        # One reach for each kind, though the hand-set ones are by group alone: the fit may part
        # them.
        self.log_before_s = nn.Parameter(before.log().repeat(kinds, 1))
        self.log_after_s = nn.Parameter(after.log().repeat(kinds, 1))
        self.loudness_gain = nn.Parameter(torch.tensor(gain))
        group_of = [self._group_of(table, control) for control in self.controls]
        # Not persistent: it follows from the table, and a checkpoint could contradict it.
        self.register_buffer("group_of", torch.tensor(group_of), persistent=False)

    def _group_of(self, table: dict[str, Any], control: str) -> int:
        return next(i for i, g in enumerate(self.groups) if control in table["groups"][g])

    def index_of(self, units: Sequence[Unit]) -> Tensor:
        """Return the row of each unit's kind, shape (P,)."""
        return torch.tensor([self.kinds.index(unit.kind) for unit in units])

    def forward(self, kinds: Tensor, start_s: Tensor, end_s: Tensor, loudness: Tensor) -> Tensor:
        """Return the controls over time.

        Args:
            kinds: Row of each unit's kind, shape (P,).
            start_s: Start of each unit, shape (P,), seconds.
            end_s: End of each unit, shape (P,), seconds.
            loudness: Loudness of each frame in standard deviations of the clip's, shape (T,).

        Returns:
            Shape (T, K), not yet bounded.
        """
        times = torch.arange(loudness.shape[0], dtype=torch.float32) / FRAME_RATE
        # At most 0.3 of a phone, so that the shortest keep a middle.
        edge = torch.minimum(torch.full_like(start_s, EDGE_S), 0.3 * (end_s - start_s))
        early = (start_s + edge)[:, None] - times[None]  # (P, T), positive before the phone
        late = times[None] - (end_s - edge)[:, None]
        reach_before = self.log_before_s[kinds].exp()[:, None]  # (P, 1, G)
        reach_after = self.log_after_s[kinds].exp()[:, None]
        away = (
            early.clamp(min=0)[..., None] / reach_before
            + late.clamp(min=0)[..., None] / reach_after
        )
        # The strength is inside of the exponential: the dominance stays positive, and its sum above
        # zero.
        dominance = torch.exp(self.log_strengths[kinds][:, None] - away.square())  # (P, T, G)
        # The small term only matters where no phone is near: controls there go to rest.
        dominance = dominance / (dominance.sum(0, keepdim=True) + 1e-6)
        targets = self.targets[kinds]  # (P, K)
        pulled = torch.zeros(loudness.shape[0], targets.shape[1])
        # A loop over the few groups: one product (T, P) x (P, members) each, instead of (P, T, K)
        # in memory.
        for group in range(len(self.groups)):
            members = self.group_of == group
            pulled[:, members] = dominance[:, :, group].T @ targets[:, members]
        limited = loudness.clamp(-LOUDNESS_LIMIT, LOUDNESS_LIMIT)[:, None]
        # Multiplied as a power: louder and softer speech by the same amount cancel.
        return pulled * torch.exp(self.loudness_gain * limited)

    def articulate(self, units: Sequence[Unit], loudness: Tensor) -> Tensor:
        """Return the controls of one clip.

        Args:
            units: Phones and half diphthongs in order.
            loudness: Standard deviations of each frame from the clip's mean, shape (T,).

        Returns:
            Shape (T, K), within [0, 1].
        """
        start_s = torch.tensor([unit.start_s for unit in units])
        end_s = torch.tensor([unit.end_s for unit in units])
        controls: Tensor = self(self.index_of(units), start_s, end_s, loudness)
        return controls.clamp(0, 1)


def save_articulation(model: ArticulationModel, path: Path, note: str) -> None:
    """Write the parameters as JSON, rounded to four places.

    Args:
        model: Model to save.
        path: File to write.
        note: One line on how the parameters were found.
    """
    # Four places are finer than any fitted value is known, and keep the file's changes readable.
    data = {name: _rounded(value) for name, value in model.state_dict().items()}
    text = json.dumps({"note": note, "kinds": model.kinds, "controls": model.controls, **data})
    path.write_text(text, encoding="utf-8")


def load_articulation(path: Path | None = None) -> ArticulationModel:
    """Return the model of ``path``; the hand-set one when it is None or there is no such file."""
    model = ArticulationModel()
    # Without the fitted file a checkout still makes its labels.
    if path is not None and path.is_file():
        data = json.loads(path.read_text(encoding="utf-8"))
        state = {name: torch.tensor(data[name]) for name in model.state_dict()}
        model.load_state_dict(state)
    return model


def phone_envelope(
    phones: Sequence[PhoneTime], kinds: frozenset[str], frame_count: int, *, ramp_s: float
) -> Tensor:
    """Return the share to which one of ``kinds`` is articulated at each frame, shape (T,), 0 to 1.

    Args:
        phones: Phones of the clip.
        kinds: Phones that count.
        frame_count: T.
        ramp_s: Seconds of the raised cosine before and after each phone; the share is 1 inside.
    """
    times = torch.arange(frame_count, dtype=torch.float32) / FRAME_RATE
    envelope = torch.zeros(frame_count)
    for phone in phones:
        if phone.phone in kinds:
            outside = torch.maximum(phone.start_s - times, times - phone.end_s).clamp(min=0)
            ramp = 0.5 + 0.5 * torch.cos(torch.pi * (outside / ramp_s).clamp(max=1))
            # The maximum: two phones of the kind in a row are no stronger than one.
            envelope = torch.maximum(envelope, ramp)
    return envelope


def _rounded(values: Tensor) -> Any:
    return [_rounded(v) for v in values] if values.ndim else round(float(values), 4)
