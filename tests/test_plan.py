"""Plans: what a file or a command line says of a run is what it does, and nothing wrong is passed over."""

from __future__ import annotations

import dataclasses
import re
import time
import tomllib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pellucid.data.roles import Role
from pellucid.errors import UsageError
from pellucid.nn.losses import Huber, Quantile
from pellucid.optim.adaptive import Adam, AdamW, NAdam
from pellucid.optim.schedules import Cosine, WarmUp
from pellucid.workflow.plans.plan import Plan, describe_settings, known_settings, read_plan
from pellucid.workflow.plans.recipe import Recipe
from pellucid.workflow.plans.settings import format_path

NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)
SIZES = st.floats(0, 1e6)
SHARES = st.floats(0, 1, exclude_max=True)
COUNTS = st.integers(0, 2**63 - 1)
CODES = st.integers(0, 100_000)

OPTIMIZERS = st.one_of(
    st.just({}),
    st.fixed_dictionaries(
        {
            "optimizer_name": st.just("adam"),
            "optimizer_settings": st.fixed_dictionaries({}, optional={"beta_1": SHARES}),
        }
    ),
    st.fixed_dictionaries(
        {
            "optimizer_name": st.just("adamw"),
            "optimizer_settings": st.fixed_dictionaries({"decay_all": st.booleans(), "weight_decay": SIZES}),
        }
    ),
)
LOSSES = st.one_of(
    st.just({}),
    st.fixed_dictionaries({"label_smoothing": SHARES}),
    st.fixed_dictionaries(
        {"loss_name": st.just("huber"), "loss_settings": st.fixed_dictionaries({"delta": st.floats(0.1, 9)})}
    ),
    st.just({"loss_name": "quantile", "loss_settings": {"q": (0.1, 0.5, 0.9)}}),
)
SCHEDULES = st.sampled_from(
    [
        {},
        {"schedule_name": "cosine"},
        {"schedule_name": "step", "schedule_settings": {"every": 3}},
        {"schedule_name": "warm_up", "schedule_settings": {"steps": 3, "then": "cosine"}},
        {"schedule_name": "warm_up", "schedule_settings": {"epochs": 2.5, "then": {"name": "cosine", "epochs": 9}}},
    ]
)
ACTIVATIONS = st.sampled_from(["relu", "tanh", "gelu"])


@st.composite
def recipes(draw):
    hidden = draw(st.lists(st.integers(1, 1000), max_size=4))
    plain = st.fixed_dictionaries(
        {},
        optional=dict(
            scaling=st.sampled_from(["standardize", "robust", "minmax", "quantile", "none"]),
            limit=SIZES,
            whitening=st.floats(0, 1),
            one_hot=CODES,
            embedding_units=CODES,
            words=CODES,
            word_values=st.sampled_from(["presence", "count"]),
            activation=ACTIVATIONS | st.lists(ACTIVATIONS, min_size=len(hidden), max_size=len(hidden)),
            dropout=SHARES,
            shortcuts=st.booleans(),
            layer_norm=st.booleans(),
            initializer=st.sampled_from([None, "he_normal", "zeros"]),
            dtype=st.sampled_from(["float32", "float64"]),
            learning_rate=SIZES | st.integers(0, 3),
            l2=SIZES,
            l1=SIZES,
            max_norm=SIZES,
            noise=SIZES,
            epochs=st.integers(1, 10**9),
            batch_size=COUNTS,
            patience=COUNTS,
            min_improvement=SIZES,
            clip_norm=SIZES,
            class_weight=st.sampled_from(["none", "balanced"]),
            steps=COUNTS,
            time_limit=SIZES,
        ),
    )
    return Recipe(hidden=hidden, **draw(plain), **draw(OPTIMIZERS), **draw(LOSSES), **draw(SCHEDULES))


PLANS = st.builds(
    Plan,
    target=st.lists(NAMES, max_size=3, unique=True),
    task=st.sampled_from([None, "regression", "binary", "multiclass", "multilabel", "classification"]),
    separator=st.none() | NAMES,
    seed=COUNTS,
    table=st.none() | NAMES,
    weight=st.none() | NAMES,
    group=st.none() | NAMES,
    time_order=st.none() | NAMES,
    test=st.none() | NAMES,
    ignore=st.lists(NAMES, max_size=3, unique=True),
    roles=st.dictionaries(
        st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
        st.sampled_from(["number", "boolean", "category", "date", "text", "ignore"]),
        max_size=3,
    ),
    validation=st.floats(0, 0.5),
    test_fraction=st.floats(0.01, 0.4),
    folds=st.sampled_from([0, 2, 10]),
    recipe=recipes(),
)


