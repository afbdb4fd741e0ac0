"""The benchmark of trial and error: what a command line may say, what follows from given figures, and a short run."""

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import log_loss as sklearn_log_loss
from sklearn.metrics import root_mean_squared_error

import pellucid as pl
from pellucid.bench.processes import CandidateFailed, can_pin, usable_cores
from pellucid.bench.tune import run
from pellucid.bench.tune.budget import wins
from pellucid.bench.tune.cell import Cell, run_cell
from pellucid.bench.tune.extent import FULL, NUMBERS, QUICK, TABLES
from pellucid.bench.tune.material import count_parameters, draw_configurations, hidden_sizes, make_tiny, read_case
from pellucid.bench.tune.page import write_page
from pellucid.bench.tune.parts import PARTS, choose_parts, list_cells
from pellucid.bench.tune.peers.tables import write_tables
from pellucid.bench.tune.rate import fastest, trials_a_minute
from pellucid.bench.tune.results import Results, describe_run, read_results
from pellucid.bench.tune.scores import log_loss, rmse
from pellucid.bench.tune.setup import Setup
from pellucid.bench.tune.time_to import shares
from pellucid.cli import main
from pellucid.errors import UsageError
from pellucid.workflow.tuning.tune_table import tune_table

ALL = ("sklearn", "optuna", "torch", "jax")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--only", "rat"], "--only: no part is called 'rat'. Did you mean 'rate'?"),
        (["--peers", "sklaern"], "--peers: no peer is called 'sklaern'. Did you mean 'sklearn'?"),
        (["--cores", "99999"], "--cores: this core can not be used: got 99999"),
        (["--write", "figures.html"], "Give the file the ending .md."),
        (["--json", "nowhere/figures.json"], "there is no such folder"),
        (["--resume", "nowhere.json"], "--resume nowhere.json: can not be read"),
        (["--resume", "other.json"], "not the figures of a run"),
        (["--json", "other.json"], "this file is there already"),
        (["--jsn", "x.json"], "there is no option --jsn. Did you mean '--json'?"),
    ],
)
def test_a_mistake_on_the_command_line_is_told_at_once(arguments, told, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("other.json").write_text('{"format": "something else"}', encoding="utf-8")
    assert main(["bench", "tune", *arguments]) == 2
    assert told in capsys.readouterr().err


def test_configurations_are_those_of_the_random_sampler_and_spread_over_the_space():
    found = draw_configurations(FULL)
    assert found == draw_configurations(FULL) and found[:7] == draw_configurations(replace(FULL, configurations=7))
    assert len(found) == 1000 == len({json.dumps(one, sort_keys=True) for one in found})
    hidden = [hidden_sizes(one) for one in found]
    assert {len(sizes) for sizes in hidden} == {1, 2, 3}
    assert {units for sizes in hidden for units in sizes} == {16, 32, 64, 128, 256}
    assert len(set(hidden)) > 120  # of 155
    for name, low, high in (("learning_rate", 1e-4, 1e-2), ("l2", 1e-6, 1e-2)):
        drawn = np.log10([one[name] for one in found])
        assert math.log10(low) <= drawn.min() and drawn.max() <= math.log10(high)
        assert abs(drawn.mean() - (math.log10(low) + math.log10(high)) / 2) < 0.15


def test_parameters_are_counted_as_networks_have_them():
    for hidden in ((16,), (256, 32), (16, 128, 64)):
        network = pl.Network([*(pl.Dense(units, "relu") for units in hidden), pl.Dense(10)], inputs=64)
        assert count_parameters(hidden) == network.count_parameters()


def test_scores_are_those_of_scikit_learn():
    random = np.random.default_rng(0)
    probabilities = random.dirichlet(np.ones(4), 50)
    classes = random.integers(0, 4, 50)
    assert log_loss(probabilities, classes) == pytest.approx(sklearn_log_loss(classes, probabilities), rel=1e-6)
    assert math.isfinite(log_loss([[1.0, 0.0]], [1]))
    y, found = random.standard_normal((2, 50))
    assert rmse(found[:, None], y) == pytest.approx(root_mean_squared_error(y, found))


def test_every_example_is_held_out_once_and_classes_in_equal_shares(tmp_path):
    write_tables(None, str(tmp_path), TABLES)
    for name in TABLES:
        case = read_case(tmp_path, name)
        pairs = case.pairs()
        assert sorted(np.concatenate([held_out for _, held_out in pairs])) == list(range(len(case.y)))
        assert case.classes == (name not in NUMBERS)
        for learning, held_out in pairs:
            assert not set(learning) & set(held_out)
            if case.classes:
                counts = np.bincount(case.y[held_out], minlength=case.outputs)
                assert np.abs(counts - np.bincount(case.y) / 3).max() < 1.01
    x, y = make_tiny(2000)
    assert x.shape == (2000, 20) and x.dtype == np.float32 and np.bincount(y).min() > 200


def test_the_parts_share_cells_and_leave_out_who_is_not_there():
    everything = Setup(FULL, ALL, (0, 1))
    names = [cell.name for cell in list_cells(choose_parts([]), everything)]
    assert len(names) == len(set(names))
    budget = list_cells(choose_parts(["budget"]), everything)
    assert budget == list_cells(choose_parts(["time_to"]), everything) and len(budget) == 9 * 3 * 3
    alone = list_cells(choose_parts([]), Setup(FULL, (), (0, 1)))
    assert {cell.contestant for cell in alone} == {"pellucid"}
    seconds = sum(cell.seconds for cell in list_cells(choose_parts([]), everything))
    assert seconds < 55 * 60
    assert {cell.contestant for cell in list_cells(choose_parts(["tiny"]), everything)} == {"pellucid", "torch", "jax"}


def made_results(own_score=0.1):
    """Figures of a made-up run: Pellucid tries 25 times as many configurations as PyTorch, and wins on all tables."""
    results = Results({**describe_run(FULL, (0, 1), quick=False), "processor": "A Processor"})
    trials = [(number, 0.2, 0.01) for number in range(1000)]
    cells = results.cells
    cells["rate/pellucid"] = {"wall": 24.0, "compiling": 9.0, "trials": trials}
    cells["rate/sklearn:float32"] = {"startup": 1.0, "searching": 99.0, "trials": trials[:100]}
    cells["rate/sklearn:float64"] = {"startup": 1.0, "searching": 140.0, "trials": trials[:100]}
    cells["rate/optuna"] = {"startup": 0.0, "rates": [0.5, 1.1667], "trials": [(n, 0.21, 0.3) for n in range(90)]}
    for table in FULL.tables:
        for seed in FULL.seeds:
            own = {"score": own_score, "ensemble": 0.09, "delivered": 29.0, "trials": 400}
            own["incumbents"] = [
                {"seconds": 1.0, "refit": 0.2, "score": 0.5},
                {"seconds": 2.0, "refit": 0.4, "score": 0.25},
            ]
            cells[f"budget/{table}/{seed}/pellucid"] = own
            for peer, score in (("sklearn", 0.3), ("optuna", 0.25)):
                cells[f"budget/{table}/{seed}/{peer}"] = {"score": score + seed / 1000, "delivered": 30.5, "trials": 9}
    cells["tiny/pellucid"] = {"wall": 10.0, "whole": {"networks": 20000, "seconds": 9.0}, "loss": 0.5, "deviation": 0.1}
    peer = {"startup": 1.0, "preparing": 1.0, "loss": 0.5, "deviation": 0.1, "tried": {"2 x 512": 2.0}}
    peer |= {"form": {"processes": 2, "chunk": 512}, "half": {"networks": 1024, "seconds": 2.5}}
    cells["tiny/torch"] = {**peer, "whole": {"networks": 2048, "seconds": 9.0}}
    cells["tiny/jax"] = {"error": "no memory | at all"}
    timed = {"search": [1.04, 1.0], "bare": [1.0, 1.0], "training": [0.95, 0.95], "trainings": 360, "overhead": 0.02}
    cells["overhead/pellucid"] = {"methods": dict.fromkeys(("random", "halving", "tpe"), timed)}
    kills = {"instants": 200, "in_commits": 80, "in_start_ups": 40, "trials": 900, "lost": 0, "doubled": 1}
    for size in ("new", "large"):
        cells[f"kill/{size}/pellucid"] = {**kills, "differing": 0, "slowest_resume": 0.3}
    results.sessions.append({"began": "2026-01-01T00:00:00+00:00", "seconds": 600.0})
    return results


def test_rates_are_scaled_to_all_configurations_and_the_faster_form_counts():
    results = made_results()
    chosen = fastest(results)
    assert trials_a_minute("pellucid", chosen["pellucid"], 1000) == 2500
    assert trials_a_minute("sklearn", chosen["sklearn"], 1000) == pytest.approx(60_000 / 991)
    assert chosen["sklearn"] is results.cells["rate/sklearn:float32"]
    assert trials_a_minute("optuna", chosen["optuna"], 1000) == pytest.approx(100, rel=1e-3)


def test_a_table_is_won_by_the_better_median_and_time_counts_until_the_score_is_reached():
    assert wins(made_results(own_score=0.1)) == (9, 9)
    assert wins(made_results(own_score=0.26)) == (0, 9)
    results = made_results()
    del results.cells["budget/iris/2/optuna"]
    assert wins(results) == (8, 8)
    assert shares(results, "wine", ["optuna"]) == [pytest.approx(2.4 / 30)] * 3
    results.cells["budget/wine/0/sklearn"]["score"] = 0.6
    assert shares(results, "wine", ["sklearn"])[0] == pytest.approx(1.2 / 30)
    results.cells["budget/wine/1/optuna"]["score"] = 0.01
    assert shares(results, "wine", ["optuna"])[1] == math.inf


def test_the_page_says_what_was_measured_aimed_at_and_missing():
    page = write_page(made_results())
    lines = page.splitlines()
    goals = {line.split(" | ")[0].strip("| "): line for line in lines if line.endswith(("| yes |", "| no |"))}
    assert "| 41.3x scikit-learn, 25.0x Optuna + PyTorch | yes |" in goals["1,000 configurations on `digits`"]
    assert "better on 9 of 9 (its ensemble: on 9) | yes |" in goals["30 s on each of 9 tables"]
    assert "| 2.0 %, 2.0 % (random search; halving) | yes |" in goals["study, scheduling and progress"]
    assert "0 lost, 2 doubled" in goals["kill -9 at 200 random instants"]
    assert goals["kill -9 at 200 random instants"].endswith("| no |")
    assert "Not measured: `tiny/jax`: no memory | at all." in page
    (wine,) = (line for line in lines if line.startswith("| wine | log-loss |"))
    assert "| 0.1 (0.1 to 0.1) | 0.301 (0.3 to 0.302) | 0.251 (0.25 to 0.252) | yes |" in wine
    assert "| PyTorch, batched products | 2.44 (1,024) | 4.39 (2,048) | 89.9 (scaled) | 9.0x |" in lines
    assert "- Processor: A Processor, " in page and "The run took 10 minutes." in page
    assert page.isascii() and page.endswith("\n") and "mean nothing" not in page
    for table in "\n".join(line if line.startswith("|") else "" for line in lines).split("\n\n"):
        rows = [line for line in table.strip().splitlines() if line]
        assert len({line.count("|") for line in rows}) <= 1, table
    assert write_page(Results({**describe_run(FULL, (0,), quick=True)})).count("mean nothing") == 1


WORK = """\
import os, time

def count(clock, folder):
    return {"cores": sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None}

def fail(clock, folder, told):
    raise ValueError(told)

def sleep(clock, folder):
    time.sleep(600)
"""


def test_a_cell_runs_on_its_cores_and_tells_what_is_wrong(tmp_path, monkeypatch):
    (tmp_path / "work.py").write_text(WORK, encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    core = usable_cores()[-1]
    found = run_cell(Cell("a/pellucid", "work:count"), "", [core])
    assert found["cores"] == ([core] if can_pin() else None) and 0 < found["seconds"] <= found["wall"] < 60
    with pytest.raises(CandidateFailed, match=r": ValueError: it did not work\.$"):
        run_cell(Cell("a/sklearn:float32", "work:fail", {"told": "it did not work\nand more"}), "", [core])
    with pytest.raises(CandidateFailed, match="No module named 'nothing_here'"):
        run_cell(Cell("a/jax", "nothing_here:work"), "", [core])
    with pytest.raises(CandidateFailed, match="not ready after"):
        run_cell(Cell("a/jax", "work:sleep", seconds=-23.8), "", [core])


def test_an_interrupted_run_goes_on_where_it_was(tmp_path, monkeypatch):
    setup, keep = Setup(QUICK, (), (0, 1)), tmp_path / "figures.json"
    done = []

    def measured(cell, folder, cores):
        done.append(cell.name)
        if len(done) == 3:
            raise CandidateFailed("no luck")
        if len(done) == 4:
            raise KeyboardInterrupt
        return {"methods": {}, "instants": 1, "lost": 0, "doubled": 0}

    monkeypatch.setattr(run, "run_cell", measured)
    parts = choose_parts(["overhead", "kill"])
    with pytest.raises(KeyboardInterrupt):
        run.run_benchmark(parts, setup, True, None, keep)
    earlier = read_results(str(keep))
    assert list(earlier.cells) == ["overhead/pellucid", "kill/new/pellucid"]
    assert earlier.cells["kill/new/pellucid"] == {"error": "no luck"}
    done.clear()
    done += [""] * 4
    told = []
    results = run.run_benchmark(parts, setup, True, earlier, keep, told.append)
    assert done[4:] == ["tables", "kill/new/pellucid", "kill/large/pellucid"]
    assert told[0].startswith("[2/3] kill/new/pellucid: ") and told[-1].endswith("about 0 min left")
    assert read_results(str(keep)).cells == results.cells and len(results.sessions) == 2
    done.clear()
    assert run.run_benchmark(parts, replace(setup, cores=(0,)), True, results) is results and not done
    with pytest.raises(UsageError, match="its figures are of another run: cores differs"):
        run.run_benchmark(choose_parts([]), replace(setup, cores=(0,)), True, results)
    with pytest.raises(UsageError, match="another run: quick differs"):
        run.run_benchmark(choose_parts([]), setup, False, results)


def test_a_quick_run_measures_all_parts(tmp_path, capsys):
    page, figures = tmp_path / "page.md", tmp_path / "figures.json"
    cores = ",".join(map(str, usable_cores()[:2]))
    arguments = ["--quick", "--peers", "none", "--cores", cores, "--write", str(page), "--json", str(figures)]
    assert main(["bench", "tune", *arguments]) == 0, capsys.readouterr().err
    results = read_results(str(figures))
    assert not [name for name, cell in results.cells.items() if "error" in cell]
    assert {name.partition("/")[0] for name in results.cells} == set(PARTS) - {"time_to"}
    budget = results.cells["budget/iris/0/pellucid"]
    assert budget["trials"] > 0 and 0 < budget["score"] < 1.1
    assert budget["incumbents"] and all(0 < one["score"] < 3 for one in budget["incumbents"])
    assert budget["score"] in [one["score"] for one in budget["incumbents"]]
    text = page.read_text(encoding="utf-8")
    assert "**A quick run" in text and "Pellucid 0" in text
    capsys.readouterr()
    assert main(["bench", "tune", "--quick", "--peers", "none", "--cores", cores, "--resume", str(figures)]) == 0
    told = capsys.readouterr()
    assert "not measured (goal 20 times as many trials a minute)" in " ".join(told.out.split())
    assert "left" not in told.err


def test_what_led_on_the_way_is_trained_anew_as_a_winner_is():
    x = np.linspace(-1, 1, 60)
    table = {"x": x, "y": np.where(np.abs(x) > 0.5, "outside", "inside")}
    space = {"network.layers": "integer(0, 2)", "network.units_1": "choice(4, 8)", "network.units_2": "choice(3, 5)"}
    space |= {"optimizer.learning_rate": "log_uniform(0.001, 0.1)", "network.activation": "choice(relu, tanh)"}
    tuning = tune_table(table, "y", space=space, trials=3, folds=2, pruner="none")
    for trial in tuning.trials:
        plan = tuning.plan_of(trial)
        layers = trial.parameters["network.layers"]
        units = tuple(trial.parameters[f"network.units_{at}"] for at in range(1, layers + 1))
        assert plan.recipe.hidden == units
        assert plan.recipe.learning_rate == trial.parameters["optimizer.learning_rate"]
    again = pl.train_table(table, plan=tuning.plan_of(tuning.best))
    assert np.array_equal(again.model.predict_probabilities(table), tuning.run.model.predict_probabilities(table))


@pytest.mark.long
def test_scikit_learn_tries_the_same_configurations(tmp_path):
    setup = Setup(QUICK, ("sklearn",), tuple(usable_cores()[:2]))
    write_tables(None, str(tmp_path), ["digits"])
    cells = [cell for cell in list_cells(choose_parts(["rate"]), setup) if not cell.name.endswith("64")]
    own, theirs = (run_cell(cell, str(tmp_path), setup.cores) for cell in cells)
    assert [trial[0] for trial in own["trials"]] == [trial[0] for trial in theirs["trials"]] == [0, 1]
    for (_, one, _), (_, other, _) in zip(own["trials"], theirs["trials"], strict=True):
        assert abs(one - other) < 0.35  # after two epochs, from other first weights


@pytest.mark.long
@pytest.mark.parametrize("peer", ALL)
def test_peers_do_their_parts(peer, tmp_path):
    setup = Setup(replace(QUICK, tables=("iris", "diabetes"), budget_seconds=8.0), (peer,), tuple(usable_cores()[:2]))
    write_tables(None, str(tmp_path), ["digits", "iris", "diabetes"])
    cells = [cell for cell in list_cells(choose_parts(["rate", "budget", "tiny"]), setup) if cell.contestant == peer]
    assert cells
    for cell in cells:
        found = run_cell(cell, str(tmp_path), setup.cores)
        if cell.name.startswith("budget"):
            assert found["score"] < (0.5 if "iris" in cell.name else 77.0) and found["delivered"] < 16
        if cell.name.startswith("tiny"):
            assert 0 < found["loss"] < 1.6 and found["half"]["seconds"] < found["whole"]["seconds"] * 1.5
