"""What an explanation of a number holds, and how it shows itself."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from pellucid.inspection.explain.parts import Part, Parts

if TYPE_CHECKING:
    from pellucid.inspection.explain.adam import AdamStep
    from pellucid.inspection.explain.difference import Check
    from pellucid.inspection.explain.factors import Factors


@dataclass(frozen=True, eq=False, kw_only=True)
class Explanation:
    """Where one number comes from. Made by :func:`pellucid.explain`; ``str`` of it is text, in a notebook it is a card.

    Attributes
    ----------
    address : str
        Such as ``d loss / d dense_1/weight[3, 2]``.
    kind : {"value", "gradient", "update"}
    number : float
    dtype : str
        In which it was computed.
    meaning : str
        What it says, in a sentence.
    formula : tuple of (str, str)
        Lines: with names, and what is behind the ``=`` with numbers put in.
    factors : Factors or None
        Of a gradient the largest contribution as a product: what is multiplied here, the slope of the activation, what
        comes from the layers above, what from the loss.
    parts : Parts or None
        Contributions by incoming edge.
    paths : Parts or None
        The strongest paths to the loss, or of a value from the inputs.
    examples : Parts or None
        Of a gradient that is common to the examples of a mini-batch, what each of them contributes.
    states : tuple of Part
        Of an update the gradient and the optimizer's state.
    adam : AdamStep or None
        Of an update by Adam its quantities and its bounds.
    check : Check or None
        The number found in another way: of a gradient by finite differences.
    notes : tuple of str
        What else has to be known.
    """

    address: str
    kind: str
    number: float
    dtype: str
    meaning: str
    formula: tuple[tuple[str, str], ...] = ()
    factors: Factors | None = None
    parts: Parts | None = None
    paths: Parts | None = None
    examples: Parts | None = None
    states: tuple[Part, ...] = ()
    adam: AdamStep | None = None
    check: Check | None = None
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.text()

    def __repr__(self) -> str:
        return f"<explanation of {self.address} = {self.number:.6g}>"

    def _repr_html_(self) -> str:
        from pellucid.inspection.explain.card import draw_card

        return draw_card(self)

    def text(self, width: int | None = 100) -> str:
        """Return the explanation as text, its lines at most so many letters long; None for as long as they are."""
        from pellucid.inspection.explain.text import write_text

        return write_text(self, width)

    def as_dict(self) -> dict[str, Any]:
        """Return the explanation as plain data: dicts, lists, texts and numbers."""
        factors = None
        if self.factors is not None:
            factors = {
                "product": self.factors.product,
                "factors": [vars(factor) for factor in self.factors.factors],
                "above": _plain(self.factors.above),
            }
        return {
            "address": self.address,
            "kind": self.kind,
            "number": self.number,
            "dtype": self.dtype,
            "meaning": self.meaning,
            "formula": [{"names": names, "numbers": numbers} for names, numbers in self.formula],
            "factors": factors,
            "edges": _plain(self.parts),
            "paths": _plain(self.paths),
            "examples": _plain(self.examples),
            "states": [vars(part) for part in self.states],
            "adam": None if self.adam is None else self.adam.as_dict(),
            "check": None if self.check is None else asdict(self.check),
            "notes": list(self.notes),
        }


def _plain(parts: Parts | None) -> dict[str, Any] | None:
    return None if parts is None else parts.as_dict()
