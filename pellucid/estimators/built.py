"""Networks with all that is built and compiled of them: one for the estimators that differ in numbers only."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

from pellucid.data.encoders.encoding import Encoding
from pellucid.executors.compiling import COMPILING
from pellucid.executors.epochs import EpochProgram
from pellucid.executors.program import compile_epochs
from pellucid.graph.operation import Operation
from pellucid.nn.losses import Loss
from pellucid.nn.network import Network
from pellucid.nn.regularizers import Regularizer
from pellucid.ops.activations import ACTIVATIONS
from pellucid.optim.optimizers import OPTIMIZERS
from pellucid.optim.transformation import Optimizer
from pellucid.training.evaluate import Evaluator
from pellucid.training.step import TrainingStep, build_step

KEPT = 16
"""How many networks are kept for the next estimator that may need one."""

_RECENT: OrderedDict[Hashable, Built] = OrderedDict()


@dataclass(frozen=True)
class _Step:
    """A step that is compiled, and the optimizer with whose numbers it was built."""

    optimizer: Optimizer
    step: TrainingStep
    program: EpochProgram


@dataclass(eq=False)
class Built:
    """A network, and what is built of it and compiled. Several estimators may train it at once.

    Attributes
    ----------
    network : Network
    losses : dict of Loss
        By output.
    executor : str
    evaluator : Evaluator
    """

    network: Network
    losses: dict[str, Loss]
    executor: str
    evaluator: Evaluator = field(init=False, repr=False)
    _steps: dict[Hashable, list[_Step]] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        self.evaluator = Evaluator(self.network, self.losses, self.executor)

    def step_for(
        self, optimizer: Optimizer, batch: int, regularizers: Sequence[Regularizer], clip_norm: float | None
    ) -> tuple[TrainingStep, EpochProgram]:
        """Return the step of an optimizer, and its program.

        Of its settings those of the optimizer and `clip_norm` have their numbers; the others, of the network and the
        regularizers, have those of whoever asked for such a step first.
        """
        key = batch, tuple(type(found) for found in regularizers), clip_norm is None
        alike = self._steps.setdefault(key, [])
        found = next((one for one in alike if _differ_in_numbers(one, optimizer)), None)
        if found is None:
            arguments: dict[str, Any] = {"regularizers": regularizers, "clip_norm": clip_norm}
            step = build_step(self.network, self.losses, optimizer, batch=batch, **arguments)
            found = _Step(optimizer, step, compile_epochs(step.form, self.executor))
            alike.append(found)
        numbers = _numbers(optimizer, found.step.settings)
        if clip_norm is not None:
            numbers["clip_norm"] = float(clip_norm)
        return replace(found.step, settings={**found.step.settings, **numbers}), found.program


def _numbers(optimizer: Optimizer, settings: Mapping[str, float]) -> dict[str, float]:
    """Return the numbers of an optimizer among the settings of a step."""
    names = {_setting(optimizer, field.name): field.name for field in fields(optimizer)}  # type: ignore[arg-type]
    return {path: float(getattr(optimizer, name)) for path, name in names.items() if path in settings}


def _setting(optimizer: Optimizer, name: str) -> str:
    return name if name == "learning_rate" else f"{optimizer.name}/{name}"


def _differ_in_numbers(one: _Step, optimizer: Optimizer) -> bool:
    """Say whether a step is that of another optimizer, too, with other numbers for its settings."""
    if one.optimizer is optimizer:
        return True
    if type(one.optimizer) is not type(optimizer) or type(optimizer) not in OPTIMIZERS.values():
        return False
    for found in fields(optimizer):  # type: ignore[arg-type]
        before, now = getattr(one.optimizer, found.name), getattr(optimizer, found.name)
        free = _setting(optimizer, found.name) in one.step.settings and None not in (before, now)
        if not (free and bool(before) == bool(now)) and before != now:
            return False
    return True


def shared(key: Hashable | None, make: Callable[[], Built]) -> Built:
    """Return what `make` makes, or made for an equal key not long ago; without a key it is made."""
    try:
        hash(key)
    except TypeError:
        return make()
    if key is None:
        return make()
    with COMPILING:
        found = _RECENT.get(key)
    if found is None:
        found = make()
    with COMPILING:
        found = _RECENT.setdefault(key, found)
        _RECENT.move_to_end(key)
        while len(_RECENT) > KEPT:
            _RECENT.popitem(last=False)
    return found


def key_of_encoding(encoding: Encoding) -> tuple[Any, ...]:
    """Return all that a network depends on of the encoders in front of it."""
    tables = tuple((len(column.categories), column.embedding) for column in encoding.embedded)
    return tuple(encoding.inputs.items()), encoding.dtype, tables


def key_of_activations(activations: Sequence[Any]) -> tuple[Any, ...] | None:
    """Return what tells activations apart; None where one is the user's own, which may hold numbers or change.

    Operations that were declared anew under an old name are others.
    """
    if not all(isinstance(found, (str, Operation)) for found in activations):
        return None
    return tuple((found, ACTIVATIONS.get(found)) if isinstance(found, str) else found for found in activations)
