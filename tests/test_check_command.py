"""``pellucid check`` and ``pellucid observe`` as they are used: tables of all kinds, runs, mistakes, Ctrl-C."""

from __future__ import annotations

import json
import re
import xml.dom.minidom

import numpy as np
import pytest

import pellucid as pl
from pellucid.cli import main
from pellucid.diagnosis.gates import trainings
from pellucid.diagnosis.gates.data_view import view_of_case
from pellucid.diagnosis.gates.view import write_report
from pellucid.errors import UsageError
from pellucid.training.loop import INTERRUPTED
from pellucid.workflow import checking
from pellucid.workflow.making import prepare
from pellucid.workflow.plans.plan import Plan
from pellucid.workflow.understanding import understand

ROWS = 80


def columns(seed: int = 0) -> dict:
    """A table of every kind of column, with names that are hard to tell."""
    random = np.random.default_rng(seed)
    x = random.normal(size=ROWS)
    words = ["good", "bad", "nice", "fine", "ugly"]
    return {
        'size=a, "b"': x.round(4),
        "Größe ☃": (1e6 * random.normal(size=ROWS)).round(),
        "<script>alert(1)</script>": random.normal(size=ROWS).round(3),
        "day": [f"2020-01-{1 + k % 28:02d}" for k in range(ROWS)],
        "text": [" ".join(random.choice(words, 7)) for _ in range(ROWS)],
        "town": [f"town{k}" for k in random.integers(0, 35, ROWS)],
        "gaps": ["" if k % 4 == 0 else f"{x[k]:.2f}" for k in range(ROWS)],
        "same": ["x"] * ROWS,
        "key": [f"id{k:05d}" for k in random.permutation(ROWS)],
        "flag": ["true" if k % 3 else "false" for k in range(ROWS)],
        "who": [f"p{k % 20}" for k in range(ROWS)],
        "weight": random.random(ROWS).round(3),
        "kind": np.where(x > 0, 'yes "<b>"', "no & 'x'"),
        "price [€]": (2e9 * x + 1e10).round(),
        "tags": ["a;b" if value > 0 else "c" for value in x],
    }


def write_csv(path, table):
    quoted = [
        [f'"{str(cell).replace(chr(34), chr(34) * 2)}"' for cell in row] for row in zip(*table.values(), strict=True)
    ]
    head = ",".join(f'"{name.replace(chr(34), chr(34) * 2)}"' for name in table)
    path.write_text("\n".join([head, *(",".join(row) for row in quoted)]) + "\n", encoding="utf-8")


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    """A folder with the table, and a run on it."""
    folder = tmp_path_factory.mktemp("desk")
    write_csv(folder / "odd.csv", columns())
    write_csv(folder / "later.csv", columns(1))
    plan = Plan(target=("kind",), ignore=("price [€]", "tags"), recipe=pl.Recipe(hidden=(6,), epochs=5))
    pl.train_table(str(folder / "odd.csv"), plan=plan, folder=folder / "run")
    return folder


SETTINGS = {
    "plain": ("kind", []),
    "regression": ("price [€]", []),
    "labels": ("tags", ["separator=;"]),
    "groups": ("kind", ["table.group=who"]),
    "time": ("price [€]", ["table.time_order=day"]),
    "weights": ("kind", ["table.weight=weight"]),
    "folds": ("kind", ["split.folds=3"]),
    "own test": ("kind", ["table.test=later.csv", "table.group=who"]),
    "no validation": ("kind", ["split.validation=0", "network.dtype=float64"]),
}


@pytest.mark.parametrize(("target", "settings"), SETTINGS.values(), ids=SETTINGS)
def test_a_table_of_any_kind_is_asked_about(desk, target, settings, monkeypatch, capsys):
    """Constant columns, keys, weights and groups are no roles that a user can give; they were refused as such."""
    monkeypatch.chdir(desk)
    others = [name for name in ("kind", "price [€]", "tags") if name != target]
    words = [word for setting in (*settings, f"table.ignore={json.dumps(others)}") for word in ("--set", setting)]
    gates = ["--gate", "constant_columns", "--gate", "numbering_columns", "--gate", "loss_at_initialization"]
    code = main(["check", "odd.csv", "--target", target, *words, *gates, "--gate", "test_overlap", "--json"])
    told = json.loads(capsys.readouterr().out)
    found = {finding["gate"]: finding for finding in told["findings"]}
    assert code == (1 if told["verdict"] == "fail" else 0)
    assert "(same)" in found["constant_columns"]["evidence"] and "key" in found["numbering_columns"]["evidence"]
    assert "loss_at_initialization" in found
    if "split.folds=3" in settings:
        assert "test_overlap" not in found  # each row is the test of one fold, and learned from in the others


