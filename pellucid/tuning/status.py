"""What is told of a search: how far it is, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass

from pellucid.tuning.trial import Trial, ranking

TRIALS_RAN_OUT = "the trials ran out"
SPACE_RAN_OUT = "the whole space was tried"
OUT_OF_TIME = "the time limit"
INTERRUPTED = "interrupted"


@dataclass(frozen=True)
class Status:
    """How far a search is.

    Attributes
    ----------
    trials : dict of int
        How many there are, by state.
    wanted : int or None
        How many there are to be in all.
    seconds : float
        Since this search began.
    left : float or None
        Seconds until the time limit; or, of a number of trials, a guess from the rate.
    rate : float
        Trials that ended, a minute.
    best : list of Trial
        The ten best ones.
    running, compiling : int
        Trainings under way, and programs being compiled.
    compile_seconds : float
        What compiling has taken, all threads together.
    """

    trials: dict[str, int]
    wanted: int | None
    seconds: float
    left: float | None
    rate: float
    best: list[Trial]
    running: int
    compiling: int
    compile_seconds: float


@dataclass(frozen=True, eq=False)
class SearchResult:
    """What came of a search.

    Attributes
    ----------
    trials : tuple of Trial
        All of the study, by number; those that are still waiting were not done.
    best : Trial or None
        The best one that was trained to its end; a pruned one where there is no such trial.
    seconds : float
        What this search took.
    compile_seconds : float
        Of which compiling, all threads together.
    reason : str
        Why it ended.
    interrupted : bool
    rate : float
        Trials that ended, a minute.
    higher_is_better : bool
    """

    trials: tuple[Trial, ...]
    best: Trial | None
    seconds: float
    compile_seconds: float
    reason: str
    interrupted: bool
    rate: float
    higher_is_better: bool

    def __repr__(self) -> str:
        best = f", best {self.best.value:.4g} (trial {self.best.number})" if self.best is not None else ""
        return f"<Search: {sum(trial.done for trial in self.trials):,} trials{best}; ended by {self.reason}>"

    def ranking(self) -> list[Trial]:
        """Return the trials from the best on: finished ones, then pruned ones."""
        return ranking(self.trials, self.higher_is_better)
