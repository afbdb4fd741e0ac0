"""How the operands of products lie in memory: views of buffers by strides alone."""

from __future__ import annotations

from dataclasses import dataclass

from pellucid.executors.native.layout import layout_of
from pellucid.graph.graph import Node
from pellucid.ops.labels import Labels, read_labels


@dataclass(frozen=True)
class Strided:
    """A view of a buffer.

    Attributes
    ----------
    root : Node
        The node whose buffer it shows.
    axes : tuple of (tuple of (int, int))
        For each axis of the view the axes of the root it goes along, each with its step: none is an axis along which
        all elements are the same.
    start : tuple of int
        Where on each axis of the root it begins.
    """

    root: Node
    axes: tuple[tuple[tuple[int, int], ...], ...]
    start: tuple[int, ...]


def strided(node: Node) -> Strided:
    """Return what a node shows of a buffer through transpositions, slices, broadcasts and new axes.

    A node that is no such view is one of itself, in a buffer of its own.
    """
    found = _view(node)
    return found if found is not None else _whole(node)


def _whole(node: Node) -> Strided:
    axes = tuple(((axis, 1),) for axis in range(node.type.ndim))
    return Strided(node, axes, (0,) * node.type.ndim)


def _view(node: Node) -> Strided | None:
    name, params = node.op.name, dict(node.params)
    if name not in ("transpose", "slice", "broadcast", "reshape", "stop_gradient"):
        return _whole(node)
    below = _view(node.inputs[0])
    if below is None:
        return None
    if name == "stop_gradient":
        return below
    old, new = node.inputs[0].type.shape, node.type.shape
    if name == "transpose":
        return Strided(below.root, tuple(below.axes[axis] for axis in params["axes"]), below.start)
    if name == "broadcast":
        lead = len(new) - len(old)
        axes = tuple(
            () if axis < lead or int(old[axis - lead]) != int(size) else below.axes[axis - lead]
            for axis, size in enumerate(new)
        )
        return Strided(below.root, axes, below.start)
    if name == "reshape":
        kept_old = [axis for axis, size in enumerate(old) if int(size) != 1]
        kept_new = [axis for axis, size in enumerate(new) if int(size) != 1]
        if [int(old[axis]) for axis in kept_old] != [int(new[axis]) for axis in kept_new]:
            return None
        partner = dict(zip(kept_new, kept_old, strict=True))
        axes = tuple(below.axes[partner[axis]] if axis in partner else () for axis in range(len(new)))
        return Strided(below.root, axes, below.start)
    start, result = list(below.start), list(below.axes)
    for axis, first, step in zip(params["axes"], params["start"], params["step"], strict=True):
        first = first + int(old[axis]) if first < 0 else first
        for root_axis, stride in below.axes[axis]:
            start[root_axis] += first * stride
        result[axis] = tuple((root_axis, stride * step) for root_axis, stride in below.axes[axis])
    return Strided(below.root, tuple(result), tuple(start))


@dataclass(frozen=True)
class ProductForm:
    """A contraction as products of matrices, one for each place of its batch axes.

    ``C[r, c] = sum over k of A[r, k] B[k, c]``, where the columns c lie along the lanes of the result.

    Attributes
    ----------
    swapped : bool
        Whether A is the second operand.
    row, depth, column : str
        The label of each axis, or nothing where there is none: a size of 1.
    batch : str
    """

    labels: Labels
    swapped: bool
    row: str
    depth: str
    column: str
    batch: str


def is_product(node: Node) -> bool:
    """Say whether a contraction is one that tiles compute."""
    return product_form(node) is not None


def product_form(node: Node) -> ProductForm | None:
    """Return a contraction of floats as products of matrices, or None where it has other axes than those."""
    labels = read_labels(dict(node.params)["labels"])
    if not node.type.dtype.is_float or len(labels.contracted) != 1:
        return None
    if len(labels.first_free) > 1 or len(labels.second_free) > 1 or not (labels.first_free or labels.second_free):
        return None
    lane = layout_of(node.type).lane
    column = labels.result[lane] if lane is not None else ""
    if column in labels.batch:
        return None
    swapped = column in labels.first_free
    right = node.inputs[0] if swapped else node.inputs[1]
    letters = labels.first if swapped else labels.second
    if not _contiguous(right, letters, (labels.contracted, column)):
        return None
    row = labels.second_free if swapped else labels.first_free
    return ProductForm(labels, swapped, row, labels.contracted, column, labels.batch)


def _contiguous(operand: Node, letters: str, wanted: tuple[str, ...]) -> bool:
    """Say whether an operand's elements lie one after the other along one of some axes."""
    side = strided(operand)
    layout = layout_of(side.root.type)
    for label, parts in zip(letters, side.axes, strict=True):
        if label in wanted and sum(layout.strides[axis] * step for axis, step in parts) == layout.item:
            return True
    return False
