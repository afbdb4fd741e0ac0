"""``pellucid observe --step``: a step of the training that made a model, from the command line."""

from __future__ import annotations

import json

import numpy as np
import pytest

import pellucid as pl
from pellucid.cli import main


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("step")
    x = np.linspace(-1, 1, 60)
    table = folder / "curve.csv"
    table.write_text("x,y\n" + "".join(f"{a:.4f},{a * a:.4f}\n" for a in x), encoding="utf-8")
    pl.train_table(str(table), "y", recipe=pl.Recipe(hidden=(4,), epochs=3, dropout=0.0), folder=folder / "run")
    return str(folder / "run"), str(table)


def observe(capsys, *arguments):
    code = main(["observe", *arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_a_step_has_the_numbers_of_its_moment(run, capsys):
    code, out, _ = observe(capsys, *run, "--step", "2", "--json")
    told, moment = json.loads(out), pl.timeline(run[0]).at(2)
    assert code == 0 and told["step"] == 2 and told["epoch"] == moment.epoch
    assert told["rows"] == moment.rows.tolist() and told["loss"] == pytest.approx(moment.loss)


def test_an_update_is_explained(run, capsys):
    code, out, _ = observe(capsys, *run, "--step", "1", "--node", "update of dense_1/weight[0, 2]", "--json")
    number = json.loads(out)["explanation"]["number"]
    timeline = pl.timeline(run[0])
    before, after = (timeline.at(step).parameters["dense_1/weight"][0, 2] for step in (1, 2))
    assert code == 0 and number == pytest.approx(float(after) - float(before), rel=1e-6)
    assert "The step of Adam" in observe(capsys, *run, "--step", "1", "--node", "update of dense_1/bias[1]")[1]


def test_a_step_is_shown_and_drawn(run, capsys, tmp_path):
    for name in ("step.svg", "step.html"):
        code, out, _ = observe(capsys, *run, "--step", "0", "--draw", str(tmp_path / name))
        assert code == 0 and out.startswith("Step 0 of ") and "Its mini-batch: rows" in out
        assert (tmp_path / name).stat().st_size > 1000


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "expected --row N or --step N"),
        (["--row", "1", "--step", "1"], "got both"),
        (["--step", "100000"], "there is no step 100000"),
        (["--step", "-1"], "there is no step -1"),
        (["--step", "1", "--node", "update of dense_9/weight[0]"], "dense_9"),
    ],
)
def test_wrong_use_is_one_clear_message(run, capsys, options, message):
    code, out, err = observe(capsys, *run, *options)
    assert code == 2 and out == "" and message in err and err.count("\n") == 1


def test_another_table_is_refused(run, capsys, tmp_path):
    other = tmp_path / "other.csv"
    other.write_text("x,y\n1,2\n3,4\n", encoding="utf-8")
    code, _, err = observe(capsys, run[0], str(other), "--step", "0")
    assert code == 2 and "error" in err
