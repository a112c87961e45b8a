"""Score generated lips against filmed lips, talker by talker (``shared/docs/face.md``, 3 b)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ..data.filmed import TALKERS, FilmAgreement, FilmedClip, agreement
from ..metrics.measures import Figure, mean_figure
from ..metrics.mesh import MeshRig
from ..performers.base import Direction, Performer


def film_figures(
    performer: Performer, films: Mapping[str, Sequence[FilmedClip]], mesh: MeshRig
) -> dict[str, Figure]:
    """Return, for each talker, the correlations and the range of width.

    Args:
        performer: Who performs; films whose audio it does not know are passed over.
        films: Clips by corpus.
        mesh: The head to measure on.
    """
    talkers: dict[str, list[tuple[str, FilmAgreement]]] = {}
    for corpus, clips in films.items():
        for clip in clips:
            try:
                track = performer.perform(clip.path, Direction())
            # Performers of recorded cues know no film.
            except KeyError:
                continue
            found = agreement(clip, mesh.measure(track))
            # Talkers that nothing was trained on are pooled (filmed.TALKERS).
            talkers.setdefault(TALKERS[corpus], []).append((clip.name, found))
    figures: dict[str, Figure] = {}
    for talker, agreements in talkers.items():
        figures |= {f"{talker}_{key}": f for key, f in _talker_figures(agreements).items()}
    return figures


def _talker_figures(agreements: Sequence[tuple[str, FilmAgreement]]) -> dict[str, Figure]:
    found = [one for _name, one in agreements]
    ranges = np.array([[one.width_range, one.filmed_width_range] for one in found])
    made, filmed = ranges.mean(axis=0)
    return {
        "gap": _with_worst({name: one.gap for name, one in agreements}),
        "width": _with_worst({name: one.width for name, one in agreements}),
        # Difference to the film's own: people couple gap and width differently.
        "coupling": mean_figure([one.coupling - one.filmed_coupling for one in found]),
        # A ratio of means: a mean of ratios would follow clips with little motion.
        "range": Figure(float(made / filmed), count=len(found)),
    }


def _with_worst(values: Mapping[str, float]) -> Figure:
    mean = mean_figure(list(values.values()))
    worst = min(values, key=lambda name: values[name])
    return Figure(mean.value, values[worst], worst, mean.count, mean.low, mean.high)
