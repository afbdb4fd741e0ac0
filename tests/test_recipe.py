"""Recipes: every setting is checked, and what they make is what the registries would make."""

from __future__ import annotations

import math

import pytest

import pellucid as pl
from pellucid.data.encoders.settings import EncoderSettings
from pellucid.errors import UsageError
from pellucid.nn.losses import GaussianLogLikelihood, Huber, Quantile, SoftmaxCrossEntropy, SquaredError, loss_names
from pellucid.nn.losses.loss import TASKS
from pellucid.nn.regularizers import L1, L2, InputNoise, MaxNorm
from pellucid.optim.lbfgs import LBFGS
from pellucid.optim.optimizers import OPTIMIZERS
from pellucid.optim.schedules import SCHEDULES, Cosine, OnPlateau, Step, WarmUp
from pellucid.workflow.plans.chosen import count_blocks, loss_class, own_settings
from pellucid.workflow.plans.meanings import MEANINGS, find_meaning
from pellucid.workflow.plans.recipe import Recipe

LOSSES = [name for name in loss_names() if loss_class(name).__module__.startswith("pellucid.")]


class Features:
    """What a network needs to know of encoders: so many numbers, no embedded columns."""

    def __init__(self, features: int):
        self.inputs, self.embedded, self.dtype = {"x": features}, (), "float32"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (dict(hidden=(0,)), "network.hidden: not the sizes of layers: got (0,), expected whole numbers from 1"),
        (dict(hidden="128"), "network.hidden"),
        (dict(hidden=(1.5,)), "network.hidden"),
        (dict(hidden=(True,)), "network.hidden"),
        (dict(hidden=(10_000_000,)), "network.hidden"),
        (dict(dropout=1.0), "network.dropout: out of range: got 1.0, expected a number from 0 to below 1"),
        (dict(dropout=-0.1), "network.dropout"),
        (dict(l2=-1), "regularizers.l2: out of range: got -1, expected a number from 0 up"),
        (dict(l1=math.nan), "regularizers.l1"),
        (dict(learning_rate="fast"), "optimizer.learning_rate: not a number: got 'fast'"),
        (dict(learning_rate=True), "optimizer.learning_rate"),
        (dict(learning_rate=math.inf), "optimizer.learning_rate"),
        (dict(learning_rate=10**400), "optimizer.learning_rate: too large"),
        (dict(epochs=0), "training.epochs: out of range: got 0, expected a whole number from 1 up"),
        (dict(epochs=2**63), "training.epochs: too large"),
        (dict(epochs=1.0), "training.epochs: not a whole number"),
        (dict(patience=0.5), "training.patience"),
        (dict(batch_size=None), "training.batch_size"),
        (dict(shortcuts=1), "network.shortcuts: neither true nor false: got 1"),
        (dict(activation="rellu"), "Did you mean 'relu'"),
        (dict(activation=("relu", "tahn"), hidden=(4, 4)), "Did you mean 'tanh'"),
        (dict(activation=("relu",), hidden=(4, 4)), "network.activation: not one activation for each hidden layer"),
        (dict(activation=3), "network.activation"),
        (dict(initializer="he_norml"), "Did you mean 'he_normal'"),
        (dict(dtype="float16"), "network.dtype: no dtype of networks is called 'float16'"),
        (dict(scaling="robst"), "Did you mean 'robust'"),
        (dict(whitening=1.5), "encoders.whitening"),
        (dict(word_values="counts"), "Did you mean 'count'"),
        (dict(loss_name="hubr"), "loss.name: no loss is called 'hubr'. Did you mean 'huber'"),
        (dict(optimizer_name="adma"), "Did you mean 'adam'"),
        (dict(schedule_name="cosin"), "Did you mean 'cosine'"),
        (dict(metric="accurracy"), "Did you mean 'accuracy'"),
        (dict(class_weight="even"), "training.class_weight"),
        (
            dict(optimizer_settings={"beta1": 0.9}),
            "optimizer.beta1: adam has no setting 'beta1'. Did you mean 'beta_1'",
        ),
        (dict(optimizer_settings={"beta_1": 1.0}), r"optimizer.beta_1: out of range: got 1.0"),
        (dict(optimizer_settings={"beta_1": 10**400}), "optimizer: a number is too large"),
        (dict(optimizer_settings={"learning_rate": 0.1}), "optimizer.learning_rate"),
        (dict(optimizer_settings=[0.9]), "optimizer: not settings by name"),
        (dict(optimizer_name="adamw", optimizer_settings={"decay_all": 1}), "optimizer.decay_all: neither true nor"),
        (dict(loss_name="huber", loss_settings={"delta": 0}), "loss.delta"),
        (dict(loss_name="huber", loss_settings={"detla": 1}), "loss.detla: huber has no setting 'detla'. Did you mean"),
        (dict(loss_name="softmax_cross_entropy", loss_settings={"soft_targets": True}), "loss.soft_targets"),
        (dict(loss_settings={"delta": 1}), 'Set loss.name = "huber"'),
        (dict(loss_settings={"detla": 1}), "Did you mean 'delta'"),
        (dict(loss_name="huber", label_smoothing=0.1), "huber has no label smoothing"),
        (dict(schedule_name="step"), "schedule.every: step needs this setting: got none. Set schedule.every"),
        (dict(schedule_settings={"every": 3}), "schedule.every: constant has no setting 'every'"),
        (dict(schedule_name="step", schedule_settings={"every": 0}), "schedule.every"),
        (dict(schedule_name="warm_up"), "schedule"),
        (dict(schedule_name="warm_up", schedule_settings={"steps": 5, "then": "cosin"}), "Did you mean 'cosine'"),
        (dict(schedule_name="warm_up", schedule_settings={"steps": 5, "then": "warm_up"}), "schedule.then"),
        (dict(schedule_name="warm_up", schedule_settings={"steps": 5, "then": 3}), "schedule.then"),
        (dict(optimizer_name="rprop", l1=0.1), "regularizers.l1: this does not go with the optimizer rprop"),
        (dict(optimizer_name="lbfgs", max_norm=1.0), "regularizers.max_norm"),
        (dict(optimizer_name="lbfgs", noise=0.1), "regularizers.noise"),
        (dict(optimizer_name="lbfgs", clip_norm=1.0), "training.clip_norm"),
        (dict(optimizer_name="lbfgs", schedule_name="cosine"), "schedule.name"),
        (dict(optimizer_name="rprop", schedule_name="cosine"), "schedule.name"),
    ],
)
def test_settings_that_make_no_sense(given, words):
    with pytest.raises(UsageError) as raised:
        Recipe(**given)
    assert words in str(raised.value)
    assert len(str(raised.value)) < 600


