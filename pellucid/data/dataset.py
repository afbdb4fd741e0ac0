"""Examples as arrays: by name, of one length, finite; split into parts and weighed."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pellucid.errors import DataError, UsageError, nearest
from pellucid.random import permutation


@dataclass(frozen=True, eq=False)
class Dataset:
    """Examples for learning: arrays whose first axis counts the examples. None of them can be written to.

    Attributes
    ----------
    inputs : dict of ndarray, [examples, ...]
        By the name of the network's input.
    targets : ndarray, or dict of ndarray by output, [examples, ...]; or None where there is nothing to predict
    weights : ndarray of float64 or None, [examples]
        How much each example counts; not negative, not all 0.

    Raises
    ------
    DataError
        Where arrays differ in length, are no numbers or are not finite: with array, row and column.

    Examples
    --------
    >>> data = Dataset({"x": np.array([[1.0, 2.0], [3.0, 4.0]])}, np.array([0, 1]))
    >>> len(data), data.take([1]).inputs["x"].tolist()
    (2, [[3.0, 4.0]])
    """

    inputs: Mapping[str, np.ndarray]
    targets: np.ndarray | Mapping[str, np.ndarray] | None = None
    weights: np.ndarray | None = None

    def __post_init__(self) -> None:
        if not self.inputs:
            raise DataError("a dataset needs at least one input")
        inputs = {name: _checked(f"input {name!r}", array) for name, array in self.inputs.items()}
        object.__setattr__(self, "inputs", inputs)
        lengths = {f"input {name!r}": len(array) for name, array in inputs.items()}
        if isinstance(self.targets, Mapping):
            targets = {name: _checked(f"target {name!r}", array) for name, array in self.targets.items()}
            object.__setattr__(self, "targets", targets)
            lengths |= {f"target {name!r}": len(array) for name, array in targets.items()}
        elif self.targets is not None:
            object.__setattr__(self, "targets", _checked("the targets", self.targets))
            lengths["the targets"] = len(self.targets)
        if self.weights is not None:
            object.__setattr__(self, "weights", check_weights(self.weights))
            lengths["the weights"] = len(self.weights)
        (first, length), *others = lengths.items()
        if length == 0:
            raise DataError("there are no examples", where=first)
        for other, found in others:
            if found != length:
                raise DataError(
                    "arrays differ in length", where=other, got=f"{found}", expected=f"{length} as in {first}"
                )

    def __len__(self) -> int:
        return len(next(iter(self.inputs.values())))

    def take(self, rows: Any) -> Dataset:
        """Return the dataset of these examples: numbers from 0 in any order, or a mask."""
        chosen = np.asarray(rows)
        if chosen.dtype != bool:
            chosen = chosen.astype(np.int64, casting="same_kind" if chosen.size else "unsafe")
        targets = self.targets
        if isinstance(targets, Mapping):
            targets = {name: array[chosen] for name, array in targets.items()}
        elif targets is not None:
            targets = targets[chosen]
        inputs = {name: array[chosen] for name, array in self.inputs.items()}
        return Dataset(inputs, targets, None if self.weights is None else self.weights[chosen])


def _checked(what: str, values: Any) -> np.ndarray:
    array = np.asarray(values).view()
    if array.ndim == 0:
        raise DataError("a single value is no array of examples", where=what, got=str(array))
    if array.dtype.kind not in "fiub":
        raise DataError("an array does not hold numbers", where=what, got=f"dtype {array.dtype}")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        row, *rest = (int(index) for index in np.argwhere(~np.isfinite(array))[0])
        column = f", column {rest[0]}" if len(rest) == 1 else f", position {rest}" if rest else ""
        raise DataError(
            "an array holds a value that is not finite",
            where=f"{what}, row {row}{column}",
            got=str(array[(row, *rest)]),
            fix="Rows and columns count from 0. Fill in missing values, or leave the row out.",
        )
    array.flags.writeable = False
    return array


def check_weights(weights: Any) -> np.ndarray:
    """Return weights as float64 [examples] if each is finite and not negative, and not all are 0.

    Raises
    ------
    DataError
        Where one is not.
    """
    array = _checked("the weights", weights).astype(np.float64)
    if array.ndim != 1:
        raise DataError("weights are one number an example", got=f"shape {list(array.shape)}", expected="[examples]")
    if (array < 0).any():
        row = int(np.flatnonzero(array < 0)[0])
        raise DataError("a weight is negative", where=f"the weights, row {row}", got=f"{array[row]}")
    if array.size and not array.any():
        raise DataError("all weights are 0", where="the weights", expected="at least one above 0")
    array.flags.writeable = False
    return array


def split(count: int, fractions: Sequence[float], seed: int, stratify: Any | None = None) -> tuple[np.ndarray, ...]:
    """Divide examples at random into parts, such as train, validation and test.

    Every example is in exactly one part. The parts' sizes are the fractions of `count`, rounded so that they add up
    (largest remainders first) and that no part is empty. The same arguments give the same parts on every machine.

    With `stratify`, each class with m members has m times the fraction of them in each part, up to less than 2 more or
    less: classes of few members may be absent from a small part. Every class is in the first part, if need be by
    exchanging one example.

    Parameters
    ----------
    count : int
        The number of examples.
    fractions : sequence of float
        One for each part, above 0, with sum 1.
    seed : int
    stratify : array_like, optional, [count]
        The class of each example.

    Returns
    -------
    tuple of ndarray of int64
        The numbers of the examples in each part, ascending.

    Raises
    ------
    DataError
        Where there are fewer examples than parts, or more classes than places in the first part.
    UsageError
        Where the fractions are none.

    Examples
    --------
    >>> train, test = split(10, [0.8, 0.2], seed=1, stratify=list("aaaaabbbbb"))
    >>> len(train), sorted("aaaaabbbbb"[row] for row in test)
    (8, ['a', 'b'])
    """
    sizes = part_sizes(count, fractions)
    order = permutation(seed, "split", 0, count)
    if stratify is None:
        return tuple(np.sort(part) for part in np.split(order, np.cumsum(sizes)[:-1]))
    labels = np.asarray(stratify)
    if labels.shape != (count,):
        raise DataError("there must be one class an example", got=f"shape {list(labels.shape)}", expected=f"[{count}]")
    classes = _classes(labels)[1]
    order = order[np.argsort(classes[order], kind="stable")]
    # With the examples in the order of their classes, each part takes evenly spaced ones, so also from every class.
    spaced = np.concatenate([(np.arange(size) + 0.5) / size for size in sizes])
    parts = np.repeat(np.arange(len(sizes)), sizes)[np.argsort(spaced, kind="stable")]
    belongs = np.empty(count, np.int64)
    belongs[order] = parts
    _bring_every_class_to_the_first_part(belongs, classes, order)
    return tuple(np.flatnonzero(belongs == part) for part in range(len(sizes)))


def _classes(labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    try:
        return np.unique(labels, return_inverse=True)
    except TypeError:
        raise DataError("classes have to be all numbers or all text", got="some of each") from None


def part_sizes(count: int, fractions: Sequence[float]) -> list[int]:
    """Return whole numbers near ``fraction * count`` with sum `count`, none of them 0.

    Examples
    --------
    >>> part_sizes(11, [0.6, 0.2, 0.2])
    [7, 2, 2]
    """
    if not fractions or not all(0 < fraction <= 1 for fraction in fractions) or abs(math.fsum(fractions) - 1) > 1e-9:
        raise UsageError("fractions of a split are above 0 and add up to 1", got=f"{list(fractions)}")
    if count < len(fractions):
        raise DataError("there are too few examples to split", got=f"{count}", expected=f"at least {len(fractions)}")
    exact = [fraction / math.fsum(fractions) * count for fraction in fractions]
    # A product such as 0.29 * 100 lies just below the whole number that it means.
    sizes = [math.floor(size * (1 + 1e-12)) for size in exact]
    by_remainder = sorted(range(len(sizes)), key=lambda part: sizes[part] - exact[part])
    for part in by_remainder[: count - sum(sizes)]:
        sizes[part] += 1
    for part, size in enumerate(sizes):
        if size == 0:
            sizes[sizes.index(max(sizes))] -= 1
            sizes[part] = 1
    return sizes


def _bring_every_class_to_the_first_part(belongs: np.ndarray, classes: np.ndarray, order: np.ndarray) -> None:
    inside = np.bincount(classes[belongs == 0], minlength=classes.max() + 1)
    if np.count_nonzero(inside) == len(inside):
        return
    if len(inside) > inside.sum():
        raise DataError(
            "the first part cannot hold an example of every class",
            got=f"{len(inside)} classes and {inside.sum()} places",
            fix="Give the first part a larger fraction, or do not stratify.",
        )
    ordered = classes[order]
    for label in np.flatnonzero(inside == 0):
        crowded = int(np.argmax(inside))
        members = order[np.searchsorted(ordered, crowded) : np.searchsorted(ordered, crowded, side="right")]
        leaves, enters = members[belongs[members] == 0][0], order[np.searchsorted(ordered, label)]
        belongs[leaves], belongs[enters] = belongs[enters], 0
        inside[crowded] -= 1
        inside[label] += 1


def class_weights(labels: Any, weights: str | Mapping[Any, float]) -> np.ndarray:
    """Return the weight of each example by its class.

    Parameters
    ----------
    labels : array_like, [examples]
        The class of each example.
    weights : "balanced" or mapping
        "balanced" gives a class with m of n examples among k classes the weight n / (k m), so that all classes weigh
        the same together and the mean weight is 1 (King and Zeng, 2001). A mapping gives the weight of a class; classes
        that it does not name weigh 1.

    Returns
    -------
    ndarray of float64, [examples]

    Examples
    --------
    >>> class_weights(["a", "a", "a", "b"], "balanced").tolist()
    [0.6666666666666666, 0.6666666666666666, 0.6666666666666666, 2.0]
    """
    classes, codes = _classes(np.asarray(labels))
    if isinstance(weights, str):
        if weights != "balanced":
            raise UsageError("class weights are 'balanced' or a number by class", got=repr(weights))
        return (len(codes) / (len(classes) * np.bincount(codes)))[codes]
    known = classes.tolist()
    for name, weight in weights.items():
        if name not in known:
            raise UsageError(f"there is no class {name!r} to weigh", fix=nearest(str(name), map(str, known)))
        if not math.isfinite(weight) or weight < 0:
            raise UsageError(
                "a class weight is a finite number, not negative", where=f"class {name!r}", got=f"{weight}"
            )
    return np.array([float(weights.get(label, 1.0)) for label in known])[codes]
