"""Dates as numbers: days since 1970, and the parts that come again every year, week and day."""

from __future__ import annotations

import numpy as np

DAY = 86_400_000_000
"""A day in microseconds, which is how dates are kept."""


def count_days(dates: np.ndarray) -> np.ndarray:
    """Return days since 1970-01-01, float64 [rows], parts of a day included; NaN for a missing date.

    Examples
    --------
    >>> count_days(np.array(["1970-01-02T12:00", "NaT"], "datetime64[us]")).tolist()
    [1.5, nan]
    """
    return np.where(np.isnat(dates), np.nan, dates.astype("datetime64[us]").astype(np.int64) / DAY)


def has_times(dates: np.ndarray) -> bool:
    """Tell whether any date has a time of day other than midnight."""
    known = dates[~np.isnat(dates)]
    return bool((known.astype("datetime64[us]").astype(np.int64) % DAY != 0).any())


def cyclic_parts(times: bool) -> tuple[str, ...]:
    """Return the names of what :func:`read_cycles` returns."""
    cycles = ("year", "weekday", "time") if times else ("year", "weekday")
    return tuple(f"{cycle} {wave}" for cycle in cycles for wave in ("sin", "cos"))


def read_cycles(dates: np.ndarray, times: bool) -> np.ndarray:
    """Return the sine and cosine of each date's place in its year, in its week and, with `times`, in its day.

    So the last day of December is next to the first of January, and 23:59 to 00:00. The week begins with Monday at
    angle 0 and takes whole days; the year ends after 365 or 366 of them and takes their parts too.

    Returns
    -------
    ndarray of float64, [rows, 4] or [rows, 6]
        NaN for a missing date.

    Examples
    --------
    >>> date = np.array(["2024-01-01"], "datetime64[us]")  # a Monday
    >>> read_cycles(date, times=True).round(3).tolist()
    [[0.0, 1.0, 0.0, 1.0, 0.0, 1.0]]
    """
    dates = dates.astype("datetime64[us]")
    missing = np.isnat(dates)
    dates = np.where(missing, np.datetime64(0, "us"), dates)
    start = dates.astype("datetime64[Y]")
    length = ((start + 1).astype("datetime64[us]") - start.astype("datetime64[us]")).astype(np.int64)
    places = [(dates - start.astype("datetime64[us]")).astype(np.int64) / length]
    moments = dates.astype(np.int64)
    places.append((moments // DAY + 3) % 7 / 7)  # 1970 began on a Thursday
    if times:
        places.append(moments % DAY / DAY)
    waves = [wave(2 * np.pi * place) for place in places for wave in (np.sin, np.cos)]
    return np.where(missing[:, np.newaxis], np.nan, np.column_stack(waves))
