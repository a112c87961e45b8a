"""Write the phone targets and biases that ``postprocess.commitment`` reads.

Run ``python -m model_runtime.training.reference.phone_shapes`` after the targets of the reference
motion have changed. The runtime cannot read them here: the extension is shipped without training.
"""

from __future__ import annotations

import json
import math
from typing import Any, Final

from ...config import PHONES
from ...files import replace_file
from ...postprocess.commitment import SHAPES_FILE
from .articulation import CALIBRATED, ArticulationModel, load_articulation, phone_table

FRAME_SHARES: Final[dict[str, float]] = {
    **{"sil": 0.2406, "aa": 0.0143, "ae": 0.027, "ah": 0.0444, "ao": 0.014, "aw": 0.0108},
    **{"ay": 0.0199, "b": 0.0115, "ch": 0.0059, "d": 0.0262, "dh": 0.0168, "eh": 0.0227},
    **{"er": 0.0262, "ey": 0.0222, "f": 0.015, "g": 0.0066, "hh": 0.0175, "ih": 0.0349},
    **{"iy": 0.0376, "jh": 0.0062, "k": 0.0255, "l": 0.0236, "m": 0.0241, "n": 0.0469},
    **{"ng": 0.0082, "ow": 0.0151, "oy": 0.0023, "p": 0.0161, "r": 0.0236, "s": 0.0492},
    **{"sh": 0.009, "t": 0.0495, "th": 0.0067, "uh": 0.003, "uw": 0.0148, "v": 0.0113},
    **{"w": 0.0168, "y": 0.0051, "z": 0.0282, "zh": 0.001},
}
"""Share of each phone in the 21 minutes of English dev clips, by forced alignment."""
PRIOR_SHARE: Final = 0.6
"""Exponent of the shares that posteriors are divided by. Of 0, .3, .5, .6, .7, .8 and 1 on the dev
selection .6 and .7 read best; above, the correlation with the expected openness falls."""
RAISED: Final[dict[str, float]] = dict.fromkeys(("f", "v", "th", "dh"), 0.3)
"""Nats by which phones are raised whose loss is seen more than their excess. m, b and p need none:
.96 of them close on the dev selection, and .60 of a closure is shown where they are only possible.
With .5 nats .97 close, and .72 of a closure is shown in doubt."""


def shapes_table(model: ArticulationModel) -> dict[str, Any]:
    """Return targets, strengths and biases of every phone of a network, as plain JSON.

    Diphthongs have the mean of their two halves.
    """
    halves: dict[str, list[str]] = phone_table()["diphthongs"]
    targets, strengths = model.targets.detach(), model.log_strengths.detach().exp()
    phones = {}
    for name in PHONES:
        rows = [model.kinds.index(kind) for kind in halves.get(name, [name])]
        bias = RAISED.get(name, 0.0) - PRIOR_SHARE * math.log(FRAME_SHARES[name])
        phones[name] = {
            "target": _rounded(targets[rows].mean(0).tolist()),
            "strength": _rounded(strengths[rows].mean(0).tolist()),
            "bias": round(bias, 3),
        }
    return {
        "controls": list(model.controls),
        "group_of": model.get_buffer("group_of").tolist(),
        "phones": phones,
    }


def main() -> None:
    """Write the file."""
    table = shapes_table(load_articulation(CALIBRATED))
    replace_file(SHAPES_FILE, (json.dumps(table, indent=1) + "\n").encode("utf-8"))


def _rounded(values: list[float]) -> list[float]:
    return [round(value, 4) for value in values]


if __name__ == "__main__":
    main()
