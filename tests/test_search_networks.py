"""Searching over networks that a function makes: to the bits of `pl.fit`, whatever goes wrong in some of them."""

from __future__ import annotations

import numpy as np
import pytest

import pellucid as pl
from pellucid.errors import PellucidError
from pellucid.tuning import bracket
from pellucid.tuning.networks import NetworkObjective

RNG = np.random.default_rng(1)
X = RNG.normal(size=(80, 4))
DATA = pl.Dataset({"x": X}, X[:, :1] * 2 + X[:, 1:2] ** 2)
FOLDS = [(np.arange(60), np.arange(60, 80)), (np.arange(20, 80), np.arange(20))]
SPACE = {"rate": "choice(0.01, 0.05, 0.2)"}


def network(units=6):
    return pl.Network([pl.Dense(units, "tanh"), pl.Dense(1)], inputs=4)


def arranged(parameters, **more):
    adam = pl.optimizers.Adam(parameters.get("rate", 0.01))
    return {"network": network(), "loss": "squared_error", "optimizer": adam, "epochs": 13, **more}


def told(trial):
    members = [(member.value, member.epochs, member.best_epoch, member.curve) for member in trial.members]
    return trial.number, trial.parameters, trial.state, trial.value, members, trial.error


@pytest.mark.parametrize("pruner", ["halving", "none"])
@pytest.mark.parametrize("patience", [1, 2, 3, 4, 5])
def test_patience_that_runs_out_between_rounds_ends_a_training_there(pruner, patience):
    def arrange(parameters):
        return arranged(parameters, patience=patience, epochs=60)

    found = pl.search(arrange, SPACE, DATA, folds=FOLDS, metric="rmse", trials=3, pruner=pruner, threads=2)
    ended = [trial for trial in found.trials if trial.state == "finished"]
    for trial in ended:
        for (learning, held), member in zip(FOLDS, trial.members, strict=True):
            options = arrange(trial.parameters)
            fit = pl.fit(
                options.pop("network"), DATA.take(learning), validation=DATA.take(held), metric="rmse", **options
            )
            curve = tuple((record["epoch"], record["validation_rmse"]) for record in fit.history)
            assert member.curve == curve
            assert member.epochs == len(fit.history)
    assert len(ended) == (1 if pruner == "halving" else 3)


@pytest.mark.parametrize("held", [0, 900])
def test_little_memory_changes_no_curve(monkeypatch, held):
    plenty = pl.search(arranged, {"rate": "log_uniform(1e-3, 1e-1)"}, DATA, folds=FOLDS, trials=12, threads=1)
    monkeypatch.setattr(bracket, "MOST_BYTES", held)
    little = pl.search(arranged, {"rate": "log_uniform(1e-3, 1e-1)"}, DATA, folds=FOLDS, trials=12, threads=3)
    assert list(map(told, little.trials)) == list(map(told, plenty.trials))


def test_the_error_of_a_trial_does_not_depend_on_threads():
    def arrange(parameters):
        optimizer = pl.optimizers.GradientDescent(parameters["rate"])
        relu = pl.Network([pl.Dense(6, "relu"), pl.Dense(1)], inputs=4)
        return {"network": relu, "loss": "squared_error", "optimizer": optimizer, "epochs": 40, "batch_size": 8}

    space = {"rate": "log_uniform(1, 1e6)"}
    alone, many = (
        pl.search(arrange, space, DATA, folds=5, trials=9, threads=threads, pruner="none") for threads in (1, 4)
    )
    assert any(trial.state == "failed" for trial in alone.trials)
    assert [trial.error for trial in many.trials] == [trial.error for trial in alone.trials]


def test_configurations_that_cannot_be_made_fail_alone():
    def arrange(parameters):
        if parameters["rate"] == 0.05:
            raise pl.UsageError("there is no such network")
        return arranged(parameters)

    found = pl.search(arrange, SPACE, DATA, folds=2, trials=3, threads=2)
    failed = [trial for trial in found.trials if trial.state == "failed"]
    assert [(trial.parameters["rate"], trial.error) for trial in failed] == [(0.05, "there is no such network.")]
    assert found.best.parameters["rate"] != 0.05


def test_a_function_of_ones_own_may_interrupt_the_search_and_its_end():
    def on(status):
        raise KeyboardInterrupt

    found = pl.search(arranged, SPACE, DATA, folds=2, trials=3, on=on)
    assert len(found.trials) == 3


@pytest.mark.parametrize("folds", [0, 1, -1, True, None, 2.0, "5", [], [([0, 1], [2])], [([0], [99])] * 2, 81, {}])
def test_what_are_no_folds_is_refused_before_anything_waits_for_them(folds):
    with pytest.raises(PellucidError, match="folds"):
        NetworkObjective(arranged, DATA, folds)


def test_numbers_of_numpy_are_numbers():
    objective = NetworkObjective(arranged, DATA, np.int64(3), np.int64(2), seed=np.int64(1))
    assert len(objective.members) == 6


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"seed": -1}, "seed"),
        ({"seed": None}, "seed"),
        ({"metric": None}, "metric"),
        ({"start_with": None}, "start_with"),
        ({"start_with": [1]}, "start_with"),
        ({"start_with": {"rate": 0.01}}, "start_with"),
        ({"sampler": np.array([1, 2])}, "sampler"),
        ({"pruner": np.array([1, 2])}, "pruner"),
        ({"pruner": None}, "pruner"),
        ({"study": 5}, "study"),
        ({"on": 5}, "on"),
        ({"threads": 0}, "threads"),
        ({"trials": float("nan")}, "trials"),
    ],
)
def test_wrong_arguments_are_named(wrong, message):
    with pytest.raises(PellucidError, match=message):
        pl.search(arranged, SPACE, DATA, **{"folds": 2, "trials": 2, **wrong})


@pytest.mark.parametrize(
    ("given", "message"),
    [({"schedule": "plateau"}, "plateau"), ({"schedule": 5}, "schedule"), ({"time_limit": 1.0}, "time_limit")],
)
def test_what_a_function_arranges_wrongly_is_named(given, message):
    with pytest.raises(PellucidError, match=message):
        pl.search(lambda parameters: arranged(parameters, **given), SPACE, DATA, folds=2, trials=2)


@pytest.mark.parametrize("path", [None, 5, b"study.db", np.array([1])])
def test_what_is_no_path_is_refused(path):
    with pytest.raises(PellucidError, match="not a path"):
        pl.open_study(path)
