"""Functions that programs have in common: the same numbers whichever way they are compiled, and less to compile."""

from __future__ import annotations

import gc
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import pellucid as pl
from pellucid.executors.native import cache, pieces
from pellucid.executors.native.assemble import Assembled, assemble
from pellucid.executors.native.emit import literal, vector
from pellucid.executors.native.engine import Code
from pellucid.executors.native.pieces import Form
from pellucid.executors.native.sizes import Size, take_out

rng = np.random.default_rng(3)
X = rng.normal(size=(70, 9)).astype(np.float32)
DATA = pl.Dataset({"x": X}, rng.integers(0, 4, 70), rng.uniform(0.5, 2, 70))


def network(hidden: list[int], dtype: str = "float32") -> pl.Network:
    layers = [layer for units in hidden for layer in (pl.Dense(units, "gelu"), pl.LayerNorm(), pl.Dropout(0.2))]
    return pl.Network([*layers, pl.Dense(4)], inputs=9, dtype=dtype)


def learn(hidden: list[int], dtype: str = "float32", **options) -> pl.Fit:
    given = {"optimizer": "adam", "epochs": 2, "batch_size": 32, "validation": 0.2, "seed": 5, **options}
    return pl.fit(network(hidden, dtype), DATA, loss="softmax_cross_entropy", **given)


@pytest.fixture
def forget(monkeypatch):
    """Return what makes the process forget all that it has compiled of programs."""

    def forget(kept: int = pieces.KEPT) -> None:
        monkeypatch.setattr(pieces, "KEPT", kept)
        cache.clear()
        pieces._RECENT.clear()
        pieces._SEEN.clear()
        gc.collect()

    forget()
    return forget


@pytest.fixture
def compiled(monkeypatch) -> list[int]:
    """How many functions were compiled together, each time that this was done."""
    counts: list[int] = []
    original = Code.__init__

    def noted(self, module, *more, **options):
        if module.name == "pieces":
            counts.append(len(module.written))
        original(self, module, *more, **options)

    monkeypatch.setattr(Code, "__init__", noted)
    return counts


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("hidden", [[5], [33, 77], [16, 130, 48]])
def test_the_bits_are_the_same_with_numbers_in_the_code_and_in_a_table(hidden, dtype, forget, monkeypatch):
    found = []
    for way in ("whole", "open"):
        forget()
        with monkeypatch.context() as patched:
            patched.setattr(Form, "choose", lambda form, way=way: getattr(form, way) or form.whole or form.open)
            fit = learn(hidden, dtype)
            found.append((fit.progress, fit.history, fit.predict(X)))
    (first, history, predicted), (second, other, again) = found
    for kind in ("parameters", "state", "best"):
        one, two = getattr(first, kind), getattr(second, kind)
        assert one.keys() == two.keys() and all(np.array_equal(one[path], two[path]) for path in one)
    for record, like in zip(history, other, strict=True):
        assert {**record, "seconds": 0} == {**like, "seconds": 0}
    np.testing.assert_array_equal(predicted, again)


def test_a_first_network_gets_code_of_its_own_and_those_after_it_share_theirs(forget, compiled):
    found = []
    for hidden in ([33, 77], [35, 78], [37, 79], [38, 74]):
        del compiled[:]
        layers = [layer for units in hidden for layer in (pl.Dense(units, "relu"), pl.Dropout(0.2))]
        network = pl.Network([*layers, pl.Dense(4)], inputs=9)
        pl.fit(network, DATA, loss="softmax_cross_entropy", epochs=2, validation=0.2)
        found.append(sum(compiled))
    first, second, *others = found
    assert first > 20 and second < first and max(others) <= 4


def test_an_equal_network_needs_nothing_new(forget, compiled):
    learn([21, 13])
    cache.clear()
    gc.collect()
    del compiled[:]
    learn([21, 13])
    assert compiled == []


