"""The labels of a contraction: one letter for every axis."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from pellucid.errors import ShapeError

_FORM = re.compile(r"([A-Za-z]*),([A-Za-z]*)->([A-Za-z]*)")


@dataclass(frozen=True)
class Labels:
    """The axes of a contraction, each by its letter.

    Attributes
    ----------
    first, second, result : str
        The axes of the operands and of the result, in their order.
    batch : str
        Axes of both operands and the result.
    first_free, second_free : str
        Axes of one operand and the result.
    contracted : str
        Axes of both operands that are summed over.
    """

    first: str
    second: str
    result: str
    batch: str
    first_free: str
    second_free: str
    contracted: str

    def __str__(self) -> str:
        return f"{self.first},{self.second}->{self.result}"


@lru_cache(maxsize=4096)
def read_labels(labels: str) -> Labels:
    """Read labels such as ``"bi,io->bo"``.

    Raises
    ------
    ShapeError
        Where they are not of that form, a letter stands twice in one place, or a letter of only one operand is
        missing in the result, or one of the result is in neither operand.

    Examples
    --------
    >>> read_labels("bi,io->bo").contracted
    'i'
    """
    match = _FORM.fullmatch(labels) if isinstance(labels, str) else None
    if match is None:
        raise ShapeError(
            "not the labels of a contraction",
            where="contraction",
            got=repr(labels)[:80],
            expected="such as 'bi,io->bo'",
        )
    first, second, result = match.groups()
    for part in (first, second, result):
        if len(set(part)) != len(part):
            raise ShapeError("a label stands twice in one place", where="contraction", got=repr(labels)[:80])
    for label in result:
        if label not in first and label not in second:
            told = f"{label!r} in {labels!r}"[:80]
            raise ShapeError("a label of the result is in neither operand", where="contraction", got=told)
    for label in (*first, *second):
        if label not in result and not (label in first and label in second):
            told = f"{label!r} in {labels!r}"[:80]
            fix = "Sum over that axis first."
            raise ShapeError(
                "a label of one operand alone has to be in the result", where="contraction", got=told, fix=fix
            )
    return Labels(
        first,
        second,
        result,
        batch="".join(label for label in result if label in first and label in second),
        first_free="".join(label for label in result if label not in second),
        second_free="".join(label for label in result if label not in first),
        contracted="".join(label for label in first if label not in result),
    )
