"""Recipes as an objective: trials have the bits of pl.fit, share what they can, and see no row of the test."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from sklearn import metrics as oracle

import pellucid as pl
from pellucid.errors import UsageError
from pellucid.random import uniform
from pellucid.tuning.space import Space
from pellucid.workflow.plans.plan import Plan
from pellucid.workflow.tuning.folding import fold_rows
from pellucid.workflow.tuning.recipe_objective import RecipeObjective
from pellucid.workflow.tuning.recipe_space import recipe_space
from pellucid.workflow.understanding import understand

ROWS = 90
RNG = np.random.default_rng(3)
A, B = RNG.normal(size=ROWS), RNG.normal(size=ROWS)
TABLE = {
    "a": A.tolist(),
    "b": B.tolist(),
    "c": [f"k{number}" for number in RNG.integers(0, 5, ROWS)],
    "person": [f"p{number}" for number in RNG.integers(0, 20, ROWS)],
    "when": np.arange(ROWS).tolist(),
    "kind": [["p", "q", "r"][int(a > 0) + int(b > 0.5)] for a, b in zip(A, B, strict=True)],
    "price": (1000 + 50 * A + 20 * B).tolist(),
}
LEFT_OUT = {"kind": ("person", "when", "price"), "price": ("person", "when", "kind")}

STRUCTURE = {
    "network.layers": "integer(0, 2)",
    "network.units": "choice(3, 5)",
    "network.layer_norm": "choice(true, false)",
    "network.shortcuts": "choice(true, false)",
    "network.dtype": "choice(auto, float64)",
    "encoders.scaling": "choice(standardize, quantile)",
    "encoders.one_hot": "choice(2, 32)",
    "training.batch_size": "choice(16, 0)",
    "training.class_weight": "choice(none, balanced)",
    "training.patience": "choice(0, 2)",
    "schedule.name": "choice(constant, cosine, on_plateau)",
}
NUMBERS = {
    "network.dropout": "choice(0, 0.1, 0.3)",
    "regularizers.l2": "choice(0, 0.001, 0.02)",
    "regularizers.l1": "choice(0, 0.001, 0.002)",
    "regularizers.max_norm": "choice(0, 0.5, 2.0)",
    "regularizers.noise": "choice(0, 0.1, 0.2)",
    "training.clip_norm": "choice(0, 0.1, 0.7)",
    "loss.label_smoothing": "choice(0, 0.1, 0.2)",
    "optimizer.learning_rate": "log_uniform(0.001, 0.1)",
    "optimizer.beta_1": "uniform(0.5, 0.95) if optimizer.name == adam",
    "optimizer.alpha": "uniform(0.5, 0.95) if optimizer.name == rmsprop",
    "optimizer.initial_step": "uniform(0.005, 0.05) if optimizer.name == rprop",
    "optimizer.increase": "uniform(1.1, 1.5) if optimizer.name == rprop",
    "optimizer.history": "choice(3, 8) if optimizer.name == lbfgs",
}


def make(target, entries, metric, folds=3, changes=(), table=TABLE, **given):
    plan = Plan(target=(target,), ignore=given.pop("ignore", LEFT_OUT[target]), **given)
    plan = plan.set("training.epochs=4", f"training.metric={metric}", *changes)
    found = understand(table, plan)
    space = recipe_space(Space(entries), plan)
    return RecipeObjective(found, space, fold_rows(found, plan, folds), metric)


def draw(objective, count, seed=0):
    space = objective.space.space
    return [
        space.draw({name: float(uniform(seed, name, trial, 1)[0]) for name in space.names}) for trial in range(count)
    ]


def learn(contender):
    while not contender.learn(contender.epochs, 10.0):
        pass
    return contender


def fitted(objective, parameters, member):
    """Train the same recipe by pl.fit, made of its own parts."""
    recipe, fold = objective.space.plan_of(parameters).recipe, objective.folding.folds[member]
    encoded, task = objective.encoded(recipe), objective.found.task
    loss = recipe.loss(task.kind)
    network = recipe.network(encoded.encoding, encoded.targets.outputs)
    learning, held = encoded.dataset.take(fold.learning), encoded.dataset.take(fold.held)
    if recipe.class_weight == "balanced":
        classes = np.asarray(learning.targets).reshape(-1).astype(int)
        counts = np.bincount(classes)
        learning = pl.Dataset(learning.inputs, learning.targets, (len(classes) / (len(counts) * counts))[classes])
    arguments = recipe.fit_arguments(loss)
    inside = bool(recipe.patience) or recipe.schedule_name == "on_plateau"
    if not inside:
        arguments["metric"] = "loss"
    seed = objective.space.plan.seed
    validation, seed = held if inside else None, objective.space.plan.seed
    fit = pl.fit(network, learning, **arguments, validation=validation, seed=seed)
    return fit, fit.evaluate(held, [objective.metric])[objective.metric]


def assert_same_bits(objective, trials):
    """Compare members of trials with pl.fit; return how many were compared, and how many cannot be trained."""
    refused = 0
    for number, parameters in enumerate(trials):
        member = number % len(objective.members)
        try:
            contender = learn(objective.begin(parameters, member))
        except UsageError:
            refused += 1
            continue
        fit, value = fitted(objective, parameters, member)
        for path, array in fit.progress.parameters.items():
            assert np.array_equal(array, contender.training.progress.parameters[path]), (path, parameters)
        assert contender.result().value == value, parameters
    return len(trials) - refused, refused


INTERPRET = ("training.executor=interpret",)


@pytest.mark.parametrize("optimizers", ["adam, adamw, lion, adagrad", "rprop, lbfgs, rmsprop, nesterov, nadam"])
def test_trials_of_any_form_have_the_bits_of_fit(optimizers):
    names = optimizers.split(", ")
    numbers = {name: text for name, text in NUMBERS.items() if "if" not in text or text.split()[-1] in names}
    entries = {**STRUCTURE, **numbers, "optimizer.name": f"choice({optimizers})"}
    objective = make("kind", entries, "log_loss", changes=INTERPRET)
    done, refused = assert_same_bits(objective, draw(objective, 24))
    assert done >= 6 and done + refused == 24


@pytest.mark.parametrize("optimizer", ["adam", "rmsprop", "rprop"])
def test_trials_that_differ_in_numbers_share_a_program_and_have_the_bits_of_fit(optimizer):
    entries = {"training.patience": "choice(0, 2)", "optimizer.name": optimizer}
    if optimizer != "rprop":  # which has no learning rate
        entries["schedule.name"] = "choice(constant, cosine, on_plateau)"
    for name, text in NUMBERS.items():
        values, _, condition = text.partition(" if ")
        if (not condition or optimizer in condition) and not (optimizer == "rprop" and name == "regularizers.l1"):
            entries[name] = values.replace("choice(0, ", "uniform(")
    objective = make("kind", entries, "log_loss", changes=("network.hidden=[4]",))
    trials = draw(objective, 9)
    assert assert_same_bits(objective, trials) == (9, 0)
    assert objective.architectures_made == 1
    assert len({objective.key(parameters) for parameters in trials}) == 1
    names = objective.configuration(trials[0]).architecture.names
    assert names.compiled == (("optimizer.initial_step",) if optimizer == "rprop" else ())


def test_a_regression_is_judged_in_the_unit_of_its_target():
    objective = make("price", {"optimizer.learning_rate": "log_uniform(0.001, 0.1)"}, "rmse", changes=INTERPRET)
    (parameters,) = draw(objective, 1)
    contender = learn(objective.begin(parameters, 1))
    fit, _ = fitted(objective, parameters, 1)
    recipe, fold = objective.space.recipe_of(parameters), objective.folding.folds[1]
    encoded = objective.encoded(recipe)
    inputs = encoded.dataset.take(fold.held).inputs
    predicted = encoded.targets.arrays["targets/mean"] + encoded.targets.arrays["targets/scale"] * fit.predict(inputs)
    truth = np.array(TABLE["price"])[objective.folding.rows[fold.held]]
    expected = oracle.root_mean_squared_error(truth, predicted[:, 0])
    found = contender.result()
    assert found.value == pytest.approx(expected, rel=1e-5)
    assert min(value for _, value in found.curve) == found.value


def test_without_patience_the_value_is_that_of_the_last_epoch():
    objective = make("kind", {"network.units": "choice(3, 5)"}, "accuracy", changes=(*INTERPRET, "training.patience=0"))
    (parameters,) = draw(objective, 1)
    contender = learn(objective.begin(parameters, 0))
    fit, _ = fitted(objective, parameters, 0)
    held = objective.configuration(parameters).encoded.dataset.take(objective.folding.folds[0].held)
    classes = fit.predict(held.inputs).argmax(axis=1)
    assert contender.result().value == pytest.approx(oracle.accuracy_score(held.targets, classes))
    assert contender.result().epochs == contender.result().best_epoch == 4


def test_no_row_of_the_test_takes_part():
    entries = {"network.units": "choice(3, 5)", "encoders.scaling": "choice(quantile, minmax)"}
    objective = make("kind", entries, "log_loss", changes=INTERPRET)
    test = objective.found.parts["test"]
    assert not set(test) & set(objective.folding.rows)
    poisoned = {name: list(cells) for name, cells in TABLE.items()}
    for row in test:
        poisoned["a"][row], poisoned["b"][row] = 1e6, -1e6
        poisoned["c"][row] = "never seen"
    other = make("kind", entries, "log_loss", changes=INTERPRET, table=poisoned)
    for parameters in draw(objective, 4):
        values = [learn(each.begin(parameters, 1)).result().value for each in (objective, other)]
        assert values[0] == values[1]


def test_folds_keep_classes_in_proportion_and_groups_together():
    objective = make("kind", {"network.units": 3}, "log_loss")
    kinds = np.array(TABLE["kind"])[objective.folding.rows]
    for fold in objective.folding.folds:
        assert sorted([*fold.learning, *fold.held]) == list(range(len(kinds)))
        for kind in set(kinds):
            assert abs(np.sum(kinds[fold.held] == kind) - np.sum(kinds == kind) / 3) < 1
    grouped = make("kind", {"network.units": 3}, "log_loss", group="person", ignore=("when", "price"))
    people = np.array(TABLE["person"])[grouped.folding.rows]
    for fold in grouped.folding.folds:
        assert not set(people[fold.learning]) & set(people[fold.held])


def test_in_the_order_of_time_later_rows_judge():
    objective = make("kind", {"network.units": 3}, "log_loss", time_order="when", ignore=("person", "price"))
    held = []
    for fold in objective.folding.folds:
        assert fold.learning.max() < fold.held.min()
        held += fold.held.tolist()
    assert len(held) == len(set(held)) and max(held) == len(objective.folding.rows) - 1
    assert objective.folding.rows.max() < objective.found.parts["test"].min()


def test_one_fold_is_the_part_for_validation_of_the_plan():
    objective = make("kind", {"network.units": 3}, "log_loss", folds=1)
    (fold,) = objective.folding.folds
    assert np.array_equal(objective.folding.rows[fold.held], objective.found.parts["validation"])
    assert np.array_equal(objective.folding.rows[fold.learning], objective.found.parts["train"])
    with pytest.raises(UsageError, match="no rows judge"):
        plan = replace(Plan(target=("kind",)), validation=0.0)
        fold_rows(understand(TABLE, plan), plan, 1)


def test_repeats_have_other_folds_and_other_seeds():
    plan = Plan(target=("kind",))
    folding = fold_rows(understand(TABLE, plan), plan, 2, repeats=2)
    assert folding.labels == ("fold 1, repeat 1", "fold 2, repeat 1", "fold 1, repeat 2", "fold 2, repeat 2")
    assert not np.array_equal(folding.folds[0].held, folding.folds[2].held)


def test_what_makes_no_sense_together_fails_where_it_begins():
    objective = make(
        "kind", {"schedule.name": "choice(cosine, constant)"}, "log_loss", changes=("optimizer.name=lbfgs",)
    )
    assert objective.key({"schedule.name": "cosine"}) != objective.key({"schedule.name": "constant"})
    for fails in (objective.check, lambda parameters: objective.begin(parameters, 0)):
        with pytest.raises(UsageError, match="does not go with the optimizer lbfgs"):
            fails({"schedule.name": "cosine"})


def test_a_metric_that_does_not_fit_the_loss_is_told():
    objective = make("kind", {"network.units": 3}, "log_loss")
    regression = make("price", {"loss.name": "choice(squared_error, poisson)"}, "rmse")
    with pytest.raises(UsageError):
        RecipeObjective(objective.found, objective.space, objective.folding, "rmse").check({"network.units": 3})
    regression.check({"loss.name": "squared_error"})


def test_threads_that_begin_at_once_compile_once():
    entries = {"optimizer.learning_rate": "uniform(0.01, 0.1)"}
    objective = make("kind", entries, "log_loss", changes=("network.hidden=[3]",))
    trials = draw(objective, 8)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda parameters: objective.begin(parameters, 0), trials))
    assert objective.architectures_made == 1
    assert len({id(one.training.steps.program) for one in found}) == 1
    alone = learn(
        make("kind", objective_entries(objective), "log_loss", changes=("network.hidden=[3]",)).begin(trials[5], 0)
    )
    assert learn(found[5]).result().value == alone.result().value


def objective_entries(objective):
    return {name: objective.space.space.text(name) for name in objective.space.space.names}
