"""Two trainings side by side, step by step, until they differ."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from pellucid.inspection.divergence.of_fits import same_number
from pellucid.inspection.divergence.unlike_nodes import Structure, first_unlike_node, unlike_structure
from pellucid.inspection.divergence.unlike_steps import UnlikeStep, unlike_steps
from pellucid.inspection.replay.bits import Unlike, first_unlike
from pellucid.inspection.replay.snapshots import settled
from pellucid.inspection.replay.standing import Standing, standing
from pellucid.inspection.replay.timeline import Timeline
from pellucid.inspection.replay.walk import Walk, Walking
from pellucid.training.checkpoint import Progress
from pellucid.training.full_batch import LBFGSTraining
from pellucid.training.mini_batches import MiniBatchTraining

Names = tuple[str, str]


@dataclass(frozen=True)
class Found:
    """What was found; see :class:`~pellucid.inspection.divergence.result.Divergence`."""

    kind: str
    told: str
    step: int | None = None
    epoch: int | None = None
    node: str | None = None
    unlike: Unlike | None = None
    structure: str = ""
    notes: tuple[str, ...] = ()


class Lockstep:
    """Two trainings by steps that begin alike.

    Where both run the same graph on the same executor, what a step leads to depends only on what it is given: then what
    all steps of an epoch are given is compared, and what the last one leads to. Otherwise every step is done alone.
    """

    def __init__(self, timelines: tuple[Timeline, Timeline], names: Names):
        self.timelines, self.names = timelines, names
        self.walks = self._walks(tuple(timeline.progress_at(0) for timeline in timelines))
        forms = [training.steps.step.form for training in self.trainings]
        self.batches = forms[0].batch, forms[1].batch
        self.structure = unlike_structure(forms[0].graph, forms[1].graph, names)
        executors = {training.steps.executor for training in self.trainings}
        self.alike = self.structure is None and len(executors) == 1

    @property
    def trainings(self) -> list[MiniBatchTraining]:
        found = [walk.training for walk in self.walks]
        assert all(isinstance(training, MiniBatchTraining) for training in found)
        return found  # type: ignore[return-value]

    @property
    def step(self) -> int:
        return self.walks[0].progress.step

    def search(self) -> Found:
        """Go on until something differs, or one of them ends."""
        a, b = self.names
        if self.batches[0] != self.batches[1]:
            told = f"mini-batches of {self.batches[0]} examples in {a}, of {self.batches[1]} in {b}"
            return Found("batch", f"The runs differ from the start: {told}.", step=0, epoch=1)
        found = None
        while found is None:
            found = self._search_epoch()
        return found

    def _search_epoch(self) -> Found | None:
        """Look through the epoch under way; if nothing is found, both stand at its end."""
        begun = self._places()
        given = unlike_steps(*self._standing(), self.names)
        length = min(training.steps_per_epoch for training in self.trainings)
        stop = self.step + (given[0].at if given else length) - begun[0].epoch_steps
        if not self.alike and self._go_singly(stop):
            return self._values()
        if self.alike and not (self._go(stop) and self._unlike() is None) and self._unlike() is not None:
            self.walks = self._walks(begun)
            self._go_singly(stop)
            return self._values()
        if self.step < stop:
            return self._at_the_end([])
        return (self._at_the_end(given) or self._inputs(given)) if given else None

    def _walks(self, starts: Any) -> tuple[Walk, Walk]:
        a, b = (Walk(timeline.arranged, start) for timeline, start in zip(self.timelines, starts, strict=True))
        return a, b

    def _go(self, step: int) -> bool:
        """Go on to a step with both, or to where the first of them ends; say whether both have got there."""
        reached = [walk.to(step) for walk in self.walks]
        if not all(reached):
            least = min(walk.progress.step for walk in self.walks)
            starts = tuple(timeline.progress_at(least) for timeline in self.timelines)
            self.walks = self._walks(starts)
        return all(reached)

    def _go_singly(self, stop: int) -> bool:
        """Go on step by step; stop before the first one that leads to something else, and say whether there is one."""
        while self.step < stop:
            before = self._places()
            if not self._go(self.step + 1):
                return False
            losses = (_loss(walk.progress) for walk in self.walks)
            if self._unlike() is not None or not same_number(*losses):
                self.walks = self._walks(before)
                return True
        return False

    def _places(self) -> tuple[Progress, Progress]:
        a, b = (settled(walk.progress) for walk in self.walks)
        return a, b

    def _unlike(self) -> tuple[str, Unlike] | None:
        """Return the first carried value that differs."""
        a, b = (walk.progress for walk in self.walks)
        return first_unlike(a.parameters, b.parameters) or first_unlike(a.state, b.state)

    def _standing(self) -> tuple[Standing, Standing]:
        a, b = (standing(training) for training in self.trainings)
        return a, b

    def _at_the_end(self, given: list[UnlikeStep]) -> Found | None:
        """Return what to tell if one of the trainings, or both, have no step after this one; None otherwise.

        A step that meets a value that is not finite is one that the other training does not have to meet.
        """
        places = self._places()
        trials = self._walks(places)
        on = [trial.to(self.step + 1) for trial in trials]
        if all(on):
            return None
        failed = [trial.error is not None for trial in trials]
        if any(failed) and all(one or other for one, other in zip(on, failed, strict=True)) and not all(failed):
            return self._inputs(given) if given else self._values()
        return ending(self.step, places[0].epoch, on, trials, self.names, self._notes_at_end())

    def _notes_at_end(self) -> tuple[str, ...]:
        best = [walk.progress.best_epoch for walk in self.walks]
        notes = [self.structure.told] if self.structure is not None else []
        if best[0] != best[1]:
            notes.append(f"the best epoch is {best[0]} in {self.names[0]}, {best[1]} in {self.names[1]}")
        return tuple(notes)

    def _inputs(self, given: list[UnlikeStep]) -> Found:
        """Return that the next step is given something else."""
        first = given[0]
        what = {"rows": "The row order differs", "examples": "The examples differ"}.get(first.kind, "The runs differ")
        told = f"{what} from step {self.step:,} on: {first.told}."
        more = tuple(one.told for one in given[1:] if one.at == first.at)
        return self._detailed(first.kind, told, more)

    def _values(self) -> Found:
        """Return that the next step leads to something else, though it is given the same."""
        found = self._detailed("values", "")
        place = f"{found.node}{found.unlike or ''}"
        only = found.unlike is None and self.structure is not None and found.node == self.structure.path
        first = self.structure.told if only and self.structure is not None else f"first in node {place}"
        return replace(found, told=f"The runs differ from step {self.step:,} on: {first}.")

    def _detailed(self, kind: str, told: str, notes: tuple[str, ...] = ()) -> Found:
        """Return what differs in the next step, with the first node of its graph that does."""
        a, b = self._standing()
        structure = self.structure
        first = first_unlike_node(a.graph, b.graph, (a.values(), b.values()))
        node, unlike = (first[1], first[2]) if first is not None else (None, None)
        if structure is not None and (first is None or structure.place < first[0]):
            more = (f"the first node of both with other values is {node}{unlike}",) if first is not None else ()
            notes, node, unlike = (*notes, *more), structure.path, None
        elif first is None:
            more = ("no node differs where each is computed alone: what differs is how they are computed together",)
            notes = (*notes, *more)
            node, unlike = first_unlike(a.part.carried, b.part.carried) or ("loss", None)
        said = structure.told if structure is not None else ""
        return Found(kind, told, self.step, a.training.progress.epoch + 1, node, unlike, said, notes)


def _loss(progress: Progress) -> Any:
    """Return what the losses of the epoch's steps add up to so far; of an epoch that has just ended, their mean."""
    if progress.epoch_steps or not progress.epoch:
        return progress.loss_sum
    return progress.records[-1]["loss"]


