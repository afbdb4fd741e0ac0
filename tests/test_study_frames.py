"""A study as other tools have it: a data frame, a table, a study of Optuna."""

import math
import sys

import numpy as np
import optuna
import pandas
import polars
import pytest
from studies import make, record, results

from pellucid.tuning.space import Space
from pellucid.tuning.study import create_study, open_study
from pellucid.tuning.trial import FINISHED, MemberResult, Trial


def test_frames_have_a_row_for_each_trial(tmp_path, monkeypatch):
    opened = open_study(make(tmp_path / "study.db"))
    frame = opened.to_frame()
    assert isinstance(frame, pandas.DataFrame) and len(frame) == 12
    trials = opened.trials()
    assert frame["number"].tolist() == list(range(12)) and frame["state"].tolist() == [t.state for t in trials]
    finished = frame[frame["state"] == "finished"]
    assert finished["value"].tolist() == [t.value for t in trials if t.state == "finished"]
    assert finished["deviation"].tolist() == [t.deviation for t in trials if t.state == "finished"]
    assert frame["parameters.network.units"].isna().tolist() == [t.number % 4 == 0 for t in trials]
    monkeypatch.setitem(sys.modules, "pandas", None)
    other = opened.to_frame()
    assert isinstance(other, polars.DataFrame) and other["value"].to_list() == [t.value for t in trials]
    monkeypatch.setitem(sys.modules, "polars", None)
    table = opened.to_frame()
    assert table.names == tuple(frame.columns) and len(table) == 12


def test_columns_of_several_kinds_become_text():
    study = create_study(None, record())
    study.add([Trial(0, {"a": [64, 32], "b": 1}), Trial(1, {"a": None, "b": 0.5}), Trial(2, {"a": "x", "b": True})])
    frame = study.to_frame()
    assert frame["parameters.a"].tolist()[::2] == ["[64, 32]", "x"] and frame["parameters.a"].isna().tolist()[1]
    assert frame["parameters.b"].tolist() == ["1", "0.5", "true"]


def test_optuna_has_the_same_trials(tmp_path):
    opened = open_study(make(tmp_path / "study.db"))
    found, trials = opened.to_optuna(), opened.trials()
    states = {"finished": "COMPLETE", "pruned": "PRUNED", "failed": "FAIL", "waiting": "WAITING"}
    assert [trial.state.name for trial in found.trials] == [states[trial.state] for trial in trials]
    assert found.direction.name == "MINIMIZE" and found.best_trial.number == opened.best()[0].number
    assert found.best_value == opened.best()[0].value
    for theirs, ours in zip(found.trials[:9], trials, strict=False):
        assert theirs.params == {name: value for name, value in ours.parameters.items() if name != "network.activation"}
        assert theirs.user_attrs["network.activation"] == "gelu"
        assert theirs.datetime_complete is not None
    assert found.trials[1].intermediate_values[2] == pytest.approx(np.mean([m.curve[1][1] for m in trials[1].members]))
    assert found.trials[0].distributions[
        "network.units" if trials[0].parameters.get("network.units") else "network.layers"
    ]
    learning_rate = found.trials[0].distributions["optimizer.learning_rate"]
    assert learning_rate == optuna.distributions.FloatDistribution(1e-4, 1e-1, log=True)
    asked = found.ask()  # what waits is what is tried next
    assert asked.number == 9 and asked.suggest_int("network.layers", 0, 3) == trials[9].parameters["network.layers"]


def test_optuna_takes_what_lies_outside_the_space_and_what_it_has_no_word_for():
    space = Space({"rate": "uniform(0, 1)", "sizes": "choice([64, 32], none, 8)", "n": "integer(0, 8, step=4)"})
    study = create_study(None, record(space=space.to_toml()))
    study.add([Trial(0, {"rate": 3.5, "sizes": [64, 32], "n": 5}), Trial(1, {"rate": 0.5, "sizes": None, "n": 4})])
    study.finish(study.trial(0).ended(FINISHED, results(0)))
    study.finish(study.trial(1).ended(FINISHED, [MemberResult(math.nan, 1, 1, 0.0)]))
    first, second = study.to_optuna().trials
    assert first.params == {"rate": 3.5, "sizes": "[64, 32]", "n": 5} and second.params["sizes"] is None
    assert first.state.name == "COMPLETE" and second.state.name == "FAIL"
