"""The grammar of search spaces: what it reads, and that whatever is wrong becomes one message that helps."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pellucid.errors import UsageError
from pellucid.tuning.space import (
    Choice,
    Space,
    choice,
    parse_assignment,
    parse_condition,
    parse_distribution,
    read_space,
    split_name,
    uniform,
)


def message_of(entries: object, where: str | None = None) -> str:
    with pytest.raises(UsageError) as caught:
        Space.from_toml(entries, where or "space.toml") if isinstance(entries, str) else Space(entries, where)
    text = str(caught.value)
    assert "\n" not in text and len(text) < 500
    return text


def test_every_kind_of_value_keeps_its_type():
    text = """choice(relu, gelu-new, a.b, [64, 32], [], none, True, false, 0.1, -3, 1e-4, 1_000, "a b", 'c "d"', "1")"""
    values = parse_distribution(text).values()
    assert values == (
        "relu",
        "gelu-new",
        "a.b",
        (64, 32),
        (),
        None,
        True,
        False,
        0.1,
        -3,
        1e-4,
        1000,
        "a b",
        'c "d"',
        "1",
    )
    assert [type(value) for value in values[6:12]] == [bool, bool, float, int, float, int]
    assert Space({"initializer": "uniform", "x": "3"}).fixed == {"initializer": "uniform", "x": 3}


def test_conditions_hold_for_what_they_say():
    condition = parse_condition("if network.layers >= 2 and optimizer in (adam, sgd) and units != [64, 32]")
    given_ = {"network.layers": 2, "optimizer": "sgd", "units": (64,)}
    assert condition.met(given_) and str(parse_condition(str(condition))) == str(condition)
    assert not condition.met(given_ | {"network.layers": 1})
    assert not condition.met(given_ | {"optimizer": "lion"})
    assert not condition.met(given_ | {"units": (64, 32)})
    assert not condition.met({"network.layers": 2, "optimizer": "sgd"}), "what is not there meets nothing"
    assert parse_condition("x == 1").met({"x": 1.0}) and not parse_condition("x == 1").met({"x": True})
    assert not parse_condition("x < 1").met({"x": "a"}) and not parse_condition("x < 1").met({"x": None})


def test_a_condition_on_what_takes_no_part_is_not_met():
    space = Space({"c": "integer(1, 2) if b != 5", "b": "choice(4, 5) if a == 1", "a": "integer(0, 1)"})
    assert [one.name for one in space.dimensions] == ["a", "b", "c"]
    assert list(space.grid()) == [{"a": 0}, {"c": 1, "b": 4, "a": 1}, {"c": 2, "b": 4, "a": 1}, {"b": 5, "a": 1}]


def test_constants_may_have_conditions_and_be_conditions():
    space = Space(
        {"layers": "integer(0, 1)", "norm": "layer if layers == 1", "mode": "deep", "rate": "0.5 if mode == deep"}
    )
    assert list(space.grid()) == [
        {"layers": 0, "mode": "deep", "rate": 0.5},
        {"layers": 1, "norm": "layer", "mode": "deep", "rate": 0.5},
    ]


@pytest.mark.parametrize(
    ("text", "parts"),
    {
        "unifrom(0, 1)": ["x.y: there is no distribution unifrom", "Did you mean 'uniform'?"],
        "loguniform(1, 2)": ["Did you mean 'log_uniform'?"],
        "uniform(1, 0)": ["the low limit is above the high one", "Exchange them"],
        "integer(3, 1)": ["integer: the low limit is above the high one"],
        "uniform(1)": ["uniform takes two limits: got 1 number, expected uniform(LOW, HIGH)"],
        "uniform(1, 2, 3)": ["got 3 at letter 15", "expected ')'"],
        "uniform(low, 2)": ["not a number: got low"],
        "uniform(0, inf)": ["not a finite number"],
        "uniform(nan, 1)": ["not a finite number"],
        "uniform(0, 1e999)": ["not a finite number"],
        "uniform(-1e308, 1e308)": ["too far apart"],
        "log_uniform(0, 1)": ["no logarithm", "above 0"],
        "log_uniform(-1, 1)": ["no logarithm: got -1"],
        "integer(0, 9, log)": ["integer, low: no logarithm", "leave out log"],
        "integer(0, 2.5)": ["not a whole number: got 2.5"],
        "integer(0, 99999999999999)": ["too large a number", "2^40"],
        "integer(1, 10, step=4)": ["no step ends at the high limit", "Say 9 or 13"],
        "integer(1, 10, step=0)": ["expected 1 or more"],
        "integer(1, 10, logs)": ["'log' or 'step='"],
        "choice()": ["nothing to choose from"],
        "choice(a, b, a)": ["a is there twice"],
        "choice(1, 1.0)": ["1.0 is there twice"],
        "choice([1, [2]])": ["A list holds no lists"],
        "choice(a b)": ["got b at letter 10", "expected ',' or ')'"],
        "choice(nan)": ["not a finite number"],
        "choice(99999999999999999999)": ["too large a number", "2^63"],
        "a b": ['Put text with blanks in quotes, such as "a b"'],
        '"a': ["a quote without an end"],
        "2x4": ["neither a number nor a word: got 2x4"],
        "a/b": ["unknown sign: got '/' at letter 2"],
        '"\\q"': ["unknown escape"],
        "if": ["expected a distribution", 'in quotes: "if"'],
        "": ["got nothing", "expected a distribution such as uniform(0, 0.5)"],
        "relu if": ["expected the name of a setting"],
        "relu if a": ["expected one of == != < <= > >= in behind a"],
        "relu if a = 1": ["Equality is written =="],
        "relu if a == 1 or a == 2": ["There is no 'or'"],
        "relu if a > big": ["only numbers are compared by >"],
        "relu if a in []": ["an empty list behind 'in'"],
        "relu if a in b": ["expected a list"],
        "__import__(os)": ["there is no distribution __import__"],
        "[" * 5000: ["A list holds no lists"],
        "(" * 5000: ["got ( at letter 1"],
        "9" * 5000: ["too long a number"],
        "a" * 100_000: ["too long a text: got 100000 letters"],
        "choice(" + ", ".join(map(str, range(10_001))) + ")": ["too many values: got 10001"],
        "\ud800": ["not Unicode"],
    }.items(),
    ids=lambda value: value[:20] if isinstance(value, str) else "",
)
def test_texts_that_are_not_well_formed_are_refused_with_what_is_wrong(text, parts):
    told = message_of({"x.y": text})
    assert told.startswith("x.y") and all(part in told for part in parts), told


@pytest.mark.parametrize(
    ("entries", "parts"),
    [
        ({}, ["the search space is empty", "integer(1, 3)"]),
        ({"a": "integer(1, 2)", "b": "1 if aa == 1"}, ["b: its condition is about aa", "Did you mean 'a'?"]),
        ({"a": "choice(relu, gelu)", "b": "1 if a == rleu"}, ["rleu, which a never is", "Did you mean 'relu'?"]),
        ({"a": "integer(1, 4)", "b": "1 if a in [4, 5]"}, ["5, which a never is", "integer(1, 4)"]),
        ({"a": "integer(1, 2) if a == 1"}, ["a: its condition is about itself"]),
        (
            {"a": "1 if c == 1", "b": "1 if a == 1", "c": "1 if b == 1", "d": "integer(0, 1)"},
            ["circle: got a -> c -> b -> a"],
        ),
        ({"a": "integer(1, 4)", "b": "1 if a > 4"}, ["b: this can never take part", "a > 4", "integer(1, 4)"]),
        ({"a": "integer(1, 9, step=4)", "b": "1 if a > 5 and a < 9"}, ["can never take part"]),
        ({"a": "uniform(0, 1)", "b": "1 if a >= 1"}, ["can never take part"]),
        ({"a": "integer(1, 2)", "b": "integer(1, 2) if a == 2", "c": "1 if b == 1 and a == 1"}, ["c: this can never"]),
        (
            {"a": "integer(1, 3)", "b": "7 if a >= 2", "c": "7 if a < 3", "d": "1 if b == 7 and c == 7 and a != 2"},
            ["d: this"],
        ),
        ({"a": "deep", "b": "1 if a == wide"}, ["can never take part", "a is deep"]),
        ({"a": [1, 2]}, ['Say "choice(1, 2)" or "[1, 2]"']),
        ({"a": 1, "a.b": 2}, ["a: a setting and a section of others"]),
        ({"a.b": 1, "a": {"b": 2}}, ["a.b: this is there twice"]),
        ({"a": object()}, ["not a value of a search space: got object"]),
        ({"a": math.nan}, ["a: not a finite number"]),
        ({"a": 2**63}, ["too large a number"]),
        ({"a": (uniform(0, 1), "b", "c")}, ["expected a distribution and a condition"]),
        ({"a b": 1}, ["not a name: got 'a b'", 'roles."a b"']),
        ({3: 1}, ["not a name: got 3"]),
        ({"a..b": 1}, ["not a name"]),
        ({".".join("abcdefghij"): 1}, ["too many parts"]),
        ({f"n{k}": k for k in range(1001)}, ["at most 1000 names"]),
        ({"a": "x" * 2000}, ["too long a text"]),
    ],
)
def test_spaces_that_make_no_sense_are_refused(entries, parts):
    told = message_of(entries)
    assert all(part in told for part in parts), told


@pytest.mark.parametrize(
    ("text", "start", "part"),
    [
        ("a = 1\nb = uniform(0, 1)\n", "space.toml:2:5: not TOML", 'Put it in quotes: "uniform(0, 1)"'),
        ('a = "1"\na = "2"\n', "space.toml:2", "not TOML"),
        (
            '\n[network]\n# a = "uniform("\nlayers = "uniform(0, 1"\n',
            "space.toml:4, network.layers:",
            "expected ',' or ')'",
        ),
        ('a.b = "choice(x, y)"\n[a.c]\nd = "1 if a.b == z"\n', "space.toml:3, a.c.d:", "Known: x, y"),
        ('[roles]\n"a.b" = "choice(numeric, numeric)"\n', 'space.toml:2, roles."a.b", choice:', "is there twice"),
        ("a = [1, 2]\n", "space.toml:1, a:", "choice(1, 2)"),
        ("a = 1979-05-27\n", "space.toml:1, a:", "got date"),
        ("", "space.toml:", "is empty"),
        ("a = " + "[" * 10_000, "space.toml", "nested too deeply"),
        (".".join("a" * 50) + " = 1", "space.toml:1:", "too many parts"),
    ],
)
def test_errors_in_a_file_name_its_line(text, start, part):
    told = message_of(text)
    assert told.startswith(start) and part in told, told


def test_files_that_cannot_be_read_are_refused(tmp_path):
    for path, part in [
        (tmp_path, "this is a folder"),
        (tmp_path / "none.toml", "cannot be opened"),
        ("a\0b", "cannot be opened"),
    ]:
        with pytest.raises(UsageError, match=part):
            read_space(path)
    (tmp_path / "latin.toml").write_bytes(b'a = 1\nb = "\xe4"\n')
    with pytest.raises(UsageError, match=r"latin\.toml:2: the file is not in UTF-8"):
        read_space(tmp_path / "latin.toml")
    (tmp_path / "large.toml").write_bytes(b"#" * (2**22 + 1))
    with pytest.raises(UsageError, match="too large"):
        read_space(tmp_path / "large.toml")


def test_the_entries_of_a_command_line():
    name, text = parse_assignment("n = choice(x, y) if m == 1")
    assert (name, text) == ("n", "choice(x, y) if m == 1")
    assert parse_assignment(' roles."a=b"=numeric ') == ('roles."a=b"', "numeric")
    for wrong in ("n", "=1", "n=", "n==1", "a b=1"):
        with pytest.raises(UsageError, match="--space"):
            parse_assignment(wrong, "--space")
    with pytest.raises(UsageError, match=r"--space, n: there is no distribution unifrom"):
        Space({"m": 1}).changed({"n": "unifrom(0, 1)"}, "--space")


def test_configurations_outside_of_a_space_are_refused():
    space = Space({"n": "integer(0, 3)", "rate": "uniform(0, 1) if n >= 1", "kind": "choice(relu, gelu)", "mode": "x"})
    space.check({"n": 0, "kind": "relu", "mode": "x"})
    space.check({"n": 1, "kind": "relu", "rate": 0.5})
    for wrong, part in [
        ({"n": 0, "kind": "relu", "rate": 0.5}, "rate: this takes no part here"),
        ({"n": 1, "kind": "relu"}, "rate: a value is missing"),
        ({"n": 4, "kind": "relu"}, r"n: not in the search space: got 4, expected integer\(0, 3\)"),
        ({"n": True, "kind": "relu"}, "n: not in the search space"),
        ({"n": 0, "kind": "rleu"}, "Did you mean 'relu'"),
        ({"n": 0, "kind": "relu", "mode": "y"}, "mode: not in the search space"),
        ({"n": 0, "kinds": "relu"}, "Did you mean 'kind'"),
    ]:
        with pytest.raises(UsageError, match=part):
            space.check(wrong)
    with pytest.raises(UsageError, match="rate: not a place: got nan"):
        space.draw({"n": 0.9, "rate": math.nan, "kind": 0})
    with pytest.raises(UsageError, match="Did you mean 'rate'"):
        space.unit("rat", 0.5)
    with pytest.raises(UsageError, match="rate: not in the search space"):
        space.unit("rate", 2.0)


@given(st.text(max_size=40) | st.text("uniform(integer,choice) if==<>0123.e+-\"'[]andor_ ", max_size=60))
def test_any_text_is_read_or_refused_in_one_line(text):
    try:
        space = Space({"x": text})
    except UsageError as error:
        assert "\n" not in str(error)
        return
    assert Space({"x": space.text("x")}) == space


@given(st.text(max_size=60) | st.text('ab.=["]#\n1 uniform(0,1)', max_size=80))
def test_any_file_is_read_or_refused_in_one_line(text):
    try:
        space = Space.from_toml(text)
    except UsageError as error:
        assert "\n" not in str(error)
        return
    assert Space.from_toml(space.to_toml()) == space


def test_values_of_numpy_become_those_of_python():
    import numpy as np

    made = choice(np.int64(3), np.float32(0.5), np.str_("a"), np.bool_(True), [np.int8(1)])
    assert [type(value) for value in made.values()] == [int, float, str, bool, tuple]
    assert made == Choice([3, 0.5, "a", True, (1,)]) and uniform(np.float64(0), np.int32(1)) == uniform(0, 1)
    assert split_name('a."b.c"') == ("a", "b.c")
