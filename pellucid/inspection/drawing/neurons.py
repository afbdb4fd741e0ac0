"""What is said of a network's units: their names, and the columns that they stand in."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pellucid.inspection.drawing.blocks import Block

if TYPE_CHECKING:
    from pellucid.inspection.observation import ObservedNode

LINKS = ("softmax", "sigmoid", "exp")

STRUCTURAL = ("contraction", "add", "reshape", "cast", "concatenate", "slice", "broadcast")


@dataclass(frozen=True, eq=False)
class RowNames:
    """What a model's numbers for one row are called.

    Attributes
    ----------
    title : str
        Which row it is.
    features : tuple of (str, str)
        The name of each encoded feature, and the cell that it comes from; of one that says whether something holds,
        ``yes`` or ``no``.
    outputs : tuple of str
        The names of the output units.
    predicted : tuple of (str, str)
        What each number of the prediction is, and the number in its own unit.
    summary : tuple of str
        What came of it, in lines: prediction, truth, loss.
    embedded : tuple of (str, str)
        The same of the numbers that stand behind the features: those of embedded categories.
    probabilities : bool
        Whether the prediction is probabilities.
    gradients : ndarray, [features], or None
        Of the loss or score with respect to each feature.
    categories : tuple of (str, str)
        The names of the columns whose categories are embedded, and their cells.
    of_table : bool
        Whether the row is one of a table, with cells.
    """

    title: str
    features: tuple[tuple[str, str], ...]
    outputs: tuple[str, ...]
    predicted: tuple[tuple[str, str], ...]
    summary: tuple[str, ...]
    embedded: tuple[tuple[str, str], ...] = ()
    probabilities: bool = False
    gradients: np.ndarray | None = None
    categories: tuple[tuple[str, str], ...] = ()
    of_table: bool = True


@dataclass(frozen=True, eq=False)
class Column:
    """Units that are computed together.

    Attributes
    ----------
    title, caption : str
        The layer's name, and what it does with its sums.
    names, notes : tuple of str
        Of each unit, or nothing.
    values : ndarray, [units]
    gradients : ndarray, [units], or None
    weight : ndarray, [units of the column before, units], or None
        None where each unit takes the one beside it.
    linked : ndarray of bool, of the shape of `weight`, or None
        Where there is an edge; None where there is one between any two.
    bias : ndarray, [units], or None
    bypass : tuple of int
        Earlier columns whose units are added to these.
    repeated : int
        How many of the last units stand in an earlier column already: the next one takes them too.
    """

    title: str
    caption: str
    names: tuple[str, ...]
    notes: tuple[str, ...]
    values: np.ndarray
    gradients: np.ndarray | None
    weight: np.ndarray | None = None
    bias: np.ndarray | None = None
    bypass: tuple[int, ...] = ()
    repeated: int = 0
    linked: np.ndarray | None = None


def describe_activation(block: Block) -> str:
    """Return what a layer does behind its sums, such as ``tanh``; nothing where that is all."""
    layer = re.sub(r"_\d+$", "", block.name.rpartition("/")[2])
    if len(block.operations) > 1 and block.weight is None:
        return layer.replace("_", " ")
    return " ".join(name for name in block.operations if name not in STRUCTURAL)


def tell_link(block: Block) -> str:
    """Return what makes the prediction of the output units, such as ``softmax``; nothing where they are it."""
    names = [name for name in block.operations if name in LINKS]
    return names[0] if names else "× scale + mean" if "multiply" in block.operations else ""


def units_of(seen: ObservedNode) -> tuple[np.ndarray, np.ndarray | None]:
    """Return a node's values and gradients for its row, [units] each."""
    values, gradients = rows_of(seen)
    return values.reshape(-1), None if gradients is None else gradients.reshape(-1)


def rows_of(seen: ObservedNode) -> tuple[np.ndarray, np.ndarray | None]:
    """Return a node's values and gradients for all observed rows, [rows, units] each."""
    rows = seen.node.type.shape[0] if seen.node.type.ndim > 1 else 1
    values = np.asarray(seen.value, np.float64).reshape(rows, -1)
    return values, None if seen.gradient is None else np.asarray(seen.gradient, np.float64).reshape(rows, -1)
