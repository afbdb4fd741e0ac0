"""Summaries: what there is to say of an array that is too large to show."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from pellucid.html_table import html_table

FLAT = 1e-3
"""Where the slope of an activation is smaller than this, a unit passes on next to nothing: it is saturated."""


@dataclass(frozen=True)
class Summary:
    """What there is to say of the elements of an array. Made by :func:`summarize_array`.

    Attributes
    ----------
    size : int
        How many elements.
    mean, spread : float
        Mean and standard deviation of those that are finite; NaN where there are none.
    least, greatest : float
        Of those that are no NaN; NaN where there are none.
    rms : float
        Root of the mean square of those that are finite.
    zeros : float
        The share of elements that are exactly 0, from 0 to 1.
    saturated : float
        The share whose slope is below 1e-3 in size; 0 where no slopes are known.
    not_finite : float
        The share that is NaN or infinite.
    """

    size: int
    mean: float
    spread: float
    least: float
    greatest: float
    rms: float
    zeros: float
    saturated: float
    not_finite: float

    def __str__(self) -> str:
        if not self.size:
            return "no elements"
        least, greatest = self.least + 0.0, self.greatest + 0.0  # no -0
        told = [f"mean {self.mean + 0.0:.4g}", f"spread {self.spread:.4g}", f"{least:.4g} to {greatest:.4g}"]
        shares = (("zero", self.zeros), ("saturated", self.saturated), ("not finite", self.not_finite))
        return ", ".join([*told, *(f"{write_share(share)} {name}" for name, share in shares if share)])

    def _repr_html_(self) -> str:
        shares = ("zeros", "saturated", "not_finite")
        told = {name: f"{value:,}" if name == "size" else f"{value + 0.0:.6g}" for name, value in vars(self).items()}
        told |= {name: write_share(getattr(self, name)) for name in shares}
        return html_table([name.replace("_", " ") for name in told], [list(told.values())], code=True)


def summarize_array(array: Any, slope: Any = None) -> Summary:
    """Return the summary of an array of numbers or truth values, computed in float64.

    Parameters
    ----------
    array : array
    slope : array, optional
        Of the activation that gave each element, to tell which ones are saturated; NaN where that is no question.

    Examples
    --------
    >>> import numpy as np
    >>> found = summarize_array(np.array([0.0, 3.0, -4.0, np.inf]), slope=[1.0, 0.5, 1e-4, 0.0])
    >>> found.mean, found.rms, found.zeros, found.saturated, found.not_finite
    (-0.333..., 2.886..., 0.25, 0.5, 0.25)
    >>> print(summarize_array(np.zeros((2, 3))))
    mean 0, spread 0, 0 to 0, 100 % zero
    """
    given = np.asarray(array)
    size = given.size
    if not size:
        return Summary(0, math.nan, math.nan, math.nan, math.nan, math.nan, 0.0, 0.0, 0.0)
    flat = given.reshape(-1)
    least, greatest = float(flat.min()), float(flat.max())
    finite = flat
    if not (math.isfinite(least) and math.isfinite(greatest)):
        finite = flat[np.isfinite(flat)]
        known = flat[~np.isnan(flat)]
        least, greatest = (float(known.min()), float(known.max())) if known.size else (math.nan, math.nan)
    mean, spread, rms = _moments(finite)
    return Summary(
        size=size,
        mean=mean,
        spread=spread,
        least=least,
        greatest=greatest,
        rms=rms,
        zeros=(size - int(np.count_nonzero(flat))) / size,
        saturated=0.0 if slope is None else int(np.count_nonzero(np.abs(slope) < FLAT)) / size,
        not_finite=(size - finite.size) / size,
    )


def _moments(finite: np.ndarray) -> tuple[float, float, float]:
    """Return mean, standard deviation and root mean square, by numbers scaled so that no square over- or underflows."""
    if not finite.size:
        return math.nan, math.nan, math.nan
    numbers = finite.astype(np.float64)
    scale = max(abs(float(numbers.min())), abs(float(numbers.max())))
    if not scale:
        return 0.0, 0.0, 0.0
    numbers /= scale
    mean = float(numbers.mean())
    rms = math.sqrt(float(numbers @ numbers) / numbers.size)
    numbers -= mean
    spread = math.sqrt(float(numbers @ numbers) / numbers.size)
    return mean * scale, spread * scale, rms * scale


def write_share(share: float) -> str:
    """Return a share as a percentage that is neither 0 nor 100 unless it is so.

    Examples
    --------
    >>> write_share(0.256), write_share(1e-6), write_share(0.9999), write_share(1.0)
    ('26 %', '<0.1 %', '>99.9 %', '100 %')
    """
    percent = 100.0 * share
    if 0 < percent < 0.1:
        return "<0.1 %"
    if 99.9 < percent < 100:
        return ">99.9 %"
    return f"{percent:.3g} %" if percent < 10 or percent > 99 else f"{percent:.0f} %"
