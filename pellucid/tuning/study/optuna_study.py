"""A study as Optuna's, for its pictures and its measures of importance."""

from __future__ import annotations

import datetime
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pellucid.errors import UsageError
from pellucid.tuning.space import Choice, Distribution, Integer, LogUniform, Space
from pellucid.tuning.space.values import format_value
from pellucid.tuning.study.record import StudyRecord
from pellucid.tuning.trial import FAILED, FINISHED, PRUNED, WAITING, Trial


def to_optuna(record: StudyRecord, trials: Sequence[Trial], ended: Mapping[int, str]) -> Any:
    """Return a study of Optuna in memory with the same trials.

    Finished trials are ``COMPLETE``, pruned ones ``PRUNED`` with their learning curves as intermediate values (the mean
    over the members that have one at that epoch), failed ones ``FAIL``, and waiting ones ``WAITING``. What is no
    distribution there, such as a setting that stays the same, is a user attribute; lists are the grammar's text.

    Parameters
    ----------
    record : StudyRecord
    trials : sequence of Trial
    ended : mapping
        When trials have ended, by number.

    Raises
    ------
    UsageError
        Where Optuna is not there.
    """
    try:
        import optuna
    except ImportError:
        fix = "pip install 'pellucid[optuna]'"
        raise UsageError("Optuna is not installed", where="to_optuna", fix=fix) from None
    quiet = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        made = optuna.create_study(direction="maximize" if record.higher_is_better else "minimize")
    finally:
        optuna.logging.set_verbosity(quiet)
    distributions = _distributions(Space.from_toml(record.space, "the study's space"), trials)
    made.add_trials([_trial(trial, distributions, ended.get(trial.number) or record.created) for trial in trials])
    for name in ("metric", "sampler", "pruner", "seed", "members", "created"):
        made.set_user_attr(name, getattr(record, name))
    return made


def _trial(trial: Trial, distributions: Mapping[str, Any], ended: str) -> Any:
    import optuna

    states = optuna.trial.TrialState
    valued = trial.value is not None and not math.isnan(trial.value)
    state = {WAITING: states.WAITING, FINISHED: states.COMPLETE, PRUNED: states.PRUNED, FAILED: states.FAIL}[
        trial.state
    ]
    if state == states.COMPLETE and not valued:  # Optuna has no complete trial without a number
        state = states.FAIL
    waiting = state == states.WAITING
    known = {name: _plain(value) for name, value in trial.parameters.items() if name in distributions}
    others = {name: value for name, value in trial.parameters.items() if name not in distributions}
    at = datetime.datetime.fromisoformat(ended).astimezone().replace(tzinfo=None)  # Optuna's times are local ones
    began = at - datetime.timedelta(seconds=trial.seconds if math.isfinite(trial.seconds) else 0)
    facts = {"number": trial.number, "bracket": trial.bracket, "seconds": trial.seconds, "error": trial.error, **others}
    return optuna.trial.FrozenTrial(
        number=trial.number,
        trial_id=trial.number,
        state=state,
        value=trial.value if valued and state != states.FAIL else None,
        datetime_start=None if waiting else began,
        datetime_complete=at if state.is_finished() else None,
        params={} if waiting else known,
        distributions={} if waiting else {name: distributions[name] for name in known},
        user_attrs={
            **{name: _json(value) for name, value in facts.items()},
            "values": [m.value for m in trial.members],
        },
        system_attrs={"fixed_params": known} if waiting else {},  # as `enqueue_trial` does it
        intermediate_values=_mean_curve(trial),
    )


def _json(value: Any) -> Any:
    return json.loads(json.dumps(value))


def _mean_curve(trial: Trial) -> dict[int, float]:
    """Return the mean of the members' values after each epoch that all of them have."""
    curves = [dict(member.curve) for member in trial.members]
    if not curves:
        return {}
    shared = [epoch for epoch in curves[0] if all(epoch in curve for curve in curves)]
    return {epoch: sum(curve[epoch] for curve in curves) / len(curves) for epoch in shared}


def _plain(value: Any) -> Any:
    return format_value(value) if isinstance(value, list | tuple) else value


def _distributions(space: Space, trials: Sequence[Trial]) -> dict[str, Any]:
    """Return Optuna's distributions by name, wide enough for what was tried by the user's wish."""
    found: dict[str, Any] = {}
    for dimension in space.dimensions:
        tried = [trial.parameters[dimension.name] for trial in trials if dimension.name in trial.parameters]
        made = _distribution(dimension.distribution, tried)
        if made is not None:
            found[dimension.name] = made
    return found


def _distribution(given: Distribution, tried: Iterable[Any]) -> Any:
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if isinstance(given, Choice):
        return CategoricalDistribution(_different([*given.options, *tried]))
    numbers = [value for value in tried if isinstance(value, int | float) and not isinstance(value, bool)]
    low, high = min([given.low, *numbers]), max([given.high, *numbers])  # type: ignore[attr-defined]
    if isinstance(given, Integer):
        on_grid = all((value - given.low) % given.step == 0 for value in numbers)
        return IntDistribution(int(low), int(high), log=given.log, step=given.step if on_grid else 1)
    return FloatDistribution(low, high, log=isinstance(given, LogUniform))


def _different(options: Iterable[Any]) -> list[Any]:
    found: list[Any] = []
    for option in map(_plain, options):
        if not any(type(option) is type(other) and option == other for other in found):
            found.append(option)
    return found
