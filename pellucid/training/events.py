"""Events: what training tells user code, and how user code can stop it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from pellucid.errors import UsageError

if TYPE_CHECKING:
    from pellucid.training.loop import Training


@dataclass
class Event:
    """Something that happened in training. A handler may call :meth:`stop`.

    Attributes
    ----------
    epoch : int
        The number of the epoch, from 1, also while it is under way; 0 before the first.
    step : int
        How many steps have been finished since training began.
    parameters : mapping of ndarray
        The values that are being learned, by path. Read them, do not write to them.
    state : mapping of ndarray
        The optimizer's state, by path.
    training : Training or None
        The training that it happened in: what a handler observes or repeats steps by. None where the learning is not by
        back-propagation.
    """

    epoch: int
    step: int
    parameters: Mapping[str, np.ndarray]
    state: Mapping[str, np.ndarray]
    stop_reason: str | None = field(default=None, init=False)
    training: Training | None = field(default=None, init=False, repr=False)

    def stop(self, reason: str = "stopped by a handler") -> None:
        """End training after this event; what was best is kept."""
        self.stop_reason = reason


@dataclass
class TrainingStarted(Event):
    """Before the first step. `epochs` is the number planned, `examples` the number of rows to learn from."""

    epochs: int
    examples: int


@dataclass
class StepEnded(Event):
    """After each step, told to handlers with ``every_step = True`` only. `loss` is the mini-batch's mean loss."""

    loss: float


@dataclass
class EpochEnded(Event):
    """After each epoch. `record` is the line of the history: losses, metrics, learning rate, seconds."""

    record: dict[str, Any]


@dataclass
class TrainingEnded(Event):
    """After the last step. `reason` says why it was the last."""

    reason: str


Handler = Callable[[Event], None]


class Handlers:
    """The handlers of one training, called in order."""

    def __init__(self, handlers: Handler | Iterable[Handler] = ()):
        self._handlers: list[Any] = list(handlers) if isinstance(handlers, Iterable) else [handlers]
        for handler in self._handlers:
            if not callable(handler):
                raise UsageError("an event handler is a function of an event", where="on", got=repr(handler)[:80])

    def __bool__(self) -> bool:
        return bool(self._handlers)

    @property
    def every_step(self) -> bool:
        """Whether any handler wants to hear of every step."""
        return any(getattr(handler, "every_step", False) for handler in self._handlers)

    @property
    def only_watch(self) -> bool:
        """Whether no handler ends training or changes anything in it, so that many epochs may go on in one call.

        A handler says so of itself with an attribute ``only_watches = True``.
        """
        return all(getattr(handler, "only_watches", False) for handler in self._handlers)

    def wait_for(self, epoch: int) -> bool:
        """Whether no handler wants to hear of the end of this epoch.

        A handler says from which one on it does with an attribute ``next_epoch``.
        """
        wanted = [getattr(handler, "next_epoch", 0) for handler in self._handlers]
        return min(wanted, default=0) > epoch

    def tell(self, event: Event) -> str | None:
        """Tell all handlers; return the reason to stop, if one gave any."""
        for handler in self._handlers:
            if not isinstance(event, StepEnded) or getattr(handler, "every_step", False):
                handler(event)
        return event.stop_reason
