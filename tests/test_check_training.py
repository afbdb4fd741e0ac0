"""Checking trainings from end to end: healthy ones of all tasks pass, failures raise with evidence; watching."""

from __future__ import annotations

import json

import numpy as np
import pytest
from gate_cases import ADAM, HEALTHY, healthy_case, linear, parts, rings, waves

import pellucid as pl
from pellucid.diagnosis.gates import catalogue
from pellucid.diagnosis.gates.asking import ask
from pellucid.diagnosis.gates.causes import CAUSES
from pellucid.diagnosis.gates.check import check_after, check_before, check_during, check_training, train_case
from pellucid.diagnosis.gates.finding import Finding, GateError, GateReport
from pellucid.diagnosis.gates.gate import GATES
from pellucid.diagnosis.gates.ranking import EXPLAINS, OWN_GATES, STRENGTH, rank_causes
from pellucid.diagnosis.gates.thresholds import TABLE
from pellucid.diagnosis.gates.watch import Watch

LAYERS = [pl.Dense(16, "relu"), pl.Dense(1)]
LARGE = pl.optimizers.GradientDescent(1e3)


def network(features=4):
    return pl.Network(LAYERS, features)


@pytest.mark.parametrize("name", HEALTHY)
def test_healthy_trainings_of_all_tasks_raise_no_alarm(name):
    case = healthy_case(name)
    report = check_training(case.network, case.dataset, test=case.test, raises=False, **case.options)
    assert not report.failed, str(report)
    assert len(report) > 25
    assert {finding.phase for finding in report} == {"before", "during", "after"}
    assert not [finding for finding in report if "can not be answered" in finding.evidence]


@pytest.fixture(scope="module")
def failed():
    with pytest.raises(GateError) as raised:
        check_training(network(), linear(), loss="squared_error", optimizer=LARGE, epochs=5, phases=["during", "after"])
    return raised.value


def test_a_failure_raises_with_the_evidence_and_the_report(failed):
    assert isinstance(failed, AssertionError)  # as pytest wants it
    assert "non_finite" in str(failed) and "training ended after" in str(failed)
    assert failed.report["non_finite"].verdict == "fail"
    assert failed.report.causes[0].cause.name == "step_too_large"


def test_a_report_as_text_html_and_data(failed):
    text = str(failed.report)
    verdicts = [line.split()[0] for line in text.splitlines() if line[:4] in ("FAIL", "WARN", "pass")]
    assert verdicts == sorted(verdicts, key=("FAIL", "WARN", "pass").index)
    assert len(verdicts) == len(failed.report)
    assert max(map(len, text.splitlines())) <= 120
    assert text.rstrip().splitlines()[-1].strip()
    assert text.index("Likely causes") > text.index("FAIL")
    html = failed.report._repr_html_()
    assert html.count("<tr>") == len(failed.report)
    assert "http" not in html and "<script" not in html
    data = json.loads(json.dumps(failed.report.as_dict(), allow_nan=False))
    assert data["verdict"] == "fail"
    assert data["causes"][0]["name"] == "step_too_large"
    assert len(data["findings"]) == len(failed.report)
    told = Finding("g", "after", "fail", "<b>&", float("nan"), where="<i>")
    assert "<i>" not in GateReport((told,))._repr_html_().replace("<i></i>", "")
    assert GateReport((told,)).as_dict()["findings"][0]["measured"] is None
    assert str(GateReport(())) == "nothing was asked"


def test_which_gates_and_which_phases():
    case = train_case(healthy_case("multiclass"))
    for check, phase in ((check_before, "before"), (check_during, "during"), (check_after, "after")):
        names = [name for name, gate in GATES.items() if gate.phase == phase and not gate.trains]
        assert {finding.gate for finding in check(case, names[:4])} <= set(names[:4])
        assert not len(check(case, []))
    options = {"loss": "squared_error", "epochs": 2}
    assert {f.gate for f in check_training(network(), linear(), gates=["dead_units"], **options)} == {"dead_units"}
    with pytest.raises(pl.UsageError, match="dead_units"):
        check_training(network(), linear(), gates=["dead_unit"], **options)
    with pytest.raises(pl.UsageError, match="no phase"):
        check_training(network(), linear(), phases=["later"], **options)
    with pytest.raises(pl.UsageError, match="loss"):
        check_training(network(), linear())


def test_thresholds_can_be_changed():
    options = {"loss": "squared_error", "epochs": 2, "phases": "during", "gates": ["dead_units"]}
    with pytest.raises(GateError) as raised:
        check_training(network(), linear(), thresholds={"dead_units.fail": -1.0}, **options)
    assert "set by the user" in raised.value.report["dead_units"].threshold


def test_handlers_and_files_of_fit_go_with_it(tmp_path):
    seen = []
    check_training(
        network(),
        linear(),
        loss="squared_error",
        epochs=3,
        on=seen.append,
        checkpoint=tmp_path / "state",
        history_file=tmp_path / "history.jsonl",
        phases=["during"],
        gates=["non_finite", "better_settings"],
        raises=False,
    )
    assert type(seen[-1]).__name__ == "TrainingEnded"
    assert len((tmp_path / "history.jsonl").read_text(encoding="utf-8").splitlines()) == 3


