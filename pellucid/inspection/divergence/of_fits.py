"""What two fits say of where their trainings differ: the records of their epochs, and their last parameters."""

from __future__ import annotations

import math
from typing import Any

from pellucid.inspection.divergence.result import Divergence
from pellucid.inspection.replay.bits import first_unlike
from pellucid.training.result import Fit

_OF_TIME = ("seconds",)


def divergence_of_fits(a: Fit, b: Fit, names: tuple[str, str]) -> Divergence:
    """Return the first epoch whose records differ, and the first of the last parameters that does."""
    for number, (one, other) in enumerate(zip(a.history, b.history, strict=False), start=1):
        for key in one:
            if key not in _OF_TIME and key in other and not same_number(one[key], other[key]):
                told = (
                    f"The records differ from epoch {number} on: {key.replace('_', ' ')} {one[key]} and {other[key]}."
                )
                return _divergence("history", told, a, b, names, epoch=number, values=(one[key], other[key]))
    unlike = first_unlike(a.progress.parameters, b.progress.parameters)
    if len(a.history) != len(b.history) or a.progress.step != b.progress.step:
        told = f"The runs end after {a.progress.step:,} and {b.progress.step:,} steps; no record of an epoch differs."
        return _divergence("end", told, a, b, names)
    if unlike is not None:
        told = f"The last parameters differ, first {unlike[0]}{unlike[1]}; no record of an epoch does."
        return _divergence("parameters", told, a, b, names)
    return Divergence("none", "The records and the last parameters are the same.", names=names)


def _divergence(kind: str, told: str, a: Fit, b: Fit, names: tuple[str, str], **more: Any) -> Divergence:
    unlike = first_unlike(a.progress.parameters, b.progress.parameters)
    notes = [f"the last parameters differ first at {unlike[0]}{unlike[1]}"] if unlike is not None else []
    notes.append("pass two timelines to learn step, node and element")
    return Divergence(kind, told, notes=tuple(notes), names=names, **more)


def same_number(one: Any, other: Any) -> bool:
    """Say whether two numbers are the same; NaN is itself."""
    return bool(one == other) or all(isinstance(value, float) and math.isnan(value) for value in (one, other))
