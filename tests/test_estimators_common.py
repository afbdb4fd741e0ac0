"""What the trainings of a search share: arrays known by their content, steps by their form; and the threads."""

from __future__ import annotations

import threading
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy import sparse

import pellucid as pl
from pellucid.data.tables.table import Table
from pellucid.estimators import common as module
from pellucid.estimators.built import Built, key_of_activations, shared
from pellucid.estimators.common import Common, current, known, once
from pellucid.estimators.search_threads import SearchThreads
from pellucid.training.step import build_step

TABLES = [
    np.arange(12.0).reshape(4, 3),
    np.arange(12.0, dtype=np.float32).reshape(4, 3),
    np.arange(12).reshape(4, 3),
    np.array([[np.nan, 0.0], [-0.0, np.inf]]),
    np.array([[0.0, np.nan], [-0.0, np.inf]]),
    np.array([[0.0, np.nan], [np.inf, -0.0]]),
    np.array(["a", "bc", "b"]),
    np.array(["a", "bc", "b"], object),
    np.array([True, False, True]),
    sparse.csr_matrix(np.eye(3)),
    sparse.csr_matrix(np.eye(3)[::-1]),
    sparse.csr_matrix((np.ones(3), np.arange(3), np.arange(4)), shape=(3, 9)),
    Table.from_columns({"a": [1.0, 2.0], "b": ["x", None]}),
    Table.from_columns({"a": [1.0, 2.0], "c": ["x", None]}),
    Table.from_columns({"a": [1.0, 2.0], "b": ["x", ""]}),
    Table.from_columns({"a": [1, 2], "b": ["x", None]}),
]


def copied(table):
    if isinstance(table, Table):
        columns = [replace(one, values=one.values.copy(), missing=one.missing.copy()) for one in table.columns]
        return Table(tuple(columns))
    return table.copy()


def test_what_is_equal_is_known_and_nothing_else():
    common = Common()
    first = [common.known(table) for table in TABLES]
    assert all(found is table for found, table in zip(first, TABLES, strict=True))
    assert all(common.known(copied(table)) is table for table in TABLES)


@given(arrays.arrays(np.int8, 3, elements=st.integers(-2, 2)), arrays.arrays(np.int8, 3, elements=st.integers(-2, 2)))
def test_arrays_of_one_checksum_are_told_apart(one, other):
    common = Common()
    common.known(one)
    assert (common.known(other) is one) == (one.tolist() == other.tolist())


def test_what_may_change_or_holds_objects_is_not_kept():
    common = Common()
    for thing in (np.array([1, "a"], object), np.array(["a\0", "b"], object), [1, 2], None):
        assert common.known(thing) is thing
        assert common.known(thing) is thing
    text = np.array(["a", "b"], object)
    assert common.known(np.array(["a\0", "b"], object)) is not common.known(text)


def test_once_is_once_for_the_same_parts():
    common, made = Common(), []

    def make():
        made.append(1)
        return np.zeros(len(made)), "more"

    x = common.known(np.arange(3.0))
    first = common.once("made", (x, 2, ("a",)), make)
    assert common.once("made", (common.known(np.arange(3.0)), 2, ("a",)), make) is first and len(made) == 1
    assert common.once("made", (x, 2.0, ("a",)), make) is not first
    assert common.once("other", (x, 2, ("a",)), make) is not first
    assert common.once("further", (first[0],), make) is common.once("further", (first[0],), make)
    count = len(made)
    common.once("made", (np.arange(3.0), 2), make)  # an array that is not known
    common.once("made", (np.arange(3.0), 2), make)
    assert len(made) == count + 2


def test_what_was_not_asked_for_is_forgotten(monkeypatch):
    monkeypatch.setattr(module, "MOST_BYTES", 10_000)
    common = Common()
    kept = [common.known(np.full(100, number)) for number in range(50)]
    assert common.known(np.full(100, 49)) is kept[49] and common.known(np.full(100, 0)) is not kept[0]
    assert common._bytes <= 10_000 and len(common._known) == len(common._made) <= 12


def test_only_threads_that_are_told_so_share():
    common = Common()
    assert current() is None and once("x", (), lambda: [1]) is not once("x", (), lambda: [1])
    with common.here():
        assert once("x", (), lambda: [1]) is once("x", (), lambda: [2])
        x = known(np.arange(2.0))
        found = []
        other = threading.Thread(target=lambda: found.append(known(np.arange(2.0))))
        other.start()
        other.join()
    assert found[0] is not x and current() is None


