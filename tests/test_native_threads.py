"""Native programs in several threads at once, in forked processes, and in what is pickled."""

from __future__ import annotations

import copy
import multiprocessing
import os
import pickle
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from models import TARGETS, make

import pellucid as pl
from pellucid.executors.program import compile_epochs, compile_rows
from pellucid.training.preparation import losses_by_output
from pellucid.training.step import build_step


def network_graph(batch=40):
    network = pl.Network([pl.Dense(33, "tanh"), pl.Dropout(0.3), pl.Dense(5)], inputs=7)
    return network, network.graph(batch=batch, training=True)


def at_once(count, work):
    """Run work(number) in so many threads that begin together, and return the results."""
    barrier = threading.Barrier(count)

    def run(number):
        barrier.wait()
        return work(number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


def test_one_program_called_by_several_threads():
    network, graph = network_graph()
    program, parameters = pl.compile(graph, "native"), network.initialize(0)
    rng = np.random.default_rng(0)
    inputs = [
        {"x": rng.normal(size=(40, 7)), "seed": number, "step": 0, **parameters, **network.settings}
        for number in range(6)
    ]
    expected = [program(**given)["output"] for given in inputs]

    def work(number):
        for _ in range(50):
            assert np.array_equal(program(**inputs[number])["output"], expected[number])
        return program.observe(**inputs[number])["output"]

    for found, wanted in zip(at_once(6, work), expected, strict=True):
        np.testing.assert_array_equal(found, wanted)


def test_graphs_compiled_by_several_threads():
    def work(number):
        size = 3 + number % 3
        graph = pl.build(lambda x: pl.tanh(x @ pl.transpose(x, (1, 0))), x=pl.float32[size, 41])
        return pl.compile(graph, "native")(x=np.ones((size, 41)))["value"].shape

    assert at_once(6, work) == [(3 + number % 3,) * 2 for number in range(6)]


def test_rows_and_epochs_in_several_threads():
    network = pl.Network([pl.Dense(9, "relu"), pl.Dense(2)], inputs=4)
    rows = compile_rows(network.graph(), "native").bind(network.initialize(1))
    step = build_step(network, losses_by_output(network, pl.loss("squared_error")), pl.optimizers.Adam(), batch=8)
    program, parameters = compile_epochs(step.form, "native"), network.initialize(2)
    carried = {**parameters, **step.initial_state(parameters)}
    x, y = np.random.default_rng(0).normal(size=(50, 4)).astype(np.float32), np.zeros((50, 2), np.float32)
    arrays = {"x": x, "target": y, "row_weight": np.ones(50, np.float32)}
    settings = {name: step.settings[name] for name in step.form.settings}

    def work(number):
        order = program.order(number, 0, 50)
        part = program.run(carried, arrays, order, settings, seed=number, first_step=0, seconds=60)
        return rows.run({"x": x[number:]}, 50 - number)["output"], part.losses, part.carried

    alone = [work(number) for number in range(4)]
    for (output, losses, state), (output_2, losses_2, state_2) in zip(alone, at_once(4, work), strict=True):
        np.testing.assert_array_equal(output, output_2)
        np.testing.assert_array_equal(losses, losses_2)
        for name, value in state.items():
            np.testing.assert_array_equal(value, state_2[name])


def _in_child(program, x, queue):
    other = pl.compile(pl.build(lambda x: pl.exp(x) @ pl.transpose(x, (1, 0)), x=pl.float64[4, 19]), "native")
    queue.put((program(x=x)["value"], other(x=x)["value"].shape))


def test_a_forked_process_runs_and_compiles():
    if "fork" not in multiprocessing.get_all_start_methods():
        return  # this system starts processes anew
    x = np.random.default_rng(0).normal(size=(4, 19))
    program = pl.compile(pl.build(lambda x: pl.tanh(x) @ pl.transpose(x, (1, 0)), x=pl.float64[4, 19]), "native")
    expected = program(x=x)["value"]
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    process = context.Process(target=_in_child, args=(program, x, queue))
    process.start()
    found, shape = queue.get(timeout=60)
    process.join()
    assert process.exitcode == 0 and shape == (4, 4)
    np.testing.assert_array_equal(found, expected)


def _compiled_anew(size):
    program = pl.compile(pl.build(lambda x: pl.exp(x), x=pl.float32[4, size]), "native")
    return program(x=np.zeros((4, size)))["value"].sum() == 4 * size


def test_a_process_forked_while_another_thread_compiles():
    if not hasattr(os, "fork"):
        return  # there are no forks on this system
    over = threading.Event()

    def compile_on():
        size = 3
        while not over.is_set():
            size += 1
            pl.compile(pl.build(lambda x: pl.tanh(2 * x), x=pl.float32[size, 3]), "native")

    thread = threading.Thread(target=compile_on)
    thread.start()
    try:
        for number in range(6):
            time.sleep(0.02 * number)
            child = os.fork()
            if not child:
                signal.alarm(30)  # ends a child that waits for a lock that nobody holds
                try:
                    assert _compiled_anew(60 + number)
                    os._exit(0)
                finally:
                    os._exit(1)
            assert os.waitpid(child, 0)[1] == 0
    finally:
        over.set()
        thread.join()


def test_programs_are_pickled_and_copied_as_their_graphs():
    program = pl.compile(pl.build(lambda x: pl.tanh(2 * x), x=pl.float32[5]), "native")
    x = np.arange(5)
    for other in (pickle.loads(pickle.dumps(program)), copy.deepcopy(program), copy.copy(program)):
        np.testing.assert_array_equal(other(x=x)["value"], program(x=x)["value"])


@pytest.mark.parametrize("task", sorted(TARGETS))
def test_models_that_have_run_are_pickled(task):
    model, table, *_ = make(*TARGETS[task], executor="native")
    expected = model.predict(table)
    for other in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model)):
        assert other.executor == "native"
        found = other.predict(table)
        assert list(found) == list(expected)
        for name, values in expected.items():
            np.testing.assert_array_equal(found[name], values)


def test_estimators_that_have_run_are_pickled_and_go_on():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(80, 3)), rng.normal(size=80)
    estimator = pl.MLPRegressor(hidden_layer_sizes=(8,), executor="native", random_state=0)
    estimator.partial_fit(x, y)
    other = pickle.loads(pickle.dumps(estimator))
    for each in (estimator, other):
        each.partial_fit(x, y)
    np.testing.assert_array_equal(other.predict(x), estimator.predict(x))