def written(folder, text):
    file = folder / "run.toml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8"))
    return file


@settings(max_examples=150, deadline=None)
@given(PLANS)
def test_a_plan_comes_back_from_its_record_and_from_its_description(tmp_path_factory, plan):
    folder = tmp_path_factory.getbasetemp()
    record = {"schema": 2, "data": {"rows": 3}, "outcome": {"reason": "the end"}, "results": {"a.b": {"x": 1.0}}}
    for text in (plan.to_toml(), plan.to_toml(record, "What this run did."), describe_settings(plan)):
        assert read_plan(written(folder, text)) == plan
    content = tomllib.loads(plan.to_toml(record))
    assert {key: content[key] for key in record} == record


@settings(max_examples=50, deadline=None)
@given(PLANS)
def test_reasons_of_roles_are_comments_whatever_they_quote(tmp_path_factory, plan):
    reasons = {name: f"{name}\n[table]\x00\x7f\u2028 # because" for name in plan.roles}
    assert read_plan(written(tmp_path_factory.getbasetemp(), describe_settings(plan, reasons))) == plan


def test_the_description_has_every_setting_with_its_default_and_its_meaning(tmp_path):
    text = describe_settings(Plan())
    content = tomllib.loads(text)
    for one in known_settings():
        if one.holds_others:
            continue
        inside = content
        for key in one.path:
            inside = inside[key]
        shown = " ".join(text.replace("\n# ", " ").split())
        assert one.doc in shown, one.path
    assert max(map(len, text.splitlines())) <= 100
    assert read_plan(written(tmp_path, text)) == Plan()


def test_every_setting_has_one_field_and_one_path():
    fields = {field.name for field in dataclasses.fields(Plan) + dataclasses.fields(Recipe)} - {"recipe"}
    known = known_settings()
    assert {one.field for one in known} == fields
    assert len({one.path for one in known}) == len(known)
    assert all(one.doc.endswith(".") for one in known)


def test_the_description_names_what_fits_the_task():
    text = " ".join(describe_settings(Plan(task="regression")).replace("\n# ", " ").split())
    assert "huber" in text and "r2" in text
    assert "hinge" not in text and "accuracy" not in text
    both = describe_settings(Plan(task="classification"))
    assert "multiclass_hinge" in both and "perceptron_criterion" in both and "huber" not in both


def test_the_description_has_the_settings_of_what_was_chosen():
    text = describe_settings(Plan().set("optimizer.name=adamw", "optimizer.weight_decay=0.25"))
    assert "\nweight_decay = 0.25\n" in text
    assert "\n# beta_1 = 0.9\n" in text
    assert "lbfgs: max_iterations = 500" in text


def test_the_comments_of_the_description_are_settings_too(tmp_path):
    """What is commented out stands there as it is by default: with the marks away, the run is the same."""
    plan = Plan().set("optimizer.name=rmsprop", "optimizer.momentum=0.5")
    text = re.sub(r"^# (\w+ = [\d.e-]+)$", r"\1", describe_settings(plan), flags=re.MULTILINE)
    read = read_plan(written(tmp_path, text))
    assert read.recipe.optimizer_settings == {"alpha": 0.99, "epsilon": 1e-8, "momentum": 0.5}
    assert read.recipe.optimizer() == plan.recipe.optimizer()


@pytest.mark.parametrize(
    ("assignment", "expected"),
    [
        ("network.hidden=[64,32]", dict(hidden=(64, 32))),
        ("network.hidden=64,32", dict(hidden=(64, 32))),
        ("network.hidden = 64", dict(hidden=(64,))),
        ("network.hidden=none", dict(hidden=())),
        ("network.hidden=", dict(hidden=())),
        ("network.activation=tanh", dict(activation="tanh")),
        ("network.shortcuts=true", dict(shortcuts=True)),
        ("network.initializer=he_normal", dict(initializer="he_normal")),
        ("network.initializer=auto", dict()),
        ("training.epochs=50", dict(epochs=50)),
        ("optimizer.learning_rate=1e-2", dict(learning_rate=0.01)),
        ("optimizer.learning_rate=1", dict(learning_rate=1.0)),
        ("optimizer.beta_1=0.5", dict(optimizer_settings={"beta_1": 0.5})),
        ("loss.name=huber", dict(loss_name="huber")),
        ("loss.name='huber'", dict(loss_name="huber")),
        ("schedule.name=cosine", dict(schedule_name="cosine")),
    ],
)
def test_setting_a_recipe_from_a_command_line(assignment, expected):
    assert Plan().set(assignment).recipe == Recipe(**expected)


