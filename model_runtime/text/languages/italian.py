"""Read Italian by rules of spelling.

Source: Canepari, Manuale di pronuncia italiana. Open and closed "e"
are both allowed where no accent tells them apart.
"""

from __future__ import annotations

from typing import Final

from .rules import Language, Rules

RULES: Final[Rules] = (
    *((r"gli(?=[aeou])", "l y"), (r"gli", "l y iy"), (r"gn", "n y"), (r"sci(?=[aou])", "sh")),
    *((r"sc(?=[eièéì])", "sh"), (r"cch|ch", "k"), (r"ggh|gh", "g"), (r"cci(?=[aou])", "ch")),
    *((r"ci(?=[aou])", "ch"), (r"cc?(?=[eièéì])", "ch"), (r"ggi(?=[aou])|gi(?=[aou])", "jh")),
    *((r"gg?(?=[eièéì])", "jh"), (r"c?qu", "k w"), (r"zz?", "t s|d z"), (r"h", "")),
    *((r"(?<=[aeiou])s(?=[aeiouàèéìòù])", "z|s"), (r"i(?=[aeouàèéòù])", "y")),
    *((r"u(?=[aeioàèéìò])", "w"), (r"[aà]", "aa"), (r"è", "eh"), (r"[eé]", "eh|ey")),
    *((r"[iìíjy]", "iy"), (r"ò", "ao"), (r"[oó]", "ow"), (r"[uùú]", "uw"), (r"x", "k s")),
    *((r"bb?", "b"), (r"cc?|kk?", "k"), (r"dd?", "d"), (r"ff?", "f"), (r"gg?", "g")),
    *((r"ll?", "l"), (r"mm?", "m"), (r"nn?", "n"), (r"pp?", "p"), (r"rr?", "r"), (r"ss?", "s")),
    *((r"tt?", "t"), (r"vv?", "v"), (r"w", "w")),
)

ITALIAN: Final = Language(
    "Italian",
    RULES,
)
