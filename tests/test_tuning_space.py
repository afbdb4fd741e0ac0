"""Search spaces: what is drawn, counted, listed, written and read back."""

from __future__ import annotations

import itertools
import math
import operator

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pellucid.errors import UsageError
from pellucid.tuning.space import (
    Choice,
    Space,
    choice,
    identity,
    integer,
    log_uniform,
    parse_distribution,
    read_space,
    same,
    tell_count,
    uniform,
)

FINITE = st.floats(-1e9, 1e9)
SINGLE = st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | FINITE | st.text(max_size=8)
VALUES = SINGLE | st.lists(SINGLE, max_size=3).map(tuple)


def readable(text: str) -> bool:
    return all(not 0xD800 <= ord(letter) < 0xE000 for letter in text)


def clean(value: object) -> bool:
    items = value if isinstance(value, tuple) else (value,)
    return all(readable(item) for item in items if isinstance(item, str))


CHOICES = st.lists(VALUES.filter(clean), min_size=1, max_size=5, unique_by=identity).map(Choice)
UNIFORMS = st.tuples(FINITE, FINITE).map(lambda pair: uniform(*sorted(pair)))
LOGS = st.tuples(st.floats(1e-9, 1e9), st.floats(1e-9, 1e9)).map(lambda pair: log_uniform(*sorted(pair)))


@st.composite
def integers(draw: st.DrawFn):
    if draw(st.booleans()):
        low = draw(st.integers(1, 2**40))
        return integer(low, draw(st.integers(low, 2**40)), log=True)
    low, step = draw(st.integers(-(2**30), 2**30)), draw(st.integers(1, 1000))
    return integer(low, low + step * draw(st.integers(0, 10**6)), step=step)


DISTRIBUTIONS = st.one_of(CHOICES, UNIFORMS, LOGS, integers())


@given(DISTRIBUTIONS)
def test_a_distribution_is_read_back_from_its_text_with_the_types_of_its_values(distribution):
    again = parse_distribution(str(distribution))
    assert again == distribution and hash(again) == hash(distribution)
    if isinstance(distribution, Choice):
        assert [(type(v), v) for v in again.values()] == [(type(v), v) for v in distribution.values()]


@given(DISTRIBUTIONS, st.floats(0, 1))
def test_places_and_values_are_inverse(distribution, u):
    value = distribution.at(u)
    assert distribution.contains(value)
    place = distribution.unit(value)
    assert 0 <= place <= 1
    if distribution.count is None:
        assert distribution.at(place) == pytest.approx(value, rel=1e-9, abs=1e-9 * abs(distribution.high))
    else:
        assert same(distribution.at(place), value)