@pytest.mark.parametrize(
    ("assignment", "expected"),
    [
        ("seed=7", dict(seed=7)),
        ("target=price", dict(target=("price",))),
        ("target=2020", dict(target=("2020",))),
        ('target=["a","b c"]', dict(target=("a", "b c"))),
        ("target=[a, b c]", dict(target=("a", "b c"))),  # as a shell hands it on
        ("table.ignore=a,b", dict(ignore=("a,b",))),  # a name may have a comma
        ("table.ignore=[]", dict()),
        ("task=regression", dict(task="regression")),
        ("task=auto", dict()),
        ("separator=;", dict(separator=";")),
        ("separator=#", dict(separator="#")),
        ("separator==", dict(separator="=")),
        ('separator=" "', dict(separator=" ")),
        ("table.group=true", dict(group="true")),
        ("table.group=", dict()),
        ("table.time_order=Date of sale", dict(time_order="Date of sale")),
        ("split.validation=0.25", dict(validation=0.25)),
        ("split.folds=5", dict(folds=5)),
        ("roles.age=category", dict(roles={"age": "category"})),
        ('roles."a.b"=text', dict(roles={"a.b": "text"})),
        ("roles.a.b=text", dict(roles={"a.b": "text"})),
        ("roles.价格 $=number", dict(roles={"价格 $": "number"})),
        ("roles.x=y=number", dict(roles={"x=y": "number"})),
        ('roles."x=y"=number', dict(roles={"x=y": "number"})),
        ("roles.2020=ignore", dict(roles={"2020": "ignore"})),
    ],
)
def test_setting_a_plan_from_a_command_line(assignment, expected):
    assert Plan().set(assignment) == Plan(**expected)


def test_several_settings_are_set_at_once():
    plan = Plan(roles={"a": "text"}).set(
        "loss.delta=0.5", "loss.name=huber", "roles.b=date", "network.activation=relu,tanh", "network.hidden=4,4"
    )
    assert plan.recipe.loss("regression") == Huber(0.5)
    assert plan.roles == {"a": "text", "b": "date"}
    assert plan.recipe.activation == ("relu", "tanh")
    assert Plan().set("loss.name=quantile", "loss.q=[0.1, 0.9]").recipe.loss("regression") == Quantile((0.1, 0.9))


def test_another_optimizer_keeps_the_learning_rate_and_nothing_else():
    plan = Plan().set("optimizer.name=adamw", "optimizer.weight_decay=0.5", "optimizer.learning_rate=0.01")
    assert plan.set("optimizer.name=adam").recipe.optimizer() == Adam(0.01)
    assert plan.set("optimizer.name=nadam", "optimizer.beta_1=0.5").recipe.optimizer() == NAdam(0.01, beta_1=0.5)
    kept = plan.set("optimizer.name=adamw", "optimizer.beta_1=0.5").recipe.optimizer()
    assert kept == AdamW(0.01, beta_1=0.5, weight_decay=0.5)
    there_and_back = plan.set("optimizer.name=lbfgs").set("optimizer.name=adam")
    assert there_and_back.recipe.optimizer() == Adam(0.01)


def test_a_warm_up_and_what_follows():
    plan = Plan().set("schedule.name=warm_up", "schedule.epochs=5", "schedule.then=cosine", "training.epochs=25")
    assert plan.recipe.schedule() == WarmUp(epochs=5, then=Cosine(epochs=20))
    plan = Plan().set("schedule.name=warm_up", "schedule.steps=5", 'schedule.then={name="cosine", epochs=3}')
    assert plan.recipe.schedule() == WarmUp(steps=5, then=Cosine(epochs=3))


