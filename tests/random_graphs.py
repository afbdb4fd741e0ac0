"""Random well-formed graphs from a seed, with inputs at which they are smooth: material for differential tests.

Elementwise operations are taken from the registry by what they declare (arity, dtypes, samples, kinks), so that a new
one appears in the graphs by itself; so does a structural one, with the operand shapes of its own sample cases, unless
it has a maker of its own below. Every value is computed while the graph grows, which keeps numbers in a sane range,
operands inside the domain that an operation declares, and everything away from kinks.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

import pellucid as pl
from pellucid.errors import GraphError, PellucidError
from pellucid.graph.builder import Builder
from pellucid.graph.graph import Graph, Node, live_nodes
from pellucid.graph.operation import REGISTRY, Operation
from pellucid.graph.types import Axis, DType, Shape, Type, broadcast_shapes
from pellucid.graph.value import Value
from pellucid.ops.elementwise import Elementwise
from pellucid.ops.samples import Uniform
from pellucid.ops.structural import Structural

MARGIN = 1e-2
"""How far the arguments of kinks stay away from them."""
LARGEST = 12.0
"""The largest number that a value may hold; what is larger is scaled down."""
MOST_ELEMENTS = 48
NODES = (5, 40)
LETTERS = "abcdefgh"


def _declared_in_package(op: Operation) -> bool:
    rule = getattr(op, "rule", None)
    if rule is None:
        return True
    return rule.__module__.startswith("pellucid.") and not rule.__code__.co_filename.startswith("<doctest")


OPERATIONS = {name: op for name, op in sorted(REGISTRY.items()) if _declared_in_package(op)}
"""The registry as it was at import: what tests declare while they run must not change the graphs."""

COMPARISONS = [
    op for op in OPERATIONS.values() if isinstance(op, Elementwise) and op.result == "bool" and op.accepts[0] != "bool"
]
FUNCTIONS = [
    op
    for op in OPERATIONS.values()
    if isinstance(op, Elementwise) and op.differentiable and "bool" not in op.accepts and op.result == "same"
]
"""Elementwise operations through which gradients pass."""
FLAT_FUNCTIONS = [
    op
    for op in OPERATIONS.values()
    if isinstance(op, Elementwise) and not op.differentiable and "bool" not in op.accepts and op.result == "same"
]
"""Elementwise operations whose slope is 0, such as step."""


@dataclass(frozen=True)
class RandomGraph:
    """A graph with the one scalar output ``loss``, and values for its inputs."""

    seed: int
    graph: Graph
    inputs: dict[str, np.ndarray]

    @property
    def differentiated(self) -> list[str]:
        """The names of the inputs of a float dtype."""
        return [name for name, node in self.graph.inputs.items() if node.type.dtype.is_float]


def random_graph(
    seed: int,
    dtype: DType = pl.float64,
    everything: bool = False,
    sizes: Sequence[int] = (1, 2, 3, 4),
    most: int = MOST_ELEMENTS,
) -> RandomGraph:
    """Return the random graph of a seed, of 5 to 40 nodes.

    Parameters
    ----------
    seed : int
    dtype : DType
        Of all floats in the graph.
    everything : bool
        Also use random draws and ``stop_gradient``, which other libraries and finite differences do not follow.
    sizes : sequence of int
        Of axes of inputs.
    most : int
        The most elements that a value may have.
    """
    for attempt in itertools.count():
        grown = _Growth(np.random.default_rng([seed, attempt]), dtype, everything, sizes, most).grow()
        if grown is not None:
            graph, inputs = grown
            return RandomGraph(seed, graph, inputs)
    raise AssertionError


class _Growth:
    """A graph that grows, with the numbers of every node."""

    def __init__(self, rng: np.random.Generator, dtype: DType, everything: bool, sizes: Sequence[int], most: int):
        self.rng, self.dtype, self.everything, self.sizes, self.most = rng, dtype, everything, sizes, most
        self.builder = Builder()
        self.numbers: dict[Node, np.ndarray] = {}
        self.inputs: dict[str, np.ndarray] = {}
        self.pool: list[Value] = []
        self.batch = Axis(int(rng.integers(2, 5)), "batch")

    def grow(self) -> tuple[Graph, dict[str, np.ndarray]] | None:
        for _ in range(int(self.rng.integers(1, 4))):
            self.input()
        steps, weights = zip(*self.makers(), strict=True)
        chances = np.array(weights) / np.sum(weights)
        target = int(self.rng.integers(NODES[0], NODES[1] - 8))
        for _ in range(60):
            if self.size() + 2 * len(self.leaves()) >= target:
                break
            made = self.attempt(steps[self.rng.choice(len(steps), p=chances)])
            if made is not None and made.node not in {value.node for value in self.pool}:
                self.pool.append(made)
        loss = self.attempt(self.loss)
        if loss is None:
            return None
        graph = self.builder.finish({"loss": loss})
        fits = NODES[0] <= len(graph) <= NODES[1] and graph.outputs["loss"].op.name != "input"
        return (graph, self.inputs) if fits and self.moves(graph) else None

    def moves(self, graph: Graph) -> bool:
        """Tell whether the inputs have a say in the loss: of a slope that is rounding error, nothing can be tested."""
        program = pl.compile(graph)
        for _ in range(2):
            step = {name: 1e-4 * self.rng.normal(size=array.shape) for name, array in self.inputs.items()}
            moved = {
                name: array + step[name].astype(array.dtype) if array.dtype.kind == "f" else array
                for name, array in self.inputs.items()
            }
            if abs(program(**moved)["loss"] - program(**self.inputs)["loss"]) > 1e-6:
                return True
        return False

    def size(self) -> int:
        return len(live_nodes(value.node for value in self.pool))

    def leaves(self) -> list[Value]:
        """Return the values that nothing has used."""
        used = {source for node in live_nodes(value.node for value in self.pool) for source in node.inputs}
        return [value for value in self.pool if value.node not in used]

    def attempt(self, make: Callable[[], Value]) -> Value | None:
        """Make a value and return it scaled, or None where it can not be used: a kink is near, it is not finite, ..."""
        try:
            value = make()
        except PellucidError:
            return None  # a choice that does not fit, such as shapes that do not broadcast
        if value.type.size == 0 or value.type.size > self.most or value.ndim > 4 or value.dtype != self.dtype:
            return None
        if not self.compute(value):
            return None
        largest = np.abs(self.numbers[value.node]).max()
        if largest <= LARGEST:
            return value
        return self.attempt(lambda: value * float(np.exp2(-np.ceil(np.log2(largest)))))

    def compute(self, value: Value) -> bool:
        """Compute what is new below a value; tell whether all is finite and away from kinks."""
        for node in live_nodes([value.node]):
            if node in self.numbers:
                continue
            arrays = tuple(self.numbers[source] for source in node.inputs)
            if _kink_distance(node, arrays) < MARGIN:
                return False
            with np.errstate(all="ignore"):
                result = node.op.evaluate(arrays, dict(node.params), node.type)
            if not np.isfinite(result).all():
                return False
            self.numbers[node] = result
        return True

    def broadcasts(self, value: Value, other: Value) -> bool:
        try:
            return math.prod(broadcast_shapes(value.shape, other.shape)) <= self.most
        except PellucidError:
            return False

    # -- choices -----------------------------------------------------------------------------------------------------

    def pick(self, fits: Callable[[Value], bool] = lambda value: True) -> Value:
        """Choose a value, one that nothing has used and newer ones more often."""
        found = [value for value in self.pool if fits(value)]
        if not found:
            raise GraphError("no value fits")
        leaves = {value.node for value in self.leaves()}
        weights = np.array([(3.0 if value.node in leaves else 1.0) * (1 + at) for at, value in enumerate(found)])
        return found[self.rng.choice(len(found), p=weights / weights.sum())]

    def flip(self, chance: float = 0.5) -> bool:
        return bool(self.rng.random() < chance)

    def choose(self, things: Sequence) -> object:
        return things[int(self.rng.integers(len(things)))]

    def axes_of(self, value: Value) -> tuple[int, ...]:
        """Choose at least one axis."""
        chosen = tuple(axis for axis in range(value.ndim) if self.flip())
        return chosen or (int(self.rng.integers(value.ndim)),)

    def shape(self) -> Shape:
        sizes = [int(size) for size in self.rng.choice(self.sizes, size=self.rng.choice(4, p=[0.15, 0.3, 0.4, 0.15]))]
        return (self.batch, *sizes[1:]) if sizes and self.flip(0.4) else tuple(sizes)

    def input(self, shape: Shape | None = None) -> Value:
        shape = self.shape() if shape is None else shape
        numbers = self.rng.uniform(0.1, 2.0, shape) * self.rng.choice([-1.0, 1.0], shape)
        self.pool.append(self.given(np.asarray(numbers, self.dtype.numpy), Type(self.dtype, shape)))
        return self.pool[-1]

    def indices(self, shape: Shape, below: int) -> Value:
        """Whole numbers, as an input or a constant."""
        numbers = self.rng.integers(0, below, shape)
        return self.given(numbers, pl.int64[shape]) if self.flip() else self.builder.constant(numbers)

    def given(self, numbers: np.ndarray, type: Type) -> Value:
        name = f"x{len(self.inputs)}"
        value = self.builder.input(name, type)
        self.inputs[name] = numbers
        self.numbers[value.node] = numbers
        return value

    def bring(self, value: Value, sample: object) -> Value:
        """Bring a value into the range that an operation declares for its operand."""
        if not isinstance(sample, Uniform) or not self.compute(value):
            return value
        low, high = max(sample.low, -4.0), min(sample.high, 4.0)
        numbers = self.numbers[value.node]
        if low <= numbers.min() and numbers.max() <= high and self.flip(0.8):
            return value
        if low > -1.0 and high > 2.0 and self.flip():
            return pl.log1p(pl.softplus(value)) + max(low, 0.1)
        middle, half = (low + high) / 2, (high - low) / 2
        return half * pl.tanh(value) + middle

    # -- makers ------------------------------------------------------------------------------------------------------

    def makers(self) -> list[tuple[Callable[[], Value], float]]:
        own: list[tuple[Callable[[], Value], float]] = [
            *((make, 1) for make in (self.sum, self.mean, self.max, self.log_sum_exp, self.softmax, self.log_softmax)),
            *((make, 1) for make in (self.broadcast, self.sum_to, self.reshape, self.transpose, self.concatenate)),
            *((make, 1) for make in (self.slice, self.pad, self.gather, self.scatter_add, self.one_hot, self.cast)),
            *((self.elementwise, 12), (self.arithmetic, 5), (self.contraction, 4), (self.select, 2)),
            *((self.input, 0.5), (self.constant, 0.5)),
        ]
        if self.everything:
            own += [(self.draw, 2), (self.stop_gradient, 1)]
        made = {make.__name__ for make, _ in own}
        others = [
            op for op in OPERATIONS.values() if isinstance(op, Structural) and op.differentiable and op.name not in made
        ]
        return own + [(lambda op=op: self.from_case(op), 1) for op in others]  # type: ignore[misc]

    def elementwise(self) -> Value:
        op = self.choose(FUNCTIONS if self.flip(0.95) else FLAT_FUNCTIONS)
        return self.apply(op)

    def arithmetic(self) -> Value:
        return self.apply(OPERATIONS[self.choose(["add", "subtract", "multiply", "divide"])])

    def apply(self, op: Elementwise) -> Value:
        operands = [self.pick()]
        while len(operands) < op.arity:
            operands.append(self.pick(lambda value: self.broadcasts(value, operands[0])))
        if op.arity > 1 and self.flip(0.2):
            operands[-1] = self.builder.constant(round(float(self.rng.uniform(0.5, 3.0)), 3), self.dtype)
        operands = [self.bring(operand, sample) for operand, sample in zip(operands, op.sample, strict=True)]
        self.rng.shuffle(operands) if len(set(op.sample)) == 1 else None
        params = {
            name: round(float(default * self.rng.uniform(0.5, 2.0)), 3) for name, default in op.param_defaults.items()
        }
        return op(*operands, **(params if self.flip() else {}))

    def comparison(self) -> Value:
        x = self.pick(lambda value: value.ndim > 0)
        other = (
            self.pick(lambda value: self.broadcasts(value, x)) if self.flip() else round(float(self.rng.normal()), 3)
        )
        return self.choose(COMPARISONS)(x, other)

    def condition(self) -> Value:
        condition = self.comparison()
        if self.flip(0.2):
            condition = ~condition
        if self.flip(0.2):
            other = self.comparison()
            condition = condition & other if self.flip() else condition | other
        return condition

    def select(self) -> Value:
        condition = self.condition()
        x = self.pick(lambda value: self.broadcasts(value, condition))
        other = (
            self.pick(lambda value: self.broadcasts(value, x)) if self.flip(0.7) else float(self.rng.integers(-2, 3))
        )
        return pl.select(condition, x, other) if self.flip() else pl.select(condition, other, x)

    def cast(self) -> Value:
        return pl.cast(self.condition(), self.dtype) * self.pick()

    def constant(self) -> Value:
        return self.builder.constant(self.rng.normal(size=self.shape()).round(3), self.dtype)

    def reduction(self, reduce: Callable[..., Value]) -> Value:
        x = self.pick(lambda value: value.ndim > 0)
        return reduce(x, axis=self.axes_of(x), keepdims=self.flip(0.4))

    def sum(self) -> Value:
        return self.reduction(pl.sum)

    def mean(self) -> Value:
        return self.reduction(pl.mean)

    def max(self) -> Value:
        return self.reduction(pl.max if self.flip(0.7) else pl.min)

    def log_sum_exp(self) -> Value:
        return self.reduction(pl.log_sum_exp)

    def softmax(self) -> Value:
        x = self.pick(lambda value: value.ndim > 0 and value.type.size > 1)
        return pl.softmax(x, axis=self.axes_of(x))

    def log_softmax(self) -> Value:
        x = self.pick(lambda value: value.ndim > 0 and value.type.size > 1)
        return pl.log_softmax(x, axis=self.axes_of(x))

    def broadcast(self) -> Value:
        x = self.pick(lambda value: value.type.size <= 12 and value.ndim < 3)
        sizes = [int(self.rng.integers(1, 4)) if size == 1 else size for size in x.shape]
        return pl.broadcast(x, ([int(self.rng.integers(1, 4))] if self.flip() else []) + sizes)

    def sum_to(self) -> Value:
        x = self.pick(lambda value: value.ndim > 0)
        kept = x.shape[int(self.rng.integers(x.ndim + 1)) :]
        return pl.sum_to(x, tuple(1 if self.flip(0.3) else size for size in kept))

    def reshape(self) -> Value:
        x = self.pick()
        if x.ndim > 1 and self.flip():
            at = int(self.rng.integers(x.ndim - 1))
            return pl.reshape(x, (*x.shape[:at], -1, *x.shape[at + 2 :]))
        sizes, rest = [], x.type.size
        while rest > 1 and len(sizes) < 3:
            sizes.append(int(self.choose([size for size in range(1, rest + 1) if rest % size == 0])))
            rest //= sizes[-1]
        return pl.reshape(x, (*sizes, rest))

    def transpose(self) -> Value:
        x = self.pick(lambda value: value.ndim > 1)
        return pl.transpose(x, tuple(map(int, self.rng.permutation(x.ndim))))

    def concatenate(self) -> Value:
        x = self.pick(lambda value: value.ndim > 0)
        axis = int(self.rng.integers(x.ndim))

        def fits(value: Value) -> bool:
            return value.ndim == x.ndim and all(
                a == b for at, (a, b) in enumerate(zip(value.shape, x.shape, strict=True)) if at != axis
            )

        others = [value for value in self.pool if fits(value)]
        parts = [x, *(self.choose(others) for _ in range(int(self.rng.integers(1, 3))))]
        return pl.concatenate(parts, axis=axis)

    def slice(self) -> Value:
        x = self.pick(lambda value: value.ndim > 0 and value.type.size > 1)
        key = []
        for size in map(int, x.shape):
            first, last = sorted(int(place) for place in self.rng.integers(0, size, 2))
            key.append(
                self.choose([
                    slice(None),
                    slice(first, last + 1),
                    slice(None, None, -1),
                    slice(first, None, 2),
                    slice(first - size, None),
                    int(self.rng.integers(-size, size)),
                ])
            )  # fmt: skip
        return x[tuple(key)]

    def pad(self) -> Value:
        x = self.pick(lambda value: 0 < value.ndim < 4)
        if self.flip():
            return pl.pad(x, [tuple(map(int, self.rng.integers(0, 2, 2))) for _ in x.shape])
        axis = int(self.rng.integers(x.ndim))
        size = int(x.shape[axis])
        shape = (*x.shape[:axis], 2 * size + 1, *x.shape[axis + 1 :])
        start, step = (1, 2) if self.flip() else (2 * size, -2)
        return pl.pad(x, shape=shape, axes=(axis,), start=(start,), step=(step,))

    def index_shape(self) -> Shape:
        return tuple(map(int, self.rng.integers(1, 4, int(self.rng.choice(3, p=[0.2, 0.6, 0.2])))))

    def gather(self) -> Value:
        table = self.pick(lambda value: value.ndim > 0)
        return pl.gather(table, self.indices(self.index_shape(), int(table.shape[0])))

    def scatter_add(self) -> Value:
        rows = self.pick(lambda value: value.ndim > 0)
        bases = [value for value in self.pool if value.ndim == rows.ndim and value.shape[1:] == rows.shape[1:]]
        base = self.choose(bases)
        return pl.scatter_add(base, self.indices(rows.shape[:1], int(base.shape[0])), rows)

    def one_hot(self) -> Value:
        x = self.pick(lambda value: value.ndim > 0)
        if self.flip():
            marks = pl.one_hot(pl.argmax(x, axis=-1), depth=int(x.shape[-1]), dtype=self.dtype)
        else:
            marks = pl.one_hot(
                self.indices(x.shape[:-1], int(x.shape[-1]) + 1), depth=int(x.shape[-1]), dtype=self.dtype
            )
        return marks * x

    def contraction(self) -> Value:
        a, b = self.pick(), self.pick()
        if self.flip(0.5):
            b = self.pick(lambda value: any(size in a.shape for size in value.shape))
        first = LETTERS[: a.ndim]
        free, second = list(first), ""
        for size in b.shape:
            partners = [letter for letter in free if a.shape[first.index(letter)] == size]
            if partners and self.flip(0.8):
                second += self.choose(partners)
                free.remove(second[-1])
            else:
                second += LETTERS[a.ndim + len(second)]
        shared = [letter for letter in first if letter in second and self.flip(0.7)]
        result = [letter for letter in dict.fromkeys(first + second) if letter not in shared]
        self.rng.shuffle(result)
        return pl.contraction(a, b, f"{first},{second}->{''.join(result)}")

    def from_case(self, op: Structural) -> Value:
        """Apply an operation as one of its sample cases does, on inputs of the shapes that it has there."""
        sizes = [[math.prod(operand.shape) for operand in case.operands] for case in op.sample]
        case = self.choose([case for case, found in zip(op.sample, sizes, strict=True) if all(found)])
        operands = []
        for operand in case.operands:
            numbers = operand.draw(self.rng)
            if numbers.dtype.kind == "f":
                like = [value for value in self.pool if value.shape == operand.shape]
                operands.append(self.choose(like) if like else self.input(operand.shape))
            else:
                operands.append(self.builder.constant(numbers))
        return self.builder.add(op, tuple(operands), {**op.param_defaults, **case.params})

    def draw(self) -> Value:
        x = self.pick()
        seed, step = (self.given(self.rng.integers(0, 1000, ()), pl.int64[()]) for _ in range(2))
        purpose = f"noise {self.size()}"
        kind = int(self.rng.integers(3))
        if kind == 0:
            return x * pl.random_normal(seed, step, x.shape, purpose, self.dtype)
        if kind == 1:
            return x + pl.random_uniform(seed, step, x.shape, purpose, self.dtype)
        keep = self.builder.constant(0.7, self.dtype)
        return pl.select(pl.bernoulli_mask(seed, step, keep, x.shape, purpose), x / 0.7, 0.0)

    def stop_gradient(self) -> Value:
        return pl.stop_gradient(self.pick())

    def loss(self) -> Value:
        """Bring together all that nothing has used."""
        total = None
        for value in self.leaves():
            bent = self.choose([lambda x: x, lambda x: x * x, pl.tanh, pl.softplus])(value)
            part = (pl.sum if self.flip() else pl.mean)(bent)
            total = part if total is None else total + part
        assert total is not None
        return total


def _kink_distance(node: Node, arrays: tuple[np.ndarray, ...]) -> float:
    """Return how far the operands of a node are from where its value or slope jumps."""
    op, params = node.op, dict(node.params)
    floats = [array for array in arrays if array.dtype.kind == "f" and array.size]
    if not floats:
        return math.inf
    if op.name in ("max", "argmax"):
        axes = params["axes"] if "axes" in params else (params["axis"],)
        rows = np.moveaxis(arrays[0], axes, range(-len(axes), 0))
        rows = np.sort(rows.reshape(*rows.shape[: rows.ndim - len(axes)], -1), axis=-1)
        return float(np.diff(rows[..., -2:]).min()) if rows.shape[-1] > 1 else math.inf
    if not isinstance(op, Elementwise):
        return math.inf
    distances = [math.inf]
    if len(floats) == 2 and (op.result == "bool" or op.name in ("maximum", "minimum")):
        distances.append(float(np.abs(floats[0] - floats[1]).min()))
    if op.name == "power":
        distances.append(float(np.abs(floats[1]).min()))
    for array, sample in zip(arrays, op.sample, strict=True):
        if isinstance(sample, Uniform) and array.size:
            scale = MARGIN / max(MARGIN, sample.gap)  # poles ask for a wider gap than kinks
            distances += [scale * float(np.abs(array - kink).min()) for kink in sample.avoid]
    return min(distances)
