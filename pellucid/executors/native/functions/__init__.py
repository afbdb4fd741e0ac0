"""The element functions in machine instructions: exponentials, logarithms, powers, hyperbolic tangent, error function.

All take and return :class:`~pellucid.executors.native.emit.V` of floats or doubles with any number of lanes. They are
free of branches, tables and conversions that some processors lack, and the same to the bit on all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from pellucid.executors.native.emit import V
from pellucid.executors.native.functions.error import erf, erf_slope, erfc, gelu, gelu_slope, normal_density
from pellucid.executors.native.functions.exp import exp, expm1
from pellucid.executors.native.functions.log import log, log1p
from pellucid.executors.native.functions.power import power, power_of_number
from pellucid.executors.native.functions.tanh import tanh

SHORTER: Mapping[str, Callable[[V], V]] = {
    "erf_slope": erf_slope,
    "gelu": gelu,
    "gelu_slope": gelu_slope,
    "normal_density": normal_density,
}
"""Operations that take far fewer instructions written like this than by their rules, by name."""

__all__ = ["SHORTER", "erf", "erfc", "exp", "expm1", "log", "log1p", "power", "power_of_number", "tanh"]
