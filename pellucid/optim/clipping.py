"""Clipping of gradients, so that one bad batch can not throw the weights far away."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce

from pellucid.graph.context import Context
from pellucid.graph.value import Value
from pellucid.ops.comparison import maximum, minimum, select
from pellucid.ops.functions import absolute, sqrt
from pellucid.ops.reductions import max as max_over
from pellucid.ops.reductions import sum as sum_over
from pellucid.optim.settings import check_number


def clip_gradients(
    context: Context, gradients: Mapping[str, Value], value: float | None = None, norm: float | None = None
) -> dict[str, Value]:
    r"""Add the clipping of gradients to a graph: first of every element, then of all of them together.

    .. math:: g \leftarrow \max(-c, \min(c, g)), \qquad g \leftarrow g\, \min(1, n / \|g\|)

    where :math:`\|g\|` is the Euclidean norm of all gradients as one vector. It is computed without overflow: gradients
    of 1e30 in float32 have a norm. Gradients within the limits, and gradients that are not finite (which training is
    to notice), stay as they are, to the bit.

    Parameters
    ----------
    context : Context
    gradients : mapping
        By the path of their parameters.
    value : float, optional
        The largest magnitude :math:`c` of an element; the setting ``clip_value``.
    norm : float, optional
        The largest norm :math:`n`; the setting ``clip_norm``.

    Returns
    -------
    dict
        The clipped gradients by path.

    Raises
    ------
    UsageError
        Where a limit is not above 0.

    References
    ----------
    Pascanu, Mikolov and Bengio, On the difficulty of training recurrent neural networks, ICML 2013.

    Examples
    --------
    >>> import pellucid as pl
    >>> from pellucid.graph.context import Context
    >>> context = Context(training=True, dtype="float64")
    >>> g = context.input("g", pl.float64[2])
    >>> graph = context.builder.finish(clip_gradients(context, {"w": g}, norm=1.0))
    >>> pl.compile(graph)(g=[3.0, 4.0], clip_norm=1.0)
    {'w': array([0.6, 0.8])}
    """
    clipped = dict(gradients)
    if value is not None:
        check_number("clip_value", value, "(0, inf)")
        limit = context.setting("clip_value", value)
        clipped = {path: maximum(minimum(g, limit), -limit) for path, g in clipped.items()}
    if norm is not None:
        check_number("clip_norm", norm, "(0, inf)")
        clipped = _clip_norm(clipped, context.setting("clip_norm", norm))
    return clipped


def _clip_norm(gradients: Mapping[str, Value], limit: Value) -> dict[str, Value]:
    """Scale by the largest magnitude, so that no square overflows or vanishes: the norm is `largest` times `root`."""
    filled = [g for g in gradients.values() if g.type.size]
    if not filled:
        return dict(gradients)
    largest = reduce(maximum, [max_over(absolute(g)) for g in filled])
    scale = select(largest > 0, largest, 1.0)
    root = sqrt(reduce(Value.__add__, [sum_over((g / scale) * (g / scale)) for g in filled]))
    long = root > limit / scale
    return {path: select(long, g / scale * (limit / root), g) for path, g in gradients.items()}