def test_embedded_columns_have_names_in_the_evidence():
    table = {name: values for name, values in columns().items() if name in ("day", "town", "kind")}
    plan = Plan(target=("kind",), recipe=pl.Recipe(one_hot=8))
    found = understand(table, plan)
    view = view_of_case(checking.case_of(prepare(found, plan, found.parts)))
    assert view is not None and view.names[-1] == "town" and any("day" in name for name in view.names[:-1])


def test_words_that_never_recur_give_no_number_away():
    random = np.random.default_rng(0)
    x = random.normal(size=200)
    words = [f"{a} {b} {c}" for a, b, c in random.integers(0, 60, (200, 3))]
    table = {"x": x, "note": words, "y": x + random.normal(size=200)}
    plan = Plan(roles={"note": "text"})
    report = pl.check_table(table, "y", plan=plan, gates=["leaking_columns"])
    assert report["leaking_columns"].verdict == "pass"
    table["note"] = [f"{value:.0f} is it" for value in table["y"]]
    table["y"] = [float(value.split()[0]) for value in table["note"]]  # the cell has the number in it
    assert pl.check_table(table, "y", plan=plan, gates="leaking_columns")["leaking_columns"].where == "note"


def test_a_training_that_starts_from_a_model_is_asked_about_as_it_is(desk, capsys, monkeypatch):
    monkeypatch.chdir(desk)
    started = ["check", "odd.csv", "--target", "kind", "--gate", "units_differ", "--set"]
    assert main([*started, "table.start_from=run"]) == 0
    assert main([*started, "table.start_from=gone"]) == 2
    assert "gone" in capsys.readouterr().err


MISTAKES = [
    (["check", "odd.csv"], "--target COLUMN"),
    (["check", "odd.csv", "--target", "kinde"], "'kinde'"),
    (["check", "gone.csv", "--target", "kind"], "gone.csv"),
    (["check", "odd.csv", "-t", "kind", "--gate", "los_at_initialization"], "--gate: no gate"),
    (["check", "odd.csv", "-t", "kind", "--gate", "dead_units"], "It is asked during training"),
    (["check", "odd.csv", "-t", "kind", "--threshold", "dead_units=1"], "--threshold"),
    (["check", "odd.csv", "-t", "kind", "--threshold", "dead_unit.fail=1"], "--threshold: no threshold"),
    (["check", "odd.csv", "-t", "kind", "--threshold", "dead_units.fail=nan"], "--threshold: not a bound"),
    (["check", "odd.csv", "-t", "kind", "--phase", "during"], "--phase"),
    (["check", "odd.csv", "-t", "kind", "--table", "x.csv"], "--table"),
    (["check", "run", "-t", "kind"], "--target"),
    (["check", "run", "--phase", "afterwards"], "--phase: no phase"),
    (["check", "run", "--gate", "missing_cells"], "It is asked of a table"),
    (["check", "run", "--phase", "after", "--gate", "dead_units"], "It is asked during training"),
    (["check", "run", "--table", "later.csv"], "not the one"),
    (["check", "run", "--table", "gone.csv"], "gone.csv"),
    (["check", "."], "no run folder"),
    (["observe", "run", "odd.csv", "--row", "0", "--node", "d loss / d dense_1/weight[0, 99]"], "--node"),
    (["observe", "run", "odd.csv", "--row", "0", "--node", "d loss / d dense_1/weight"], "index is missing"),
    (["observe", "run", "odd.csv", "--row", "0", "--node", "d loss / d dense_1/wieght[0, 0]"], "'dense_1/weight'"),
    (["observe", "run", "odd.csv", "--row", "0", "--draw", "gone/row.html"], "no such folder"),
    (["observe", "run", "odd.csv", "--row", "0", "--draw", "row.png"], ".svg or .html"),
]


