"""The candidates of a search: what scikit-learn or Pellucid says of parameters, and the parameters that come of it."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Generator, Iterable, Mapping
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.model_selection import ParameterSampler

from pellucid.errors import UsageError, nearest
from pellucid.estimators.parameters import seed_of
from pellucid.tuning.samplers import make_sampler
from pellucid.tuning.space import Choice, Distribution, Space, Uniform, identity
from pellucid.tuning.space.entries import parse_entries
from pellucid.tuning.trial import FAILED, FINISHED, Trial

ROUND = 8
"""So many candidates are proposed at once by a sampler that learns from the ones before."""

MOST_OF_A_GRID = 100_000

EDGE = 1e-12
"""How near to 0 and 1 the places in SciPy's distributions come: at 0 and 1 themselves many are infinite."""

Decode = Callable[[Any], Any]


def is_grammar(given: Any) -> bool:
    """Say whether a parameter's values are given in Pellucid's way: a text, a distribution, or one with a condition."""
    if isinstance(given, tuple):
        return bool(given) and isinstance(given[0], Distribution)
    return isinstance(given, (str, Distribution))


class Plan:
    """One mapping of parameters to their values, as a space in which each value has a place.

    Attributes
    ----------
    space : Space
    """

    def __init__(self, given: Mapping[str, Any] | Space, learns: bool):
        self._decode: dict[str, Decode] = {}
        self._coded: set[str] = set()
        if isinstance(given, Space):
            self.space = given
            return
        entries = {name: self._entry(name, values, learns) for name, values in given.items()}
        for name, entry in parse_entries(entries).items():
            for other in entry.condition.names if entry.condition else ():
                if other in self._coded:
                    what = f"its condition is about {other!r}, whose values have no text"
                    raise UsageError(what, where=name, fix=f'Write {other}="integer(1, 5)", for example.')
        self.space = Space(entries)

    def _entry(self, name: str, values: Any, learns: bool) -> Any:
        if is_grammar(values) or isinstance(values, Mapping):
            return values
        if hasattr(values, "rvs"):
            self._coded.add(name)
            self._decode[name] = _quantile(name, values, learns)
            return Uniform(0.0, 1.0)
        if not hasattr(values, "__len__") or not hasattr(values, "__getitem__"):
            return values
        options = list(values)
        try:
            found = Choice(options)
        except UsageError:  # there are values that a space can not hold, or some that are there twice
            self._coded.add(name)
            self._decode[name] = options.__getitem__
            return Choice(range(len(options)))
        by_value = {identity(plain): option for plain, option in zip(found.options, options, strict=True)}
        self._decode[name] = lambda value: by_value[identity(value)]
        return found

    def decode(self, drawn: Mapping[str, Any]) -> dict[str, Any]:
        """Return the estimator's parameters for what was drawn from the space."""
        return {name: self._decode[name](value) if name in self._decode else value for name, value in drawn.items()}


def _quantile(name: str, distribution: Any, learns: bool) -> Decode:
    """Return what makes a value of a place from 0 to 1: the quantile, where the distribution has such."""
    if hasattr(distribution, "ppf"):
        whole = hasattr(getattr(distribution, "dist", distribution), "pmf")

        def quantile(u: float) -> Any:
            found = distribution.ppf(min(max(u, EDGE), 1 - EDGE))
            return int(found) if whole else float(found)

        return quantile
    if learns:
        what = "only a random search takes a distribution without quantiles"
        raise UsageError(what, where=name, got=type(distribution).__name__, fix='Say sampler="random".')
    return lambda u: distribution.rvs(random_state=np.random.RandomState(int(u * 2**32)))


def check_given(given: Any, estimator: BaseEstimator) -> None:
    """Raise an error where something that is searched over is no parameter of the estimator, or has no values."""
    mappings = [given] if isinstance(given, (Mapping, Space)) else list(given)
    if not mappings:
        raise UsageError("the search space is empty", where="param_distributions")
    known = estimator.get_params(deep=True)
    for one in mappings:
        if not isinstance(one, (Mapping, Space)):
            got = type(one).__name__
            raise TypeError(f"param_distributions: each of a list is a mapping of parameters to values: got {got}.")
        names = list(one.names if isinstance(one, Space) else one)
        for name in names:
            if name not in known and not any(_is_below(name, other) for other in names):
                what = f"Invalid parameter {name!r} for estimator {type(estimator).__name__}"
                raise UsageError(what, where="param_distributions", fix=nearest(str(name), known))
            values: Any = None if isinstance(one, Space) else one[name]
            if hasattr(values, "__len__") and not isinstance(values, str) and not len(values):
                raise UsageError("a parameter has no values to choose from", where=f"param_distributions, {name}")


