"""Whether the day or the month comes first in a column of dates such as 3/4/2024, found out over all its cells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np


@dataclass(frozen=True)
class DayOrder:
    """Whether D/M/YYYY or M/D/YYYY holds for a column, and the cell that says so.

    Attributes
    ----------
    day_first : bool
    row : int
        The first cell that is a date in this order alone; counted from 0 in the column as it was read.
    cell : str
    """

    day_first: bool
    row: int
    cell: str


@dataclass(frozen=True, eq=False)
class DateCells:
    """Cells that are dates, [rows], datetime64[us], NaT where a cell is missing.

    Attributes
    ----------
    day_first, month_first : ndarray or None
        What they are where D/M/YYYY holds, and where M/D/YYYY does; None where a cell would be no date then. The same
        array twice where no cell is written so.
    settled : DayOrder or None
        The order that holds, where it is only one.
    """

    day_first: np.ndarray | None
    month_first: np.ndarray | None
    settled: DayOrder | None = None

    def __len__(self) -> int:
        found = self.day_first if self.day_first is not None else self.month_first
        return 0 if found is None else len(found)


@dataclass(frozen=True, eq=False)
class Dates:
    """The dates of a column.

    Attributes
    ----------
    values : ndarray of datetime64[us], [rows]
        NaT where a cell is missing.
    order : DayOrder or None
        Where D/M/YYYY and M/D/YYYY would have given other dates.
    """

    values: np.ndarray
    order: DayOrder | None = None


def settle_order(blocks: Sequence[DateCells], day_first: bool | None = None) -> Dates | None:
    """Return all dates of a column's blocks in the one order of day and month that holds for them, or None.

    With `day_first` it is the order that must hold.
    """
    days = [block.day_first for block in blocks if block.day_first is not None]
    months = [block.month_first for block in blocks if block.month_first is not None]
    if day_first is not None:
        chosen = days if day_first else months
        return Dates(np.concatenate(chosen)) if len(chosen) == len(blocks) else None
    settled = [found for found in (days, months) if len(found) == len(blocks)]
    if len(settled) == 2 and any(not _same(*both) for both in zip(days, months, strict=True)):
        return None
    return Dates(np.concatenate(settled[0]), _first_settled(blocks)) if settled else None


def _first_settled(blocks: Sequence[DateCells]) -> DayOrder | None:
    before = 0
    for block in blocks:
        if block.settled is not None:
            return replace(block.settled, row=before + block.settled.row)
        before += len(block)
    return None


def _same(first: np.ndarray, second: np.ndarray) -> bool:
    return first is second or np.array_equal(first, second, equal_nan=True)
