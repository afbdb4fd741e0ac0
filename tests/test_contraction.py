"""Contractions and products of matrices against NumPy's einsum and matmul."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from pellucid.errors import ShapeError
from pellucid.executors.program import compile
from pellucid.graph.builder import build
from pellucid.graph.differentiate import differentiate
from pellucid.graph.text import parse
from pellucid.graph.types import Axis, float32, float64, int64
from pellucid.ops.contraction import contraction, matmul
from pellucid.ops.reductions import sum


def numbers(shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


@st.composite
def contractions(draw):
    """Labels and the shapes of operands: every letter in both operands, in one, or summed, in any order."""
    roles = draw(st.lists(st.sampled_from(["batch", "first", "second", "contracted"]), max_size=6))
    letters = dict(zip("aBcdEf", roles, strict=False))
    sizes = {letter: draw(st.sampled_from([2, 3, 1, 4, 0])) for letter in letters}
    first = draw(st.permutations([x for x, role in letters.items() if role != "second"]))
    second = draw(st.permutations([x for x, role in letters.items() if role != "first"]))
    result = draw(st.permutations([x for x, role in letters.items() if role != "contracted"]))
    labels = f"{''.join(first)},{''.join(second)}->{''.join(result)}"
    return labels, tuple(map(sizes.get, first)), tuple(map(sizes.get, second))


@given(contractions())
def test_contraction_is_einsum(case):
    labels, *shapes = case
    a, b = numbers(shapes[0]), numbers(shapes[1], 1)
    expected = np.einsum(labels, a, b)
    near = {"rtol": 1e-12, "atol": 1e-13}
    np.testing.assert_allclose(contraction(a, b, labels), expected, **near)
    graph = build(lambda a, b: contraction(a, b, labels), a=float64[shapes[0]], b=float64[shapes[1]])
    found = compile(parse(str(graph)))(a=a, b=b)["value"]
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, **near)


@given(contractions())
def test_gradients_of_contraction_are_its_adjoints(case):
    labels, *shapes = case
    a, b = numbers(shapes[0]), numbers(shapes[1], 1)
    change_a, change_b = numbers(shapes[0], 2), numbers(shapes[1], 3)
    g = numbers(np.einsum(labels, a, b).shape, 4)
    graph = build(
        lambda a, b, g: sum(contraction(a, b, labels) * g), a=float64[a.shape], b=float64[b.shape], g=float64[g.shape]
    )
    found = compile(differentiate(graph, ["a", "b"]))(a=a, b=b, g=g)
    # The contraction is linear in each operand: a change of it changes the result by the contraction of the change.
    for slope, change, pair in (("a", change_a, (change_a, b)), ("b", change_b, (a, change_b))):
        expected = np.vdot(g, np.einsum(labels, *pair))
        assert np.vdot(found[f"d value / d {slope}"], change) == pytest.approx(expected, rel=1e-10, abs=1e-10)


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int64, np.int32])
@pytest.mark.parametrize("labels", ["ij,jk->ik", "ji,jk->ik", "ij,kj->ik", "ij,kj->ki", "bij,bjk->bik", "ij,j->i"])
def test_any_layout_in_memory_gives_the_same_product(labels, dtype):
    sides = labels.split("->")[0].split(",")
    sizes = dict(zip("bijk", (3, 33, 40, 37), strict=True))
    a, b = ((numbers([sizes[x] for x in side], seed) * 10).astype(dtype) for seed, side in enumerate(sides))
    expected = np.einsum(labels, a, b)
    near = {"rtol": 1e-4 if dtype == np.float32 else 1e-12, "atol": 1e-2 if dtype == np.float32 else 1e-10}
    for arrange in (np.ascontiguousarray, np.asfortranarray, lambda x: np.repeat(x, 2, -1)[..., ::2], np.flip):
        if arrange is np.flip:
            found = contraction(np.flip(np.flip(a).copy()), np.flip(np.flip(b).copy()), labels)
        else:
            found = contraction(arrange(a), arrange(b), labels)
        assert found.dtype == dtype
        np.testing.assert_allclose(found, expected, **near)


def test_a_broadcast_operand_is_read_as_it_is():
    w = numbers((3, 4))
    x = np.broadcast_to(numbers(3), (5, 3))
    np.testing.assert_allclose(contraction(x, w, "bi,io->bo"), x @ w, rtol=1e-13)


@given(hnp.mutually_broadcastable_shapes(signature=np.matmul.signature, min_side=0, max_dims=3, max_side=4))
def test_matmul_is_that_of_numpy(shapes):
    a, b = (numbers(shape, seed) for seed, shape in enumerate(shapes.input_shapes))
    near = {"rtol": 1e-12, "atol": 1e-13}
    np.testing.assert_allclose(matmul(a, b), a @ b, **near)
    graph = build(lambda a, b: a @ b, a=float64[a.shape], b=float64[b.shape])
    found = compile(graph)(a=a, b=b)["value"]
    assert found.shape == (a @ b).shape
    np.testing.assert_allclose(found, a @ b, **near)


def test_values_multiply_with_arrays_on_either_side():
    a, b = numbers((2, 3)), numbers((3, 2), 1)
    graph = build(lambda x: {"left": a @ x, "right": x @ a, "list": x @ [1, 2]}, x=float64[3, 2])
    found = compile(graph)(x=b)
    np.testing.assert_allclose(found["left"], a @ b)
    np.testing.assert_allclose(found["right"], b @ a)
    np.testing.assert_allclose(found["list"], b @ [1, 2])


def test_products_meet_in_the_wider_dtype_and_in_floats():
    def dtype(x, y):
        return build(lambda x, y: x @ y, x=x, y=y).outputs["value"].type.dtype

    assert dtype(float32[2, 3], float64[3]) == float64
    assert dtype(float32[2, 3], int64[3]) == float32
    assert dtype(int64[3], int64[3]) == int64


def test_the_batch_keeps_its_name_through_forward_and_backward_products():
    batch = Axis(1, "batch")
    graph = build(lambda x, w: sum((x @ w) @ w.T), x=float64[batch, 3], w=float64[3, 3])
    text = str(differentiate(graph))
    assert parse(text).inputs["x"].type.shape[0].name == "batch"
    products = [node for node in differentiate(graph) if node.op.name == "contraction"]
    assert len(products) >= 4
    assert all("batch" in str(node.type) or node.type.shape == (3, 3) for node in products)


@pytest.mark.parametrize(
    ("labels", "told"),
    [
        ("bi,jo->bo", "'i' in 'bi,jo->bo'.*Sum over that axis first"),
        ("bi,io->box", "'x' in 'bi,io->box'"),
        ("bi,io", "not the labels of a contraction.*'bi,io->bo'"),
        ("b i,io->bo1", "not the labels"),
        ("ii,io->io", "stands twice"),
        ("bi,ioo->bo", "stands twice"),
        ("bi,i->b", "'i' for float64\\[3, 4\\]"),
        ("bi,ob->io", "'b' have different sizes.*2 and 4"),
        (None, "not the labels"),
    ],
)
def test_unfit_labels_are_told(labels, told):
    with pytest.raises(ShapeError, match=told):
        contraction(numbers((2, 3)), numbers((3, 4)), labels)


@pytest.mark.parametrize(
    ("a", "b", "told"),
    [
        (numbers(()), numbers((3,)), "matmul.*needs axes.*a scalar"),
        (numbers((2, 3)), numbers((4, 2)), "different sizes.*3 and 4"),
        (numbers((2, 2, 3)), numbers((3, 3, 2)), "different sizes"),
        (np.ones((2, 2), bool), np.ones((2, 2), bool), "expected float or int"),
    ],
)
def test_unfit_matrices_are_told(a, b, told):
    with pytest.raises(ShapeError, match=told):
        matmul(a, b)


def test_gradients_have_the_names_of_their_operands():
    batch = Axis(4, "batch")
    graph = build(lambda x, w: sum(contraction(w, x, "ab,ac->bc")), x=float64[batch, 2], w=float64[4, 3])
    gradient = differentiate(graph, ["x", "w"])
    assert repr(gradient.outputs["d value / d x"].type) == "float64[batch=4, 2]"
    assert repr(gradient.outputs["d value / d w"].type) == "float64[4, 3]"


def test_errors_do_not_repeat_long_labels():
    for labels in ("a" * 10**6 + ",->", "a" * 10**6, "ab,bc->" + "x" * 10**6, "a" * 10**5 + "," + "b" * 10**5 + "->"):
        with pytest.raises(ShapeError) as caught:
            contraction([1.0], [1.0], labels)
        assert len(str(caught.value)) < 400
