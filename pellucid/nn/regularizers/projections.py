"""What is done to weights after each update: shrunk to exactly 0, or held inside a ball."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from pellucid.graph.context import Context
from pellucid.graph.value import Value
from pellucid.nn.regularizers.regularizer import Regularizer, check_strength, is_weight
from pellucid.ops.comparison import maximum, minimum, select
from pellucid.ops.functions import sqrt
from pellucid.ops.reductions import sum


@dataclass(frozen=True, eq=False)
class L1(Regularizer):
    """A penalty of `strength` times the sum of absolute weights that makes weights exactly 0. Never biases.

    Not by its slope, under which weights jump about 0, but by a proximal step after each update: weights move towards 0
    by ``learning_rate * strength`` and stop there. The penalty is not part of the loss that is reported.
    Source: Parikh and Boyd, Proximal Algorithms (2014), sections 4.2 and 6.5.2.

    Parameters
    ----------
    strength : float
        0 or more; 0 leaves every bit as it is.
    """

    needs_learning_rate: ClassVar[bool] = True
    strength: float

    def __post_init__(self) -> None:
        check_strength("L1 strength", self.strength)

    def after_update(
        self, context: Context, path: str, new: Value, learning_rate: Value, output_weights: frozenset[str]
    ) -> Value:
        if not is_weight(context, path):
            return new
        with self.scope(context):
            threshold = learning_rate * context.setting("strength", self.strength)
            # A weight taken away from itself gives exactly 0, and NaN stays NaN, which training has to see.
            shrunk = new - minimum(maximum(new, -threshold), threshold)
            return select(threshold > 0, shrunk, new)


@dataclass(frozen=True, eq=False)
class MaxNorm(Regularizer):
    """Holds the norm of each unit's incoming weights at or below `limit`, by rescaling them after an update.

    Weights are ``[in, out]``, and a unit's are a column (all axes but the last, where there are more).
    Source: Srivastava et al., Dropout, JMLR 15 (2014), section 5.1.

    Parameters
    ----------
    limit : float
        Above 0. May change from step to step.
    """

    limit: float = 3.0

    def __post_init__(self) -> None:
        check_strength("MaxNorm limit", self.limit, positive=True)

    def after_update(
        self, context: Context, path: str, new: Value, learning_rate: Value, output_weights: frozenset[str]
    ) -> Value:
        if not is_weight(context, path) or not new.ndim:
            return new
        with self.scope(context):
            limit = context.setting("limit", self.limit)
            norm = sqrt(sum(new * new, axis=tuple(range(max(new.ndim - 1, 1))), keepdims=True))
            return new * (limit / maximum(norm, limit))  # exactly 1 inside the limit, and never 0 / 0