@pytest.mark.parametrize(
    ("assignment", "words"),
    [
        ("optimizer.learning_rat=0.1", "Did you mean 'learning_rate'"),
        ("optimzer.learning_rate=0.1", "Did you mean 'optimizer.learning_rate'"),
        ("learning_rate=0.1", "learning_rate: there is no such setting. Did you mean 'optimizer.learning_rate'?"),
        ("training.epoch=3", "Did you mean 'training.epochs'"),
        ("sead=3", "Did you mean 'seed'"),
        ("training=3", "training: there is no such setting"),
        ("training.epochs.x=3", "there is no such setting"),
        ("training.epochs=many", "training.epochs: not a whole number: got 'many', expected a whole number from 1 up"),
        ("training.epochs=1.5", "training.epochs: not a whole number: got 1.5"),
        ("training.epochs=-1", "training.epochs: out of range: got -1"),
        ("training.epochs=", "training.epochs: not a whole number: got ''"),
        ("network.hidden=a,b", "network.hidden: not the sizes of layers: got ['a', 'b']"),
        ("network.shortcuts=1", "network.shortcuts: neither true nor false: got 1, expected true or false"),
        ("loss.name=hubber", "loss.name: no loss is called 'hubber'. Did you mean 'huber'?"),
        ("loss.delta=1", "loss.delta: the usual loss of a task has no setting 'delta'. Set loss.name = \"huber\""),
        ("optimizer.beta_1=2", "optimizer.beta_1: out of range: got 2"),
        ("roles.age=categorical", "roles.age: no role is called 'categorical'. Did you mean 'category'?"),
        ("roles=text", "there is no such setting"),
        ("task=regresion", "Did you mean 'regression'"),
        ("table.ignore=[1]", "table.ignore: not names of columns: got [1]"),
        ('target=["a","a"]', "target: 'a' is named twice"),
        ("split.test=1", "split.test: out of range"),
        ("split.validation=0.9", "split.validation: no rows are left to learn from: got 0.9 and 0.2"),
        ("split.folds=1", "split.folds: one fold is no cross-validation"),
        ("seed=9223372036854775808", "seed: too large"),
        ("epochs", "not a setting: got 'epochs', expected PATH=VALUE"),
        ("=3", "not a setting"),
        ("", "not a setting"),
        ("optimizer.*=3", "there is no such setting"),
        ("training.epochs=1\nseed=3", "training.epochs: not a whole number"),
        ("training.epochs=" + "[" * 5000, "training.epochs: not a whole number"),
        ("training.epochs=" + "9" * 5000, "training.epochs: not a whole number"),
    ],
)
def test_wrong_settings_on_a_command_line(assignment, words):
    with pytest.raises(UsageError) as raised:
        Plan().set(assignment)
    assert words in str(raised.value)
    assert len(str(raised.value)) < 700