def ending(
    step: int, epoch: int, on: list[bool], walks: tuple[Walking, Walking], names: Names, notes: tuple[str, ...]
) -> Found:
    """Return what there is to tell where one of two trainings ends, or both, and nothing has differed."""
    if not any(on):
        reasons = [str(walk.reason) for walk in walks]
        if reasons[0] != reasons[1]:
            notes = (*notes, f"{names[1]} ends for another reason: {reasons[1]}")
        told = f"The runs are the same to the bit, in all {step:,} steps ({reasons[0]})."
        return Found("none", told, notes=notes)
    short, long = (0, 1) if on[1] else (1, 0)
    told = f"{names[short]} ends after step {step:,} ({walks[short].reason}), {names[long]} goes on"
    return Found("end", f"The runs are the same to the bit as far as both go: {told}.", step, epoch + 1, notes=notes)


def of_iterations(timelines: tuple[Timeline, Timeline], names: Names) -> Found:
    """Compare two trainings by L-BFGS that begin alike, iteration by iteration."""
    trainings = [timeline.arranged.training() for timeline in timelines]
    graphs = [training.objective.program.graph for training in trainings if isinstance(training, LBFGSTraining)]
    structure = unlike_structure(graphs[0], graphs[1], names)
    walks = timelines[0].walk(), timelines[1].walk()
    step = 0
    while True:
        before = walks[0].progress, walks[1].progress
        found = _unlike_objective(timelines, before)
        on = [walk.to(step + 1) for walk in walks] if found is None else [True, True]
        if found is None and not all(on):
            notes = (structure.told,) if structure is not None else ()
            return ending(step, step, on, walks, names, notes)
        if found is None:
            found = first_unlike(walks[0].progress.parameters, walks[1].progress.parameters)
        if found is not None:
            return _of_iteration(step, found, structure)
        step += 1


def _of_iteration(step: int, found: tuple[str, Unlike], structure: Structure | None) -> Found:
    told = f"The runs differ from iteration {step:,} on: first {found[0]}{found[1]}."
    said = structure.told if structure is not None else ""
    return Found("values", told, step, step + 1, node=found[0], unlike=found[1], structure=said)


def _unlike_objective(
    timelines: tuple[Timeline, Timeline], places: tuple[Progress, Progress]
) -> tuple[str, Unlike] | None:
    """Compare loss and gradient of two trainings where they stand."""
    values: list[dict[str, Any]] = []
    for timeline, place in zip(timelines, places, strict=True):
        training = timeline.arranged.training()
        assert isinstance(training, LBFGSTraining)
        value, gradients = training.objective(dict(place.parameters))
        values.append({"loss": training.objective.loss, "objective": value})
        values[-1] |= {f"d objective / d {path}": gradient for path, gradient in gradients.items()}
    return first_unlike(values[0], values[1])
