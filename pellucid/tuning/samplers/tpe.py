"""Bayesian search by Optuna's tree-structured Parzen estimator (Bergstra et al., NeurIPS 2011; Watanabe, 2023).

Two densities are estimated, of the settings of the best trials and of all others, and what is proposed is likely by the
first and unlikely by the second. Trials that are under way count among the others (the constant liar), so that a whole
batch is asked for at once.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from pellucid.errors import UsageError
from pellucid.random import words
from pellucid.tuning.samplers.random import RandomSampler
from pellucid.tuning.space import Choice, Distribution, Integer, LogUniform, Space, Uniform, Value
from pellucid.tuning.trial import FINISHED, PRUNED, Trial, ranking

STARTUP = 10
"""So many trials with a value are drawn at random before there is something to learn from."""

BEST = 25
LEARNED_FROM = 250
"""So many trials are learned from at most, in half the time that a thousand take. Their tenth is `BEST`."""


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

    def __init__(self, space: Space, seed: int, higher_is_better: bool):
        try:
            import optuna
        except ImportError:
            fix = "pip install 'pellucid[optuna]', or take another sampler."
            raise UsageError("the sampler tpe needs Optuna", where="sampler", fix=fix) from None
        self._optuna = optuna
        self.space, self.seed, self.higher_is_better = space, seed, higher_is_better
        self._random = RandomSampler(space, seed)
        self._distributions = {one.name: self._distribution(one.distribution) for one in space.dimensions}

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
            seen = self._random.seen.keys([*history, *pending])
            proposed: list[dict[str, Value]] = []
            for number in range(first, first + count):
                asked = self._ask(study.ask())
                fresh = self._random.fresh(number, asked, seen)
                if fresh is None:
                    break
                if fresh is not asked:
                    study.add_trial(self._frozen(Trial(number, fresh)))
                proposed.append(fresh)
        return proposed

    def _study(self, first: int, history: Sequence[Trial], pending: Sequence[Trial]) -> Any:
        """Return a study of Optuna that knows the earlier trials.

        The settings that take part everywhere are drawn together, others each on its own. Optuna's division of
        conditional spaces into groups found no better configurations in tests, and asks for twice the time.
        """
        optuna = self._optuna
        seed = int(words(self.seed, "tpe", 0, 1, first)[0])
        sampler = optuna.samplers.TPESampler(seed=seed, n_startup_trials=STARTUP, multivariate=True, constant_liar=True)
        study = optuna.create_study(direction="maximize" if self.higher_is_better else "minimize", sampler=sampler)
        study.add_trials([self._frozen(trial) for trial in [*self._telling(history), *pending]])
        return study

    def _telling(self, history: Sequence[Trial]) -> list[Trial]:
        """Return the trials from which is learned: the best ones, and the latest of the others.

        Optuna compares the best tenth, `BEST` of them at most, with the others, of which the oldest weigh least; its
        time grows with their number. Of failed trials it learns nothing.
        """
        telling = sorted((trial for trial in history if _known(trial) or not trial.done), key=lambda one: one.number)
        best = {trial.number for trial in ranking(telling, self.higher_is_better)[:BEST]}
        others = [trial.number for trial in telling if trial.number not in best]
        kept = best | set(others[-(LEARNED_FROM - BEST) :])
        return [trial for trial in telling if trial.number in kept]

    def _distribution(self, own: Distribution) -> Any:
        made = self._optuna.distributions
        if isinstance(own, Choice):
            return made.CategoricalDistribution(range(own.count))
        if isinstance(own, Integer):
            return made.IntDistribution(own.low, own.high, log=own.log, step=own.step)
        assert isinstance(own, Uniform | LogUniform)
        return made.FloatDistribution(own.low, own.high, log=isinstance(own, LogUniform))

    def _ask(self, trial: Any) -> dict[str, Value]:
        """Let Optuna choose the values of the dimensions that take part, one after the other."""
        found: dict[str, Value] = self.space.fixed
        for one in self.space.dimensions:
            if one.active(found):
                found[one.name] = _suggested(trial, one.name, one.distribution)
        return {name: found[name] for name in self.space.names if name in found}

    def _frozen(self, trial: Trial) -> Any:
        """Return a trial as Optuna has it."""
        states = self._optuna.trial.TrialState
        given: dict[str, Any] = {}
        for one in self.space.active(trial.parameters):
            value = trial.parameters[one.name]
            given[one.name] = one.distribution.index(value) if isinstance(one.distribution, Choice) else value
        state = states.RUNNING
        more: dict[str, Any] = {}
        if trial.state == FINISHED:
            state, more = states.COMPLETE, {"value": trial.value}
        elif trial.state == PRUNED:
            state, more = states.PRUNED, {"intermediate_values": {trial.epochs: trial.value}}
        distributions = {name: self._distributions[name] for name in given}
        return self._optuna.trial.create_trial(state=state, params=given, distributions=distributions, **more)


def _suggested(trial: Any, name: str, own: Distribution) -> Value:
    if isinstance(own, Choice):
        return own.options[trial.suggest_categorical(name, range(own.count))]
    if isinstance(own, Integer):
        return int(trial.suggest_int(name, own.low, own.high, step=own.step, log=own.log))
    assert isinstance(own, Uniform | LogUniform)
    number = float(trial.suggest_float(name, own.low, own.high, log=isinstance(own, LogUniform)))
    return min(max(number, own.low), own.high)


def _known(trial: Trial) -> bool:
    """Whether something is to be learned of a trial."""
    return trial.state in (FINISHED, PRUNED) and trial.value is not None and not math.isnan(trial.value)


@contextmanager
def _silent(optuna: Any) -> Iterator[None]:
    """Keep Optuna from telling of the studies that are made here."""
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(logging.CRITICAL)
    try:
        yield
    finally:
        optuna.logging.set_verbosity(before)
