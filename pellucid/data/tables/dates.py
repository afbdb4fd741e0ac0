"""Dates and times written as text, read many at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from pellucid.data.tables.date_order import DateCells, Dates, DayOrder, settle_order

if TYPE_CHECKING:
    import pyarrow as pa

CLOCK = r"(?:[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]{1,9})?)? ?(?:Z|[+-][0-9]{2}(?::?[0-9]{2})?)?)?"
DAY = (
    r"(?:[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{4}/[0-9]{1,2}/[0-9]{1,2}"
    r"|[0-9]{1,2}\.[0-9]{1,2}\.[0-9]{4}|[0-9]{1,2}/[0-9]{1,2}/[0-9]{4})"
)
SYNTAX = f"^{DAY}{CLOCK}$"
ISO_TIME = r"[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?"
ISO = {
    None: f"^[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}(?:{ISO_TIME})?$",
    "UTC": f"^[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}{ISO_TIME}(?:Z|[+-][0-9]{{2}}:[0-9]{{2}})$",
}
"""What Arrow reads, and in which zone it is then; ten times faster than what is done here."""

FIELDS = (
    r"^(?P<a>[0-9]+)(?P<separator>[-/.])(?P<b>[0-9]+)[-/.](?P<c>[0-9]+)"
    r"(?:[T ](?P<hour>[0-9]+):(?P<minute>[0-9]+)(?::(?P<second>[0-9]+)(?:[.,](?P<fraction>[0-9]+))?)?)?"
    r" ?(?:Z|(?P<sign>[+-])(?P<hours>[0-9]{2}):?(?P<minutes>[0-9]{2})?)?$"
)
FIRST_YEAR = np.datetime64("0001-01-01", "us")
FIRST_CELLS = 64
MOSTLY = 0.9


def parse_dates(cells: np.ndarray, day_first: bool | None = None) -> np.ndarray | None:
    """Read text as dates.

    A cell is a date as in ISO 8601 (``2024-12-31``), ``2024/12/31``, ``31.12.2024``, or ``31/12/2024`` and
    ``12/31/2024``. A time may follow behind T or a space (``13:05``, ``13:05:59``, ``13:05:59.25``), and behind that Z
    or an offset from UTC (``+02:00``). What has an offset becomes UTC; what has none is taken as it stands. Of
    D/M/YYYY and M/D/YYYY the one is meant under which all cells are dates: a value above 12 tells.

    Parameters
    ----------
    cells : ndarray of str, [rows]
        Spaces around them do not count; empty ones are missing.
    day_first : bool, optional
        Whether D/M/YYYY holds, or else M/D/YYYY; by default the cells have to tell.

    Returns
    -------
    ndarray of datetime64[us], [rows], or None
        NaT where a cell is missing. None where a cell is no date, or it remains open which of the numbers is the day.

    Examples
    --------
    >>> parse_dates(np.array(["2024-02-29", "1.3.2024 12:30", ""])).astype(str).tolist()
    ['2024-02-29T00:00:00.000000', '2024-03-01T12:30:00.000000', 'NaT']
    >>> parse_dates(np.array(["3/4/2024", "28/4/2024"])).astype("datetime64[D]").astype(str).tolist()
    ['2024-04-03', '2024-04-28']
    >>> parse_dates(np.array(["3/4/2024"])), parse_dates(np.array(["2023-02-29"]))
    (None, None)
    >>> parse_dates(np.array(["3/4/2024"]), day_first=False).astype(str).tolist()
    ['2024-03-04T00:00:00.000000']
    """
    found = settle_dates(cells, day_first)
    return None if found is None else found.values


def settle_dates(cells: np.ndarray, day_first: bool | None = None) -> Dates | None:
    """Return what :func:`parse_dates` does, and the order of day and month that was found.

    Examples
    --------
    >>> settle_dates(np.array(["3/4/2024", "28/4/2024"])).order
    DayOrder(day_first=True, row=1, cell='28/4/2024')
    """
    block = read_dates(trim_cells(cells.tolist()))
    return None if block is None else settle_order([block], day_first)


def read_dates(cells: pa.Array) -> DateCells | None:
    """Read cells without spaces around them, nulls being missing, as dates; None where one of them is none."""
    import pyarrow as pa
    import pyarrow.compute as pc

    for part in (cells[:FIRST_CELLS], cells):
        if part.null_count < len(part) and not pc.all(pc.match_substring_regex(part, SYNTAX)).as_py():
            return None
    for zone, syntax in ISO.items():
        if pc.all(pc.match_substring_regex(cells, syntax)).as_py():
            try:
                dates = np.array(pc.cast(cells, pa.timestamp("us", zone)).to_numpy(zero_copy_only=False))
            except pa.ArrowInvalid:  # there is no such day or time
                return None
            return None if (dates < FIRST_YEAR).any() else DateCells(dates, dates)
    encoded = cells.dictionary_encode()
    return _of_words(encoded.dictionary, np.array(pc.fill_null(encoded.indices, len(encoded.dictionary))))


def _of_words(words: pa.Array, codes: np.ndarray) -> DateCells | None:
    """Return the dates of cells given by their numbers among the different words; the number behind the last is none.

    All words have the syntax of dates.
    """
    orders = _in_each_order(words)
    found = [None if np.isnat(dates).any() else np.append(dates, np.datetime64("NaT"))[codes] for dates in orders]
    if all(dates is None for dates in found):
        return None
    settled = None
    for dates, day_first in zip(orders, (False, True), strict=False):
        impossible = np.append(np.isnat(dates), False)[codes]
        if impossible.any():
            row = int(impossible.argmax())
            settled = DayOrder(day_first, row, words[int(codes[row])].as_py())
    return DateCells(found[0], found[-1], settled)


def _in_each_order(words: pa.Array) -> list[np.ndarray]:
    """Return words with the syntax of dates as dates, NaT where there is no such day: with the day first in D/M/YYYY,
    and, where some are written so, with the month first.
    """
    import pyarrow.compute as pc

    fields = pc.extract_regex(words, FIELDS)
    text = {field.name: pc.struct_field(fields, field.name) for field in fields.type}
    a, b, c = (_integers(text[name]) for name in "abc")
    year_first = np.array(pc.greater(pc.utf8_length(text["a"]), 2))
    slashes = np.array(pc.equal(text["separator"], "/")) & ~year_first
    clock = _clock(text)
    orders = [_moments(np.where(year_first, a, c), b, np.where(year_first, c, a), clock)]
    if slashes.any():
        orders.append(np.where(slashes, _moments(c, a, b, clock), orders[0]))
    return orders


def _integers(text: pa.Array) -> np.ndarray:
    """Return the numbers spelled, 0 for nothing."""
    import pyarrow as pa
    import pyarrow.compute as pc

    zero, nothing = (pa.scalar(letters, text.type) for letters in ("0", ""))
    return np.array(pc.cast(pc.binary_join_element_wise(zero, text, nothing), pa.int64()))


def _clock(text: dict[str, Any]) -> np.ndarray:
    """Return the time of day, in UTC if an offset is given, as timedelta64[us]; NaT where there is no such time."""
    import pyarrow.compute as pc

    hour, minute, second = (_integers(text[name]) for name in ("hour", "minute", "second"))
    hours, minutes = _integers(text["hours"]), _integers(text["minutes"])
    fraction = _integers(pc.utf8_rpad(pc.utf8_slice_codeunits(text["fraction"], 0, 6), 6, "0"))
    offset = np.where(np.array(pc.equal(text["sign"], "-")), -1, 1) * (60 * hours + minutes)
    clock = (((60 * hour + minute - offset) * 60 + second) * 1_000_000 + fraction).astype("timedelta64[us]")
    clock[(hour > 23) | (minute > 59) | (second > 59) | (hours > 23) | (minutes > 59)] = np.timedelta64("NaT")
    return clock


def _moments(year: np.ndarray, month: np.ndarray, day: np.ndarray, clock: np.ndarray) -> np.ndarray:
    """Return datetime64[us], NaT where there is no such day."""
    months = (12 * (year - 1970) + month - 1).astype("datetime64[M]")
    first = months.astype("datetime64[D]")
    last = ((months + 1).astype("datetime64[D]") - first).astype(np.int64)
    dates = (first + (day - 1)).astype("datetime64[us]") + clock
    dates[(month < 1) | (month > 12) | (day < 1) | (day > last) | (dates < FIRST_YEAR)] = np.datetime64("NaT")
    return dates


def spell_dates(dates: np.ndarray) -> list[str]:
    """Return dates as in ISO 8601, without the time where it is midnight.

    Examples
    --------
    >>> spell_dates(np.array(["2024-02-29", "2024-02-29T12:30"], "datetime64[us]"))
    ['2024-02-29', '2024-02-29T12:30:00']
    """
    spelled = np.datetime_as_string(dates.astype("datetime64[us]"), unit="us").tolist()
    return [date.removesuffix(".000000").removesuffix("T00:00:00") for date in spelled]


def first_that_is_no_date(words: Sequence[str], day_first: bool | None = None) -> str | None:
    """Return the first word that is no date, whichever order of day and month holds, or in this one; None if all are.

    Examples
    --------
    >>> first_that_is_no_date(["2024-05-01", "31/12/2024", "12/31/2024", "2024-02-30"])
    '2024-02-30'
    >>> first_that_is_no_date(["2024-05-01", "31/12/2024", "12/31/2024", "2024-02-30"], day_first=True)
    '12/31/2024'
    """
    import pyarrow.compute as pc

    cells = trim_cells(words)
    fits = np.array(pc.fill_null(pc.match_substring_regex(cells, SYNTAX), False))
    if fits.any():
        orders = _in_each_order(cells.filter(fits))
        chosen = orders if day_first is None else [orders[0 if day_first else -1]]
        fits[fits] = np.any([~np.isnat(dates) for dates in chosen], axis=0)
    return None if fits.all() else words[int(fits.argmin())]


def look_like_dates(words: Sequence[str]) -> bool:
    """Tell whether at least 9 in 10 words are written as dates are."""
    import pyarrow.compute as pc

    sample = words[:: max(len(words) // FIRST_CELLS, 1)]
    matches = (pc.match_substring_regex(trim_cells(some), SYNTAX) for some in (sample, words))
    return all((pc.mean(pc.fill_null(found, False)).as_py() or 0.0) >= MOSTLY for found in matches)


def trim_cells(cells: Sequence[str]) -> pa.Array:
    """Return cells without the spaces around them, null where nothing is left."""
    import pyarrow as pa
    import pyarrow.compute as pc

    text = pc.utf8_trim_whitespace(pa.array(cells, pa.large_string()))
    return pc.if_else(pc.equal(text, ""), pa.scalar(None, text.type), text)
