"""Initializers: what parameters are before the first step.

A first value depends on the seed and on the parameter's path only: adding a layer does not change what the others start
from. Numbers are drawn in float64 and rounded once, so a float32 network starts from the rounded float64 one.

Deep networks need weights whose spread fits the number of inputs: outputs and gradients then neither grow nor die from
layer to layer. How large the spread must be depends on the activation; `DEFAULTS` has the choice for each.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from pellucid import random
from pellucid.errors import UsageError, nearest
from pellucid.graph.context import Parameter

Seed = random.Seed
"""One seed, or several."""


def takes_seeds(draw: Callable) -> Callable:
    """Mark the method `draw` of an initializer that takes several seeds as well as one.

    It returns [seeds, ...] then, for each what it returns for that seed alone; or, where the value does not depend on
    the seed, one value for all. Many small networks are drawn at once so, in a fraction of the time. Where a subclass
    has a `draw` of its own without the mark, that one is called seed by seed.
    """
    draw.takes_seeds = True  # type: ignore[attr-defined]
    return draw


class Initializer(ABC):
    """A way to draw the first value of a parameter."""

    @abstractmethod
    def draw(self, parameter: Parameter, seed: Any) -> np.ndarray:
        """Return the first value, float64, of the parameter's shape: a function of seed and path only."""


@dataclass(frozen=True)
class Zeros(Initializer):
    """All zeros, as for biases.

    Weights that all start from zero stay equal to each other: the units of a layer would learn the same.
    """

    @takes_seeds
    def draw(self, parameter: Parameter, seed: Seed) -> np.ndarray:
        return np.zeros(parameter.type.shape)


@dataclass(frozen=True)
class Constant(Initializer):
    """One number everywhere, such as 0.1 for the biases of ReLU units, so that they start in their linear part."""

    value: float

    def __post_init__(self) -> None:
        _require_number("value", self.value)

    @takes_seeds
    def draw(self, parameter: Parameter, seed: Seed) -> np.ndarray:
        return np.full(parameter.type.shape, float(self.value))


@dataclass(frozen=True)
class Gaussian(Initializer):
    """Normal numbers of a given standard deviation, whatever the shape."""

    std: float = 0.01
    mean: float = 0.0

    def __post_init__(self) -> None:
        _require_number("std", self.std, least=0.0)
        _require_number("mean", self.mean)

    @takes_seeds
    def draw(self, parameter: Parameter, seed: Seed) -> np.ndarray:
        return self.mean + self.std * random.normal(seed, parameter.path, 0, parameter.type.shape)


@dataclass(frozen=True)
class _Fitted(Initializer):
    """Numbers whose spread follows from how many inputs and outputs a unit has; `scale` multiplies it."""

    scale: float = 1.0

    def __post_init__(self) -> None:
        _require_number("scale", self.scale, least=0.0)

    @abstractmethod
    def variance(self, fan_in: int, fan_out: int) -> float:
        """Return the variance of one weight, before `scale`."""

    def std(self, parameter: Parameter) -> float:
        """Return the standard deviation of one weight."""
        return self.scale * math.sqrt(self.variance(max(parameter.fan_in, 1), max(parameter.fan_out, 1)))


class _Normal(_Fitted):
    @takes_seeds
    def draw(self, parameter: Parameter, seed: Seed) -> np.ndarray:
        return self.std(parameter) * random.normal(seed, parameter.path, 0, parameter.type.shape)


class _Uniform(_Fitted):
    def limit(self, parameter: Parameter) -> float:
        """Return the end of the interval, open and symmetric about 0, from which weights come."""
        return math.sqrt(3.0) * self.std(parameter)

    @takes_seeds
    def draw(self, parameter: Parameter, seed: Seed) -> np.ndarray:
        # A uniform number is a multiple of 2^-24 from 0 up; half a step more makes the interval symmetric.
        centred = 2.0 * random.uniform(seed, parameter.path, 0, parameter.type.shape) - 1.0 + 2.0**-24
        return self.limit(parameter) * centred


class _LeCun(_Fitted):
    def variance(self, fan_in: int, fan_out: int) -> float:
        return 1.0 / fan_in


class _Glorot(_Fitted):
    def variance(self, fan_in: int, fan_out: int) -> float:
        return 2.0 / (fan_in + fan_out)


class _He(_Fitted):
    def variance(self, fan_in: int, fan_out: int) -> float:
        return 2.0 / fan_in


class LeCunNormal(_LeCun, _Normal):
    """Normal numbers of variance 1 / fan-in: a linear unit keeps the variance of its inputs.

    Source: LeCun, Bottou, Orr and Müller, Efficient BackProp (1998), section 4.6. Often called Xavier too.
    """


class LeCunUniform(_LeCun, _Uniform):
    """Uniform numbers of variance 1 / fan-in, so between ±sqrt(3 / fan-in). Source: see LeCunNormal."""


