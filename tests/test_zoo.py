"""The fault zoo: reproducible specimens, faults that matter, healthy trainings that are, and how scores are counted."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, Ridge

import pellucid as pl
from pellucid.diagnosis.gates.causes import CAUSES
from pellucid.diagnosis.gates.finding import Finding, GateReport
from pellucid.diagnosis.zoo.harm import harm, skill, skill_of, train
from pellucid.diagnosis.zoo.healthy import healthy, healthy_seeds
from pellucid.diagnosis.zoo.kinds import KINDS, fault_seeds
from pellucid.diagnosis.zoo.materials import NAMES, material
from pellucid.diagnosis.zoo.score import Outcome, Scores, Share, outcome_of, score
from pellucid.diagnosis.zoo.several import SEVERAL
from pellucid.diagnosis.zoo.situation import Rows

PARTS = ("tuning", "scoring")


def test_enough_kinds_and_healthy_trainings_on_both_sides():
    by_part = {part: [kind for kind in KINDS.values() if kind.part == part] for part in PARTS}
    assert len(KINDS) >= 36
    assert abs(len(by_part["tuning"]) - len(by_part["scoring"])) <= 1
    subjects = [{kind.subject for kind in kinds} for kinds in by_part.values()]
    assert subjects[0] == subjects[1]
    seeds = [set(healthy_seeds(part)) for part in PARTS]
    assert min(map(len, seeds)) >= 30
    assert not seeds[0] & seeds[1]


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.name)
def test_every_kind_says_what_was_done_and_names_known_causes(kind):
    assert kind.what.endswith(".")
    assert kind.causes
    assert set(kind.causes) <= set(CAUSES)
    first, again = kind.specimen(0), kind.specimen(0)
    assert first.name == f"{kind.name}-0"
    for one, other in ((first.case.dataset, again.case.dataset), (first.case.test, again.case.test)):
        assert np.array_equal(one.inputs["x"], other.inputs["x"])
        assert np.array_equal(one.targets, other.targets)
    starts = [each.case.parameters for each in (first, again)]
    assert starts[0].keys() == starts[1].keys()
    assert all(np.array_equal(starts[0][path], starts[1][path]) for path in starts[0])


@pytest.mark.parametrize("name", NAMES)
def test_materials_are_finite_and_follow_their_seed(name):
    found, again, other = material(name, 1), material(name, 1), material(name, 2)
    assert np.isfinite(found.x).all()
    assert len(found.x) == len(found.y) <= 900
    assert found.x.shape[1] == len(found.columns)
    assert np.array_equal(found.x, again.x)
    assert not np.array_equal(found.x[: len(other.x)], other.x[: len(found.x)])


# One kind of each subject here; all of them are checked by the long test below.
@pytest.mark.parametrize(
    "name",
    [
        "far_from_zero",
        "shifted_targets",
        "double_sigmoid",
        "huge_weights",
        "step_units",
        "clipped_away",
        "small_norm",
        "number_of_the_row",
    ],
)
def test_a_fault_matters(name):
    assert matters(name, 0)


@pytest.mark.long
@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.name)
def test_every_specimen_matters(kind):
    assert all(matters(kind.name, seed) for seed in fault_seeds(kind.part))


def matters(name: str, seed: int) -> bool:
    found = harm(KINDS[name].specimen(seed))
    return found.misleads if KINDS[name].misleads else found.trains_worse


def test_sound_twins_learn():
    for name in ("far_from_zero", "double_softmax", "diverging_descent"):
        twin = KINDS[name].specimen(1).twin
        assert skill(twin, train(twin), twin.use) > 0.7


@pytest.mark.parametrize("seed", [*range(0, 66, 9)])
def test_healthy_trainings_do_as_well_as_linear_models(seed):
    check_healthy(seed)


@pytest.mark.long
@pytest.mark.parametrize("seed", [seed for seed in range(66) if seed % 9])
def test_all_healthy_trainings_do_as_well_as_linear_models(seed):
    check_healthy(seed)


def check_healthy(seed: int) -> None:
    situation = healthy(seed).faulty
    found, linear = skill(situation, train(situation), situation.test), linear_skill(situation)
    assert found > 0.25
    # An autoencoder with a bottleneck can not do what the identity does; a test of 50 rows is worth 0.1.
    assert situation.material.task == "reconstruction" or found > linear - 0.1


def linear_skill(situation) -> float:
    """The skill of scikit-learn's linear model on the same rows."""
    learning, test, task = situation.learning, situation.test, situation.material.task
    if task in ("regression", "counts", "reconstruction"):
        return skill_of(situation, Ridge(1.0).fit(learning.x, learning.y).predict(test.x), test)
    if task == "multilabel":
        labels = learning.y.T
        found = [LogisticRegression().fit(learning.x, each).predict(test.x) for each in labels]
        return skill_of(situation, np.stack(found, axis=1), test)
    model = LogisticRegression(max_iter=500).fit(learning.x, learning.y, sample_weight=learning.weights)
    chances = model.predict_proba(test.x)
    scores = chances[:, 1:] - 0.5 if situation.options["loss"] == "hinge" else chances[:, 1:]
    return skill_of(situation, scores if task == "binary" else chances, test)


