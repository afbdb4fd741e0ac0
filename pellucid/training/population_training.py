"""The trainings of a population: each member's own, told of and replaced, and all of them together."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from pellucid.errors import PellucidError, UsageError
from pellucid.training.checkpoint import Progress
from pellucid.training.course import Course
from pellucid.training.events import EpochEnded, Event, Handlers
from pellucid.training.loop import Training
from pellucid.training.members import (
    Member,
    MemberEpochEnded,
    MemberHandler,
    Replace,
    SharedExamples,
    Stop,
    member_handlers,
)
from pellucid.training.population_result import Population, Replaced
from pellucid.training.progress import ProgressBar
from pellucid.training.result import Fit, training_result
from pellucid.training.setup import Examples, Run, check_training, prepare_training
from pellucid.training.together import Place, Together

REPLACED = "replaced"
"""Why a member ended in whose place another one came."""


class PopulationTraining:
    """The trainings of a population's members, and who has taken whose place.

    Parameters
    ----------
    course : Course
        What they have in common.
    shared : SharedExamples
    run : Run
        What their runs have in common; `checkpoint` is the folder.
    on : callable or iterable of callables
    """

    def __init__(
        self, course: Course, shared: SharedExamples, run: Run, on: MemberHandler | Iterable[MemberHandler] = ()
    ):
        self.course, self.shared, self.common = course, shared, run
        self.handlers = member_handlers(on)
        self.members: list[Member] = []
        self.replaced: list[Replaced] = []
        self._fits: dict[int, Fit] = {}
        self._together = Together([], self._prepare, self._follower, self._leave)
        self._successors: dict[int, Member] = {}
        self._telling = threading.Lock()
        self._began = time.perf_counter()
        self._shown = 0.0
        self._first: Examples | None = None

    def add(self, members: Sequence[Member], earlier: Population | None = None) -> None:
        """Check each member, which goes on from an earlier population if there is one.

        A training is prepared when its turn comes; those that resume, now, as there may be something wrong with that.
        """
        for member in members:
            number = len(self.members)
            place = Place(number)
            self.members.append(member)
            self._together.places.append(place)
            resume = self.common.resume if earlier is None else earlier.fits[number].progress
            if resume:
                place.training = self._training(number, member, resume)
            else:
                self._check(number, member)

    def run(self, threads: int, progress: bool | None) -> Population:
        """Train all members to their end."""
        bar = ProgressBar(self.course.epochs, progress)
        bar.start()
        try:
            self._together.run(threads, lambda: self._show(bar))
        finally:
            bar.close()
        places = self._together.places
        validated = self.shared.judges(self.members[0])
        return Population(
            members=tuple(self.members),
            fits=tuple(self._fits[place.number] for place in places),
            errors={place.number: place.error for place in places if place.error is not None},
            replaced=tuple(self.replaced),
            watched=self.course.watched(validated)[1],
        )

    def _check(self, number: int, member: Member) -> None:
        """Raise what is wrong with a member before any of them is trained."""
        try:
            check_training(self.course, self._examples(member), self._run_of(number, member))
        except PellucidError as error:
            raise error.at(f"members[{number}]") from None

    def _examples(self, member: Member) -> Examples:
        """Return examples to check a member by: those of all that have no rows or weights of their own are alike."""
        if any(own is not None for own in (member.rows, member.weights, member.validation_rows)):
            return self.shared.of(member)
        if self._first is None:
            self._first = self.shared.of(member)
        return self._first

    def _run_of(self, number: int, member: Member, resume: bool | Progress = False) -> Run:
        common = self.common
        limit = None if common.time_limit is None else self._began + common.time_limit - time.perf_counter()
        return replace(
            common,
            seed=member.seed,
            settings=_merged(common.settings, member.settings),
            start_from=member.start_from,
            time_limit=None if limit is None else max(limit, 0.0),
            checkpoint=None if common.checkpoint is None else common.checkpoint / f"member-{number:04}.checkpoint",
            resume=resume,
        )

    def _training(self, number: int, member: Member, resume: bool | Progress) -> Training:
        handlers = Handlers([lambda event: self._tell(event, number, member)] if self.handlers else ())
        try:
            run = self._run_of(number, member, resume)
            return prepare_training(self.course, self.shared.of(member), run, handlers)
        except PellucidError as error:
            raise error.at(f"members[{number}]") from None

    def _prepare(self, place: Place) -> Training:
        """Return the training of a member whose turn has come, with first parameters for those after it too."""
        member, beginnings = self.members[place.number], self.course.beginnings
        if member.seed not in beginnings:
            following = self.members[place.number : place.number + beginnings.together]
            beginnings.draw([one.seed for one in following])
        return self._training(place.number, member, False)

    def _leave(self, place: Place, training: Training) -> None:
        """Keep what a member has learned, and nothing else."""
        self._fits[place.number] = training_result(training, place.reason or "")
        place.training = None

    def _tell(self, event: Event, number: int, member: Member) -> None:
        """Tell the population's handlers of the end of a member's epoch, and do what they say."""
        if not isinstance(event, EpochEnded):
            return
        told = MemberEpochEnded(event.epoch, event.step, event.parameters, event.state, event.record, number, member)
        with self._telling:
            for handler in self.handlers:
                self._obey(handler(told), told)
        event.stop_reason = told.stop_reason

    def _obey(self, answer: Any, told: MemberEpochEnded) -> None:
        if isinstance(answer, Stop):
            told.stop(answer.reason)
        elif isinstance(answer, Replace) and isinstance(answer.member, Member):
            self._successors[told.number] = answer.member
            told.stop(REPLACED)
        elif answer is not None:
            raise UsageError(
                "a handler of a population returns Stop, Replace or nothing",
                where="on",
                got=repr(answer)[:80],
                fix="Write return pl.Stop(), or return pl.Replace(pl.Member(seed=7)).",
            )

    def _follower(self, place: Place, before: Training, reason: str) -> Training | None:
        """Return the training of the member that takes the place of one that has ended, if there is one."""
        number = place.number
        member = self._successors.pop(number, None)
        if member is None or before.time_is_up():
            return None
        with self._telling:  # what is compiled, and the list, are shared
            training = self._training(number, member, False)
            self.replaced.append(Replaced(number, self.members[number], training_result(before, reason)))
        self.members[number] = member
        return training

    def _show(self, bar: ProgressBar) -> None:
        if not bar.shown or self._first is None:
            return
        places = self._together.places
        done = sum(place.epochs_done for place in places)
        examples, self._shown = (done - self._shown) * self._first.count, done
        limit = self.common.time_limit
        left = None if limit is None else max(self._began + limit - time.perf_counter(), 0.0)
        ended = sum(place.reason is not None for place in places)
        bar.update(done / len(places), int(max(examples, 0)), [f"{ended} of {len(places)} members ended"], left)


def _merged(common: Any, own: Any) -> Any:
    """Return settings of a member with those of all before them; what is no mapping is left to be refused."""
    both = isinstance(common, Mapping) and isinstance(own, Mapping)
    return {**common, **own} if both else common if own is None else own
