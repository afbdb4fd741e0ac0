"""A ladder of networks: from a linear model to several times the one that is planned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from pellucid.data.encoders.encoding import Encoding
from pellucid.nn.network import Network
from pellucid.workflow.plans.recipe import Recipe

FACTORS = (1 / 16, 1 / 8, 1 / 4, 1 / 2, 1, 2, 4)
"""The units of each hidden layer, by those that are planned."""

LEAST_UNITS = 2

Sizes = tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Rung:
    """A network of some size.

    Attributes
    ----------
    hidden : tuple of int
        The units of each hidden layer.
    recipe : Recipe
    network : Network
    parameters : int
        How many it has.
    """

    hidden: Sizes
    recipe: Recipe
    network: Network
    parameters: int


def make_ladder(recipe: Recipe, encoding: Encoding, outputs: int) -> list[Rung]:
    """Return networks of a recipe from small to large; the planned one is among them.

    They have fewer and more units in the same layers; one has no hidden layer, and one has a layer more.
    """
    rungs = []
    for hidden in ladder_of(recipe.hidden, Recipe().hidden):
        chosen = with_hidden(recipe, hidden)
        network = chosen.network(encoding, outputs)
        rungs.append(Rung(hidden, chosen, network, network.count_parameters()))
    return sorted(rungs, key=lambda rung: rung.parameters)


def ladder_of(hidden: Sequence[int], otherwise: Sequence[int]) -> list[Sizes]:
    """Return sizes of hidden layers around those that are planned; around others where none is planned.

    Examples
    --------
    >>> ladder_of((16, 8), (128,))
    [(), (2, 2), (4, 2), (8, 4), (16, 8), (32, 16), (64, 32), (16, 8, 8)]
    """
    base = tuple(hidden) or tuple(otherwise)
    scaled = [tuple(max(LEAST_UNITS, round(units * factor)) for units in base) for factor in FACTORS]
    return list(dict.fromkeys([(), *scaled, (*base, base[-1]), tuple(hidden)]))


def with_hidden(recipe: Recipe, hidden: Sizes) -> Recipe:
    """Return a recipe with other hidden layers; where each has an activation of its own, the last one is repeated."""
    activation = recipe.activation
    if isinstance(activation, tuple):
        own = (*activation, *activation[-1:] * len(hidden))[: len(hidden)]
        activation = own or Recipe().activation
    return replace(recipe, hidden=hidden, activation=activation)
