"""Bayesian search by Optuna's tree-structured Parzen estimator (Bergstra et al., NeurIPS 2011; Watanabe, 2023).

Two densities are estimated, of the settings of the best trials and of all others, and what is proposed is likely by the
first and unlikely by the second. Trials that are under way count among the others (the constant liar), so that a whole
batch is asked for at once.
"""

from __future__ import annotations

import logging
import math
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from pellucid.errors import UsageError
from pellucid.random import words
from pellucid.tuning.samplers.random import RandomSampler
from pellucid.tuning.samplers.sampler import Seen, endless_names
from pellucid.tuning.space import Choice, Dimension, Integer, LogUniform, Space, Value
from pellucid.tuning.trial import FINISHED, PRUNED, Trial

STARTUP = 10
"""So many trials with a value are drawn at random before there is something to learn from."""


class TPESampler:
    """Asks Optuna, of which a study is made anew for every batch, so that nothing is left over from earlier ones.

    Parameters
    ----------
    space : Space
    seed : int
    higher_is_better : bool

    Raises
    ------
    UsageError
        Where Optuna is not installed.
    """

    name = "tpe"
    learns = True

    def __init__(self, space: Space, seed: int, higher_is_better: bool, mode="group", failed="fail"):
        self.mode = mode
        self.failed = failed
        try:
            import optuna
        except ImportError:
            fix = "pip install 'pellucid[optuna]', or take another sampler."
            raise UsageError("the sampler tpe needs Optuna", where="sampler", fix=fix) from None
        self._optuna = optuna
        self.space, self.seed, self.higher_is_better = space, seed, higher_is_better
        self._random = RandomSampler(space, seed)
        self._seen = Seen(endless_names(space))
        self._distributions = {one.name: self._distribution(one) for one in space.dimensions}

    def propose(
        self, first: int, count: int, history: Sequence[Trial], pending: Sequence[Trial]
    ) -> list[dict[str, Value]]:
        """See `Sampler.propose`; fewer where all configurations of a finite space have been tried."""
        if count <= 0:
            return []
        if sum(_known(trial) for trial in history) < STARTUP:
            return self._random.propose(first, count, history, pending)
        with _silent(self._optuna):
            study = self._study(first, history, pending)
            seen = self._seen.keys([*history, *pending])
            proposed: list[dict[str, Value]] = []
            for number in range(first, first + count):
                parameters: dict[str, Value] | None = self._ask(study.ask())
                key = self._seen.key(parameters)
                if key in seen:
                    parameters = self._random.another(number, seen, parameters)
                    if parameters is None:
                        break
                    study.add_trial(self._frozen(Trial(number, parameters)))
                    key = self._seen.key(parameters)
                seen |= {key} if key is not None else set()
                proposed.append(parameters)
        return proposed

    def _study(self, first: int, history: Sequence[Trial], pending: Sequence[Trial]) -> Any:
        optuna = self._optuna
        seed = int(words(self.seed, "tpe", 0, 1, first)[0])
        sampler = optuna.samplers.TPESampler(
            seed=seed,
            n_startup_trials=STARTUP,
            constant_liar=True,
            multivariate=self.mode != "uni",
            group=self.mode == "group",
        )
        study = optuna.create_study(direction="maximize" if self.higher_is_better else "minimize", sampler=sampler)
        study.add_trials([self._frozen(trial) for trial in [*history, *pending]])
        return study

    def _distribution(self, one: Dimension) -> Any:
        made, own = self._optuna.distributions, one.distribution
        if isinstance(own, Choice):
            return made.CategoricalDistribution(range(own.count))
        if isinstance(own, Integer):
            return made.IntDistribution(own.low, own.high, log=own.log, step=own.step)
        return made.FloatDistribution(own.low, own.high, log=isinstance(own, LogUniform))

    def _ask(self, trial: Any) -> dict[str, Value]:
        """Let Optuna choose the values of the dimensions that take part, one after the other."""
        found: dict[str, Value] = self.space.fixed
        for one in self.space.dimensions:
            if one.active(found):
                value = trial._suggest(one.name, self._distributions[one.name])
                found[one.name] = one.distribution.options[value] if isinstance(one.distribution, Choice) else value
        return {name: found[name] for name in self.space.names if name in found}

    def _frozen(self, trial: Trial) -> Any:
        """Return a trial as Optuna has it."""
        states = self._optuna.trial.TrialState
        active = self.space.active(trial.parameters)
        given: dict[str, Any] = {}
        for one in active:
            value = trial.parameters[one.name]
            given[one.name] = one.distribution.index(value) if isinstance(one.distribution, Choice) else value
        more: dict[str, Any] = {}
        state = states.RUNNING
        if trial.done and not _known(trial):
            state = states.FAIL if self.failed == "fail" else states.PRUNED
        elif trial.state == FINISHED:
            state, more = states.COMPLETE, {"value": trial.value}
        elif trial.state == PRUNED:
            state, more = states.PRUNED, {"intermediate_values": {trial.epochs: trial.value}}
        distributions = {name: self._distributions[name] for name in given}
        return self._optuna.trial.create_trial(state=state, params=given, distributions=distributions, **more)


def _known(trial: Trial) -> bool:
    """Whether something is to be learned of a trial."""
    return trial.state in (FINISHED, PRUNED) and trial.value is not None and not math.isnan(trial.value)


@contextmanager
def _silent(optuna: Any) -> Iterator[None]:
    """Keep Optuna from telling of the studies that are made here, and that what is asked of it is new."""
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        optuna.logging.set_verbosity(before)
