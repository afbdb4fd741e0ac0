"""Structural operations: the result depends on places and shapes."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from pellucid.errors import PellucidError, ShapeError
from pellucid.graph.operation import Params, register
from pellucid.graph.types import Type
from pellucid.graph.value import Value
from pellucid.ops.declaration import NOT_DIFFERENTIABLE, Declared, require
from pellucid.ops.description import signature, tell_arguments
from pellucid.ops.samples import Case, ErrorCase


class Structural(Declared):
    """An operation whose result depends on places and shapes. Made by :func:`structural`."""

    rule: Callable[..., Type]
    array: Callable[..., Any]
    reference: Callable[..., Any]
    sample: tuple[Case, ...]
    errors: tuple[ErrorCase, ...]
    identities: Callable[..., Value | None] | None
    face: Callable[..., tuple[Sequence[Any], dict[str, Any]]] | None

    def __call__(self, *operands: Any, **params: Any) -> Any:
        taken: tuple[Sequence[Any], dict[str, Any]] = (operands, params)
        if self.face is not None:
            try:
                taken = self.face(*operands, **params)
            except PellucidError:
                raise
            except (TypeError, ValueError, OverflowError) as error:
                raise ShapeError(
                    f"wrong arguments ({_misfit(self.face, operands, params) or error})",
                    where=self.name,
                    got=tell_arguments(operands, params),
                    expected=f"{self.name}{self.__signature__}",
                ) from error
        return self.apply(*taken)

    def apply(self, operands: Sequence[Any], params: Params) -> Any:
        params = {**self.param_defaults, **params}
        if self.identities and operands and all(isinstance(operand, Value) for operand in operands):
            self.infer(tuple(operand.type for operand in operands), params)
            simpler = self.simplify(tuple(operands), params)
            if simpler is not None:
                return simpler
        return super().apply(operands, params)

    def _sign(self) -> inspect.Signature:
        return signature(self.rule, self.param_defaults) if self.face is None else signature(self.face, {})

    def infer(self, types: tuple[Type, ...], params: Params) -> Type:
        self.check_params(params)
        try:
            return self.rule(*types, **params)
        except PellucidError:
            raise
        except (TypeError, ValueError, IndexError, KeyError, AttributeError) as error:
            told = ", ".join([*map(str, types), *(f"{key}={value!r}" for key, value in params.items())])
            raise ShapeError("operands or parameters do not fit", where=self.name, got=told[:200]) from error

    def evaluate(self, arrays: tuple[np.ndarray, ...], params: Params, result: Type) -> np.ndarray:
        return np.asarray(self.array(np, *arrays, **params), result.dtype.numpy)

    def build_gradient(
        self, g: Value, inputs: tuple[Value, ...], output: Value, params: Params, wanted: tuple[bool, ...]
    ) -> tuple[Value | None, ...]:
        return self.read_parts(self.gradient(g, *inputs, output, **params), inputs)

    def simplify(self, inputs: tuple[Value, ...], params: Params) -> Value | None:
        return self.identities(*inputs, **params) if self.identities else None


def _misfit(face: Callable[..., Any], operands: Sequence[Any], params: Params) -> str | None:
    """Return why arguments do not fit a function's signature, if they do not."""
    try:
        inspect.signature(face).bind(*operands, **params)
    except TypeError as error:
        return str(error)
    return None


def structural(
    *,
    name: str,
    doc: str | None = None,
    infer: Callable[..., Type] | None = None,
    array: Callable[..., Any] | None = None,
    gradient: Callable[..., Any] | str | None = None,
    reference: Callable[..., Any] | None = None,
    sample: Sequence[Case] = (),
    errors: Sequence[ErrorCase] = (),
    params: Mapping[str, Any] | None = None,
    face: Callable[..., tuple[Sequence[Any], dict[str, Any]]] | None = None,
    identities: Callable[..., Value | None] | None = None,
    activation: bool = False,
    replace: bool = False,
) -> Structural:
    """Declare a structural operation and register it.

    Parameters
    ----------
    name, doc : str
        What it is called everywhere, and what it computes in one sentence.
    infer : callable
        ``infer(*types, **params)`` returns the type of the result or raises ShapeError.
    array : callable
        ``array(xp, *arrays, **params)`` computes it in a NumPy-like namespace.
    gradient : callable or NOT_DIFFERENTIABLE
        ``gradient(g, *inputs, y, **params)`` returns a graph value (or None for zero) for each input, of its shape.
    reference : callable
        ``reference(*arrays, **params)``: an independent way to compute it in float64.
    sample : sequence of Case
        Operands and parameters that the checks use.
    errors : sequence of ErrorCase
        What it refuses.
    params : mapping, optional
        Its parameters with their defaults.
    face : callable, optional
        ``face(*arguments, **keywords)`` turns what a caller writes (``axis=-1``) into operands and parameters.
    identities : callable, optional
        ``identities(*inputs, **params)`` returns a simpler value that is equal to the bit, or None. Where one holds, no
        node is added.
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
    >>> from pellucid.ops.samples import Case, ErrorCase, Operand
    >>> mirrored = pl.structural(
    ...     name="mirrored", doc="The rows in reverse order.", infer=lambda x: x.dtype[x.shape[0], *x.shape[1:]],
    ...     array=lambda xp, x: xp.flip(x, 0), gradient=lambda g, x, y: mirrored(g), reference=lambda x: x[::-1],
    ...     sample=[Case((Operand((3, 2)),))], errors=[ErrorCase((pl.float64[()],), "do not fit")], replace=True)
    >>> mirrored([1.0, 2.0, 3.0])
    array([3., 2., 1.])
    """
    require(
        name,
        {
            "doc: a sentence on what it computes": bool(doc and doc.strip()),
            "infer: the type rule": callable(infer),
            "array: the body": callable(array),
            "gradient: a function or NOT_DIFFERENTIABLE": gradient == NOT_DIFFERENTIABLE or callable(gradient),
            "reference: an independent function of float64 arrays": callable(reference),
            "sample: at least one case": bool(sample),
            "errors: at least one error case": bool(errors),
        },
    )
    declaration = dict(
        name=name, doc=doc, rule=infer, array=array, gradient=gradient, reference=reference, sample=tuple(sample),
        errors=tuple(errors), param_defaults=dict(params or {}), face=face, identities=identities,
        activation=activation,
    )  # fmt: skip
    op = Structural(declaration)
    register(op, replace)
    return op
