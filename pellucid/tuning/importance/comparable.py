"""Which trials of a study can be compared with each other, and by which values."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pellucid.tuning.space import Space
from pellucid.tuning.trial import FINISHED, PRUNED, MemberResult, Trial

MOST_LEFT_OUT = 0.1
"""Where a larger share of the trials was pruned, trials are compared as they were before that."""

FAR = 1.5
"""Values that are worse than the worst quarter's edge by more than so many widths of the middle half count as lying
there. Source: Tukey, Exploratory data analysis (1977)."""


@dataclass(frozen=True, eq=False)
class Comparable:
    """Trials after equally many epochs.

    Attributes
    ----------
    trials : tuple of Trial
    values : ndarray [trials]
        No NaN among them, but perhaps what is infinitely bad.
    epochs : int or None
        After how many epochs; None at their end.
    notes : tuple of str
        What was left out, in words.
    """

    trials: tuple[Trial, ...]
    values: np.ndarray
    epochs: int | None
    notes: tuple[str, ...]


def comparable(space: Space, trials: Sequence[Trial], higher_is_better: bool, epochs: int | None = None) -> Comparable:
    """Return the trials that can be compared.

    Parameters
    ----------
    space : Space
    trials : sequence of Trial
    higher_is_better : bool
    epochs : int, optional
        After how many epochs they are compared. By default at their end where hardly any was pruned; otherwise after
        the most epochs that nearly all of them have learned, since those that went on further are a selection.
    """
    valued = [trial for trial in trials if trial.state in (FINISHED, PRUNED) and trial.value is not None]
    known = [trial for trial in valued if fits(space, trial)]
    notes = []
    if len(known) < len(valued):
        notes.append(f"{_trials(len(valued) - len(known))} outside the space left out.")
    after = _common_epochs(known) if epochs is None else epochs
    if after is None:
        found = [(trial, float(trial.value)) for trial in known if trial.state == FINISHED and trial.value is not None]
    else:
        last = ends_with_value(known)
        found = [(trial, value_after(trial, after, higher_is_better, last)) for trial in known]
        notes.append(f"Many trials were pruned after {after} epochs, and those that went on are a selection.")
    best = math.inf if higher_is_better else -math.inf
    found = [(trial, value) for trial, value in found if not math.isnan(value) and value != best]
    values = np.array([value for _, value in found], np.float64)
    return Comparable(tuple(trial for trial, _ in found), values, after, tuple(notes))


def fits(space: Space, trial: Trial) -> bool:
    """Say whether what a trial tried lies in the space."""
    return all(
        one.distribution.contains(trial.parameters[one.name])
        for one in space.dimensions
        if one.name in trial.parameters
    )


def value_after(trial: Trial, epochs: int, higher_is_better: bool, last: bool) -> float:
    """Return a trial's value after so many epochs; NaN where it is not known.

    Parameters
    ----------
    last : bool
        Whether a value is that of the last epoch; otherwise it is the best one so far.
    """
    if not trial.members or (trial.state == PRUNED and trial.epochs < epochs):
        return math.nan
    values = [_member_after(member, epochs, higher_is_better, last) for member in trial.members]
    return math.fsum(values) / len(values)


def _member_after(member: MemberResult, epochs: int, higher_is_better: bool, last: bool) -> float:
    if member.epochs <= epochs:  # it ended then, or before by itself
        return member.value
    known = [value for epoch, value in member.curve if epoch <= epochs and not math.isnan(value)]
    if not known:
        return math.nan
    return known[-1] if last else max(known) if higher_is_better else min(known)


def _common_epochs(trials: Sequence[Trial]) -> int | None:
    """Return the most epochs after which nearly all trials can be compared; None: at their end."""
    pruned = [trial.epochs for trial in trials if trial.state == PRUNED]
    for epochs in (None, *sorted(set(pruned), reverse=True)):
        lost = len(pruned) if epochs is None else sum(found < epochs for found in pruned)
        if lost <= MOST_LEFT_OUT * len(trials):
            return epochs
    return None


def ends_with_value(trials: Sequence[Trial]) -> bool:
    """Say whether the values of trials are those of their last epochs; otherwise they are the best ones so far."""
    members = [member for trial in trials for member in trial.members if member.curve]
    return all(member.value == member.curve[-1][1] for member in members)


def far_limit(values: np.ndarray, higher_is_better: bool, widths: float = FAR) -> float:
    """Return beyond which value others are far worse than most; of finite values, one at least.

    It lies so many widths of the middle half beyond the worst quarter's edge; where the middle half are all alike, it
    is the worst value.

    Examples
    --------
    >>> far_limit(np.array([1.0, 2.0, 3.0, 4.0, 1000.0]), higher_is_better=False)
    7.0
    """
    sign = -1.0 if higher_is_better else 1.0
    low, high = np.quantile(sign * values, (0.25, 0.75))
    return float(sign * (high + widths * (high - low) if high > low else (sign * values).max()))


def bring_near(values: np.ndarray, higher_is_better: bool) -> tuple[np.ndarray, list[str]]:
    """Return values, those that are far worse than the others brought nearer, and a note that says so."""
    finite = values[np.isfinite(values)]
    if not finite.size:
        return np.zeros_like(values), []
    limit = far_limit(finite, higher_is_better)
    far = values < limit if higher_is_better else values > limit
    if not far.any():
        return values, []
    verb = "counts" if far.sum() == 1 else "count"
    told = f"{_trials(int(far.sum()))} far worse than the others {verb} as {limit:.4g}."
    return np.where(far, limit, values), [told]


def _trials(count: int) -> str:
    return f"{count:,} trial{'' if count == 1 else 's'}"
