"""What is done to the examples that a network learns from: noise, mixtures, augmentation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from pellucid import random
from pellucid.errors import UsageError
from pellucid.graph.context import Context
from pellucid.graph.value import Value
from pellucid.nn.noise import add_gaussian_noise
from pellucid.nn.regularizers.regularizer import Inputs, Regularizer, check_strength
from pellucid.ops.basic import cast


@dataclass(frozen=True, eq=False)
class InputNoise(Regularizer):
    """Adds fresh normal noise to the inputs of every training step; inputs that are not floats stay as they are.

    Source: Bishop, Training with noise is equivalent to Tikhonov regularization, Neural Computation 7 (1995).

    Parameters
    ----------
    std : float
        Its standard deviation, 0 or more, in the unit of the (standardized) inputs.

    Raises
    ------
    UsageError
        While building, where no input is made of floats.
    """

    std: float

    def __post_init__(self) -> None:
        check_strength("InputNoise std", self.std)

    def before_loss(self, context: Context, inputs: Inputs, targets: Inputs) -> tuple[Inputs, Inputs]:
        if not any(value.dtype.is_float for value in inputs.values()):
            told = ", ".join(f"{name} {value.type}" for name, value in inputs.items())
            raise UsageError("noise can be added to floats only", where="InputNoise", got=told, fix="Leave it out.")
        return _add_noise(self, context, inputs, self.std), targets


@dataclass(frozen=True, eq=False)
class TargetNoise(Regularizer):
    """Adds fresh normal noise to the targets of every training step.

    Source: An, The effects of adding noise during backpropagation training on a generalization performance, Neural
    Computation 8 (1996).

    Parameters
    ----------
    std : float
        Its standard deviation, 0 or more, in the unit of the (standardized) targets.

    Raises
    ------
    UsageError
        While building, where a target is not made of floats: classes have label smoothing instead.
    """

    std: float

    def __post_init__(self) -> None:
        check_strength("TargetNoise std", self.std)

    def before_loss(self, context: Context, inputs: Inputs, targets: Inputs) -> tuple[Inputs, Inputs]:
        for name, value in targets.items():
            if not value.dtype.is_float:
                raise UsageError(
                    "noise can be added to floats only",
                    where=f"TargetNoise, target {name!r}",
                    got=str(value.type),
                    fix="For classes use the setting label_smoothing of the loss.",
                )
        return inputs, _add_noise(self, context, targets, self.std)


def _add_noise(regularizer: Regularizer, context: Context, values: Inputs, std: float) -> Inputs:
    """Add noise to those values that are floats, in training."""
    if not context.training:
        return values
    with regularizer.scope(context):
        size = context.setting("std", std)
        return {
            name: add_gaussian_noise(context, value, cast(size, value.dtype)) if value.dtype.is_float else value
            for name, value in values.items()
        }


@dataclass(frozen=True, eq=False)
class Mixup(Regularizer):
    """Trains on mixtures of two examples: inputs ``r x + (1 - r) x'``, and the losses of both targets mixed likewise.

    The training step does the mixing, with the batch shifted by one example; here are the ratios r, one for each step.
    Source: Zhang, Cisse, Dauphin and Lopez-Paz, mixup: beyond empirical risk minimization, ICLR (2018).

    Parameters
    ----------
    alpha : float
        Above 0. Ratios are drawn from Beta(alpha, alpha): near 0 or 1 for a small one, near a half for a large one.
    """

    alpha: float = 0.2

    def __post_init__(self) -> None:
        check_strength("Mixup alpha", self.alpha, positive=True)

    def ratios(self, seed: int, first_step: int, count: int) -> np.ndarray:
        """Return the ratios of `count` steps from `first_step` on, ``float64[count]``, each a function of its step.

        Examples
        --------
        >>> mixup = Mixup(0.4)
        >>> mixup.ratios(0, 0, 5)[3] == mixup.ratios(0, 3, 1)[0]
        np.True_
        """
        from scipy.special import betaincinv  # here, because SciPy is slow to import

        draws = [random.uniform(seed, "mixup", step, 1)[0] for step in range(first_step, first_step + count)]
        return betaincinv(self.alpha, self.alpha, np.array(draws, np.float64))


@dataclass(frozen=True, eq=False)
class Augment(Regularizer):
    """Changes the inputs of every training step by a graph function, which becomes part of the step.

    Parameters
    ----------
    function : callable
        ``function(context, inputs)`` takes the inputs by name, each ``[batch, ...]``, and returns them changed, of the
        same types. Random numbers come from ``context.seed`` and ``context.step``.

    Raises
    ------
    UsageError
        While building, where the function returns other names or types.

    Examples
    --------
    >>> def dim(context, inputs):
    ...     return {**inputs, "image": 0.9 * inputs["image"]}
    >>> augment = Augment(dim)
    """

    function: Callable[[Context, Inputs], Mapping[str, Value]]

    def __post_init__(self) -> None:
        _require_function("Augment", self.function)

    def before_loss(self, context: Context, inputs: Inputs, targets: Inputs) -> tuple[Inputs, Inputs]:
        if not context.training:
            return inputs, targets
        with self.scope(context):
            changed = self.function(context, dict(inputs))
        if not isinstance(changed, Mapping) or _types(changed) != _types(inputs):
            raise UsageError(
                "the function does not return inputs like those that it takes",
                where="Augment",
                got=str(_types(changed)) if isinstance(changed, Mapping) else repr(changed)[:80],
                expected=str(_types(inputs)),
            )
        return dict(changed), targets


def _types(values: Mapping[str, Any]) -> dict[str, str]:
    told = {name: str(value.type) if isinstance(value, Value) else "no value" for name, value in values.items()}
    return dict(sorted(told.items()))


@dataclass(frozen=True, eq=False)
class AugmentArrays(Regularizer):
    """Changes the training inputs between epochs by a function of arrays.

    Parameters
    ----------
    function : callable
        ``function(inputs, epoch)`` takes the training inputs by name as they were given, each ``[examples, ...]`` and
        read-only, and the number of the epoch from 0; it returns new arrays of the same names and shapes. Random
        numbers should be a function of the epoch, as those of :mod:`pellucid.random` are, so that a resumed run equals
        an uninterrupted one.

    Raises
    ------
    UsageError
        Where this is no function, or, in training, where it returns other names or shapes, or what is not finite.

    Examples
    --------
    >>> shifted = AugmentArrays(lambda inputs, epoch: {**inputs, "x": inputs["x"] + 0.01 * epoch})
    """

    function: Callable[[dict[str, np.ndarray], int], Mapping[str, np.ndarray]]

    def __post_init__(self) -> None:
        _require_function("AugmentArrays", self.function)


def _require_function(where: str, function: Any) -> None:
    if not callable(function):
        raise UsageError("not a function", where=where, got=repr(function)[:80])
