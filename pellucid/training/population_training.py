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
from pellucid.training.result import training_result
from pellucid.training.setup import Run, prepare_training
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
        self._together = Together([], self._follower)
        self._successors: dict[int, Member] = {}
        self._telling = threading.Lock()
        self._began = time.perf_counter()
        self._shown = 0.0

    def add(self, members: Sequence[Member], earlier: Population | None = None) -> None:
        """Prepare the training of each member, which goes on from an earlier population if there is one."""
        for number, member in enumerate(members):
            resume = self.common.resume if earlier is None else earlier.fits[number].progress
            self._together.places.append(Place(number, self._training(number, member, resume)))
            self.members.append(member)

    def run(self, threads: int, progress: bool | None) -> Population:
        """Train all members to their end."""
        bar = ProgressBar(self.course.epochs, progress)
        bar.start()
        try:
            self._together.run(threads, lambda: self._show(bar))
        finally:
            bar.close()
        places = self._together.places
        return Population(
            members=tuple(self.members),
            fits=tuple(training_result(place.training, place.reason or "") for place in places),
            errors={place.number: place.error for place in places if place.error is not None},
            replaced=tuple(self.replaced),
            watched=places[0].training.plan.watched,
        )

    def _training(self, number: int, member: Member, resume: bool | Progress) -> Training:
        common = self.common
        limit = None if common.time_limit is None else self._began + common.time_limit - time.perf_counter()
        run = replace(
            common,
            seed=member.seed,
            settings=_merged(common.settings, member.settings),
            start_from=member.start_from,
            time_limit=None if limit is None else max(limit, 0.0),
            checkpoint=None if common.checkpoint is None else common.checkpoint / f"member-{number:04}.checkpoint",
            resume=resume,
        )
        handlers = Handlers([lambda event: self._tell(event, number, member)] if self.handlers else ())
        try:
            return prepare_training(self.course, self.shared.of(member), run, handlers)
        except PellucidError as error:
            raise error.at(f"members[{number}]") from None

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

    def _follower(self, place: Place, reason: str) -> Training | None:
        """Return the training of the member that takes the place of one that has ended, if there is one."""
        number = place.number
        member = self._successors.pop(number, None)
        if member is None or place.training.time_is_up():
            return None
        with self._telling:  # what is compiled, and the list, are shared
            training = self._training(number, member, False)
            self.replaced.append(Replaced(number, self.members[number], training_result(place.training, reason)))
        self.members[number] = member
        return training

    def _show(self, bar: ProgressBar) -> None:
        places = self._together.places
        done = sum(place.training.epochs_done for place in places)
        examples, self._shown = (done - self._shown) * places[0].training.plan.examples, done
        limit = self.common.time_limit
        left = None if limit is None else max(self._began + limit - time.perf_counter(), 0.0)
        ended = sum(place.reason is not None for place in places)
        bar.update(done / len(places), int(max(examples, 0)), [f"{ended} of {len(places)} members ended"], left)


def _merged(common: Any, own: Any) -> Any:
    """Return settings of a member with those of all before them; what is no mapping is left to be refused."""
    both = isinstance(common, Mapping) and isinstance(own, Mapping)
    return {**common, **own} if both else common if own is None else own
