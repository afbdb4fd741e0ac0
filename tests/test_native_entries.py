"""What native programs are given: shapes, numbers of rows and sparse matrices are checked; data are not held on to."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest
import scipy.sparse

import pellucid as pl
from pellucid.errors import DataError, GraphError, ShapeError
from pellucid.executors.epochs import Judging
from pellucid.executors.program import compile_epochs
from pellucid.training.judge import compile_judge_of
from pellucid.training.preparation import losses_by_output
from pellucid.training.step import build_step

ROWS = 50


class Given:
    """A step over mini-batches of 8, and what it takes."""

    def __init__(self, executor="native"):
        self.network = pl.Network([pl.Dense(9, "relu"), pl.Dense(2)], inputs=20)
        self.losses = losses_by_output(self.network, pl.loss("squared_error"))
        step = build_step(self.network, self.losses, pl.optimizers.Adam(), batch=8)
        parameters = self.network.initialize(2)
        rng = np.random.default_rng(0)
        self.program = compile_epochs(step.form, executor)
        self.carried = {**parameters, **step.initial_state(parameters)}
        self.arrays = {
            "x": rng.normal(size=(ROWS, 20)).astype(np.float32),
            "target": rng.normal(size=(ROWS, 2)).astype(np.float32),
            "row_weight": np.ones(ROWS, np.float32),
        }
        self.settings = {name: step.settings[name] for name in step.form.settings}

    def run(self, order=None, start=0, limit=None, **arrays):
        order = np.arange(ROWS) if order is None else order
        given = {**self.arrays, **arrays}
        options = {"seed": 0, "first_step": 0, "seconds": 60, "start": start, "limit": limit}
        return self.program.run(self.carried, given, order, self.settings, **options).losses

    def run_epochs(self, rows=None, judging=None, shuffle=True, **arrays):
        rows = np.arange(ROWS) if rows is None else rows
        options = {"seed": 0, "first_epoch": 0, "epochs": 2, "shuffle": shuffle, "judging": judging}
        return self.program.run_epochs(self.carried, {**self.arrays, **arrays}, rows, self.settings, **options).losses


@pytest.mark.parametrize("rows", [[ROWS], [0, -1], [10**12], [2**63 - 1], [-(2**63)]])
def test_rows_that_are_not_there(rows):
    given, numbers = Given(), np.array(rows)
    for run in (given.run, given.run_epochs):
        with pytest.raises(GraphError, match=r"no such row: got -?[0-9]+, expected 0 to 49"):
            run(numbers)
    with pytest.raises(GraphError, match="expected 0 to 9"):
        given.run(np.arange(ROWS), x=given.arrays["x"][:10])
    with pytest.raises(GraphError, match="expected 0 to 9"):
        given.run_epochs(row_weight=given.arrays["row_weight"][:10])


def test_numbers_of_rows_are_whole_and_on_one_axis():
    given = Given()
    for wrong in (np.array([0.5, 1.0]), np.zeros((3, 2), int), np.array(["1"])):
        for run in (given.run, given.run_epochs):
            with pytest.raises(GraphError, match="no numbers of rows"):
                run(wrong)
    with pytest.raises(GraphError, match="start: no such step: got 8, expected 0 to 7"):
        given.run(start=8)
    with pytest.raises(GraphError, match="no such step"):
        given.run(start=-1)
    assert len(given.run(limit=-1)) == len(given.run(limit=0)) == 0


@pytest.mark.parametrize(
    ("name", "shape"), [("x", (ROWS, 19)), ("x", (ROWS,)), ("x", (ROWS, 20, 1)), ("row_weight", (ROWS, 2)), ("x", ())]
)
def test_tables_of_another_shape(name, shape):
    given = Given()
    for run in (given.run, given.run_epochs):
        with pytest.raises(GraphError, match=f"input '{name}': wrong shape"):
            run(**{name: np.ones(shape, np.float32)})


def test_tables_that_hold_no_numbers():
    given = Given()
    with pytest.raises(ShapeError, match="input 'x': not numbers"):
        given.run(x=given.arrays["x"].astype(str))
    with pytest.raises(GraphError, match="input 'x': no array of examples"):
        given.run(x=given.arrays["x"].tolist())


def test_tables_in_any_memory_give_the_same():
    given = Given()
    x, expected = given.arrays["x"], given.run()
    shifted = np.frombuffer(b"\0" + x.tobytes(), np.uint8)[1:].view(np.float32).reshape(x.shape)
    wide = np.zeros((ROWS, 50), np.float32)
    wide[:, 5:45:2] = x
    for other in (np.asfortranarray(x), x.astype(float), x.astype(">f4"), shifted, wide[:, 5:45:2], x[::-1][::-1]):
        np.testing.assert_array_equal(given.run(x=other), expected)
        np.testing.assert_array_equal(given.run_epochs(x=other, shuffle=False)[0], expected)


def broken(how):
    """A sparse matrix with indices that are outside of it."""
    matrix = scipy.sparse.random(ROWS, 20, 0.2, "csr", dtype=np.float32, random_state=0)
    if how == "start":
        matrix.indptr[5] = 10**8
    else:
        matrix.indices[3] = {"large": 10**7, "negative": -(10**7)}[how]
    return matrix


@pytest.mark.parametrize("how", ["large", "negative", "start"])
@pytest.mark.parametrize("executor", ["native", "interpret"])
def test_sparse_matrices_with_indices_outside(how, executor):
    network, target = pl.Network([pl.Dense(18, "relu"), pl.Dense(1)], inputs=20), np.zeros(ROWS)
    with pytest.raises(DataError, match="input 'x': a sparse array with indices that do not fit"):
        pl.fit(network, pl.Dataset({"x": broken(how)}, target), loss="squared_error", epochs=1, executor=executor)
    data = pl.Dataset({"x": np.zeros((ROWS, 20))}, target)
    fitted = pl.fit(network, data, loss="squared_error", epochs=1, executor=executor)
    with pytest.raises(DataError, match="indices that do not fit"):
        fitted.predict(broken(how))
    if executor == "native":
        with pytest.raises(GraphError, match="input 'x': a sparse matrix with indices that do not fit"):
            Given().run(x=broken(how))


def test_what_a_judge_is_given():
    given = Given()
    judge = compile_judge_of(given.network, given.losses, "native", 16)
    for rows, count in (([ROWS], 1), ([-1], 1), (range(ROWS + 1), ROWS + 1)):
        with pytest.raises(GraphError, match="no such row"):
            judge.program.examples({**given.arrays, "row_weight": np.ones(count, np.float32)}, np.array(rows))
    with pytest.raises(GraphError, match="the weights do not fit"):
        judge.program.examples(given.arrays, np.arange(7))
    with pytest.raises(GraphError, match="no such row"):
        judge.program.examples({**given.arrays, "x": given.arrays["x"][:7]})
    with pytest.raises(GraphError, match="input 'x': wrong shape"):
        judge.program.examples({**given.arrays, "x": given.arrays["x"][:, :7]})
    other = pl.Network([pl.Dense(17, "relu"), pl.Dense(2)], inputs=20)
    wrong = compile_judge_of(other, given.losses, "native", 16)
    with pytest.raises(GraphError, match=r"dense_1/.*the judge takes something else"):
        given.run_epochs(judging=Judging(wrong.program, wrong.program.examples(given.arrays), wrong.settings))
    fits = Judging(judge.program, judge.program.examples(given.arrays), judge.settings)
    assert given.run_epochs(judging=fits).shape == (2, 7)


def test_data_are_dropped_with_the_last_who_holds_them():
    given = Given()
    kinds = {"as it is": np.float32, "copied": np.float64, "sparse": None}
    for told, dtype in kinds.items():
        x = given.arrays["x"]
        table = scipy.sparse.csr_matrix(x) if dtype is None else x.astype(dtype, copy=True)
        for run in (given.run, given.run_epochs):
            run(x=table)
        alive = weakref.ref(table)
        del table
        gc.collect()
        assert alive() is None, told
    assert [name for name, _ in given.program._tables._found] == ["target", "row_weight"]
