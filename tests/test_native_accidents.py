"""Bad moments: garbage that is collected, interrupts between lines, threads that never come to work; and copies."""

from __future__ import annotations

import copy
import gc
import linecache
import pickle
import subprocess
import sys
import threading
import time
import weakref
from importlib import import_module

import numpy as np
import pytest

import pellucid as pl
from pellucid.cli import main
from pellucid.errors import ProcessorError
from pellucid.executors.native import cache, sharing, target, training
from pellucid.executors.native.assemble import assemble
from pellucid.executors.native.tables import Tables

RNG = np.random.default_rng(0)
X = RNG.normal(size=(150, 40)).astype(np.float32)
CLASS = np.arange(150) % 10
DATA = pl.Dataset({"x": X}, CLASS)


def fit(width=64, **given):
    network = pl.Network([pl.Dense(width, "relu"), pl.Dropout(0.2), pl.Dense(width, "relu"), pl.Dense(10)], inputs=40)
    usual = dict(loss="softmax_cross_entropy", epochs=3, batch_size=64, seed=0, validation=0.2, executor="native")
    return pl.fit(network, DATA, **{**usual, **given})


def same(a, b):
    return all(np.array_equal(a.parameters[path], b.parameters[path]) for path in a.parameters)


GARBAGE = """
import faulthandler, gc
import numpy as np
import pellucid as pl
from pellucid.executors.program import compile_epochs
from pellucid.training.preparation import losses_by_output
from pellucid.training.step import build_step

faulthandler.dump_traceback_later(60, exit=True)
network = pl.Network([pl.Dense(3, "relu"), pl.Dense(2)], inputs=4)
step = build_step(network, losses_by_output(network, pl.loss("squared_error")), pl.optimizers.Adam(), batch=8)
program, parameters = compile_epochs(step.form, "native"), network.initialize(seed=2)
carried = {**parameters, **step.initial_state(parameters)}
settings = {name: step.settings[name] for name in step.form.settings}
for number in range(200):
    arrays = {"x": np.zeros((8, 4)), "target": np.zeros((8, 2)), "row_weight": np.ones(8)}
    gc.set_threshold(1 + number % 100, 1000, 1000)
    part = program.run(carried, arrays, np.arange(8), settings, seed=0, first_step=0)
    part = program.run(part.carried, arrays, np.arange(8), settings, seed=0, first_step=0)
    gc.set_threshold(0)
    circle = [part.carried, arrays]
    circle.append(circle)
    del circle, part, arrays
"""


def test_garbage_may_be_collected_at_any_line():
    found = subprocess.run([sys.executable, "-c", GARBAGE], capture_output=True, text=True, timeout=120)
    assert found.returncode == 0, found.stderr


@pytest.fixture
def crowded(monkeypatch):
    """Share small kernels too, among more threads than there are cores."""
    monkeypatch.setattr(sharing, "ENOUGH", 1000)
    monkeypatch.setattr(training, "cores_of_thread", lambda: 4)


def test_more_threads_than_cores_give_the_same_bits(crowded, monkeypatch):
    shared = fit(61)
    monkeypatch.setattr(training, "cores_of_thread", lambda: 1)
    assert same(shared, fit(61))


def interrupted_at(line, **given):
    """Train, with Ctrl-C just before the given one of all lines of the executor; say whether it came to that."""
    passed = 0

    def watch(frame, event, _):
        nonlocal passed
        code = frame.f_code  # what is raised where garbage is collected, Python ignores
        if "native" not in code.co_filename or code.co_name in ("_give_all", "give", "_forget", "forget", "__del__"):
            return None
        if event == "line" and not linecache.getline(code.co_filename, frame.f_lineno).lstrip().startswith("with "):
            passed += 1  # but not where a lock is about to be released: no signal is heard there
            if passed == line:
                raise KeyboardInterrupt
        return watch

    before = sys.gettrace()
    sys.settrace(watch)
    try:
        fit(62, **given)
    except KeyboardInterrupt:
        pass
    finally:
        sys.settrace(before)
    return passed >= line


def test_ctrl_c_between_any_lines_of_the_executor_leaves_no_thread_and_no_other_bits(crowded):
    threads = threading.active_count()
    whole = fit(62)
    line = 1
    while interrupted_at(line):
        deadline = time.perf_counter() + 10
        while threading.active_count() > threads and time.perf_counter() < deadline:
            gc.collect()
            time.sleep(0.001)
        assert threading.active_count() == threads, f"threads are left behind at line {line}"
        line += 1 if line < 40 else 23
    assert line > 100
    assert same(fit(62), whole)