def test_a_gate_that_can_not_be_answered_is_a_warning():
    def broken(case, thresholds):
        raise pl.UsageError("no such thing")

    GATES["broken"] = type(GATES["dead_units"])("broken", "after", "?", broken)
    try:
        report = ask(healthy_case("binary"), ["after"], ["broken"])
    finally:
        del GATES["broken"]
    assert (report.verdict, "no such thing" in report["broken"].evidence) == ("warn", True)


# -- causes ------------------------------------------------------------------------------------------------------------


def test_the_tables_of_evidence_name_gates_and_causes_that_exist():
    catalogue.load()
    assert set(STRENGTH) <= set(GATES)
    assert set(OWN_GATES) <= set(CAUSES)
    assert set().union(*OWN_GATES.values()) <= set(GATES)
    assert set(EXPLAINS) | {name for shares in EXPLAINS.values() for name in shares} <= set(CAUSES)
    mine = {name for name, gate in GATES.items() if gate.phase != "before"}
    assert mine - {"non_finite"} <= set(TABLE)


def test_the_root_comes_before_what_it_brings_about():
    saturated = Finding("saturated_units", "during", "fail", "", causes=("saturated_units", "unscaled_inputs"))
    unscaled = Finding("scaled_columns", "before", "fail", "", causes=("unscaled_inputs",))
    dead = Finding("dead_units", "during", "fail", "", causes=("dead_units", "step_too_large"))
    steps = Finding("updates_too_large", "during", "fail", "", causes=("step_too_large",))
    assert rank_causes([saturated, unscaled])[0].cause.name == "unscaled_inputs"
    assert rank_causes([dead, steps])[0].cause.name == "step_too_large"
    assert rank_causes([dead])[0].cause.name == "dead_units"
    first = rank_causes([saturated, unscaled])[0]
    assert first.findings == (saturated, unscaled)


def test_failures_count_more_than_warnings_and_passes_not_at_all():
    def scores(verdict):
        found = [Finding("dead_units", "during", verdict, "", causes=("dead_units",))]
        return [ranked.score for ranked in rank_causes(found)]

    assert scores("fail")[0] > scores("warn")[0] > 0
    assert scores("pass") == []


def test_a_cause_whose_own_gates_pass_is_unlikely():
    slow = Finding("slower_than_linear", "during", "fail", "", causes=("too_much_regularization", "step_too_small"))
    room = Finding("regularization_leaves_room", "before", "pass", "")
    assert rank_causes([slow])[0].cause.name == "too_much_regularization"
    assert rank_causes([slow, room])[0].cause.name == "step_too_small"


# -- watching ----------------------------------------------------------------------------------------------------------


def test_watching_changes_nothing_and_says_the_same():
    learning, _ = parts(*rings())
    options = {"loss": "binary_cross_entropy", "epochs": 30, "optimizer": ADAM(0.01), "validation": 0.2}
    plain = pl.fit(network(2), learning, **options)
    watch = Watch(every=3)
    watched = pl.fit(network(2), learning, on=watch, **options)
    assert all(np.array_equal(watched.parameters[path], plain.parameters[path]) for path in plain.parameters)
    assert [record.epoch for record in watch.records] == list(range(0, 31, 3))
    names = [finding.gate for finding in watch.report]
    case = train_case(healthy_case("binary"))
    assert set(names) <= {finding.gate for finding in check_during(case)}
    of_case = check_during(type(case)(network(2), learning, options).trained(watched, watch.records), names)
    assert {f.gate: f.verdict for f in watch.report} == {f.gate: f.verdict for f in of_case}


def test_a_gate_ends_the_training_that_it_fails():
    watch = Watch(stop_on=["loss_diverges"], every=1)
    fitted = pl.fit(network(), linear(), loss="squared_error", epochs=50, optimizer=ADAM(5.0), on=watch)
    assert fitted.reason.startswith("the gate loss_diverges failed")
    assert len(fitted.history) < 50
    assert watch.report["loss_diverges"].verdict == "fail"
    with pytest.raises(pl.UsageError, match="no gate 'beats_linear' can end"):
        Watch(stop_on="beats_linear")


def test_what_was_watched_up_to_an_error():
    watch = Watch()
    with pytest.raises(pl.TrainingError) as raised:
        pl.fit(network(), linear(), loss="squared_error", optimizer=LARGE, on=watch)
    assert str(raised.value) in watch.report["non_finite"].evidence
    assert watch.report.causes[0].cause.name == "step_too_large"
    assert not len(Watch().report)


def test_a_report_while_the_training_is_under_way():
    watch, verdicts = Watch(), []
    x, y = waves(100)
    pl.fit(
        network(1),
        pl.Dataset({"x": x}, y),
        loss="squared_error",
        epochs=10,
        batch_size=None,
        optimizer=pl.optimizers.LBFGS(),
        on=[watch, lambda event: verdicts.append({finding.gate: finding.verdict for finding in watch.report})],
    )
    assert all(found["non_finite"] == "pass" for found in verdicts)
    assert "loss_below_constant" not in verdicts[3]
    assert "loss_below_constant" in verdicts[-1]


def test_a_gate_ends_a_short_training_too():
    fitted = pl.fit(
        network(),
        linear(),
        loss="squared_error",
        epochs=100,
        optimizer=ADAM(5.0),
        on=Watch(stop_on=["loss_diverges"]),
    )
    assert fitted.reason.startswith("the gate loss_diverges failed") and len(fitted.history) < 100
