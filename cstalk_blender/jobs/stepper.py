"""Define the interface of work that is done in pieces between two redraws of the window.

Bakes (`rig.keys`), checks (`rig.verify`) and deliveries (`jobs.delivery`) have this interface.
Modules below `jobs` match it by structure and do not import it. Main thread only.
"""

from __future__ import annotations

from typing import Protocol, TypeVar

# Covariant, as a stepper of a more special report is one of the general report too.
Report_co = TypeVar("Report_co", covariant=True)


class Stepper(Protocol[Report_co]):
    """Work that a timer callback, or a loop with an unlimited budget, drives to its report."""

    def step(self, budget_s: float) -> Report_co | None:
        """Do at least one piece of the work, then more until the budget is used up.

        No reference to a data block is kept between two steps: the user may undo, rename or
        delete anything in between.

        Args:
            budget_s: Time to spend, in seconds; ``math.inf`` runs to the end.

        Returns:
            The report after the last piece, None before.

        Raises:
            SessionError: The work cannot be finished; partial output is removed.
        """

    def drop(self) -> None:
        """Remove partial output; output that is complete stays."""