@pytest.mark.parametrize(("arguments", "message"), MISTAKES, ids=lambda each: " ".join(each)[:50] if each else "")
def test_wrong_use_is_one_clear_line(desk, arguments, message, monkeypatch, capsys):
    monkeypatch.chdir(desk)
    before = sorted(path.name for path in desk.iterdir())
    assert main(arguments) == 2
    told = capsys.readouterr().err
    assert message in told and told.count("\n") == 1
    assert sorted(path.name for path in desk.iterdir()) == before


def test_a_named_gate_says_by_itself_when_it_is_asked(desk):
    gates = ["loss_at_initialization", "dead_units"]
    found = pl.check_run(desk / "run", gates=gates)
    assert found.repeated and [finding.gate for finding in found.report] == gates
    with pytest.raises(UsageError, match="not asked after training"):
        pl.check_run(desk / "run", gates="dead_units", phases=["after"])


def test_a_failed_gate_is_exit_code_1_and_json_is_json(desk, monkeypatch, capsys):
    monkeypatch.chdir(desk)
    bounds = ["--threshold", "dead_units.warn=-1", "--threshold", "dead_units.fail=-1"]
    assert main(["check", "run", "--gate", "dead_units", *bounds, "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["verdict"] == "fail" and told["repeated"] is True
    assert {finding["gate"] for finding in told["findings"]} == {"dead_units"}


def test_a_run_that_was_edited_is_told_apart(desk, tmp_path, capsys):
    import shutil

    copy = tmp_path / "edited"
    shutil.copytree(desk / "run", copy)
    record = copy / "run.toml"
    text = record.read_text(encoding="utf-8")
    record.write_text(text.replace("learning_rate = 0.003", "learning_rate = 0.004"), encoding="utf-8")
    assert main(["check", str(copy), "--gate", "non_finite"]) == 0
    assert "did not end with the bits" in capsys.readouterr().err


@pytest.mark.parametrize("width", [40, 60, 100])
def test_no_line_is_longer_than_the_terminal_is_wide(desk, width, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(width))
    gates = ["constant_columns", "missing_cells", "activations_at_initialization", "gradients_are_derivatives"]
    table = {name: values for name, values in columns().items() if name != "tags"}
    lines = write_report(pl.check_table(table, "kind", gates=gates)).splitlines()
    assert len(lines) > 5 and max(map(len, lines)) <= width


@pytest.mark.parametrize("at", ["the training", "a population"])
def test_ctrl_c_ends_a_check_and_judges_no_half_training(desk, at, monkeypatch, capsys):
    """Training takes Ctrl-C for a wish to stop early: what it then gives back is not what was asked about."""
    from dataclasses import replace

    from pellucid.diagnosis.gates import check

    module, name = (check, "fit") if at == "the training" else (trainings, "fit_population")
    real = getattr(module, name)

    def stopped(*arguments, **options):
        found = real(*arguments, **options)
        if name == "fit":
            return replace(found, reason=INTERRUPTED)
        return replace(found, fits=(*found.fits[:-1], replace(found.fits[-1], reason=INTERRUPTED)))

    monkeypatch.setattr(module, name, stopped)
    assert main(["check", str(desk / "run"), "--table", str(desk / "odd.csv"), "--gate", "spread_over_seeds"]) == 130
    captured = capsys.readouterr()
    assert captured.out == "" and captured.err == "pellucid: interrupted; nothing was written\n"


def test_frames_of_a_row_have_its_names_and_run_nothing_of_it(desk, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(desk)
    for ending in ("html", "svg"):
        assert main(["observe", "run", "odd.csv", "--row", "2", "--draw", str(tmp_path / f"row.{ending}")]) == 0
    page = (tmp_path / "row.html").read_text(encoding="utf-8")
    assert "Row 2 of odd.csv" in page and "&lt;b&gt;" in page and page.count("<script") == 1 and "<b>&quot;" not in page
    svg = (tmp_path / "row.svg").read_text(encoding="utf-8")
    xml.dom.minidom.parseString(svg)
    assert "<script" not in svg
    first = re.search(r"<li>(.*?)</li>", page, re.DOTALL)[1]
    assert "1/" in first and "loss 0" not in first  # nothing is told before it is computed


def test_a_number_of_a_row_is_explained_as_json_too(desk, monkeypatch, capsys):
    monkeypatch.chdir(desk)
    assert main(["observe", "run", "odd.csv", "--row", "2", "--node", "d loss/d dense_1/weight[0, 3]", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["row"] == 2 and told["explanation"] and np.isfinite(told["loss"])
