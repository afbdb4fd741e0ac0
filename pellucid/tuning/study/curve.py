"""Learning curves as a file holds them: text until somebody looks."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any, overload

from pellucid.errors import ModelError

Point = tuple[int, float]


class StoredCurve(Sequence[Point]):
    """A learning curve that is read when it is looked at; it equals the tuple of its points.

    A study of 20,000 trials has some 100,000 of them: to read them all would take most of the time in which it is
    resumed, and several times the memory.

    Parameters
    ----------
    text : str
        See :func:`curve_to_text`.

    Examples
    --------
    >>> curve = StoredCurve("[[1,2],[0.5,0.25]]")
    >>> curve == ((1, 0.5), (2, 0.25)), curve[-1], len(curve)
    (True, (2, 0.25), 2)
    """

    __slots__ = ("_points", "_text")

    def __init__(self, text: str):
        self._text = text
        self._points: tuple[Point, ...] | None = None

    def _read(self) -> tuple[Point, ...]:
        if self._points is None:
            self._points = _text_to_points(self._text)
        return self._points

    @overload
    def __getitem__(self, place: int) -> Point: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[Point, ...]: ...
    def __getitem__(self, place: int | slice) -> Point | tuple[Point, ...]:
        return self._read()[place]

    def __len__(self) -> int:
        return len(self._read())

    def __eq__(self, other: object) -> bool:
        if isinstance(other, StoredCurve):
            return self._text == other._text
        return self._read() == other

    def __hash__(self) -> int:
        return hash(self._read())

    def __repr__(self) -> str:
        return repr(self._read())


def curve_to_text(curve: Sequence[Point]) -> str:
    """Return a learning curve as JSON: a list of epochs and one of values, the numbers in full.

    Examples
    --------
    >>> curve_to_text([(1, 0.5), (2, math.nan)])
    '[[1,2],[0.5,"nan"]]'
    """
    if isinstance(curve, StoredCurve):
        return curve._text
    epochs = [int(epoch) for epoch, _ in curve]
    values = [float(value) for _, value in curve]
    told = [value if math.isfinite(value) else repr(value) for value in values]
    return json.dumps([epochs, told], separators=(",", ":"))


def _text_to_points(text: str) -> tuple[Point, ...]:
    try:
        epochs, values = json.loads(text)
        values = [float(value) if value in ("nan", "inf", "-inf") else value for value in values]
        if not all(_is(kind, cells) for kind, cells in ((int, epochs), (float, values))):
            raise ValueError("other values")
        return tuple(zip(epochs, values, strict=True))
    except (ValueError, TypeError, RecursionError):
        raise ModelError("this study is damaged", where="a learning curve", got=text[:60]) from None


def _is(kind: type, cells: Sequence[Any]) -> bool:
    return all(type(cell) is kind for cell in cells)
