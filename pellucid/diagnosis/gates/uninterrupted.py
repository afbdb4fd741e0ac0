"""Trainings of gates end whole or not at all: half a training would be judged as if it were all of it."""

from __future__ import annotations

from typing import TypeVar

from pellucid.training.loop import INTERRUPTED
from pellucid.training.population_result import Population
from pellucid.training.result import Fit

Trained = TypeVar("Trained", Fit, Population)


def uninterrupted(trained: Trained) -> Trained:
    """Return what was trained.

    Raises
    ------
    KeyboardInterrupt
        Where Ctrl-C has ended it, which training itself takes for a wish to stop early.
    """
    fits = trained.fits if isinstance(trained, Population) else (trained,)
    if any(fitted.reason == INTERRUPTED for fitted in fits):
        raise KeyboardInterrupt
    return trained
