"""Ensembles of networks of different form: which trials are chosen, and that their mean is one model."""

from itertools import combinations_with_replacement

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as oracle

import pellucid as pl
from pellucid.errors import UsageError
from pellucid.executors.program import compile as compile_graph
from pellucid.nn.ensemble import ensemble_parameters
from pellucid.training.evaluate import Evaluator
from pellucid.tuning.space import Space
from pellucid.tuning.trial import FINISHED, Trial
from pellucid.workflow.plans.plan import Plan
from pellucid.workflow.tuning.blend import blend
from pellucid.workflow.tuning.ensembling import make_ensemble
from pellucid.workflow.tuning.folding import fold_rows
from pellucid.workflow.tuning.recipe_objective import RecipeObjective
from pellucid.workflow.tuning.recipe_space import recipe_space
from pellucid.workflow.tuning.selecting import select_greedily
from pellucid.workflow.understanding import understand

RNG = np.random.default_rng(1)
X = RNG.normal(size=(7, 3))


def networks(outputs, dtype="float64"):
    bodies = [[pl.Dense(outputs)], [pl.Dense(4, "tanh"), pl.Dense(outputs)], [pl.Dense(2, "relu"), pl.Dense(outputs)]]
    return [pl.Network(body, inputs=3, dtype=dtype) for body in bodies]


LOSSES = [
    ("squared_error", 2),
    ("poisson", 1),
    ("gaussian_log_likelihood", 2),
    ("binary_cross_entropy", 1),
    ("softmax_cross_entropy", 3),
    ("multilabel_cross_entropy", 3),
    ("hinge", 1),
]


@pytest.mark.parametrize(("name", "outputs"), LOSSES)
def test_what_a_blend_predicts_is_the_weighted_mean(name, outputs):
    loss, counts = pl.loss(name), [3, 1, 2]
    found = networks(outputs)
    parameters = [network.initialize(seed) for seed, network in enumerate(found)]
    whole = Evaluator(blend(found, counts, loss), {"output": loss}, "interpret")
    told = whole.predict_all(ensemble_parameters(parameters), pl.Dataset({"x": X}))
    each = [
        Evaluator(network, {"output": loss}, "interpret").predict_all(own, pl.Dataset({"x": X}))
        for network, own in zip(found, parameters, strict=True)
    ]
    kind = next(iter(told))
    mean = np.average([one[kind] for one in each], axis=0, weights=counts)
    np.testing.assert_allclose(told[kind], mean, rtol=1e-10)
    if "variance" in told:  # of a mixture: the mean of the variances, and the variance of the means
        spread = np.average([one["variance"] + (one[kind] - mean) ** 2 for one in each], axis=0, weights=counts)
        np.testing.assert_allclose(told["variance"], spread, rtol=1e-10)


def test_a_blend_is_compiled_to_the_same_numbers():
    loss, found = pl.loss("softmax_cross_entropy"), networks(3, "float32")
    parameters = ensemble_parameters([network.initialize(seed) for seed, network in enumerate(found)])
    graph = blend(found, [1, 2, 3], loss).graph(batch=7)
    values = {"x": X.astype(np.float32), **parameters}
    native, plain = (compile_graph(graph, executor)(**values) for executor in ("native", "interpret"))
    np.testing.assert_allclose(native["output"], plain["output"], rtol=1e-5, atol=1e-6)


def test_blends_that_make_no_sense_are_refused():
    loss, found = pl.loss("squared_error"), networks(1)
    for wrong in ([], [1], [1, 0, 1]):
        with pytest.raises(UsageError, match="counted once or more"):
            blend(found, wrong, loss)
    with pytest.raises(UsageError, match="same inputs and output"):
        blend([found[0], networks(2)[0]], [1, 1], loss)


def squared(truth):
    return lambda prediction: float(np.mean((prediction - truth) ** 2))


@given(st.integers(0, 10_000), st.integers(1, 5), st.integers(1, 6))
@settings(max_examples=40, deadline=None)
def test_selection_is_the_best_of_its_greedy_way(seed, candidates, rounds):
    rng = np.random.default_rng(seed)
    truth = rng.normal(size=(9, 1))
    given = [truth + rng.normal(size=(9, 1)) for _ in range(candidates)]
    chosen, error = select_greedily(given, squared(truth), False, rounds)
    mean = np.average(given, axis=0, weights=[chosen[place] for place in range(candidates)])
    assert error == pytest.approx(squared(truth)(mean))
    assert error <= min(map(squared(truth), given)) + 1e-12
    assert 1 <= sum(chosen.values()) <= rounds
    every = [combination for size in range(1, rounds + 1) for combination in combinations_with_replacement(given, size)]
    assert error >= min(squared(truth)(np.mean(one, axis=0)) for one in every) - 1e-12


