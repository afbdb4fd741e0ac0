"""Schedules follow their closed forms, do not depend on how steps are asked for, and keep their state plain."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pellucid.errors import UsageError
from pellucid.optim.schedules import (
    SCHEDULES,
    Constant,
    Cosine,
    Exponential,
    InverseTime,
    OnPlateau,
    Step,
    WarmUp,
    schedule,
)

CLOSED_FORMS = [
    (Constant(), lambda step, epoch: 1.0),
    (Step(every=3, factor=0.5), lambda step, epoch: 0.5 ** math.floor(epoch / 3)),
    (Exponential(rate=0.9), lambda step, epoch: math.exp(epoch * math.log(0.9))),
    (InverseTime(decay=0.25), lambda step, epoch: 4 / (4 + epoch)),
    (Cosine(epochs=8), lambda step, epoch: math.cos(min(epoch / 8, 1) * math.pi / 2) ** 2),
    (Cosine(epochs=8, floor=0.2), lambda step, epoch: 0.2 + 0.8 * math.cos(min(epoch / 8, 1) * math.pi / 2) ** 2),
    (WarmUp(steps=10), lambda step, epoch: min((step + 1) / 10, 1)),
    (WarmUp(epochs=2), lambda step, epoch: min((step + 1) / 14, 1)),
    (
        WarmUp(steps=14, then=Exponential(rate=0.5)),
        lambda step, epoch: (step + 1) / 14 if step < 14 else 0.5 ** (epoch - 2),
    ),
    (OnPlateau(), lambda step, epoch: 1.0),
]
SOME = [chosen for chosen, _ in CLOSED_FORMS]


@pytest.mark.parametrize(("chosen", "form"), CLOSED_FORMS, ids=[repr(chosen) for chosen in SOME])
def test_factors_follow_the_closed_form(chosen, form):
    found = chosen.factors(0, 100, steps_per_epoch=7)
    assert found.dtype == np.float64 and found.shape == (100,)
    np.testing.assert_allclose(found, [form(step, step / 7) for step in range(100)], rtol=1e-14, atol=1e-16)


@pytest.mark.parametrize("chosen", SOME, ids=repr)
@given(st.integers(0, 300), st.integers(0, 300), st.integers(1, 50))
def test_a_resumed_run_sees_the_same_factors(chosen, first, count, steps_per_epoch):
    whole = chosen.factors(0, first + count, steps_per_epoch)
    assert np.array_equal(chosen.factors(first, count, steps_per_epoch), whole[first:])


def test_every_schedule_is_compared_with_a_closed_form():
    assert {chosen.name for chosen in SOME} == set(SCHEDULES)


def test_a_step_falls_between_epochs_and_never_within_one():
    factors = Step(every=1, factor=0.1).factors(0, 30, steps_per_epoch=3).reshape(10, 3)
    assert np.all(factors == factors[:, :1]) and np.all(np.diff(factors[:, 0]) < 0)


def observe_all(chosen, metrics):
    """The factor that holds in each epoch, given the metric at its end."""
    state, seen = chosen.initial_state(), []
    for metric in metrics:
        seen.append(float(chosen.factors(0, 1, 1, state)[0]))
        state = json.loads(json.dumps(chosen.observe(state, metric), allow_nan=False))
    return [*seen, float(chosen.factors(0, 1, 1, state)[0])]


def test_on_plateau_cuts_after_the_patience_and_counts_anew():
    chosen = OnPlateau(factor=0.5, patience=2, minimum=0.2)
    metrics = [3.0, 2.0, 2.5, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.5]
    assert observe_all(chosen, metrics) == [1, 1, 1, 1, 1, 1, 0.5, 0.5, 0.25, 0.25, 0.2, 0.2]


def test_on_plateau_takes_what_is_hardly_better_for_no_better():
    chosen = OnPlateau(factor=0.5, patience=3, threshold=0.1)
    assert observe_all(chosen, [100.0, 95.0, 92.0, 91.0])[-1] == 0.5
    assert observe_all(chosen, [100.0, 95.0, 92.0, 89.0])[-1] == 1.0
    assert observe_all(chosen, [-100.0, -105.0, -108.0, -109.0])[-1] == 0.5  # such as the negative of an accuracy
    assert observe_all(chosen, [-100.0, -105.0, -108.0, -111.0])[-1] == 1.0


def test_on_plateau_takes_a_metric_that_is_not_finite_for_no_better():
    assert observe_all(OnPlateau(patience=2), [math.nan, math.inf, 1.0]) == [1, 1, 0.5, 0.5]
    assert observe_all(OnPlateau(patience=3), [1.0, math.nan, 2.0, -math.inf])[-1] == 0.5


@pytest.mark.long
@given(st.lists(st.floats(0.1, 10).map(lambda x: round(x, 1)), min_size=1, max_size=60), st.integers(1, 4))
def test_on_plateau_agrees_with_pytorch(metrics, patience):
    import torch

    weight = torch.zeros(1, requires_grad=True)
    theirs = torch.optim.SGD([weight], lr=1.0)
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(
        theirs, factor=0.5, patience=patience - 1, min_lr=0.1, threshold=0.05, eps=0.0
    )
    expected = [1.0]
    for metric in metrics:
        scheduler.step(metric)
        expected.append(theirs.param_groups[0]["lr"])
    chosen = OnPlateau(factor=0.5, patience=patience, minimum=0.1, threshold=0.05)
    assert observe_all(chosen, metrics) == pytest.approx(expected, rel=1e-15)


def test_state_passes_through_a_warm_up():
    chosen = WarmUp(steps=2, then=OnPlateau(patience=1))
    state = chosen.initial_state()
    for metric in (1.0, 1.0):
        state = chosen.observe(state, metric)
    assert chosen.factors(0, 4, 1, state).tolist() == [0.5, 1, 0.5, 0.5]


def test_other_schedules_have_no_state():
    assert Cosine(epochs=3).initial_state() == {} and Cosine(epochs=3).observe({}, 1.0) == {}


def test_schedules_are_found_by_name():
    assert schedule("step", every=4) == Step(every=4, factor=0.1)
    assert schedule(Step(every=4), factor=0.2) == Step(every=4, factor=0.2)
    assert all(kind.name == name for name, kind in SCHEDULES.items())


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: schedule("cosin", epochs=3), "no schedule is called 'cosin'. Did you mean 'cosine'?"),
        (lambda: schedule("cosine"), "the schedule 'cosine' needs the setting 'epochs'"),
        (lambda: schedule("cosine", epoch=3), "the schedule 'cosine' has no setting 'epoch'. Did you mean 'epochs'?"),
        (lambda: Step(every=0), "step, every: out of range: got 0, expected a whole number in [1, inf)"),
        (lambda: Step(every=1.5), "step, every: not a whole number: got 1.5"),
        (lambda: Exponential(rate=0), "exponential, rate: out of range: got 0, expected a number in (0, inf)"),
        (lambda: InverseTime(decay=-1), "inverse_time, decay: out of range"),
        (lambda: Cosine(epochs=5, floor=2), "cosine, floor: out of range: got 2, expected a number in [0, 1]"),
        (lambda: OnPlateau(factor=1.0), "on_plateau, factor: out of range"),
        (lambda: OnPlateau(patience=0), "on_plateau, patience: out of range"),
        (lambda: WarmUp(), "warm_up: a warm-up lasts some steps or some epochs"),
        (lambda: WarmUp(steps=2, epochs=1), "warm_up: a warm-up lasts some steps or some epochs"),
        (lambda: WarmUp(steps=2, then="cosine"), "warm_up, then: not a schedule: got 'cosine'"),
        (lambda: Constant().factors(-1, 2, 3), "first_step: out of range"),
        (lambda: Constant().factors(0, 2, 0), "steps_per_epoch: out of range"),
    ],
)
def test_mistakes_are_told(make, message):
    with pytest.raises(UsageError) as caught:
        make()
    assert message in str(caught.value)