@given(DISTRIBUTIONS, st.integers(1, 7))
def test_all_values_can_be_drawn_and_are_there_once(distribution, points):
    values = distribution.values(points)
    assert len(values) == (distribution.count or len(values))
    shown = [values[place] for place in {0, len(values) // 2, len(values) - 1}]
    assert all(distribution.contains(value) for value in shown)
    if len(values) < 100:
        assert len({identity(value) for value in values}) == len(values)


def test_log_uniform_is_uniform_in_the_logarithm():
    u = (np.arange(20_000) + 0.5) / 20_000
    drawn = np.array([log_uniform(1e-4, 1).at(place) for place in u])
    assert np.mean(np.log10(drawn)) == pytest.approx(-2, abs=1e-6)
    assert [np.mean(drawn < edge) for edge in (1e-3, 1e-2, 1e-1)] == pytest.approx([0.25, 0.5, 0.75], abs=1e-4)


def test_integers_are_unbiased_at_their_ends():
    u = (np.arange(30_000) + 0.5) / 30_000
    linear = np.bincount([integer(1, 3).at(place) for place in u])[1:]
    assert linear.tolist() == [10_000, 10_000, 10_000]
    log = np.bincount([integer(1, 4, log=True).at(place) for place in u])[1:] / 30_000
    expected = [math.log((k + 0.5) / (k - 0.5)) / math.log(4.5 / 0.5) for k in range(1, 5)]
    assert log == pytest.approx(expected, abs=1e-4)
    steps = np.unique([integer(16, 64, step=16).at(place) for place in u], return_counts=True)
    assert [column.tolist() for column in steps] == [[16, 32, 48, 64], [7500] * 4]
    assert integer(2, 9).at(0.0) == 2 and integer(2, 9).at(1.0) == 9 and integer(2, 9).at(1 - 2**-53) == 9


OPERATORS = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


@st.composite
def conditional_spaces(draw: st.DrawFn):
    """Small finite spaces, with what the test needs to count them by itself."""
    plan = []
    for place in range(draw(st.integers(1, 6))):
        size = draw(st.integers(1, 4))
        terms = []
        for _ in range(draw(st.integers(0, min(place, 2)))):
            other = draw(st.integers(0, place - 1))
            terms.append((other, draw(st.sampled_from(sorted(OPERATORS))), draw(st.integers(0, plan[other][0] - 1))))
        plan.append((size, terms, draw(st.booleans())))
    entries = {}
    for place, (size, terms, listed) in enumerate(plan):
        text = f"choice({', '.join(map(str, range(size)))})" if listed else f"integer(0, {size - 1})"
        condition = " and ".join(f"s.n{other} {sign} {value}" for other, sign, value in terms)
        entries[f"s.n{place}"] = text + (f" if {condition}" if condition else "")
    try:
        return Space(entries), plan
    except UsageError as error:
        assume("never take part" not in str(error))
        raise


def enumerated(plan) -> set[tuple[int | None, ...]]:
    """Every configuration, found by trying all combinations; None where a dimension takes no part."""
    found = set()
    for values in itertools.product(*(range(size) for size, _, _ in plan)):
        kept: list[int | None] = []
        for value, (_, terms, _) in zip(values, plan, strict=True):
            met = all(kept[other] is not None and OPERATORS[sign](kept[other], bound) for other, sign, bound in terms)
            kept.append(value if met else None)
        found.add(tuple(kept))
    return found


@given(conditional_spaces(), st.sets(st.integers(0, 5)))
def test_configurations_are_counted_exactly_and_listed_once(made, counted):
    space, plan = made
    expected = enumerated(plan)
    assert space.size == space.grid_size() == len(expected)
    listed = [tuple(one.get(f"s.n{place}") for place in range(len(plan))) for one in space.grid()]
    assert len(listed) == len(expected) and set(listed) == expected
    parts = {tuple(one[place] for place in range(len(plan)) if place in counted) for one in expected}
    assert space.count(lambda name: int(name[3:]) in counted) == len(parts)


@given(conditional_spaces(), st.randoms(use_true_random=False))
def test_what_is_drawn_is_in_the_space(made, random):
    space, plan = made
    drawn = space.draw({one.name: random.random() for one in space.dimensions})
    space.check(drawn)
    assert [one.name for one in space.active(drawn)] == [one.name for one in space.dimensions if one.name in drawn]
    assert tuple(drawn.get(f"s.n{place}") for place in range(len(plan))) in enumerated(plan)
    assert Space.from_toml(space.to_toml()) == space


NAMES = st.lists(st.text(min_size=1, max_size=5).filter(readable), min_size=1, max_size=3)


@given(st.lists(st.tuples(NAMES, DISTRIBUTIONS | VALUES.filter(clean)), min_size=1, max_size=5))
def test_a_space_with_names_and_values_of_any_letters_survives_toml(entries):
    nested: dict = {}
    for parts, content in entries:
        names = ['"' + part.replace("\\", "\\\\").replace('"', '\\"') + '"' for part in parts]
        name = ".".join(names)
        nested[name] = content if not isinstance(content, str) else str(Choice([content]))
    try:
        space = Space(nested)
    except UsageError as error:
        assume("section of others" in str(error) or "twice" in str(error))
        assume(False)
    again = Space.from_toml(space.to_toml())
    assert again == space and again.names == space.names
    assert [(type(v), v) for v in again.fixed.values()] == [(type(v), v) for v in space.fixed.values()]


def test_large_spaces_are_counted_without_going_through_them():
    layered = {"layers": "integer(0, 200)"} | {f"units_{k}": f"integer(1, 10) if layers >= {k}" for k in range(1, 201)}
    assert Space(layered).size == sum(10**k for k in range(201))
    chain = {"n0": "choice(a, b)"} | {f"n{k}": f"choice(a, b) if n{k - 1} == a" for k in range(1, 500)}
    assert Space(chain).size == 501
    forks = {f"on{k}": "choice(true, false)" for k in range(300)}
    forks |= {f"rate{k}": f"integer(1, 5) if on{k} == true" for k in range(300)}
    assert Space(forks).size == 6**300
    both = {f"n{k}": "integer(0, 1)" for k in range(60)}
    both["all"] = "integer(1, 3) if " + " and ".join(f"n{k} == 1" for k in range(60))
    assert Space(both).size == 2**60 + 2
    assert tell_count(Space(forks).size) == "about 2.7e233"


def test_a_continuous_parent_counts_as_the_parts_into_which_conditions_cut_it():
    space = Space({"rate": "uniform(0, 1)", "a": "integer(1, 2) if rate < 0.5", "b": "integer(1, 3) if rate > 0.25"})
    assert space.size is None
    assert space.count(lambda name: name != "rate") == 2 + 2 * 3 + 3
    assert space.count(lambda name: name == "a") == 3


def test_the_grid_takes_points_of_what_is_continuous_ends_included():
    space = Space({"rate": "log_uniform(0.01, 1)", "layers": "integer(0, 1)", "drop": "uniform(0, 0.5) if layers == 1"})
    grid = list(space.grid(3))
    assert len(grid) == space.grid_size(3) == 3 * (1 + 3)
    assert sorted({one["rate"] for one in grid}) == pytest.approx([0.01, 0.1, 1])
    assert {one["drop"] for one in grid if one["layers"] == 1} == {0.0, 0.25, 0.5}
    assert space.grid_size(1) == 2 and next(space.grid(1))["rate"] == pytest.approx(0.1)


def test_spaces_are_equal_and_hashable_by_what_they_say(tmp_path):
    text = '# sizes\n[network]\nlayers = "integer(1, 3)"\nhidden = "[64, 32]"\n[optimizer]\nrate = 0.1\nfast = true\n'
    path = tmp_path / "space.toml"
    path.write_text("\ufeff" + text, encoding="utf-8", newline="\r\n")
    space = read_space(path)
    assert space == Space(
        {"network": {"layers": integer(1, 3), "hidden": (64, 32)}, "optimizer.rate": 0.1, "optimizer.fast": True}
    )
    assert space.fixed == {"network.hidden": (64, 32), "optimizer.rate": 0.1, "optimizer.fast": True}
    assert {space: 1}[Space.from_toml(space.to_toml())] == 1
    assert space != space.changed({"optimizer.rate": 0.2})
    assert Space({"a": choice(1)}) != Space({"a": choice(True)}) and Space({"a": 1}) != Space({"a": 1.0})
