"""Judge articulation from a phone table: rounding, labiodental contact, tongue, visemes.

The definitions are those of ``shared/docs/face.md``, section 3, c to f. numpy only, but for the
discriminant analysis of :func:`viseme_hits`, which is scikit-learn's.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from ...arrays import BoolArray, DoubleArray, IntArray
from .phone_table import PhoneTable
from .speech import BILABIALS, CLOSED_FRACTION

GLIDES: Final = ("w", "ow", "uh")
"""Rounded phones whose narrowest moment counts: they pass through their rounding."""
ROUNDED: Final = ("uw", "sh", "zh", "ch", "jh", *GLIDES)
LABIODENTALS: Final = ("f", "v")
DENTALS: Final = ("th", "dh")
LABIALS: Final = (*LABIODENTALS, "m", "b", "p", "sil")
"""Phones in which a rolled lower lip is no mistake."""
AT_REST = 1.0  # width of the mouth at rest
ROLL_RANGE = (0.35, 0.80)  # of mouthRollLower: less does not reach the teeth, more hides the lip
TEETH_CONTACT = 0.15  # of the reference gap between lower lip and upper teeth
ROLLED = 0.25  # mean mouthRollLower over the middle of a phone
TONGUE_VISIBLE = 0.15  # of tongueOut

# Classes that a viewer can tell apart; the other phones are made behind the lips or lie between two
# classes.
VISEMES: Final[dict[str, tuple[str, ...]]] = {
    "m b p": ("m", "b", "p"),
    "f v": ("f", "v"),
    "rounded": ("uw", "w", "ow", "uh"),
    "open": ("aa", "ae", "ay", "aw", "ao"),
    "spread": ("iy", "ey", "ih"),
    "sh ch": ("sh", "ch", "jh", "zh"),
    "alveolar": ("s", "z", "t", "d", "n"),
    "th": ("th", "dh"),
    "r": ("r", "er"),
}
COMPONENTS = 12  # principal components of the lip vertices
SHRINKAGE = 1e-3  # keeps a channel that never moves, as a hidden tongue, from being singular


def closed(table: PhoneTable) -> BoolArray:
    """Return, for each m, b and p, whether the lips meet in it or within 20 ms of it."""
    # 20 ms on either side: phone borders of an alignment are no better than that.
    rows = table.among(BILABIALS)
    return np.asarray(table.column("least_gap")[rows] < CLOSED_FRACTION)


def unrounded(table: PhoneTable) -> BoolArray:
    """Return, for each rounded phone, whether its mouth corners are not nearer than at rest."""
    rounded, glides = table.among(ROUNDED), table.among(GLIDES)
    # Glides pass through their narrowest moment; their middle already leads to the next vowel.
    width = np.where(glides, table.column("narrowest"), table.column("width"))
    return np.asarray(width[rounded] >= AT_REST)


def narrow_r(table: PhoneTable) -> BoolArray:
    """Return, for each r, whether the mouth is narrower than at rest."""
    return np.asarray(table.column("width")[table.among(("r",))] < AT_REST)


def protrusion(table: PhoneTable) -> DoubleArray:
    """Return how far the lips stand forward in each rounded phone, mesh units."""
    return table.column("protrusion")[table.among(ROUNDED)]


def labiodental(table: PhoneTable) -> BoolArray:
    """Return, for each f and v, whether the lower lip is at the teeth and mildly rolled."""
    rows = table.among(LABIODENTALS)
    roll, teeth = table.column("largest_roll")[rows], table.column("least_teeth_gap")[rows]
    low, high = ROLL_RANGE
    return np.asarray((roll >= low) & (roll <= high) & (teeth < TEETH_CONTACT))


def rolled_elsewhere(table: PhoneTable) -> BoolArray:
    """Return, for each phone that is no labial and no silence, whether the lower lip is rolled."""
    return np.asarray(table.column("roll")[~table.among(LABIALS)] > ROLLED)


def visible_tongue(table: PhoneTable) -> BoolArray:
    """Return, for each th and dh, whether the tongue shows."""
    return np.asarray(table.column("largest_tongue")[table.among(DENTALS)] >= TONGUE_VISIBLE)


def viseme_hits(table: PhoneTable) -> tuple[BoolArray, IntArray]:
    """Read nine visemes off the mouth, each sentence by a classifier that never saw it.

    Linear discriminant analysis with equal priors on the principal components of the lip vertices
    and the tongue. The components are those of all sentences; they know no classes.

    Returns:
        Whether each phone was read rightly, and the class of each phone, both shape (n,); empty
        where the table holds fewer than two clips or classes.
    """
    # Imported here: the measures above need numpy alone, and training calls them.
    from sklearn.decomposition import PCA
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    classes = np.full(len(table.phones), -1)
    for number, phones in enumerate(VISEMES.values()):
        classes[table.among(phones)] = number
    chosen = classes >= 0
    truth, groups = classes[chosen], table.clips[chosen]
    names, sentences = np.unique(truth), np.unique(groups)
    # Leaving one sentence out needs two, and a discriminant two classes.
    if len(names) < 2 or len(sentences) < 2:
        return np.zeros(0, bool), np.zeros(0, np.int64)
    points, tongue = table.points[chosen], table.column("tongue")[chosen]
    # A small mesh or table has fewer directions than components.
    count = min(COMPONENTS, *points.shape)
    # covariance_eigh is exact and has no random start.
    components = PCA(count, svd_solver="covariance_eigh").fit_transform(points)
    features = np.column_stack([components, tongue])
    read = np.full(len(truth), -1)
    for sentence in sentences:
        # Sentences, not phones, are left out: neighbours in one sentence share a mouth and a voice.
        held = groups == sentence
        others = ~held & np.isin(truth, _repeated(truth[~held]))
        known = np.unique(truth[others])
        if len(known) < 2:
            continue
        # Equal priors: the measure is what the mouth shows, not which phones are frequent.
        model = LinearDiscriminantAnalysis(
            solver="lsqr", priors=np.full(len(known), 1 / len(known)), shrinkage=SHRINKAGE
        )
        read[held] = model.fit(features[others], truth[others]).predict(features[held])
    return read == truth, truth


def _repeated(classes: IntArray) -> IntArray:
    """Return the classes that occur twice at least: one example has no spread."""
    names, counts = np.unique(classes, return_counts=True)
    return np.asarray(names[counts > 1])


def balanced_accuracy(hits: BoolArray, classes: IntArray) -> float:
    """Return the mean over classes of the share that is read rightly; NaN for no phones.

    Args:
        hits: Shape (n,).
        classes: Shape (n,).
    """
    # Balanced: s, z, t, d and n would otherwise decide the share.
    shares = [float(hits[classes == number].mean()) for number in np.unique(classes)]
    return float(np.mean(shares)) if shares else float("nan")
