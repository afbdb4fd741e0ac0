"""Thousands of members: drawn together, prepared one by one, kept small, and refused before any is trained."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pellucid as pl
from pellucid import random
from pellucid.executors.cores import prompt_threads
from pellucid.training import population_training
from pellucid.training.beginnings import Beginnings
from pellucid.training.mini_batches import MiniBatchTraining

rng = np.random.default_rng(0)
X = rng.normal(size=(60, 4))
DATA = pl.Dataset({"x": X}, (X[:, 0] > 0).astype(int))
NETWORK = pl.Network([pl.Dense(5, "tanh"), pl.Dense(1)], inputs=4)
WAY = {"loss": "binary_cross_entropy", "epochs": 3, "batch_size": 16}
SEEDS = st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=5)

# -- many seeds at once ------------------------------------------------------------------------------------------------


@given(SEEDS, st.text(max_size=9), st.integers(0, 2**32 - 1), st.integers(0, 200))
def test_words_for_many_seeds_are_those_of_each(seeds, purpose, step, count):
    together = random.words_of_seeds(seeds, purpose, step, count)
    assert together.shape == (len(seeds), count) and together.dtype == np.uint32
    for seed, found in zip(seeds, together, strict=True):
        np.testing.assert_array_equal(found, random.words(seed, purpose, step, count))


def test_many_words_for_many_seeds():
    count = 2 * (1 << 15) + 77  # more than are encrypted at once
    np.testing.assert_array_equal(
        random.words_of_seeds([7, 2**40], "w", 0, count)[1], random.words(2**40, "w", 0, count)
    )


@given(SEEDS, st.lists(st.integers(0, 7), max_size=3), st.sampled_from([np.float32, np.float64]))
def test_draws_for_many_seeds_are_those_of_each(seeds, shape, dtype):
    for draw in (random.uniform, random.normal):
        each = np.array([draw(seed, "p", 3, shape, dtype) for seed in seeds]).reshape(len(seeds), *shape)
        found = draw(seeds, "p", 3, shape, dtype)
        assert found.dtype == dtype
        np.testing.assert_array_equal(found, each)


@pytest.mark.parametrize("seeds", [[1, -1], [2**64], [1.0], ["1"]])
def test_what_is_no_seed_is_refused_among_others(seeds):
    with pytest.raises(pl.UsageError, match="seed"):
        random.words_of_seeds(seeds, "p", 0, 3)


class Steps(pl.initializers.Initializer):
    """A user's own: it knows nothing of several seeds."""

    def draw(self, parameter, seed):
        return np.full(parameter.type.shape, float(int(seed) % 7))


class Halved(pl.initializers.HeNormal):
    """A user's own that changes one that takes several seeds."""

    def draw(self, parameter, seed):
        return super().draw(parameter, int(seed)) / 2


MASK = np.array([[1, 0, 1], [0, 1, 1]])
INITIALIZERS = [
    *sorted(pl.initializers.INITIALIZERS), 0.5, pl.initializers.Gaussian(2.0, 1.0), Steps(), Halved(),
    pl.initializers.Masked(pl.initializers.HeUniform(), MASK),
]  # fmt: skip


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "initializer", INITIALIZERS, ids=lambda one: one if isinstance(one, str) else type(one).__name__
)
def test_first_parameters_for_many_seeds_are_those_of_each(initializer, dtype):
    network = pl.Network([pl.Dense(3, initializer=initializer)], inputs=2, dtype=dtype)
    seeds = [0, 3, 2**64 - 1]
    for seed, found in zip(seeds, network.initialize_many(seeds), strict=True):
        wanted = network.initialize(seed)
        assert found.keys() == wanted.keys()
        for path in wanted:
            assert found[path].dtype == wanted[path].dtype
            np.testing.assert_array_equal(found[path], wanted[path])


@settings(max_examples=30)
@given(st.lists(st.integers(0, 300), min_size=1, max_size=60))
def test_beginnings_are_those_of_the_network_whatever_was_asked_before(asked):
    beginnings = Beginnings(NETWORK)
    for seed in asked:
        if seed % 3 == 0:
            beginnings.draw(range(seed, seed + 50))
        found = beginnings.of(seed)
        for path, array in NETWORK.initialize(seed).items():
            np.testing.assert_array_equal(found[path], array)
            assert not found[path].flags.writeable
        found["dense_1/weight"] = None  # the dict is the caller's own


def test_a_large_network_is_not_kept():
    beginnings = Beginnings(pl.Network([pl.Dense(600), pl.Dense(600)], inputs=600))
    assert beginnings.together == 1
    beginnings.of(4)
    assert 4 not in beginnings


# -- members one by one ------------------------------------------------------------------------------------------------


