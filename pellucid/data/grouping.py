"""Classes and groups of the examples as numbers, and groups placed whole into parts."""

from __future__ import annotations

from typing import Any

import numpy as np

from pellucid.errors import DataError
from pellucid.random import permutation


def distinct(labels: np.ndarray, what: str = "classes") -> tuple[np.ndarray, np.ndarray]:
    """Return the different labels in ascending order, and which of them each label is."""
    try:
        return np.unique(labels, return_inverse=True)
    except TypeError:
        raise DataError(f"{what} have to be all numbers or all text", got="some of each") from None


def group_codes(groups: Any) -> np.ndarray:
    """Return the number of each example's group, from 0, [examples].

    Raises
    ------
    DataError
        Where an example has no group, or groups are of several kinds.
    """
    return distinct(refuse_missing(groups, "the groups", "group"), "groups")[1]


def classes_of(stratify: Any, count: int) -> np.ndarray:
    """Return the number of each example's class, from 0, [count]."""
    labels = np.asarray(stratify)
    if labels.shape != (count,):
        raise DataError("there must be one class an example", got=f"shape {list(labels.shape)}", expected=f"[{count}]")
    return distinct(labels)[1]


def refuse_missing(values: Any, where: str, one: str) -> np.ndarray:
    """Return values as an array [examples] if none is missing; `one` is what one of them is called."""
    array = np.asarray(values)
    if array.ndim != 1:
        raise DataError(f"there must be one {one} an example", where=where, got=f"shape {list(array.shape)}")
    missing = np.array([_is_missing(value) for value in array]) if array.dtype == object else array != array
    if missing.any():
        row = int(np.flatnonzero(missing)[0])
        fix = "Rows count from 0. Fill it in, or leave the row out."
        raise DataError(f"a {one} is missing", where=f"{where}, row {row}", got=str(array[row]), fix=fix)
    return array


def _is_missing(value: Any) -> bool:
    try:
        return value is None or bool(value != value)  # NaN and NaT differ from themselves
    except TypeError:  # pandas' missing value says neither
        return True


def place_groups(codes: np.ndarray, shares: np.ndarray, seed: int, stratify: Any | None) -> np.ndarray:
    """Return the part of each example, so that groups are whole and each part has its share of every class."""
    sizes = np.bincount(codes)
    if len(sizes) < len(shares):
        raise DataError(
            "there are too few groups to split",
            got=f"{len(sizes)}",
            expected=f"at least {len(shares)}",
            fix="Ask for fewer parts, or do not split by group.",
        )
    classes = np.zeros(len(codes), np.int64) if stratify is None else classes_of(stratify, len(codes))
    kinds = int(classes.max()) + 1
    held = np.bincount(codes * kinds + classes, minlength=len(sizes) * kinds).reshape(len(sizes), kinds)
    held = held / held.sum(axis=0)  # as shares of each class, so that all classes count alike
    order = permutation(seed, "groups", 0, len(sizes))
    order = order[np.argsort(-np.frexp(sizes[order])[1], kind="stable")]
    lacking = np.repeat(shares[None], kinds, axis=0)  # [classes, parts]: summed below class after class, in order
    chosen, empty = np.empty(len(sizes), np.int64), np.ones(len(shares), bool)
    for left, group in zip(range(len(sizes), 0, -1), order, strict=True):
        fit = (held[group][:, None] * lacking).sum(axis=0)
        if left <= np.count_nonzero(empty):
            fit[~empty] = -np.inf
        part = int(np.argmax(fit))
        chosen[group], empty[part] = part, False
        lacking[:, part] -= held[group]
    return chosen[codes]