OPTIMIZERS = [
    pl.optimizers.Adam(0.1),
    pl.optimizers.Adam(0.2, beta_1=0.5, epsilon=1e-3),
    pl.optimizers.AdamW(0.1, weight_decay=0.0),
    pl.optimizers.AdamW(0.1, weight_decay=0.3),
    pl.optimizers.AdamW(0.1, decay_all=True),
    pl.optimizers.RMSprop(0.1),
    pl.optimizers.RMSprop(0.1, momentum=0.5),
    pl.optimizers.Rprop(initial_step=0.1),
    pl.optimizers.Rprop(initial_step=0.2),
    pl.optimizers.Rprop(initial_step=0.2, increase=1.5),
    pl.optimizers.NAdam(0.1, beta_2=0.9),
    pl.optimizers.Lion(0.1, weight_decay=0.1),
    pl.optimizers.Momentum(0.1, 0.5),
    pl.optimizers.Nesterov(0.1, 0.5),
]


def test_steps_that_are_shared_are_those_that_would_be_built():
    network = pl.Network([pl.Dense(3, "tanh"), pl.Dense(1)], inputs=2)
    losses = {"output": pl.loss("squared_error")}
    built, programs = Built(network, losses, "interpret"), set()
    for optimizer in [*OPTIMIZERS, *OPTIMIZERS]:
        for clip in (None, 0.5, 2.0):
            step, program = built.step_for(optimizer, 4, [], clip)
            fresh = build_step(network, losses, optimizer, batch=4, clip_norm=clip)
            assert str(step.graph) == str(fresh.graph) and step.settings == fresh.settings
            first = network.initialize(0)
            state, wanted = step.initial_state(first), fresh.initial_state(first)
            assert all(np.array_equal(state[name], wanted[name]) for name in wanted)
            programs.add(id(program))
    kinds = 2 * (len(OPTIMIZERS) - 2)  # two of them differ in numbers only, from Adam and from Rprop
    assert len(programs) == kinds


def test_networks_are_shared_by_key_and_the_last_ones_are_kept():
    made = []

    def make():
        made.append(Built(pl.Network([pl.Dense(1)], inputs=1), {"output": pl.loss("squared_error")}, "interpret"))
        return made[-1]

    assert shared(("tests", 0), make) is shared(("tests", 0), make)
    assert shared(None, make) is not shared(None, make) and shared((["no hash"],), make) is made[-1]
    for number in range(1, 20):
        shared(("tests", number), make)
    count = len(made)
    assert shared(("tests", 19), make) is made[-1] and shared(("tests", 0), make) is made[-1] and len(made) == count + 1
    assert key_of_activations(["relu", lambda value: value]) is None
    assert key_of_activations(["relu", pl.tanh]) == key_of_activations(["relu", pl.tanh])


@pytest.mark.parametrize("count", [1, 3])
def test_threads_begin_a_program_once_and_do_all_that_there_is(count):
    keys = [None, *np.repeat(["a", "b", "c", "d"], 6).tolist(), None]
    threads, lock = SearchThreads(keys.__getitem__), threading.Lock()
    threads.configure(count)
    ready, done, all_done = set(), [], threading.Event()

    def work(number):
        key = keys[number]
        if key is not None and key not in ready:
            with lock:
                assert key not in begun
                begun.add(key)
            threading.Event().wait(0.01)
            ready.add(key)
            threads.common.compiled()
        assert current() is threads.common
        if number == 5:
            raise ValueError("of the fifth")
        return number

    def tell(future):
        with lock:
            done.append(future)
            if len(done) == len(keys):
                all_done.set()

    begun = set()
    futures = [threads.submit(lambda number=number: work(number), tell) for number in range(len(keys))]
    assert all_done.wait(30)
    assert [future.result() for n, future in enumerate(futures) if n != 5] == [n for n in range(len(keys)) if n != 5]
    with pytest.raises(ValueError, match="of the fifth"):
        threads.retrieve_result_callback(futures[5])
    assert threads.effective_n_jobs(1) == 2 and threads.effective_n_jobs(4) == 4 and threads.effective_n_jobs(-1) >= 2
    threads.terminate()
