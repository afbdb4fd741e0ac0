"""Networks: a body of layers, the inputs it takes, and the parameters that building it brings to light."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from pellucid.errors import UsageError
from pellucid.graph.context import Context, Parameter
from pellucid.graph.graph import Graph
from pellucid.graph.operation import Operation
from pellucid.graph.types import Axis, DType, Type, as_dtype, float32
from pellucid.graph.value import Value
from pellucid.html_table import html_table


class Layer(ABC):
    """A part of a network. Calling :meth:`build` adds its nodes to a graph; a layer holds no numbers.

    A subclass is a frozen dataclass of its settings with ``eq=False``: using the same object twice shares its
    parameters, using an equal one does not.
    """

    name: str | None = None

    @abstractmethod
    def build(self, context: Context, *inputs: Value) -> Value:
        """Add the layer to the graph and return its output."""

    def __call__(self, context: Context, *inputs: Value) -> Value:
        """Build the layer in a scope of its own, called by its name or by its class and a number."""
        base = self.name or re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", type(self).__name__).lower()
        with context.scope_of(self, base, chosen=self.name is not None):
            return self.build(context, *inputs)


Body = Layer | Sequence[Layer] | Callable[..., Any]


class Network:
    """A feed-forward network.

    Parameters
    ----------
    body : sequence of Layer, or callable
        Layers one after the other; or a function ``body(context, x, ...)`` that takes the context and one value per
        input, calls layers as ``layer(context, value)``, computes with any of Pellucid's functions, and returns the
        output or a dict of outputs. Outputs are what losses take: numbers for regression, logits for classification.
    inputs : int or mapping
        How many numbers an example has (one input ``x``); or the type of each input for one example, such as
        ``{"x": 4, "category": pl.int32[2]}``.
    dtype : {"float32", "float64"}
        In which to compute.

    Examples
    --------
    >>> import pellucid as pl
    >>> network = pl.Network([pl.Dense(8, "tanh"), pl.Dense(3)], inputs=4)
    >>> {parameter.path: parameter.type for parameter in network.parameters.values() if parameter.kind == "weight"}
    {'dense_1/weight': float32[4, 8], 'dense_2/weight': float32[8, 3]}
    >>> network.count_parameters()
    67
    """

    def __init__(self, body: Body, inputs: int | Mapping[str, int | Type], dtype: DType | str = float32):
        self.dtype = as_dtype(dtype)
        if not self.dtype.is_float:
            raise UsageError(
                "a network computes in floats", where="dtype", got=str(dtype), expected="float32 or float64"
            )
        self.inputs = {name: self._example_type(name, given) for name, given in _named_inputs(inputs).items()}
        self.body = as_body(body)
        context = Context(training=True, batch=2, dtype=self.dtype)
        outputs = self.build(context, **self.declare_inputs(context))
        self.parameters: dict[str, Parameter] = dict(context.parameters)
        self.settings: dict[str, float] = dict(context.settings)
        """The hyper-parameters inside the network, such as dropout rates, and their numbers unless told otherwise."""
        self.outputs: dict[str, Type] = {
            name: Type(value.dtype, tuple(value.shape[1:])) for name, value in outputs.items()
        }
        """The type of each output for one example."""

    def _example_type(self, name: str, given: int | Type) -> Type:
        if isinstance(given, Type):
            return given
        if isinstance(given, bool) or not isinstance(given, (int, np.integer)) or given < 1:
            raise UsageError("an input needs a number of features or a type", where=f"input {name!r}", got=repr(given))
        return Type(self.dtype, (int(given),))

    def declare_inputs(self, context: Context) -> dict[str, Value]:
        """Declare the network's inputs, a batch of examples each."""
        return {
            name: context.input(name, Type(type.dtype, (context.batch, *type.shape)))
            for name, type in self.inputs.items()
        }

    def build(self, context: Context, **inputs: Value) -> dict[str, Value]:
        """Add the network to a graph and return its outputs by name; a single one is called ``output``."""
        result = self.body(context, *(inputs[name] for name in self.inputs))
        outputs = dict(result) if isinstance(result, Mapping) else {"output": result}
        for name, value in outputs.items():
            if not isinstance(value, Value) or not value.shape or value.shape[0] != context.batch:
                raise UsageError(
                    "an output of a network has one row per example",
                    where=f"output {name!r}",
                    got=str(value.type) if isinstance(value, Value) else repr(value)[:80],
                    expected="[batch, ...]",
                )
        return outputs

    def graph(self, batch: int = 1, training: bool = False) -> Graph:
        """Return the graph from inputs and parameters to outputs, for `batch` examples (axis ``batch``)."""
        context = Context(training=training, batch=Axis(batch, "batch"), dtype=self.dtype)
        outputs = self.build(context, **self.declare_inputs(context))
        for name, value in outputs.items():
            if value.node.op.name != "input":
                context.builder.name(value, name)
        return context.builder.finish(outputs)

    def initialize(self, seed: int = 0) -> dict[str, np.ndarray]:
        """Draw first values for all parameters: a function of the seed and each parameter's path only."""
        return {path: _draw(parameter, seed) for path, parameter in self.parameters.items()}

    def initialize_many(self, seeds: Sequence[int]) -> list[dict[str, np.ndarray]]:
        """Draw what :meth:`initialize` draws for each of several seeds: for small networks in a fraction of the time.

        Examples
        --------
        >>> import pellucid as pl
        >>> network = pl.Network([pl.Dense(3)], inputs=2)
        >>> first, second = network.initialize_many([4, 7])
        >>> (second["dense_1/weight"] == network.initialize(7)["dense_1/weight"]).all()
        np.True_
        """
        drawn = {path: _draw_many(parameter, seeds) for path, parameter in self.parameters.items()}
        return [{path: found[at] for path, found in drawn.items()} for at in range(len(seeds))]

    def _repr_html_(self) -> str:
        """The parameters, each with its type, and what goes in and out."""
        rows = [
            *([name, "input", str(type)] for name, type in self.inputs.items()),
            *([path, found.kind, str(found.type)] for path, found in self.parameters.items()),
            *([name, "output", str(type)] for name, type in self.outputs.items()),
        ]
        return html_table(["name", "what", "for one example"], rows, f"{self.count_parameters():,} parameters")

    def count_parameters(self) -> int:
        """Return how many numbers there are to learn."""
        return sum(parameter.type.size for parameter in self.parameters.values())


