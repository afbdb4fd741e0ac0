"""The origin of NaN and infinity in an observation, forward and backward."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pellucid.errors import TrainingError, UsageError
from pellucid.executors.program import ONCE, compile
from pellucid.graph.differentiate import differentiate
from pellucid.graph.graph import live_nodes
from pellucid.inspection.layers.nodes import batch_axis
from pellucid.training.origin import Origin, is_bad, trace_origin

if TYPE_CHECKING:
    from pellucid.inspection.observe import Observation


def find_origin(subject: Observation | TrainingError) -> Origin | None:
    """Find the node that made NaN or infinity, apart from those that passed it on.

    Parameters
    ----------
    subject : Observation or TrainingError
        What :func:`pellucid.observe` returned, of a function, a network or a step of training; or the error by which a
        training ended.

    Returns
    -------
    Origin or None
        With node, element, operands, the examples responsible, the usual cause and its remedy. None where all values
        and gradients are finite. Values come first: only where all of them are finite, gradients are searched.

    Raises
    ------
    UsageError
        Where this is neither.

    Examples
    --------
    >>> import pellucid as pl
    >>> seen = pl.observe(lambda x: pl.sum(2 * pl.log(x)), x=[3.0, 0.0, 1.0])
    >>> print(find_origin(seen))
    origin        infinity was made by log at log[1], on the forward way
    operands      x = 0 there
    examples      not told apart
    passed on by  multiply → value
    usual cause   the logarithm of exactly 0
    remedy        Take a loss that works on logits, or keep the argument above 0: pl.log(pl.maximum(x, 1e-7)).
    >>> print(find_origin(pl.observe(lambda x: pl.sum(pl.sqrt(x)), x=[4.0, 0.0])).direction)
    backward
    """
    if isinstance(subject, TrainingError):
        return subject.origin
    graph = getattr(subject, "graph", None)
    if graph is None:
        expected = "an observation, or the error by which a training ended"
        raise UsageError("there is nothing to search", where="find_origin", got=repr(subject)[:80], expected=expected)
    values: dict[str, Any] = {seen.path: seen.value for seen in subject}
    rows = getattr(subject, "rows", None)
    what = _inputs_told(subject)
    start = next((node for node in graph.outputs.values() if is_bad(values, node)), None)
    found = trace_origin(graph, values, start, rows=rows, what=what)
    if found is not None or subject.of is None:
        return found
    wrt = [node.path for node in live_nodes([graph.outputs[subject.of]]) if node.type.dtype.is_float]
    backward = differentiate(graph, wrt, subject.of)
    inputs = {name: values[node.path] for name, node in graph.inputs.items() if name in backward.inputs}
    observed = compile(backward, ONCE).observe(**inputs)
    first = next((node for node in backward.nodes if is_bad(observed, node)), None)
    return None if first is None else trace_origin(backward, observed, first, rows=rows, what=what)


def _inputs_told(seen: Observation) -> dict[str, str]:
    """Return what each input of the graph is, where that is known: data, a setting, a parameter or state."""
    told = {}
    for name, node in seen.graph.inputs.items() if seen.rows is not None else ():
        known = seen.step is not None and name in seen.step.settings
        kind = "a setting" if known else "a parameter or state"
        told[node.path] = "the data" if batch_axis(node) is not None else kind
    return told
