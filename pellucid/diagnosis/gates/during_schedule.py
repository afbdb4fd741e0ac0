"""The gate of the schedule: it has to leave a learning rate to learn with."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from pellucid.diagnosis.gates.case import Case
from pellucid.diagnosis.gates.finding import Finding
from pellucid.diagnosis.gates.gate import find, gate
from pellucid.diagnosis.gates.thresholds import Threshold, Thresholds, declare
from pellucid.optim.schedules import OnPlateau

SMALL = 0.01
"""Steps of this part of the usual size are as good as none."""

declare(
    Threshold(
        "learning_rate_lasts",
        0.6,
        0.85,
        f"share of the epochs at the end of which the learning rate is below {SMALL:g} of what was set",
        "a cosine ends with 6 % of such epochs, a fall by a factor of 10 after a third and two thirds with a third",
    )
)


@gate("during", "Does the schedule leave a learning rate to learn with?")
def learning_rate_lasts(case: Case, thresholds: Thresholds) -> Iterator[Finding]:
    if case.fit is None or not case.fit.history:
        return
    course = case.arranged.course
    steps = getattr(case.arranged.training(), "steps", None)
    rate = float(dict(steps.settings).get("learning_rate", 0.0)) if steps is not None else 0.0
    if not rate or course.schedule is None or isinstance(course.schedule, OnPlateau):
        return  # on a plateau it falls because there is nothing left to learn
    rates = np.array([record["learning_rate"] for record in case.fit.history], np.float64)
    share = float(np.mean(rates < SMALL * rate))
    yield find(
        "learning_rate_lasts",
        thresholds["learning_rate_lasts"],
        share,
        f"the learning rate was set to {rate:.3g}, and lies between {rates.min():.3g} and {rates.max():.3g} at the ends"
        f" of {len(rates)} epochs, in {share:.0%} of them below {SMALL:.0%} of that",
        remedy="Let the schedule fall more slowly, or rise faster.",
        causes=("step_too_small",),
    )