def test_encoders_are_those_of_the_data_by_default_and_as_set():
    assert Recipe().encoders() == EncoderSettings()
    changed = dict(
        scaling="robust", limit=0.0, whitening=0.5, one_hot=4, embedding_units=3, words=7, word_values="count"
    )
    assert Recipe(**changed).encoders() == EncoderSettings(**changed)


@pytest.mark.parametrize(
    ("task", "expected"),
    [
        ("regression", pl.loss("squared_error")),
        ("binary", pl.loss("binary_cross_entropy")),
        ("multiclass", SoftmaxCrossEntropy(0.1)),
        ("multilabel", pl.loss("multilabel_cross_entropy")),
    ],
)
def test_the_usual_loss_of_each_task(task, expected):
    assert Recipe(label_smoothing=0.1).loss(task) == expected


@pytest.mark.parametrize("name", LOSSES)
def test_every_loss_can_be_chosen_for_its_task_and_no_other(name):
    own = pl.loss(name).task
    recipe = Recipe(loss_name=name)
    assert recipe.loss(own) == pl.loss(name)
    recipe.check_task(own)
    for task in set(TASKS) - {own}:
        with pytest.raises(UsageError, match=f"loss.name: the loss {name} is not for the task {task}") as raised:
            recipe.check_task(task)
        assert all(fitting in str(raised.value) for fitting in loss_names(task))


def test_losses_take_their_own_settings():
    assert Recipe(loss_name="huber", loss_settings={"delta": 0.5}).loss("regression") == Huber(0.5)
    several = Recipe(loss_name="quantile", loss_settings={"q": [0.1, 0.9]}).loss("regression")
    assert several == Quantile((0.1, 0.9))


@pytest.mark.parametrize("outputs", [1, 3])
def test_losses_that_take_several_outputs_for_each_target(outputs):
    assert count_blocks(SquaredError(), outputs) == 1
    assert count_blocks(GaussianLogLikelihood(), outputs) == 2
    assert count_blocks(Quantile((0.1, 0.2, 0.3, 0.4)), outputs) == 4
    network = Recipe(loss_name="gaussian_log_likelihood", hidden=()).network(Features(5), outputs)
    assert network.count_parameters() == (5 + 1) * 2 * outputs


def test_counts_are_not_standardized():
    assert Recipe().standardizes("regression")
    assert not Recipe(loss_name="poisson").standardizes("regression")


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_keeps_the_learning_rate_where_it_has_one(name):
    recipe = Recipe(optimizer_name=name, learning_rate=0.123)
    made = recipe.optimizer()
    assert made.name == name
    assert getattr(made, "learning_rate", 0.123) == 0.123
    assert recipe.rows_per_step == (None if name in ("rprop", "lbfgs") else 32)