def _is_below(name: Any, other: Any) -> bool:
    """Say whether this is a parameter of what another one may be."""
    return isinstance(name, str) and isinstance(other, str) and name.startswith(f"{other}__")


Rounds = Generator[list[dict[str, Any]], list[float], None]
"""Yields candidates; where they depend on how good the earlier ones were, it is sent their scores."""


def candidates(given: Any, sampler: str, n_iter: int, random_state: Any) -> Rounds:
    """Return what yields the candidates of a search, a round after the other.

    Where all values are given in scikit-learn's way, a random search draws as scikit-learn does.
    """
    mappings = [given] if isinstance(given, (Mapping, Space)) else list(given)
    ours = any(isinstance(one, Space) or any(map(is_grammar, one.values())) for one in mappings)
    if sampler == "random" and not ours:
        return _at_once(ParameterSampler(given, n_iter, random_state=random_state))
    plans = [Plan(one, learns=sampler != "random") for one in mappings]
    seed = seed_of(random_state)
    if sampler == "random":
        return _drawn(plans, n_iter, seed)
    if sampler == "grid":
        return _every(plans)
    if len(plans) > 1:
        fix = 'Write conditions in one mapping: {"momentum": "uniform(0, 1) if solver == sgd"}.'
        raise UsageError("this sampler takes one mapping", where="sampler", got=f"{sampler!r}, {len(plans)}", fix=fix)
    return _learned(plans[0], sampler, n_iter, seed)


def _at_once(found: Iterable[dict[str, Any]]) -> Rounds:
    yield list(found)


def _drawn(plans: list[Plan], n_iter: int, seed: int) -> Rounds:
    """Yield random candidates; of several mappings, those of each equally often, about."""
    sizes = [plan.space.size for plan in plans]
    total = sum(size for size in sizes if size is not None)
    if None not in sizes and total < n_iter:
        told = f"The total space of parameters {total} is smaller than n_iter={n_iter}. Running {total} iterations."
        warnings.warn(told, UserWarning, stacklevel=2)
    choose, left = np.random.RandomState(seed), list(range(len(plans)))
    samplers = [make_sampler("random", plan.space, seed, True) for plan in plans]
    earlier: list[list[Trial]] = [[] for _ in plans]
    found: list[dict[str, Any]] = []
    while left and len(found) < n_iter:
        place = left[choose.randint(len(left))]
        number = len(earlier[place])
        proposed = samplers[place].propose(number, 1, [], earlier[place])
        if not proposed:
            left.remove(place)
        for parameters in proposed:
            earlier[place].append(Trial(number, parameters))
            found.append(plans[place].decode(parameters))
    yield found


def _every(plans: list[Plan]) -> Rounds:
    """Yield every combination of values."""
    count = sum(plan.space.grid_size() for plan in plans)
    if count > MOST_OF_A_GRID:
        expected = f"at most {MOST_OF_A_GRID:,}"
        raise UsageError(
            "too large a grid", where="param_distributions", got=f"{count:,} candidates", expected=expected
        )
    yield [plan.decode(parameters) for plan in plans for parameters in plan.space.grid()]


def _learned(plan: Plan, sampler: str, n_iter: int, seed: int) -> Rounds:
    """Yield candidates in rounds, each drawn with the scores of those before it in mind."""
    proposer, history = make_sampler(sampler, plan.space, seed, True), list[Trial]()
    while len(history) < n_iter:
        proposed = proposer.propose(len(history), min(ROUND, n_iter - len(history)), history, [])
        if not proposed:
            return
        scores = yield [plan.decode(parameters) for parameters in proposed]
        for parameters, score in zip(proposed, scores, strict=True):
            known = np.isfinite(score)
            history.append(Trial(len(history), parameters, 0, FINISHED if known else FAILED, score if known else None))
