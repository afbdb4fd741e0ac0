"""Elementwise operations: every element of the result comes from the elements at the same place."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from pellucid.errors import DeclarationError, ShapeError
from pellucid.graph.builder import Builder, as_value
from pellucid.graph.differentiate import build_gradients
from pellucid.graph.graph import live_nodes
from pellucid.graph.operation import Params, operation, register
from pellucid.graph.types import DType, Type, as_dtype, bool_, broadcast_shapes, float64, promote
from pellucid.graph.value import Value
from pellucid.ops.declaration import NOT_DIFFERENTIABLE, Declared, require
from pellucid.ops.description import signature, tell_number
from pellucid.ops.meeting import as_arrays, meeting_value
from pellucid.ops.samples import Sample
from pellucid.ops.scalar import GraphScalars, numpy_scalars

KINDS = {"float": ("float",), "number": ("float", "int"), "bool": ("bool",), "any": ("float", "int", "bool")}
"""What an operation may say that it accepts, and the kinds of dtypes that this means."""


class Elementwise(Declared):
    """An operation that computes every element of its result from the elements at the same place.

    Operands broadcast as in NumPy. Made by :func:`elementwise`.
    """

    rule: Callable[..., Any]
    reference: Callable[..., Any]
    points: Mapping[Any, Any]
    sample: tuple[Sample, ...]
    accepts: tuple[str, ...]
    result: str
    identities: Callable[..., Value | None] | None
    arity: int

    def __call__(self, *operands: Any, **params: Any) -> Any:
        if params and len(operands) < self.arity:  # operands by their names
            named = list(self.__signature__.parameters)[len(operands) : self.arity]
            if all(name in params for name in named):
                operands = (*operands, *(params.pop(name) for name in named))
        if len(operands) != self.arity:
            raise ShapeError(
                "wrong number of operands", where=self.name, got=str(len(operands)), expected=str(self.arity)
            )
        like = next((operand for operand in operands if isinstance(operand, Value)), None)
        if like is None:
            operands = as_arrays(self.name, operands)
            dtypes = [as_dtype(operand.dtype) for operand in operands]
        else:
            weak_like = meeting_value(operands, like)
            operands = tuple(as_value(like.builder, operand, weak_like) for operand in operands)
            dtypes = [operand.dtype for operand in operands]
        return self.apply(self._cast(operands, dtypes), params)

    def _cast(self, operands: Sequence[Any], dtypes: Sequence[DType]) -> list[Any]:
        """Bring operands to the dtype in which they meet; integers given to a function of floats become float64."""
        meeting = [dtype for dtype, kind in zip(dtypes, self.accepts, strict=True) if kind != "bool"]
        common = promote(*meeting) if meeting else bool_
        if "float" in self.accepts and common.kind == "int":
            common = float64
        cast = operation("cast")
        return [
            operand if kind == "bool" or dtype == common or dtype.kind == "bool" else cast(operand, dtype=common)
            for operand, dtype, kind in zip(operands, dtypes, self.accepts, strict=True)
        ]

    def infer(self, types: tuple[Type, ...], params: Params) -> Type:
        self.check_params(params)
        for name, value in params.items():
            if isinstance(value, bool) or not isinstance(value, (int, float)):
                raise ShapeError("a parameter is not a number", where=f"{self.name}, {name}", got=repr(value)[:80])
        if len(types) != self.arity:
            raise ShapeError("wrong number of operands", where=self.name, got=str(len(types)), expected=str(self.arity))
        for type, kind in zip(types, self.accepts, strict=True):
            _check_kind(self.name, type, kind)
        meeting = {type.dtype for type, kind in zip(types, self.accepts, strict=True) if kind != "bool"}
        if len(meeting) > 1:
            told = " and ".join(sorted(dtype.name for dtype in meeting))
            raise ShapeError(
                "operands of different dtypes", where=self.name, got=told, fix="Cast one: pl.cast(x, dtype)."
            )
        shape = broadcast_shapes(*(type.shape for type in types), where=self.name)
        return Type(bool_ if self.result == "bool" else meeting.pop(), shape)

    def scalars_of(self, things: Sequence[Any]) -> Any:
        """Return, of operands, the first that is not a truth value: its dtype is that of the rule's numbers."""
        return next((thing for thing, kind in zip(things, self.accepts, strict=True) if kind != "bool"), things[0])

    def _sign(self) -> inspect.Signature:
        return signature(self.rule, self.param_defaults, skipped=1)

    def _note(self) -> Iterator[str]:
        for operands, value, slopes in self.read_points():
            slope = ", ".join("none" if each is None else tell_number(each) for each in slopes)
            at = ", ".join(map(tell_number, operands))
            yield f"At {at}: {tell_number(value)}" + (f", slope {slope}." if self.differentiable else ".")
        yield from super()._note()

    def compute(self, arrays: Sequence[np.ndarray], params: Params) -> Any:
        """Return what the rule gives on NumPy arrays, as it comes."""
        with np.errstate(all="ignore"):
            return self.rule(numpy_scalars(self.scalars_of(arrays).dtype), *arrays, **params)

    def evaluate(self, arrays: tuple[np.ndarray, ...], params: Params, result: Type) -> np.ndarray:
        scalars = numpy_scalars(self.scalars_of(arrays).dtype)
        value = np.asarray(self.rule(scalars, *arrays, **params), result.dtype.numpy)
        return value if value.shape == result.shape else np.array(np.broadcast_to(value, result.shape))

    def build_gradient(
        self, g: Value, inputs: tuple[Value, ...], output: Value, params: Params, wanted: tuple[bool, ...]
    ) -> tuple[Value | None, ...]:
        if self.gradient is None:
            return self._derive_gradient(g, inputs, output, params, wanted)
        parts = self.read_parts(self.gradient(g, *inputs, output, **params), inputs)
        return tuple(
            self._fit(part, value) if part is not None and needed else None
            for part, value, needed in zip(parts, inputs, wanted, strict=True)
        )

    def _fit(self, part: Value, operand: Value) -> Value:
        """Bring what a gradient rule gives for an operand to its dtype and, by sums, to its shape."""
        if part.dtype != operand.dtype and part.dtype.is_float:
            part = operation("cast")(part, dtype=operand.dtype)
        try:
            return operation("sum_to")(part, shape=operand.shape)
        except ShapeError:
            raise DeclarationError(
                "the gradient rule returns a value of another shape than the operand",
                where=self.name,
                got=str(part.type),
                expected=str(operand.type),
                fix="Multiply by g, the gradient that comes in.",
            ) from None

    def trace(self, operands: Sequence[Value], params: Params) -> Any:
        """Return what the rule gives on graph values."""
        return self.rule(GraphScalars(self.scalars_of(operands).dtype), *operands, **params)

    def _derive_gradient(
        self, g: Value, inputs: tuple[Value, ...], output: Value, params: Params, wanted: tuple[bool, ...]
    ) -> tuple[Value | None, ...]:
        """Trace the rule and differentiate what it does.

        This happens on a graph of its own: on the graph that the operands belong to, the gradient would also run
        through an operand that was computed from another one, and be counted twice.
        """
        own = Builder()
        places = [own.input(f"x{position}", value.type) for position, value in enumerate(inputs)]
        seed = own.input("g", g.type)
        traced = self.trace(places, params)
        if not isinstance(traced, Value):
            return (None,) * len(inputs)
        if traced.shape != output.shape:
            traced = operation("broadcast")(traced, shape=output.shape)
        asked = [place for place, needed in zip(places, wanted, strict=True) if needed]
        found = build_gradients(traced, asked, seed=seed, name=self.name)
        here = {place.node: value for place, value in zip([*places, seed], [*inputs, g], strict=True)}
        for node in live_nodes(value.node for value in found):
            if node not in here:
                here[node] = g.builder.add(node.op, tuple(here[source] for source in node.inputs), dict(node.params))
        given = iter(found)
        return tuple(here[next(given).node] if needed else None for needed in wanted)

    def simplify(self, inputs: tuple[Value, ...], params: Params) -> Value | None:
        return self.identities(*inputs, **params) if self.identities else None

    def read_points(self) -> Iterator[tuple[tuple[Any, ...], Any, tuple[float | None, ...]]]:
        """Yield the operands, value and slopes of each point; the slope is None where an operand has none.

        Raises
        ------
        DeclarationError
            Where a point does not have an operand, a value and a slope for all that the operation takes.
        """
        for point, stated in self.points.items():
            operands = point if isinstance(point, tuple) else (point,)
            value, slopes = stated, (None,) * self.arity
            if self.differentiable and self.result != "bool":
                pair = isinstance(stated, tuple) and len(stated) == 2
                value, slope = stated if pair else (None, ())
                slopes = slope if isinstance(slope, tuple) else (slope,)
            if len(operands) != self.arity or len(slopes) != self.arity:
                raise DeclarationError(
                    "a point is incomplete",
                    where=f"{self.name}, point {point!r}",
                    got=repr(stated),
                    expected=f"{self.arity} operand(s): (value, slope); only the value where it is not differentiable",
                )
            yield operands, value, slopes