class GlorotNormal(_Glorot, _Normal):
    """Normal numbers of variance 2 / (fan-in + fan-out): a compromise between the way forward and the way back.

    Source: Glorot and Bengio, Understanding the difficulty of training deep feedforward neural networks (2010).
    """


class GlorotUniform(_Glorot, _Uniform):
    """Uniform numbers between ±sqrt(6 / (fan-in + fan-out)). Source: see GlorotNormal.

    Examples
    --------
    >>> import pellucid as pl
    >>> network = pl.Network([pl.Dense(200, "tanh", initializer=pl.initializers.GlorotUniform())], inputs=300)
    >>> print(round(pl.initializers.GlorotUniform().limit(network.parameters["dense_1/weight"]), 6))
    0.109545
    """


class HeNormal(_He, _Normal):
    """Normal numbers of variance 2 / fan-in: rectifiers let half of the variance pass.

    Source: He, Zhang, Ren and Sun, Delving Deep into Rectifiers (2015).
    """


class HeUniform(_He, _Uniform):
    """Uniform numbers of variance 2 / fan-in, so between ±sqrt(6 / fan-in). Source: see HeNormal."""


@dataclass(frozen=True, eq=False)
class Masked(Initializer):
    """Other initializers for a weight matrix of which only some entries are connections; the others are zero.

    Parameters
    ----------
    initializers : Initializer, or sequence of them
        For all units, or for each; used as if the unit had as many inputs as it has connections.
    mask : array [inputs, units]
        1 for a connection, 0 for none.
    """

    initializers: Initializer | Sequence[Initializer]
    mask: np.ndarray = field(repr=False)

    def draw(self, parameter: Parameter, seed: int) -> np.ndarray:
        connected = np.asarray(self.mask) != 0
        given, units = self.initializers, connected.shape[1]
        initializers = list(given) if isinstance(given, Sequence) else [given] * units
        fans = connected.sum(axis=0).tolist()
        alike: dict[tuple[int, int], list[int]] = {}
        for unit, (initializer, fan_in) in enumerate(zip(initializers, fans, strict=True)):
            alike.setdefault((id(initializer), fan_in), []).append(unit)
        drawn = np.zeros(parameter.type.shape)
        for (_, fan_in), columns in alike.items():
            # The random numbers are those of the path every time; only their spread differs.
            whole = initializers[columns[0]].draw(replace(parameter, fan_in=fan_in), seed)
            drawn[:, columns] = whole[:, columns]
        return np.where(connected, drawn, 0.0)


INITIALIZERS: Mapping[str, Callable[[], Initializer]] = {
    "zeros": Zeros,
    "gaussian": Gaussian,
    "lecun_normal": LeCunNormal,
    "lecun_uniform": LeCunUniform,
    "xavier": LeCunNormal,
    "glorot_normal": GlorotNormal,
    "glorot_uniform": GlorotUniform,
    "he_normal": HeNormal,
    "he_uniform": HeUniform,
}
"""Initializers by name."""

DEFAULTS: Mapping[str, Callable[[], Initializer]] = {
    **dict.fromkeys(("relu", "leaky_relu", "elu", "gelu", "silu", "mish", "softplus"), HeNormal),
    "selu": LeCunNormal,
}
"""Initializers of weights by the activation that follows them; GlorotUniform for all others.

Rectifiers and their smooth relatives lose half of the variance: He. SELU's constants are made for variance 1 / fan-in
(Klambauer, Unterthiner, Mayr and Hochreiter, Self-Normalizing Neural Networks, 2017): LeCun.
"""


def as_initializer(given: Initializer | str | float) -> Initializer:
    """Return an initializer: itself, by its name, or a constant for a number.

    Examples
    --------
    >>> as_initializer("xavier"), as_initializer(0.1)
    (LeCunNormal(scale=1.0), Constant(value=0.1))

    Raises
    ------
    UsageError
        Where no initializer has the name; the message names the nearest one.
    """
    if isinstance(given, str):
        if given not in INITIALIZERS:
            raise UsageError(f"no initializer is called {given!r}", fix=nearest(given, INITIALIZERS))
        return INITIALIZERS[given]()
    if isinstance(given, (int, float)) and not isinstance(given, bool):
        return Constant(given)
    if isinstance(given, bool) or not callable(getattr(given, "draw", None)):
        expected = "a name, a number, or an object with draw(parameter, seed)"
        raise UsageError("not an initializer", got=repr(given)[:80], expected=expected)
    return given


def default_initializer(activation: str) -> Initializer:
    """Return what weights start from where an activation follows them, by the activation's name.

    Examples
    --------
    >>> default_initializer("relu"), default_initializer("tanh")
    (HeNormal(scale=1.0), GlorotUniform(scale=1.0))
    """
    return DEFAULTS.get(activation, GlorotUniform)()


def _require_number(name: str, value: Any, least: float = -math.inf) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value) or value < least:
        expected = "a finite number" + (f", {least:g} or more" if least > -math.inf else "")
        raise UsageError("not a setting of an initializer", where=name, got=repr(value), expected=expected)