def test_a_metric_needs_validation():
    with pytest.raises(UsageError, match="a metric needs validation rows"):
        Plan().set("split.validation=0", "training.metric=accuracy")
    assert Plan().set("split.validation=0").validation == 0


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (
            "[optimizer]\nlearning_rat = 0.1",
            ":2, optimizer.learning_rat: adam has no setting 'learning_rat'. Did you mean",
        ),
        ("seed = 3\n\n[training]\n# so often\nepochs = 0", ":5, training.epochs: out of range: got 0"),
        ("[trainning]\nepochs = 3", ":1, trainning: there is no such section. Did you mean 'training'?"),
        ("sead = 3", ":1, sead: there is no such setting. Did you mean 'seed'?"),
        ("epochs = 3", ":1, epochs: there is no such setting. Did you mean 'training.epochs'?"),
        ("optimizer = 'adam'", ":1, optimizer: not a section: got 'adam', expected a section, [optimizer]"),
        ("[[optimizer]]\nname = 'adam'", "optimizer: not a section"),
        ("seed = [1]", ":1, seed: not a whole number: got [1]"),
        ("[seed]\na = 1", ":1, seed: not a whole number: got {'a': 1}"),
        ("target = 3", ":1, target: not names of columns: got 3"),
        ("[table]\ngroup = 3", ":2, table.group: not text: got 3"),
        ("[table]\nweight = 2020-01-01", ":2, table.weight: not text"),
        ("[roles]\nage = 'categry'", ":2, roles.age: no role is called 'categry'. Did you mean 'category'?"),
        ("[roles]\nage = 3", ":2, roles.age: not the name of a role: got 3"),
        ("[roles]\na.b = 'text'", 'Put a name that has dots in quotes, such as "a.b".'),
        ("[optimizer.learning_rate]\nx = 1", ":1, optimizer.learning_rate: not a number: got {'x': 1}"),
        ("[optimizer]\nlearning_rate = nan", ":2, optimizer.learning_rate: out of range: got nan"),
        ("[optimizer]\nbeta_1 = " + "[" * 300 + "]" * 300, ":2, optimizer.beta_1: not a number"),
        ("seed = 1\nseed = 2", ":2:9: not TOML: cannot overwrite a value"),
        ("seed = ", ":1:8: not TOML: invalid value"),
        ("seed = 3\ntarget = 'price", "not TOML"),
        ("a = \x00", ":1:5: not TOML"),
        ("\n\nprice,size\n1,2", ":3:6: not TOML"),
        ("seed = " + "9" * 5000, "not TOML"),
        ("x = " + "[" * 100_000, "nested too deeply"),
        ("x = " + "{a=" * 100_000, "nested too deeply"),
        ("a" + ".a" * 100_000 + " = 1", ":1: a key has too many parts"),
        ("x = {" + '"a\\""."b" . ' * 10_000 + "c = 1}", ":1: a key has too many parts"),
        ("[" + "a." * 10_000 + "a]", ":1: a key has too many parts"),
        ("target = [" + '"a",' * 200_000 + "]", "named twice"),
        ("a" * 10**6 + " = 1", "there is no such setting"),
        ("[" + "a" * 10**6 + "]", "there is no such section"),
        ("[roles]\n" + "a" * 10**6 + " = 1", "not the name of a role"),
        ("[optimizer]\n" + "a" * 10**6 + " = 1", "adam has no setting"),
        (b"seed = 1\ntarget = '\xe9'", ":2: the file is not in UTF-8"),
        ("seed = 1".encode("utf-16"), "the file is not in UTF-8"),
        (b"\x89PNG\r\n\x1a\n", "the file is not in UTF-8"),
        (b"#" * (2**24 + 1), "too large for settings"),
    ],
)
def test_wrong_files(tmp_path, content, words):
    file = written(tmp_path, content)
    began = time.perf_counter()
    with pytest.raises(UsageError) as raised:
        read_plan(file)
    message = str(raised.value)
    assert message.startswith(str(file)) and words in message
    assert len(message) < 600 + len(str(file)) and "\n" not in message
    assert time.perf_counter() - began < 10


def test_files_that_cannot_be_read(tmp_path):
    for path, words in [
        (tmp_path, "this is a folder"),
        (tmp_path / "none.toml", "none.toml: the file cannot be opened: got No such file"),
        ("a\0b", "cannot be opened"),
    ]:
        with pytest.raises(UsageError, match=words):
            read_plan(path)


def test_files_as_other_systems_write_them(tmp_path):
    text = "target = 'größe'\r\n[training]\r\nepochs = 5\r\n"
    plan = read_plan(written(tmp_path, b"\xef\xbb\xbf" + text.encode("utf-8")))
    assert plan == Plan(target=("größe",), recipe=Recipe(epochs=5))
    assert read_plan(written(tmp_path, "")) == Plan()


def test_the_record_of_a_run_is_no_setting(tmp_path):
    record = "schema = 9\n[data]\nrows = 3\n[outcome]\nx = 1\n[results.a.b]\nc = 2\n[versions]\npellucid = '9'\n"
    assert read_plan(written(tmp_path, record)) == Plan()


def test_roles_as_they_were_decided():
    kinds = dict(
        a="number",
        b="category",
        c="date",
        d="text",
        e="boolean",
        f="constant",
        g="key",
        h="ignore",
        w="weight",
        k="group",
        i="ignore",
    )
    plan = Plan(ignore=("i",), roles={"a": "number"}).with_roles(
        [Role(name, kind, "so") for name, kind in kinds.items()]
    )
    decided = dict(a="number", b="category", c="date", d="text", e="boolean", f="ignore", g="ignore", h="ignore")
    assert plan == Plan(ignore=("i",), roles=decided)


def test_a_plan_is_made_of_plain_data():
    plan = Plan(target="price", recipe=Recipe(hidden=[4], learning_rate=1))
    assert plan.target == ("price",) and plan.recipe.hidden == (4,)
    assert hash(plan) == hash(Plan(target=["price"], recipe=Recipe(hidden=(4,), learning_rate=1.0)))
    with pytest.raises(UsageError, match="not a recipe"):
        Plan(recipe={"hidden": [4]})
    with pytest.raises(UsageError, match="seed"):
        Plan(seed=-1)
    assert format_path(("roles", "a.b")) == 'roles."a.b"'