@pytest.mark.parametrize("make", SEVERAL, ids=lambda make: make.__name__)
def test_networks_with_several_inputs_or_outputs_learn(make):
    case = make(66)
    found = pl.fit(case.network, case.dataset, **case.options).evaluate(case.test)
    good = [value for name, value in found.items() if name.rpartition("/")[2] in ("r2", "accuracy")]
    assert min(good) > 0.85


def test_skill_of_closed_forms():
    situation = KINDS["targets_in_thousands"].specimen(0).twin
    y = np.array([[0.0], [1.0], [2.0], [3.0]])
    rows = Rows(np.zeros((4, 1)), y)
    assert skill_of(situation, y, rows) == 1.0
    assert skill_of(situation, np.full((4, 1), 1.5), rows) == 0.0
    assert skill_of(situation, y[::-1], rows) == -1.0
    assert skill_of(situation, y + np.nan, rows) == -1.0
    assert skill(situation, None, rows) == -1.0
    classes = KINDS["rare_class"].specimen(0).twin
    truth = Rows(np.zeros((4, 1)), np.array([0, 0, 0, 1]))
    assert skill_of(classes, np.array([0.1, 0.2, 0.9, 0.8]), truth) == pytest.approx(2 * (2 / 3 + 1) / 2 - 1)
    assert skill_of(classes, np.zeros(4), truth) == 0.0


def found_by(*found: tuple[str, str, tuple[str, ...]]) -> GateReport:
    return GateReport(tuple(Finding(gate, "during", verdict, "told", causes=causes) for gate, verdict, causes in found))


def test_an_outcome_counts_failures_and_the_first_cause():
    specimen = KINDS["hundred_times_too_large"].specimen(0)
    right = outcome_of(specimen, lambda case: found_by(("loss_diverges", "fail", ("step_too_large",))))
    assert right.failed == ("loss_diverges",)
    assert right.right
    wrong = outcome_of(specimen, lambda case: found_by(("loss_diverges", "fail", ("overfitting", "step_too_large"))))
    assert wrong.failed
    assert not wrong.right
    warned = outcome_of(specimen, lambda case: found_by(("loss_diverges", "warn", ("step_too_large",))))
    assert not warned.failed
    assert not warned.right
    assert outcome_of(specimen, lambda case: found_by()).causes == ()


def test_scores_count_by_kind():
    def outcome(kind: str, seed: int, healthy: bool, failed: tuple[str, ...], cause: str) -> Outcome:
        return Outcome(kind, seed, healthy, failed, (), (cause,), ("overfitting",))

    scores = Scores(
        (
            outcome("a", 0, False, ("gap",), "overfitting"),
            outcome("a", 1, False, ("gap",), "imbalance"),
            outcome("b", 0, False, (), "overfitting"),
            outcome("healthy", 0, True, (), ""),
            outcome("healthy", 1, True, ("gap",), ""),
        )
    )
    assert (scores.detection, scores.right_cause, scores.false_alarms) == (Share(2, 3), Share(1, 3), Share(1, 2))
    assert {kind: float(found.detection) for kind, found in scores.by_kind().items()} == {"a": 1.0, "b": 0.0}
    assert str(scores.detection) == "2 of 3"
    assert float(Share(0, 0)) == 0.0


def test_score_asks_the_gates_given():
    specimens = [KINDS["zero_weights"].specimen(0), healthy(0)]
    asked = []

    def gates(case):
        asked.append(case)
        return found_by(("units_differ", "fail", ("zero_initialization",)))

    scores = score(specimens, gates)
    assert asked == [specimen.case for specimen in specimens]
    assert (float(scores.detection), float(scores.right_cause), float(scores.false_alarms)) == (1.0, 1.0, 1.0)


def test_a_fault_and_its_sound_twin_are_told_apart_by_all_gates():
    specimen = KINDS["zero_weights"].specimen(1)
    assert outcome_of(specimen).right