def test_optimizers_take_their_own_settings():
    made = Recipe(optimizer_name="adamw", optimizer_settings={"weight_decay": 0.5, "beta_2": 0.9}).optimizer()
    assert made == pl.optimizers.AdamW(Recipe().learning_rate, beta_2=0.9, weight_decay=0.5)
    assert Recipe(optimizer_name="lbfgs", optimizer_settings={"history": 5}).optimizer() == LBFGS(history=5)


def test_schedules():
    assert Recipe().schedule() is None
    assert Recipe(schedule_name="cosine", epochs=40).schedule() == Cosine(epochs=40)
    assert Recipe(schedule_name="cosine", schedule_settings={"epochs": 7, "floor": 0.1}).schedule() == Cosine(7, 0.1)
    assert Recipe(schedule_name="step", schedule_settings={"every": 3}).schedule() == Step(3)
    following = {"epochs": 10, "then": "cosine"}
    assert Recipe(schedule_name="warm_up", schedule_settings=following, epochs=50).schedule() == WarmUp(
        epochs=10, then=Cosine(epochs=40)
    )
    following = {"steps": 10, "then": {"name": "on_plateau", "patience": 2}}
    made = Recipe(schedule_name="warm_up", schedule_settings=following).schedule()
    assert made == WarmUp(steps=10, then=OnPlateau(patience=2))


def test_regularizers():
    def kinds(recipe, task="regression"):
        return [type(found) for found in recipe.regularizers(recipe.loss(task))]

    assert kinds(Recipe()) == [L2]
    assert kinds(Recipe(l2=0.0)) == []
    assert kinds(Recipe(hidden=())) == []  # L2 spares the only weights that there are
    assert kinds(Recipe(hidden=()), "binary") == [L2]
    strong = Recipe(l2=0.1, l1=0.2, max_norm=3.0, noise=0.4)
    assert kinds(strong) == [L2, L1, MaxNorm, InputNoise]
    found = strong.regularizers(strong.loss("regression"))
    assert [found[0].strength, found[1].strength, found[2].limit, found[3].std] == [0.1, 0.2, 3.0, 0.4]


@pytest.mark.parametrize(
    ("given", "task", "words"),
    [
        (dict(metric="accuracy"), "regression", "the metric accuracy is not for the task regression. Known: .*rmse"),
        (dict(metric="rmse"), "binary", "training.metric"),
        (dict(class_weight="balanced"), "regression", "training.class_weight: there are no classes to weigh"),
        (dict(class_weight="balanced"), "multilabel", "training.class_weight"),
    ],
)
def test_settings_that_do_not_fit_the_task(given, task, words):
    with pytest.raises(UsageError, match=words):
        Recipe(**given).check_task(task)


def test_settings_that_fit_the_task():
    Recipe(metric="auc", class_weight="balanced").check_task("binary")
    Recipe(metric="r2").check_task("regression")


def test_networks():
    network = Recipe(hidden=(64, 32)).network(Features(13), outputs=3)
    assert network.count_parameters() == (13 + 1) * 64 + (64 + 1) * 32 + (32 + 1) * 3
    assert network.settings == {"dropout_1/rate": 0.2, "dropout_2/rate": 0.2}
    assert Recipe(hidden=()).network(Features(4), 1).count_parameters() == 5
    assert Recipe(dtype="float64").network(Features(4), 1).dtype == pl.float64
    assert "dropout_1/rate" not in Recipe(optimizer_name="lbfgs").network(Features(4), 1).settings


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_fit_takes_what_every_optimizer_needs(name):
    recipe = Recipe(optimizer_name=name, hidden=(4,), epochs=2, patience=0)
    loss = recipe.loss("regression")
    x = [[float(row), float(row % 3)] for row in range(40)]
    data = pl.Dataset({"x": x}, [[row[0] - row[1]] for row in x])
    fitted = pl.fit(recipe.network(Features(2), 1), data, **recipe.fit_arguments(loss), progress=False)
    assert len(fitted.history) == 2


def test_what_fit_is_not_told():
    told = Recipe().fit_arguments(SquaredError())
    assert told["clip_norm"] is None and told["steps"] is None and told["patience"] == 20
    told = Recipe(patience=0, clip_norm=2.0, steps=7, batch_size=0).fit_arguments(SquaredError())
    assert (told["patience"], told["clip_norm"], told["steps"], told["batch_size"]) == (None, 2.0, 7, None)


def test_every_setting_of_a_choice_has_a_meaning_and_every_meaning_a_setting():
    used = set()
    losses = {name: loss_class(name) for name in LOSSES}
    for section, known in (("loss", losses), ("optimizer", OPTIMIZERS), ("schedule", SCHEDULES)):
        for name, cls in known.items():
            for key in own_settings(section, cls):
                assert find_meaning(section, name, key).endswith(".")
                used |= {f"{section}.{key}", f"{name}.{key}"}
    assert set(MEANINGS) <= used