def test_selection_prefers_what_complements_and_keeps_to_its_limit():
    truth = np.zeros((4, 1))
    up, down, far = (np.full((4, 1), value) for value in (1.0, -2.0, 50.0))
    chosen, error = select_greedily([up, down, far], squared(truth), False, rounds=9)
    assert dict(chosen) == {0: 2, 1: 1} and error == 0
    assert dict(select_greedily([up, down, far], squared(truth), False, rounds=9, most=1)[0]) == {0: 1}


def test_a_score_that_is_undefined_is_never_chosen():
    values = {0.0: float("nan"), 1.0: 0.5}
    chosen, score = select_greedily([np.zeros(1), np.ones(1)], lambda found: values[float(found[0])], True, rounds=1)
    assert dict(chosen) == {1: 1} and score == 0.5


ROWS = 80
A = RNG.normal(size=ROWS)
TABLE = {
    "a": A.tolist(),
    "b": RNG.normal(size=ROWS).tolist(),
    "when": list(range(ROWS)),
    "y": np.where(A + 0.7 * RNG.normal(size=ROWS) > 0, "yes", "no").tolist(),
}


def objective_of(folds=2, repeats=1, **given):
    plan = Plan(target=("y",), **given).set(
        "training.epochs=4", "training.metric=log_loss", "training.executor=interpret"
    )
    found = understand(TABLE, plan)
    space = Space({"network.units": "choice(3, 5, 7)", "encoders.scaling": "choice(standardize, minmax)"})
    return RecipeObjective(found, recipe_space(space, plan), fold_rows(found, plan, folds, repeats), "log_loss")


def trial(number, units, scaling="standardize"):
    return Trial(number, {"network.units": units, "encoders.scaling": scaling}, state=FINISHED, value=0.5)


def test_an_ensemble_predicts_the_mean_of_networks_that_fit_makes(tmp_path):
    objective = objective_of()
    trials = [trial(4, 3), trial(1, 5), trial(2, 3, "minmax"), trial(7, 7)]
    model, selection = make_ensemble(objective, trials, threads=1)
    counts = dict(selection.trials)
    assert set(counts) <= {4, 1, 7} and selection.considered == 3  # the other encodes cells otherwise
    assert selection.networks == 2 * len(counts)
    probabilities, weights, held = [], [], {number: np.empty(len(objective.folding.rows)) for number in (4, 1, 7)}
    for one in (trials[0], trials[1], trials[3]):
        recipe = objective.space.recipe_of(one.parameters)
        encoded, loss = objective.encoded(recipe), recipe.loss("binary")
        for fold in objective.folding.folds:
            fit = pl.fit(
                recipe.network(encoded.encoding, 1),
                encoded.dataset.take(fold.learning),
                **recipe.fit_arguments(loss),
                validation=encoded.dataset.take(fold.held),
            )
            held[one.number][fold.held] = fit.predict(encoded.dataset.take(fold.held).inputs)[:, 0]
            if one.number in counts:
                own = pl.build_model(encoded.encoding, encoded.targets, fit.network, loss, fit.parameters)
                probabilities.append(own.compute(TABLE)["prediction"])
                weights.append(counts[one.number])
    np.testing.assert_allclose(
        model.compute(TABLE)["prediction"], np.average(probabilities, axis=0, weights=weights), rtol=1e-5
    )
    truth = np.array(TABLE["y"])[objective.folding.rows] == "yes"
    mean = np.average([held[number] for number in counts], axis=0, weights=list(counts.values()))
    assert selection.value == pytest.approx(oracle.log_loss(truth, mean), rel=1e-5)
    assert selection.alone == pytest.approx(oracle.log_loss(truth, held[4]), rel=1e-5)
    assert selection.value <= min(oracle.log_loss(truth, one) for one in held.values()) + 1e-9
    pl.save_model(model, tmp_path / "ensemble")
    again = pl.load_model(tmp_path / "ensemble", executor="interpret")
    assert np.array_equal(again.compute(TABLE)["prediction"], model.compute(TABLE)["prediction"])
    assert again.provenance["ensemble"] == {f"trial {number}": count for number, count in selection.trials}


def test_where_later_rows_judge_the_networks_of_the_last_fold_are_taken():
    objective = objective_of(folds=3, repeats=2, time_order="when", ignore=())
    _, selection = make_ensemble(objective, [trial(0, 3)], threads=2)
    assert selection.networks == 2  # one for each repeat


def test_there_is_no_ensemble_of_trials_that_did_not_end():
    assert make_ensemble(objective_of(), [Trial(0, {"network.units": 3}, state="pruned", value=0.5)]) is None
