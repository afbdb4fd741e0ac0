"""Where one number comes from: a value, a gradient, or an update."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pellucid.errors import UsageError
from pellucid.inspection.explain.adam import read_adam
from pellucid.inspection.explain.address import Address, read_address
from pellucid.inspection.explain.by_example import example_axis, gradient_by_example
from pellucid.inspection.explain.difference import check_gradient, check_value
from pellucid.inspection.explain.evidence import Evidence, evidence_of
from pellucid.inspection.explain.explanation import Explanation
from pellucid.inspection.explain.factors import factors_of
from pellucid.inspection.explain.flow import TooManyEdges
from pellucid.inspection.explain.gradient import Gradient
from pellucid.inspection.explain.gradient_formula import write_gradient
from pellucid.inspection.explain.names import in_brackets, index_of, name_element, tell
from pellucid.inspection.explain.parts import Parts
from pellucid.inspection.explain.paths import paths_of_gradient, paths_of_value
from pellucid.inspection.explain.update import Update, tell_states
from pellucid.inspection.explain.value import Value

if TYPE_CHECKING:
    from pellucid.inspection.observation import Observation


def explain(observation: Observation, address: str) -> Explanation:
    """Explain one number of an observation: its formula, the numbers in it, and what it is made of.

    Parameters
    ----------
    observation : Observation
        As :func:`pellucid.observe` returns it.
    address : str
        Which number: ``"dense_1/relu[0, 5]"`` is a value, ``"d loss / d dense_1/weight[3, 2]"`` a gradient,
        ``"update of dense_1/weight[3, 2]"`` what a step of a training adds to a parameter. The index has a number for
        each axis, from 0 up; negative ones count from the end. A scalar has none.

    Returns
    -------
    Explanation
        Its parts add up to the number exactly: what rounding in the number's dtype has changed is a part of its own.
        Paths follow local derivatives from element to element; derivatives are checked by central finite differences
        in float64.

    Raises
    ------
    UsageError
        Where nothing has this address, an index is missing, or lies outside; or the observation has kept only some of
        its nodes, as that of a :class:`pellucid.Recorder` may.

    References
    ----------
    Rumelhart, Hinton and Williams, Learning representations by back-propagating errors, Nature 323, 1986: the error
    of a unit times its input. Kingma and Ba, Adam: a method for stochastic optimization, ICLR 2015, section 2.1.

    Examples
    --------
    >>> import pellucid as pl
    >>> def loss(w, x, y):
    ...     p = pl.sigmoid(pl.sum(w * x))
    ...     return -(y * pl.log(p) + (1 - y) * pl.log(1 - p))
    >>> seen = pl.observe(loss, w=[-3, 2, -3], x=[1, -1, -2], y=1.0)
    >>> found = explain(seen, "d loss / d w[2]")
    >>> found
    <explanation of d loss / d w[2] = 0.537883>
    >>> found.formula[0][0]
    'd loss / d w[2] = x[2] * d loss / d multiply[2]'
    >>> found.check.agrees
    True
    """
    if not hasattr(observation, "graph") or not hasattr(observation, "nodes"):
        fix = "Observe first: pl.observe(...)."
        raise UsageError("not an observation", where="explain", got=repr(observation)[:80], fix=fix)
    kept, all_nodes = len(observation.nodes), len(observation.graph.nodes)
    if kept < all_nodes:
        fix = "Keep all nodes of the step, or observe it again."
        raise UsageError("the observation has kept only some nodes", got=f"{kept} of {all_nodes}", fix=fix)
    evidence = evidence_of(observation)
    found = read_address(evidence.graph, address, evidence.of)
    if found.kind == "gradient":
        return _explain_gradient(evidence, found)
    return _explain_update(evidence, found) if found.kind == "update" else _explain_value(evidence, found)


def _explain_gradient(evidence: Evidence, address: Address) -> Explanation:
    gradient = Gradient(evidence, address)
    parts = gradient.parts() if gradient.node is not gradient.target else None
    paths, left_out = _paths(paths_of_gradient, gradient)
    return Explanation(
        address=str(address),
        kind="gradient",
        number=gradient.number,
        dtype=gradient.dtype,
        meaning=_tell_gradient(gradient),
        formula=((f"{gradient.name} = {write_gradient(gradient)}", _put_in(parts, gradient.number)),),
        factors=factors_of(gradient),
        parts=parts,
        paths=paths,
        examples=gradient_by_example(gradient),
        check=check_gradient(gradient) if math.isfinite(gradient.number) else None,
        notes=(*_notes(gradient), *left_out),
    )


def _paths(find: Callable[[Any], Parts | None], subject: Any) -> tuple[Parts | None, tuple[str, ...]]:
    """Return the strongest paths, or a note where they are not looked for."""
    try:
        return find(subject), ()
    except TooManyEdges as error:
        return None, (f"Its paths are left out: {error}.",)


def _tell_gradient(gradient: Gradient) -> str:
    element = name_element(gradient.node, gradient.place)
    if gradient.number == 0:
        return f"A small change of {element} does not change {gradient.of}."
    if not math.isfinite(gradient.number):
        return "It is not a finite number."
    way = "grows" if gradient.number > 0 else "falls"
    return f"Where {element} grows by a little, {gradient.of} {way} by {tell(abs(gradient.number), 3)} times as much."


def _put_in(parts: Parts | None, number: float) -> str:
    """Return the sum of the largest parts with numbers, the others counted, and the number."""
    if parts is None or not parts.shown:
        return ""
    terms = [part.numbers or in_brackets(part.value) for part in parts.shown]
    count, others = parts.others
    if len(parts.shown) == 1 and not count and not parts.shown[0].numbers and not parts.rest:
        return tell(number)
    if count:
        terms.append(f"{in_brackets(others)} (of {count:,.0f} more)")
    terms += [in_brackets(part.value) for part in parts.rest if not part.text.startswith("rounding")]
    return f"{' + '.join(terms)} = {tell(number)}"


def _notes(gradient: Gradient) -> list[str]:
    notes = []
    if gradient.node not in gradient.inside:
        notes.append(f"{gradient.target.path} does not depend on {gradient.node.path} at all.")
    axis = example_axis(gradient.evidence, gradient.node)
    if axis is not None and gradient.evidence.rows is not None:
        at = index_of(gradient.node, gradient.place)[axis]
        if at < len(gradient.evidence.rows):
            notes.append(f"It belongs to example {at} alone, row {int(gradient.evidence.rows[at])}.")
    if not gradient.whole:
        notes.append(f"{gradient.of} is {gradient.target.path} with its penalties.")
    return notes


def _explain_value(evidence: Evidence, address: Address) -> Explanation:
    value = Value(evidence, address)
    is_float = address.node.type.dtype.is_float
    paths, left_out = _paths(paths_of_value, value) if is_float else (None, ())
    return Explanation(
        address=str(address),
        kind="value",
        number=value.number,
        dtype=value.dtype,
        meaning=_tell_value(value),
        formula=tuple(value.formula()),
        parts=value.parts() if is_float else None,
        paths=paths,
        check=check_value(evidence, address.node, address.place) if is_float and address.node.inputs else None,
        notes=left_out,
    )


def _tell_value(value: Value) -> str:
    name = value.node.op.name
    if name == "input":
        return "It is given to the graph: data, a parameter, or a setting."
    if name == "constant":
        return "It is a constant of the graph."
    doc = value.node.op.doc.strip().rstrip(".")
    return f"{name}: {doc[0].lower() + doc[1:] if not doc[:2].isupper() else doc}."


def _explain_update(evidence: Evidence, address: Address) -> Explanation:
    update = Update(evidence, address)
    adam = read_adam(update)
    before, after = update.at(update.old), update.at(update.new)
    return Explanation(
        address=str(address),
        kind="update",
        number=update.number,
        dtype=update.dtype,
        meaning=f"{update.name} goes from {tell(before, 9)} to {tell(after, 9)} in this step.",
        formula=tuple(update.lines()),
        states=() if adam is not None else tuple(tell_states(update)),
        adam=adam,
        parts=update.parts(),
        check=check_value(evidence, update.new, address.place),
    )