def _check_kind(name: str, type: Type, kind: str) -> None:
    if type.dtype.kind not in KINDS[kind]:
        raise ShapeError(
            "an operand of the wrong dtype",
            where=name,
            got=str(type),
            expected=" or ".join(KINDS[kind]),
            fix="Cast it: pl.cast(x, pl.float64)." if kind != "bool" else "Compare it: x > 0.",
        )


def elementwise(
    *,
    name: str,
    doc: str | None = None,
    rule: Callable[..., Any] | None = None,
    gradient: Callable[..., Any] | str | None = "",
    reference: Callable[..., Any] | None = None,
    points: Mapping[Any, Any] | None = None,
    sample: Sample | tuple[Sample, ...] = (),
    accepts: str | tuple[str, ...] = "float",
    result: str = "same",
    identities: Callable[..., Value | None] | None = None,
    activation: bool = False,
    replace: bool = False,
) -> Elementwise:
    """Declare an elementwise operation and register it.

    Parameters
    ----------
    name, doc : str
        What it is called everywhere, and what it computes in one sentence.
    rule : callable
        ``rule(s, x, ...)`` computes it in the scalar vocabulary of :mod:`pellucid.ops.scalar`. Keyword-only arguments
        with a default are the operation's parameters.
    gradient : callable, None or NOT_DIFFERENTIABLE
        ``gradient(g, x, ..., y)`` returns, as graph values, the local slope times the incoming gradient `g`: one
        value, or a tuple with one for each operand. None derives it from the rule, which is wrong at kinks that the
        rule hides.
    reference : callable
        An independent way to compute it, on float64 arrays.
    points : mapping
        Operand (or tuple of operands) to value and slope (or tuple of slopes; only the value where the operation is not
        differentiable). Give every kink and branch point here: nothing else defines the slope there.
    sample : Sample or tuple of Sample
        Where the checks draw operands from.
    accepts : {"float", "number", "any", "bool"}, or a tuple of them
    result : {"same", "bool"}
        The dtype of the result.
    identities : callable, optional
        ``identities(x, ...)`` returns a simpler value that is equal to the bit, or None.
    activation : bool
        Offer it as the activation of a layer; it takes one operand then.
    replace : bool
        Allow the name to be declared already.

    Raises
    ------
    DeclarationError
        Where anything but the optional parts is missing; the message names all of it.

    Examples
    --------
    >>> import numpy as np, pellucid as pl
    >>> cube = pl.elementwise(name="cube", doc="Third power.", rule=lambda s, x: x * x * x, gradient=None,
    ...     reference=lambda x: x**3, points={0.0: (0, 0), 2.0: (8, 12)}, sample=pl.Uniform(-3, 3), replace=True)
    >>> print(cube(3.0))
    27.0
    """
    arity, defaults = _read_rule(name, rule) if callable(rule) else (0, {})
    kinds = (accepts,) * arity if isinstance(accepts, str) else tuple(accepts)
    samples = sample if isinstance(sample, tuple) else (sample,) * arity
    declaration = dict(
        name=name, doc=doc, rule=rule, gradient=gradient, reference=reference, points=points, sample=samples,
        accepts=kinds, result=result, identities=identities, activation=activation, arity=arity,
        param_defaults=defaults,
    )  # fmt: skip
    require(
        name,
        {
            "doc: a sentence on what it computes": bool(doc and doc.strip()),
            "rule: a function of the scalar vocabulary, rule(s, x, ...)": callable(rule),
            "gradient: a function, None (derived from the rule) or NOT_DIFFERENTIABLE": gradient is None
            or gradient == NOT_DIFFERENTIABLE
            or callable(gradient),
            "reference: an independent function of float64 arrays": callable(reference),
            "points: at least one operand with its value and slope": bool(points),
            "sample: one for each operand": sample != ()
            and (len(samples) == arity or not callable(rule))
            and all(hasattr(each, "draw") for each in samples),
            "accepts: float, number, any or bool, one for each operand": len(kinds) == arity
            and set(kinds) <= set(KINDS),
            "result: same or bool (bool where all operands are)": result == "bool"
            or (result == "same" and set(kinds) != {"bool"}),
            "activation: of one operand only": not activation or arity == 1,
        },
    )
    op = Elementwise(declaration)
    for _ in op.read_points():
        pass
    register(op, replace)
    return op


def _read_rule(name: str, rule: Callable[..., Any]) -> tuple[int, dict[str, Any]]:
    """Return how many operands a rule takes, and its parameters with their defaults."""
    parameters = list(inspect.signature(rule).parameters.values())
    operands = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    keywords = [p for p in parameters if p.kind is p.KEYWORD_ONLY]
    if len(operands) < 2 or len(operands) + len(keywords) != len(parameters):
        raise DeclarationError(
            "the rule takes the wrong arguments", where=name, expected="rule(s, x, ..., *, parameter=default)"
        )
    missing = [p.name for p in keywords if p.default is p.empty]
    if missing:
        raise DeclarationError("a parameter has no default", where=name, got=", ".join(missing))
    return len(operands) - 1, {p.name: p.default for p in keywords}
