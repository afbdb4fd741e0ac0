"""The blocks that an explanation is shown in, the same for text and for cards."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pellucid.inspection.explain.adam import AdamStep
from pellucid.inspection.explain.difference import Check
from pellucid.inspection.explain.explanation import Explanation
from pellucid.inspection.explain.factors import Factors
from pellucid.inspection.explain.names import in_brackets, tell
from pellucid.inspection.explain.parts import Parts


@dataclass(frozen=True)
class Row:
    """One line of a block.

    Attributes
    ----------
    value : float or None
        The number that it ends in, or begins with.
    text : str
    numbers : str
        The same with the numbers put in.
    label : str
        A word before it.
    total : bool
        Whether it is what the rows above add up to, or multiply to.
    digits : int
        With how many the number is shown.
    """

    value: float | None
    text: str
    numbers: str = ""
    label: str = ""
    total: bool = False
    digits: int = 6


@dataclass(frozen=True)
class Block:
    """A title and rows; `bars` says whether the rows' values are compared by bars in a card."""

    title: str
    rows: tuple[Row, ...]
    bars: bool = False


def blocks_of(explanation: Explanation) -> Iterator[Block]:
    """Yield the blocks of an explanation in their order."""
    formula = tuple(Row(None, names, numbers) for names, numbers in explanation.formula)
    if formula and explanation.kind != "update":
        yield Block("Formula", formula)
    if explanation.states:
        yield Block("Gradient and state", tuple(Row(part.value, part.text) for part in explanation.states))
    if explanation.adam is not None:
        yield Block("The step of Adam", tuple(_adam(explanation.adam)))
    if explanation.factors is not None and len(explanation.factors.factors) > 1:
        yield _factors(explanation.factors)
        if explanation.factors.above is not None:
            yield block_of_parts(explanation.factors.above)
    same = _same_parts(explanation.parts, explanation.examples)
    alone = explanation.examples is not None and len(explanation.examples.shown) == 1
    for parts in (explanation.parts, None if same or alone else explanation.examples, explanation.paths):
        if parts is not None:
            yield block_of_parts(parts, " (one for each example)" if same and parts is explanation.parts else "")
    if formula and explanation.kind == "update":
        yield Block("Formula, from the gradient to the new value", formula)
    if explanation.check is not None:
        yield Block("Check", tuple(_check(explanation.check, explanation.kind)))


def _same_parts(one: Parts | None, other: Parts | None) -> bool:
    """Say whether each edge is one example's."""
    if one is None or other is None or one.values is None or other.values is None:
        return False
    return len(one.values) > 1 and one.values.tolist() == other.values.tolist()


def block_of_parts(parts: Parts, more: str = "") -> Block:
    """Return the block of parts that add up."""
    rows = [Row(part.value, part.text, part.numbers) for part in parts.shown]
    count, others = parts.others
    if count:
        number = f"{count:,.0f}" if count < 1e15 else f"{count:.3g}"
        plural = "" if count == 1 else "s"
        rows.append(Row(others, f"{number} more {parts.kind}{plural}, added up"))
    rows += [Row(part.value, part.text, part.numbers) for part in parts.rest]
    return Block(parts.title + more, (*rows, Row(parts.total, "together", total=True)), bars=True)


def _factors(factors: Factors) -> Block:
    rows = [Row(factor.value, factor.text, label=factor.origin) for factor in factors.factors]
    title = "Where the factors of the largest contribution come from"
    return Block(title, (*rows, Row(factors.product, "their product", total=True)))


def _adam(step: AdamStep) -> Iterator[Row]:
    yield Row(step.gradient, "the gradient as it is used", label="g")
    yield Row(step.m, f"moving mean of the gradient, beta_1 = {tell(step.beta_1)}", label="m")
    yield Row(step.v, f"moving mean of its square, beta_2 = {tell(step.beta_2)}", label="v")
    told = f"m / (1 - beta_1^{step.t})"
    yield Row(step.m_corrected, told, f"{in_brackets(step.m)} / {tell(step.correction_1)}", "m corrected")
    told = f"v / (1 - beta_2^{step.t})"
    yield Row(step.v_corrected, told, f"{tell(step.v)} / {tell(step.correction_2)}", "v corrected")
    told = "-learning_rate * (m corrected) / (sqrt(v corrected) + epsilon)"
    root = f"{tell(step.learning_rate)} * {in_brackets(step.m_corrected)} / (sqrt({tell(step.v_corrected)}) + "
    yield Row(step.step, told, f"-{root}{tell(step.epsilon)})", "effective step")
    if step.learning_rate:
        yield Row(abs(step.step) / step.learning_rate, "its size in learning rates", label="")
    yield Row(step.first_bound, _first_bound(step), label="bound")
    yield Row(step.bound, f"no gradients whatever make step {step.t} larger", label="sure bound")


def _first_bound(step: AdamStep) -> str:
    source = "Kingma and Ba 2015, section 2.1"
    if step.first_bound > step.learning_rate:
        return f"for a gradient after nothing but zeros; as a rule it is the learning rate ({source})"
    return f"the learning rate ({source})"


def _check(check: Check, kind: str) -> Iterator[Row]:
    yield Row(check.number, "the number itself", digits=10)
    if kind == "gradient":
        yield Row(check.double, "the gradient in float64", digits=10)
    step = "" if check.step is None else f", step {check.step:.3g}"
    yield Row(check.found, f"{check.method}{step}", digits=10)
    told = "they agree" if check.agrees else "they do not agree"
    yield Row(None, f"{told}; {check.note}" if check.note else told, total=True)