def test_members_are_prepared_when_their_turn_comes_and_forgotten_when_they_have_ended(monkeypatch):
    alive, most = set(), [0]
    prepare, leave = population_training.prepare_training, population_training.PopulationTraining._leave

    def noted(*arguments):
        training = prepare(*arguments)
        alive.add(id(training))
        most[0] = max(most[0], len(alive))
        return training

    def left(self, place, training):
        leave(self, place, training)
        assert place.training is None
        alive.discard(id(training))

    monkeypatch.setattr(population_training, "prepare_training", noted)
    monkeypatch.setattr(population_training.PopulationTraining, "_leave", left)
    population = pl.fit_population(NETWORK, DATA, 100, **WAY, threads=2)
    assert len(population) == 100 and not alive and most[0] <= 20
    seventh = pl.fit(NETWORK, DATA, **WAY, seed=77)
    for path, array in seventh.parameters.items():
        np.testing.assert_array_equal(population[77].parameters[path], array)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (pl.Member(settings={"learning_rat": 0.1}), r"members\[20\].*learning_rate"),
        (pl.Member(settings={"learning_rate": -1.0}), r"members\[20\].*out of range"),
        (pl.Member(seed=-3), r"members\[20\].*seed"),
        (pl.Member(rows=[60]), r"members\[20\].*no such row"),
        (pl.Member(weights=np.ones(3)), r"members\[20\].*one weight for each"),
        (pl.Member(start_from={"dense_1/weigth": 0}), r"members\[20\].*dense_1/weight"),
        (pl.Member(start_from={"dense_1/weight": np.zeros((2, 2))}), r"members\[20\].*another shape"),
    ],
)
def test_a_wrong_member_is_refused_before_any_is_trained(wrong, message):
    told = []
    with pytest.raises(pl.PellucidError, match=message):
        pl.fit_population(NETWORK, DATA, [*[pl.Member()] * 20, wrong], **WAY, on=told.append)
    assert not told


def test_members_that_never_began_are_returned_as_they_would_have_begun(monkeypatch):
    learned = MiniBatchTraining.advance

    def interrupted(self, seconds):
        if self.plan.seed == 2:
            raise KeyboardInterrupt
        return learned(self, seconds)

    monkeypatch.setattr(MiniBatchTraining, "advance", interrupted)
    population = pl.fit_population(NETWORK, DATA, 8, **WAY, threads=1)
    assert [len(fit.history) for fit in population] == [3, 3, 0, 0, 0, 0, 0, 0]
    assert population[7].reason == "interrupted" and population.usable == (0, 1)
    np.testing.assert_array_equal(population[7].parameters["dense_1/weight"], NETWORK.initialize(7)["dense_1/weight"])


# -- epochs that nobody hears of ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [{}, {"validation": 0.3, "patience": 2, "min_improvement": 0.05}])
def test_epochs_are_recorded_alike_whether_anybody_listens(options):
    def listen(event):
        pass

    way = {**WAY, "epochs": 40, "optimizer": pl.optimizers.Adam(0.05), **options}
    quiet, heard = pl.fit(NETWORK, DATA, **way), pl.fit(NETWORK, DATA, **way, on=listen)
    records = [[{**record, "seconds": 0} for record in fit.history] for fit in (quiet, heard)]
    assert records[0] == records[1] and (quiet.reason, quiet.best_epoch) == (heard.reason, heard.best_epoch)
    for kind in ("parameters", "state", "best"):
        one, other = getattr(quiet.progress, kind), getattr(heard.progress, kind)
        assert one.keys() == other.keys() and all(np.array_equal(one[path], other[path]) for path in one)
    told = (quiet.progress.best_value, quiet.progress.counted_value, quiet.progress.waited, quiet.progress.step)
    assert told == (heard.progress.best_value, heard.progress.counted_value, heard.progress.waited, heard.progress.step)


def test_ctrl_c_at_any_line_leaves_a_whole_state_behind_where_nobody_listens():
    names = {"_end_quietly", "judge_epoch", "keep", "hear", "_do_epochs", "_settle", "conclude", "advance", "changed"}
    way = {**WAY, "epochs": 30, "validation": 0.3}
    steps = 0
    for line in range(1, 4000, 61):
        passed = 0

        def watch(frame, event, _, line=line):
            nonlocal passed
            if frame.f_code.co_name not in names or "pellucid/training" not in frame.f_code.co_filename:
                return None
            if event == "line":
                passed += 1
                if passed == line:
                    raise KeyboardInterrupt
            return watch

        before = sys.gettrace()
        sys.settrace(watch)
        try:
            stopped = pl.fit(NETWORK, DATA, **way)
        finally:
            sys.settrace(before)
        if stopped.reason != "interrupted":
            break
        steps += 1
        assert len(stopped.history) == stopped.progress.epoch
        again = pl.fit(NETWORK, DATA, **way, steps=stopped.progress.step)
        assert [{**record, "seconds": 0} for record in again.history] == [
            {**record, "seconds": 0} for record in stopped.history
        ]
        assert again.best_epoch == stopped.best_epoch
        for path, array in again.progress.parameters.items():
            np.testing.assert_array_equal(stopped.progress.parameters[path], array)
    assert steps > 10


def test_threads_take_turns_more_often_for_a_while():
    usual = sys.getswitchinterval()
    with prompt_threads():
        with prompt_threads():
            assert sys.getswitchinterval() < usual
        assert sys.getswitchinterval() < usual
    assert sys.getswitchinterval() == usual
