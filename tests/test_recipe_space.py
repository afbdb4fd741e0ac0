"""Search spaces over recipes: what names mean, what is refused, and how many programs there are."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pellucid.errors import UsageError
from pellucid.tuning.space import Space
from pellucid.workflow.plans.plan import Plan
from pellucid.workflow.tuning.recipe_space import recipe_space

WIDE = Space(
    {
        "network.layers": "integer(0, 3)",
        "network.units": "choice(4, 8)",
        "network.activation": "choice(relu, tanh)",
        "network.dropout": "uniform(0, 0.5) if network.layers >= 1",
        "network.layer_norm": "choice(true, false)",
        "network.initializer": "choice(none, he_normal)",
        "encoders.scaling": "choice(none, quantile)",
        "optimizer.name": "choice(adam, momentum, rprop)",
        "optimizer.learning_rate": "log_uniform(1e-4, 1e-1)",
        "optimizer.momentum": "uniform(0, 0.9) if optimizer.name == momentum",
        "training.class_weight": "choice(none, balanced)",
        "training.batch_size": "integer(8, 64, step=8)",
        "regularizers.l2": 0.01,
    }
)


FOUND = recipe_space(WIDE, Plan())
PLACES = st.fixed_dictionaries({name: st.floats(0, 1) for name in WIDE.names})


@given(PLACES)
@settings(max_examples=50, deadline=None)
def test_every_setting_of_a_configuration_is_in_its_recipe(numbers):
    parameters = WIDE.draw(numbers)
    recipe = FOUND.recipe_of(parameters)
    assert recipe.hidden == (parameters.get("network.units"),) * parameters["network.layers"]
    assert recipe.activation == parameters["network.activation"]
    assert recipe.dropout == parameters.get("network.dropout", Plan().recipe.dropout)
    assert recipe.layer_norm is parameters["network.layer_norm"]
    assert recipe.initializer == parameters["network.initializer"]
    assert recipe.scaling == (parameters["encoders.scaling"] or "none")
    assert recipe.class_weight == (parameters["training.class_weight"] or "none")
    assert recipe.batch_size == parameters["training.batch_size"]
    assert recipe.l2 == 0.01
    optimizer = recipe.optimizer()
    assert optimizer.name == parameters["optimizer.name"]
    if optimizer.name == "momentum":
        assert optimizer.momentum == parameters["optimizer.momentum"]
    if optimizer.name != "rprop":
        assert optimizer.learning_rate == parameters["optimizer.learning_rate"]


@pytest.mark.parametrize(
    ("entries", "usual", "parameters", "hidden"),
    [
        ({"network.layers": "integer(0, 3)"}, (7, 5), {"network.layers": 3}, (7, 5, 5)),
        ({"network.layers": "integer(0, 3)"}, (7,), {"network.layers": 0}, ()),
        ({"network.units": "integer(1, 9)"}, (7, 5), {"network.units": 3}, (3, 3)),
        ({"network.units_1": "integer(1, 9)", "network.units_2": 4}, (7,), {"network.units_1": 2}, (2, 4)),
        (
            {"network.layers": 3, "network.units": "integer(1, 9)", "network.units_2": "integer(1, 9)"},
            (7,),
            {"network.units": 2, "network.units_2": 9},
            (2, 9, 2),
        ),
        ({"network.hidden": "choice([], [3], [4, 2])"}, (7,), {"network.hidden": (4, 2)}, (4, 2)),
        ({"regularizers.l2": "uniform(0, 1)"}, (7, 5), {"regularizers.l2": 0.5}, (7, 5)),
    ],
)
def test_sizes_of_layers(entries, usual, parameters, hidden):
    space = Space(entries)
    plan = Plan().set(f"network.hidden={list(usual)}")
    assert recipe_space(space, plan).recipe_of({**space.fixed, **parameters}).hidden == hidden


def test_sizes_of_layers_take_part_only_where_there_is_such_a_layer():
    space = Space(
        {"network.layers": "integer(0, 2)", "network.units_1": "choice(2, 3)", "network.units_2": "choice(4, 5)"}
    )
    found = recipe_space(space, Plan())
    assert found.space.draw(dict.fromkeys(space.names, 0.0)) == {"network.layers": 0}
    assert found.space.draw({**dict.fromkeys(space.names, 0.0), "network.layers": 0.5}) == {
        "network.layers": 1,
        "network.units_1": 2,
    }
    assert found.architectures == 1 + 2 + 2 * 2
    assert recipe_space(found.space, Plan()).space == found.space


def test_architectures_are_counted_and_numbers_need_no_program_of_their_own():
    numbers = {
        "network.dropout": "uniform(0, 0.5)",
        "optimizer.learning_rate": "choice(0.1, 0.01)",
        "optimizer.beta_1": "uniform(0.5, 0.9)",
        "schedule.name": "choice(constant, cosine)",
        "training.epochs": "integer(1, 9)",
        "encoders.scaling": "choice(quantile, robust)",
    }
    assert recipe_space(Space(numbers), Plan()).architectures == 1
    assert recipe_space(Space({**numbers, "network.units": "integer(1, 9)"}), Plan()).architectures == 9
    assert recipe_space(Space({**numbers, "training.batch_size": "choice(8, 9)"}), Plan()).architectures == 2


def test_another_optimizer_begins_with_its_own_settings():
    plan = Plan().set("optimizer.name=adam", "optimizer.beta_1=0.5")
    found = recipe_space(Space({"optimizer.name": "choice(adam, momentum)"}), plan)
    assert found.recipe_of({"optimizer.name": "adam"}).optimizer().beta_1 == 0.5
    assert found.recipe_of({"optimizer.name": "momentum"}).optimizer().momentum == 0.9


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        ({"network.lyers": "integer(1, 2)"}, ["network.lyers", "Did you mean 'network.layers'"]),
        ({"learning_rate": "uniform(0, 1)"}, ["Did you mean 'optimizer.learning_rate'"]),
        ({"optimizer.lerning_rate": "uniform(0, 1)"}, ["adam has no such setting", "Did you mean 'learning_rate'"]),
        ({"network.dropout": "uniform(0, 1)"}, ["network.dropout", "got 1", "to below 1"]),
        ({"network.units": "uniform(1, 5)"}, ["not a whole number", "integer(LOW, HIGH)"]),
        ({"network.layers": "integer(-1, 2)"}, ["network.layers", "-1"]),
        ({"training.epochs": "choice(0, 5)"}, ["training.epochs", "got 0"]),
        ({"network.activation": "choice(relu, gellu)"}, ["Did you mean 'gelu'"]),
        ({"network.layers": 2, "network.hidden": "choice([2], [3])"}, ["told twice"]),
        ({"network.layers": "integer(0, 2)", "network.units_3": "choice(1, 2)"}, ["never such a layer", "units_3"]),
        ({"optimizer.momentum": "uniform(0, 0.9)"}, ["adam has no such setting", 'optimizer.name = "momentum"']),
        ({"optimizer.beta_1": "uniform(0.5, 1.5)"}, ["optimizer.beta_1", "out of range"]),
        ({"loss.name": "choice(huber)", "loss.delta": "uniform(-1, 1)"}, ["loss.delta", "-1"]),
        ({"seed": "integer(0, 9)"}, ["no setting of a recipe"]),
        ({"split.validation": "uniform(0, 0.5)"}, ["no setting of a recipe"]),
        ({"training.metric": "choice(loss, accuracy)"}, ["not searched over"]),
        ({"training.time_limit": "uniform(1, 5)"}, ["not searched over", "machine"]),
    ],
)
def test_impossible_spaces_are_refused_with_a_way_out(entries, words):
    with pytest.raises(UsageError) as met:
        recipe_space(Space(entries), Plan())
    for word in words:
        assert word in str(met.value)


def test_layers_without_any_size_are_refused():
    with pytest.raises(UsageError, match="layer 2 has no size"):
        recipe_space(
            Space({"network.layers": "integer(1, 2)", "network.units_1": 4}), Plan().set("network.hidden=none")
        )


@given(PLACES)
@settings(max_examples=50, deadline=None)
def test_a_recipe_is_found_again_in_its_space(numbers):
    parameters = FOUND.space.draw(numbers)
    recipe = FOUND.recipe_of(parameters)
    again = FOUND.parameters_of(recipe)
    assert again is not None and FOUND.recipe_of(again) == recipe


def test_a_recipe_outside_of_the_space_is_not_found():
    space = recipe_space(Space({"network.units": "choice(16, 32)"}), Plan())
    assert space.parameters_of(Plan().set("network.hidden=[16]").recipe) == {"network.units": 16}
    assert space.parameters_of(Plan().recipe) is None
    assert space.parameters_of(Plan().set("network.hidden=[16]", "network.dropout=0.3").recipe) is None