def _draw(parameter: Parameter, seed: int) -> np.ndarray:
    return _checked(parameter, np.array(parameter.initializer.draw(parameter, seed), parameter.type.dtype.numpy))


def _draw_many(parameter: Parameter, seeds: Sequence[int]) -> list[np.ndarray]:
    """Return the first value for each of the seeds."""
    draw = parameter.initializer.draw
    if not getattr(draw, "takes_seeds", False):
        return [_draw(parameter, seed) for seed in seeds]
    array = np.array(draw(parameter, seeds), parameter.type.dtype.numpy)
    if array.shape == (len(seeds), *parameter.type.shape):
        return list(array)
    return [_checked(parameter, array).copy() for _ in seeds]


def _checked(parameter: Parameter, array: np.ndarray) -> np.ndarray:
    """Return the first value of a parameter, or say that it has another shape."""
    if array.shape != parameter.type.shape:
        raise UsageError(
            "an initializer returns another shape",
            where=parameter.path,
            got=str(list(array.shape)),
            expected=str(parameter.type),
        )
    return array


def _named_inputs(inputs: int | Mapping[str, int | Type]) -> dict[str, int | Type]:
    return dict(inputs) if isinstance(inputs, Mapping) else {"x": inputs}


def as_body(body: Body) -> Callable[..., Any]:
    """Return what builds a network or a part of it: a layer or a function as it is, layers as one after the other."""
    if callable(body):
        return body
    if isinstance(body, str) or not isinstance(body, Sequence) or not all(map(callable, body)):
        expected = "layers, or a function of the context and the inputs"
        raise UsageError("not the body of a network", got=repr(body)[:80], expected=expected)
    if not body:
        raise UsageError("a network needs at least one layer")
    for layer in body:
        if isinstance(layer, type):
            raise UsageError("a class of layers is no layer", got=layer.__name__, fix=f"Write {layer.__name__}(...).")
        if isinstance(layer, Operation):
            fix = f"Write pl.Activation({layer.name!r})."
            raise UsageError("an operation is no layer", got=layer.name, fix=fix)
    return partial(_in_sequence, body)


def _in_sequence(layers: Sequence[Layer], context: Context, *inputs: Value) -> Any:
    if len(inputs) != 1:
        raise UsageError(
            "a list of layers takes one input",
            got=f"{len(inputs)} inputs",
            fix="Give the body as a function of the context and the inputs.",
        )
    value = inputs[0]
    for layer in layers:
        value = layer(context, value)
    return value