def test_helpers_that_nobody_dismisses_end(crowded, monkeypatch):
    given = []

    class Noted(training.Helpers):
        def __init__(self, *arguments):
            given.append(arguments)
            super().__init__(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(training, "Helpers", Noted)
        fit()
    helpers = training.Helpers(*given[-1])
    threads = list(helpers._threads)
    assert len(threads) == 3 and all(thread.is_alive() for thread in threads)
    del helpers
    gc.collect()
    for thread in threads:
        thread.join(timeout=10)
        assert not thread.is_alive()


def test_a_system_without_threads_to_spare_trains_on_one(crowded, monkeypatch):
    expected = fit(63)

    def refuse(self):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    assert same(fit(63), expected)


def test_what_was_prepared_of_a_dropped_array_is_not_taken_for_that_of_another(monkeypatch):
    tables = Tables(assemble(pl.build(lambda x: 2 * x, x=pl.float32[64, 40])))
    monkeypatch.setattr(weakref, "finalize", lambda *arguments: None)  # as if Ctrl-C had come while it was dropped
    for number in range(50):
        array = np.full((64, 40), number, np.float64)
        assert tables.of("x", array).arrays[0][5, 7] == number
        del array


def members(executor):
    network = pl.Network([pl.Dense(8, "tanh"), pl.Dense(10)], inputs=40)
    way = dict(loss="softmax_cross_entropy", epochs=2, validation=0.2, executor=executor)
    return pl.fit_population(network, DATA, 2, **way)


@pytest.mark.parametrize("again", [copy.deepcopy, copy.copy, lambda made: pickle.loads(pickle.dumps(made))])
@pytest.mark.parametrize("executor", ["native", "interpret"])
@pytest.mark.parametrize("make", [lambda executor: fit(8, executor=executor), members])
def test_what_training_returns_is_copied_with_its_numbers_and_without_its_code(make, executor, again):
    made = make(executor)
    other = again(made)
    np.testing.assert_array_equal(other.predict(X), made.predict(X))
    assert other.evaluate(DATA) == made.evaluate(DATA)


# -- processors that lack too much -------------------------------------------------------------------------------------


@pytest.fixture
def unfit(monkeypatch):
    import_module("pellucid.executors.native.report")  # what is imported first while this holds would keep it

    def refuse():
        return target.choose("x86_64-unknown-linux-gnu", "generic", frozenset(["sse4.2"]))

    for module in [module for name, module in sys.modules.items() if name.startswith("pellucid.executors.native")]:
        if hasattr(module, "host"):
            monkeypatch.setattr(module, "host", refuse)
    cache.clear()
    gc.collect()


@pytest.fixture(scope="module")
def wine(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wine")
    table = folder / "wine.csv"
    lines = ["a,b,kind", *(f"{number},{number % 7},{'xy'[number % 2]}" for number in range(60))]
    table.write_text("\n".join(lines) + "\n", encoding="utf-8")
    run = ["train", str(table), "--target", "kind", "--epochs", "2", "--hidden", "5", "--quiet"]
    assert main([*run, "--out", str(folder / "run")]) == 0
    return folder


@pytest.mark.parametrize("command", ["train", "predict", "evaluate", "show --kernels"])
def test_an_unfit_processor_is_told_in_one_line(unfit, wine, capsys, command):
    table, run = str(wine / "wine.csv"), str(wine / "run")
    given = {
        "train": ["train", table, "--target", "kind", "--hidden", "6", "--out", str(wine / "new")],
        "predict": ["predict", run, table],
        "evaluate": ["evaluate", run, table],
        "show --kernels": ["show", run, "--kernels"],
    }
    assert main(given[command]) == 2
    last = capsys.readouterr().err.strip().splitlines()
    assert len(last) == 1
    assert "can not generate code for this processor" in last[0] and "--executor interpret" in last[0]
    assert "Restore" not in last[0]


def test_what_needs_no_machine_code_works_on_any_processor(unfit, wine, capsys):
    table, run = str(wine / "wine.csv"), str(wine / "run")
    assert main(["show", run]) == 0
    assert main(["predict", run, table, "--executor", "interpret"]) == 0
    with pytest.raises(ProcessorError):
        pl.load_model(run)
    assert pl.load_model(run, executor="interpret").predict({"a": [1.0], "b": [2.0]})
