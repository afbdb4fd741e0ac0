"""A training that goes on from a moment of another one, with changed settings."""

from __future__ import annotations

import numbers
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from pellucid.errors import TrainingError, UsageError
from pellucid.inspection.replay.facts import facts_table
from pellucid.nn.network import Network
from pellucid.training.arrangement import Arrangement, Options, arrange
from pellucid.training.checkpoint import Progress
from pellucid.training.checks import check_parts
from pellucid.training.events import Handlers
from pellucid.training.loop import NOT_FINITE, Training
from pellucid.training.mini_batches import MiniBatchTraining
from pellucid.training.result import Fit, training_result

if TYPE_CHECKING:
    from pellucid.inspection.replay.moment import Moment

Arrays = Mapping[str, np.ndarray]

_OF_ORDER = ("batch_size", "shuffle", "seed", "dataset")
"""What the mini-batches of an epoch depend on."""

_OF_JUDGEMENT = ("network", "dataset", "loss", "validation", "metric", "min_improvement")
"""What the value that training is judged by depends on, so that an earlier one is no measure of a later one."""

_OF_RUNNING = ("on", "progress", "time_limit", "checkpoint", "checkpoint_seconds", "history_file")
"""What changes nothing of the numbers."""


@dataclass(frozen=True, repr=False)
class Fork(Fit):
    """What a training brought that went on from a moment of another one. Made by :meth:`Moment.fork`.

    Attributes
    ----------
    step : int
        After how many steps of the other training it began.
    notes : tuple of str
        What could not carry over, and so began anew.
    """

    step: int
    notes: tuple[str, ...]

    def __repr__(self) -> str:
        told = f"{len(self.history)} epochs, best {self.best_epoch}: {self.reason}"
        anew = f"; begun anew: {'; '.join(self.notes)}" if self.notes else ""
        return f"<Fork after step {self.step}: {told}{anew}>"

    def _repr_html_(self) -> str:
        facts = [("fork after step", f"{self.step:,}"), ("epochs", f"{len(self.history):,}"), ("ended", self.reason)]
        return facts_table([*facts, *(("begun anew", note) for note in self.notes)])


def fork(moment: Moment, changes: Mapping[str, Any]) -> Fork:
    """Go on from a moment with changed options; see :meth:`Moment.fork`."""
    source = moment.timeline.source
    if source is None:
        what = "what this training was arranged from is not known"
        raise UsageError(what, where="fork", fix="Make the timeline of a network and a dataset.")
    if changes.get("resume") or "start_from" in changes:
        fix = "Leave resume and start_from out."
        raise UsageError("a fork goes on from its moment", where="fork", fix=fix)
    network = changes.get("network", moment.timeline.network)
    dataset = changes.get("dataset", source.dataset)
    check_parts(network, dataset)
    options = {
        **source.options,
        **{name: value for name, value in changes.items() if name not in ("network", "dataset")},
    }
    options["settings"] = _settings(source.options, changes)
    handlers, options = Handlers(options.pop("on", ())), {"progress": False, **options}
    changed = {name for name in changes if name not in _OF_RUNNING}
    notes: list[str] = []
    if not changed and isinstance(moment.training, MiniBatchTraining):
        arranged, progress = arrange(network, dataset, **options), moment.progress
    else:
        arranged, progress, notes = _carry_over(moment, network, dataset, options, changed)
    training = arranged.with_run(resume=progress).training(handlers)
    try:
        reason = training.run()
    except TrainingError as error:
        error.fit = _forked(training, NOT_FINITE, moment.step, notes)
        raise
    return _forked(training, reason, moment.step, notes)


def _forked(training: Training, reason: str, step: int, notes: list[str]) -> Fork:
    brought = training_result(training, reason)
    return Fork(**{one.name: getattr(brought, one.name) for one in fields(Fit)}, step=step, notes=tuple(notes))


def _settings(earlier: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, float] | None:
    """Return the settings: earlier ones stay, but for those of an optimizer that is replaced."""
    kept = dict(earlier.get("settings") or {})
    if "optimizer" in changes:
        given = earlier.get("optimizer", Options.optimizer)
        prefix = f"{given if isinstance(given, str) else given.name}/"
        kept = {name: value for name, value in kept.items() if name != "learning_rate" and not name.startswith(prefix)}
    return {**kept, **(changes.get("settings") or {})} or None


def _carry_over(
    moment: Moment, network: Network, dataset: Any, options: dict[str, Any], changed: set[str]
) -> tuple[Arrangement, Progress, list[str]]:
    """Return the changed training, where it begins, and what could not carry over."""
    notes: list[str] = []
    earlier = moment.progress
    first = _fitting(earlier.parameters, network.initialize(int(options.get("seed", 0))), "parameter", notes)
    arranged = arrange(network, dataset, **{**options, "start_from": first})
    fresh, old = arranged.training(), moment.training
    if not isinstance(fresh, MiniBatchTraining) or not isinstance(old, MiniBatchTraining):
        if isinstance(fresh, MiniBatchTraining):
            notes.append("the optimizer's state: L-BFGS leaves none")
        else:
            notes.append("epochs and steps, as L-BFGS starts without a memory")
        return arranged, fresh.progress, notes
    form = fresh.steps.step.form
    moving = {path for path in fresh.progress.state if form.graph.outputs[path] is not form.graph.inputs[path]}
    known = {path: array for path, array in earlier.state.items() if path in moving}
    state = {**fresh.progress.state, **_fitting(known, fresh.progress.state, "state", notes, of=moving)}
    progress = earlier.changed(parameters=dict(fresh.progress.parameters), state=state, waited=0)
    if fresh.steps.schedule != old.steps.schedule:
        progress = progress.changed(schedule=fresh.progress.schedule)
        if earlier.schedule:
            notes.append("what the schedule remembers")
    if earlier.epoch_steps and _other_batches(fresh, old, changed):
        progress = progress.changed(epoch_steps=0, loss_sum=0.0, weight_sum=0.0)
        notes.append(f"epoch {earlier.epoch + 1}, as its mini-batches are others")
    if earlier.best_epoch and (changed & set(_OF_JUDGEMENT) or _other_division(options, changed)):
        empty = Progress({}, {})
        progress = progress.changed(
            best={}, best_value=empty.best_value, best_epoch=0, counted_value=empty.counted_value
        )
        if fresh.plan.validation is not None:
            notes.append("the best epoch so far, as it was judged in another way")
    return arranged, progress, notes


def _other_batches(fresh: MiniBatchTraining, old: MiniBatchTraining, changed: set[str]) -> bool:
    return fresh.steps.step.form.batch != old.steps.step.form.batch or bool(changed & set(_OF_ORDER))


def _other_division(options: Mapping[str, Any], changed: set[str]) -> bool:
    """Say whether other rows are held out: those of a share are drawn by the seed."""
    return "seed" in changed and isinstance(options.get("validation"), numbers.Real)


def _fitting(
    earlier: Arrays, wanted: Arrays, what: str, notes: list[str], of: set[str] | None = None
) -> dict[str, np.ndarray]:
    """Return those earlier arrays that are wanted in the same shape, in the dtype wanted; note the others."""
    paths = [path for path in wanted if of is None or path in of]
    taken = {
        path: np.asarray(earlier[path], wanted[path].dtype)
        for path in paths
        if path in earlier and np.shape(earlier[path]) == np.shape(wanted[path])
    }
    missing = [path for path in paths if path not in taken]
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        notes.append(f"{what} {missing[0]}{more}")
    return taken
