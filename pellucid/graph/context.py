"""The context in which networks and optimizers build: inputs that mean something, and updates of state.

A graph knows inputs only. A context remembers what they are for: parameters to be learned, settings (hyper-parameters
that may change between steps without building anew), state that a step hands to the next, and the seed and the step
number from which random numbers come.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pellucid.errors import GraphError
from pellucid.graph.builder import Builder, scope
from pellucid.graph.types import Axis, DType, Shape, Type, as_dtype, float32, int64
from pellucid.graph.value import Value


@dataclass(frozen=True)
class Parameter:
    """A value to be learned.

    Attributes
    ----------
    path : str
        Such as ``dense_1/weight``.
    type : Type
    initializer : object
        What :meth:`Network.initialize` draws its first value with.
    kind : {"weight", "bias", "other"}
        Regularizers act on weights only, unless told otherwise.
    fan_in, fan_out : int
        Inputs and outputs of one unit, for initializers.
    """

    path: str
    type: Type
    initializer: Any
    kind: str
    fan_in: int
    fan_out: int


@dataclass(frozen=True)
class State:
    """A value that one step hands to the next, other than a parameter: a momentum, a counter.

    `initial` is a number that fills it, an array, or the path of the parameter whose first value it starts from.
    """

    path: str
    type: Type
    initial: Any = field(compare=False)


class Context:
    """What is being built: one graph, and the meaning of its inputs.

    Parameters
    ----------
    training : bool
        Whether dropout, noise and the like are at work.
    batch : Axis
        The number of examples that the graph takes at once, as a named axis.
    dtype : DType
        In which to compute.
    """

    def __init__(self, *, training: bool, batch: int | Axis = 1, dtype: DType | str = float32):
        self.builder = Builder()
        self.training = training
        self.batch = batch if isinstance(batch, Axis) else Axis(batch, "batch")
        self.dtype = as_dtype(dtype)
        self.parameters: dict[str, Parameter] = {}
        self.settings: dict[str, float] = {}
        self.state: dict[str, State] = {}
        self.updates: dict[str, Value] = {}
        self.penalties: dict[str, Value] = {}
        self.values: dict[str, Value] = {}
        """Every declared input by name."""
        self._scope = ""
        self._owners: dict[int, tuple[Any, str]] = {}

    # -- where we are ------------------------------------------------------------------------------------------------

    @contextmanager
    def scope(self, name: str) -> Iterator[None]:
        """Put ``name/`` before everything that is declared or computed inside."""
        outer, self._scope = self._scope, f"{self._scope}{name}/"
        try:
            with scope(name):
                yield
        finally:
            self._scope = outer

    @contextmanager
    def apart(self, name: str) -> Iterator[None]:
        """Enter a scope in which the same object as outside is another one, and shares nothing with it."""
        outer, self._owners = self._owners, {}
        try:
            with self.scope(name):
                yield
        finally:
            self._owners = outer

    def path(self, name: str) -> str:
        """Return the whole path of a name in the current scope."""
        return self._scope + name

    @contextmanager
    def scope_of(self, owner: Any, name: str, chosen: bool = False) -> Iterator[None]:
        """Enter the scope of this very object, such as a layer: the same each time, so that it shares its parameters.

        Nodes are named after the place where it is used; what it declares, after the place where it was used first.
        `name` gets a number behind it, unless it was chosen by the user.
        """
        whole = self._claim(owner, name, chosen)
        outer, self._scope = self._scope, f"{whole}/"
        try:
            with scope(whole.rpartition("/")[2]):
                yield
        finally:
            self._scope = outer

    def fresh_path(self, name: str) -> str:
        """Return a path in the current scope that no other use has: the name and a number."""
        return self._claim(object(), name, chosen=False)

    def _claim(self, owner: Any, name: str, chosen: bool) -> str:
        """Return the whole scope of an object, given it the first time."""
        if id(owner) in self._owners:
            return self._owners[id(owner)][1]
        taken = {found for _, found in self._owners.values()}
        whole = self._scope + name
        if chosen and whole in taken:
            raise GraphError("two layers have the same name", got=whole, fix="Choose another name for one of them.")
        if not chosen:
            number = 1
            while f"{whole}_{number}" in taken:
                number += 1
            whole = f"{whole}_{number}"
        self._owners[id(owner)] = (owner, whole)  # the object is kept, so that its id stays its own
        return whole

    # -- inputs ------------------------------------------------------------------------------------------------------

    def input(self, name: str, type: Type) -> Value:
        """Declare data that comes with every call."""
        self.values[name] = self.builder.input(name, type)
        return self.values[name]

    def parameter(
        self,
        name: str,
        shape: Shape,
        initializer: Any,
        *,
        kind: str = "weight",
        fan_in: int = 1,
        fan_out: int = 1,
    ) -> Value:
        """Declare a value to be learned, or return the one that is declared here already (shared parameters)."""
        declared = Parameter(self.path(name), Type(self.dtype, shape), initializer, kind, fan_in, fan_out)
        known = self.parameters.get(declared.path)
        if known is None:
            self.parameters[declared.path] = declared
            return self.input(declared.path, declared.type)
        if known.type != declared.type:
            raise GraphError(
                "a shared parameter is used with two shapes",
                where=declared.path,
                got=f"{known.type} and {declared.type}",
                fix="Use two layers, or give both uses inputs of the same size.",
            )
        return self.values[declared.path]

    def setting(self, name: str, default: float) -> Value:
        """Declare a hyper-parameter: a scalar input whose number may change from step to step."""
        path = self.path(name)
        if path not in self.values:
            self.settings[path] = float(default)
            self.input(path, Type(self.dtype))
        elif path not in self.settings:
            raise GraphError("two inputs have the same name", got=path)
        return self.values[path]

    def carry(self, name: str, type: Type, initial: Any = 0.0) -> Value:
        """Declare state that one step hands to the next; it stays as it is unless :meth:`update` is called."""
        path = self.path(name)
        if path in self.values:
            raise GraphError("two inputs have the same name", got=path)
        self.state[path] = State(path, type, initial)
        return self.input(path, type)

    def update(self, value: Value, new: Value) -> None:
        """Say what a parameter or a piece of state is after the step."""
        path = value.node.path
        if path not in self.parameters and path not in self.state:
            raise GraphError("only parameters and state can be updated", got=path)
        if new.type != value.type:
            raise GraphError("an update has another type", where=path, got=str(new.type), expected=str(value.type))
        self.updates[path] = self.builder.name(new, f"new {path}")

    def penalize(self, name: str, penalty: Value) -> None:
        """Add a scalar to what training minimizes."""
        if penalty.shape:
            raise GraphError("a penalty is a scalar", where=name, got=str(penalty.type))
        path = self.path(name)
        number = 2
        while path in self.penalties:
            path, number = f"{self.path(name)}_{number}", number + 1
        self.penalties[path] = self.builder.name(penalty, f"penalty/{path}")

    # -- random numbers ----------------------------------------------------------------------------------------------

    @property
    def seed(self) -> Value:
        """The seed of random numbers, an input."""
        return self.values["seed"] if "seed" in self.values else self.input("seed", Type(int64))

    @property
    def step(self) -> Value:
        """The number of the step, from 0, an input."""
        return self.values["step"] if "step" in self.values else self.input("step", Type(int64))


def initial_state(state: Mapping[str, State], parameters: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the arrays that state starts from, given the first values of the parameters."""
    arrays = {}
    for path, declared in state.items():
        source = parameters[declared.initial] if isinstance(declared.initial, str) else declared.initial
        arrays[path] = np.array(np.broadcast_to(np.asarray(source), declared.type.shape), declared.type.dtype.numpy)
    return arrays