def test_what_no_program_uses_is_freed(forget):
    gc.collect()
    before = set(pieces._ALIVE)
    forget(kept=0)
    fit = learn([19])
    new = set(pieces._ALIVE) - before
    assert new
    del fit
    forget(kept=0)
    assert not new & set(pieces._ALIVE)


def test_a_program_outlives_the_list_of_recent_functions(forget):
    forget(kept=0)
    step = network([19]).graph(batch=7)
    program = pl.compile(step, executor="native")
    forget(kept=0)
    given = {**network([19]).initialize(0), "x": X[:7]}
    interpreted = pl.compile(step, executor="interpret")(**given)
    np.testing.assert_allclose(program(**given)["output"], interpreted["output"], rtol=1e-5, atol=1e-6)


# -- numbers in the text of a function ---------------------------------------------------------------------------------


def put_back(lines: list[str], taken: list[Size]) -> list[str]:
    def whole(found: re.Match[str]) -> str:
        size = taken[int(found[1])]
        return f"splat ({size.type.split(' ')[-1][:-1]} {size.text})" if size.type[0] == "<" else size.text

    return [re.sub(r"%s(\d+)\b", whole, line) for line in lines]


def functions(assembled: Assembled) -> list[tuple[list[str], set[str]]]:
    module = assembled.module
    return [([*fn.entry, *fn.lines], set(module.functions)) for fn in module.functions.values()]


@pytest.mark.parametrize("hidden", [[5], [33, 77]])
def test_what_was_taken_out_can_be_put_back(hidden):
    for lines, names in functions(assemble(network(hidden).graph(batch=20))):
        taken, left = take_out(lines, names)
        assert put_back(left, taken) == lines


@given(st.integers(2, 2**40), st.integers(2, 2**40))
def test_functions_of_other_sizes_have_one_text(first, second):
    def text(size: int) -> list[str]:
        return [
            f"  %v1 = icmp slt i64 %i0, {size}",
            f"  %v2 = mul i64 %i0, {128 * size}",
            "  %v3 = getelementptr i8, ptr %b0, i64 %v2",
            f"  call void @pellucid_tile_float_{size}x1_512(ptr %v3, i64 {size}, i64 4)",
            f"  %v4 = select i1 %v1, i64 %v2, i64 {size}",
        ]

    (taken, left), (others, same) = take_out(text(first), ()), take_out(text(second), ())
    assert left == same and len(taken) == len(others) == 6
    assert taken[:2] == [Size("i64", str(first)), Size("i64", str(128 * first))]


@given(st.floats(1, 1e6, width=32), st.sampled_from(["float", "double"]), st.sampled_from([1, 8, 16]))
def test_what_a_mean_is_divided_by_is_a_word_of_its_bits(number, element, lanes):
    type, text = vector(element, lanes), literal(number, element)
    line = f"  %v1 = fdiv {type} %v0, {text if lanes == 1 else f'splat ({element} {text})'}"
    (size,), (left,) = take_out([line], ())
    assert left == f"  %v1 = fdiv {type} %v0, %s0" and size.type == type
    dtype = np.float32 if element == "float" else np.float64
    assert np.array([int(size.word.removeprefix("i64 "))]).view(dtype)[0] == number


@pytest.mark.parametrize(
    "line",
    [
        "  %i1 = phi i64 [ 0, %body ], [ %v9, %loop2 ]",
        "  %v1 = add <16 x i64> %v0, splat (i64 320)",
        "  %v1 = lshr i64 %v0, 12",
        "  %v1 = mul i64 %v0, 64",
        "  store i64 320, ptr %v1, align 8",
        "  call void @llvm.memcpy.p0.p0.i64(ptr %v0, ptr %v1, i64 320, i1 false)",
        "  call void @llvm.prefetch.p0(ptr %v40, i32 0, i32 2, i32 1)",
        "  %stack6 = alloca i8, i64 2048, align 64",
        "  call void @pellucid_words(ptr %v0, ptr %v1)",
    ],
)
def test_numbers_that_are_part_of_the_code_stay(line):
    assert take_out([line], ()) == ([], [line])
