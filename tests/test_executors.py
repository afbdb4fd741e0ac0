"""What every executor owes its callers: programs over rows, programs of epochs, and predictors that are never stale."""

import copy
import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from scipy import sparse

import pellucid as pl
from pellucid.errors import GraphError, UsageError
from pellucid.executors import predictor as predictors
from pellucid.executors.epochs import StepGraph
from pellucid.executors.inputs import is_frozen
from pellucid.executors.predictor import Predictor
from pellucid.executors.program import EXECUTORS, compile_epochs, compile_rows

each_executor = pytest.mark.parametrize("executor", sorted(EXECUTORS))
BATCH = pl.Axis(2, "batch")


def two_outputs(dtype=pl.float64):
    def f(x, k, w, b, scale):
        z = pl.contraction(x, w, labels="bi,io->bo") + b
        return {"y": pl.tanh(z) * scale, "largest": pl.max(z, axis=1), "twice": k + k}

    return pl.build(f, x=dtype[BATCH, 5], k=pl.int64[BATCH], w=dtype[5, 3], b=dtype[3], scale=dtype[()])


def drawn(count, seed=0):
    rng = np.random.default_rng(seed)
    fixed = {"w": rng.standard_normal((5, 3)), "b": rng.standard_normal(3), "scale": 0.5}
    return fixed, {"x": rng.standard_normal((count, 5)), "k": rng.integers(-9, 9, count)}


def expected(fixed, rows):
    z = rows["x"] @ fixed["w"] + fixed["b"]
    return {"y": np.tanh(z) * fixed["scale"], "largest": z.max(axis=1), "twice": 2 * rows["k"]}


# -- programs over rows ------------------------------------------------------------------------------------------------


@each_executor
@pytest.mark.parametrize("count", [0, 1, 2, 3, 17, 1024, 1025, 2500])
def test_a_program_over_rows_takes_any_number_of_them(executor, count):
    fixed, rows = drawn(count)
    program = compile_rows(two_outputs(), executor)
    assert set(program.rows) == {"x", "k"}
    found = program.bind(fixed).run(rows, count)
    assert set(found) == {"y", "largest", "twice"}
    for name, value in expected(fixed, rows).items():
        assert found[name].dtype == (np.int64 if name == "twice" else np.float64)
        assert found[name].flags.c_contiguous and found[name].flags.writeable
        np.testing.assert_allclose(found[name], value, rtol=1e-12, atol=1e-12)


@each_executor
def test_rows_may_come_in_other_dtypes_orders_and_sparse(executor):
    fixed, rows = drawn(40)
    rows["x"] = np.where(np.abs(rows["x"]) > 0.7, np.round(rows["x"], 2), 0.0)
    bound = compile_rows(two_outputs(), executor).bind(fixed)
    usual = bound.run(rows, 40)["y"]
    for x in (np.asfortranarray(rows["x"]), np.repeat(rows["x"], 2, axis=0)[::2], sparse.csr_array(rows["x"])):
        np.testing.assert_allclose(bound.run({**rows, "x": x}, 40)["y"], usual, rtol=1e-12, atol=1e-14)
    whole = bound.run({"x": np.ones((3, 5), bool), "k": np.array([1.0, 2.0, 3.0])}, 3)
    assert whole["twice"].tolist() == [2, 4, 6]


@each_executor
def test_what_is_bound_stays_as_it_was(executor):
    fixed, rows = drawn(9)
    program = compile_rows(two_outputs(), executor)
    bound = program.bind(fixed)
    before = bound.run(rows, 9)
    other = program.bind({**fixed, "scale": 2.0}).run(rows, 9)
    fixed["w"][:], fixed["b"] = 0.0, np.zeros(3)
    after = bound.run(rows, 9)
    assert all(np.array_equal(before[name], after[name]) for name in before)
    np.testing.assert_allclose(other["y"], 4 * before["y"], rtol=1e-12)


@each_executor
def test_results_belong_to_the_caller(executor):
    fixed, rows = drawn(6)
    bound = compile_rows(two_outputs(), executor).bind(fixed)
    first = bound.run(rows, 6)
    kept = copy.deepcopy(first)
    bound.run({**rows, "x": rows["x"] + 1}, 6)
    assert all(np.array_equal(first[name], kept[name]) for name in kept)


@each_executor
def test_several_threads_run_one_program(executor):
    fixed, _ = drawn(0)
    bound = compile_rows(two_outputs(), executor).bind(fixed)
    tasks = [drawn(count, seed=count)[1] for count in (1, 700, 30, 1500) * 5]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda rows: bound.run(rows, len(rows["x"])), tasks))
    for rows, one in zip(tasks, found, strict=True):
        for name, value in expected(fixed, rows).items():
            np.testing.assert_allclose(one[name], value, rtol=1e-12, atol=1e-12)


@each_executor
def test_what_does_not_fit_a_program_over_rows_is_told(executor):
    fixed, rows = drawn(4)
    program = compile_rows(two_outputs(), executor)
    for wrong, told in [
        ({**fixed, "x": rows["x"]}, "unknown 'x'"),
        ({name: value for name, value in fixed.items() if name != "b"}, "missing 'b'"),
        ({**fixed, "w": np.zeros((3, 5))}, "input 'w': wrong shape"),
    ]:
        with pytest.raises(GraphError, match=told):
            program.bind(wrong)
    bound = program.bind(fixed)
    for wrong, told in [
        ({"x": rows["x"]}, "missing 'k'"),
        ({**rows, "w": fixed["w"]}, "unknown 'w'"),
        ({**rows, "x": rows["x"][:3]}, r"input 'x': wrong shape: got float64\[3, 5\]"),
        ({**rows, "x": rows["x"][:, :4]}, "input 'x': wrong shape"),
        ({**rows, "k": rows["k"] + 0.5}, "input 'k': numbers that the dtype can not hold"),
    ]:
        with pytest.raises(GraphError, match=told):
            bound.run(wrong, 4)


@each_executor
def test_graphs_that_are_none_over_rows_are_refused(executor):
    for function, types, told in [
        (lambda x: pl.sum(x), {"x": pl.float64[BATCH]}, "output does not have the axis 'batch' first"),
        (lambda x: x.T, {"x": pl.float64[BATCH, 3]}, "output does not have the axis 'batch' first"),
        (lambda x, v: x + v[0], {"x": pl.float64[BATCH], "v": pl.float64[3, BATCH]}, "and not first"),
        (lambda x: x + np.arange(2.0), {"x": pl.float64[BATCH]}, "computes with the size of its axis"),
    ]:
        with pytest.raises(GraphError, match=told):
            compile_rows(pl.build(function, **types), executor)


def test_an_unknown_executor_is_named():
    with pytest.raises(UsageError, match="interpret"):
        compile_rows(two_outputs(), "interpreter")
    with pytest.raises(UsageError, match="no executor is called 3"):
        pl.compile(two_outputs(), 3)


# -- predictors --------------------------------------------------------------------------------------------------------


def frozen(array):
    array = np.array(array, np.float64)
    array.flags.writeable = False
    return array


def divided():
    return pl.build(lambda x, w: x / w, x=pl.float64[BATCH, 2], w=pl.float64[2])


@each_executor
def test_a_predictor_is_never_stale(executor):
    predictor, x = Predictor(divided(), executor), np.ones((3, 2))

    def run(w):
        return predictor.run({"w": w}, {"x": x}, 3)["value"][0].tolist()

    w = np.array([1.0, 2.0])
    assert run(w) == [1.0, 0.5]
    w[0] = 4.0
    assert run(w) == [0.25, 0.5]
    first, second = frozen([2.0, 2.0]), frozen([8.0, 8.0])
    assert [run(first), run(second), run(first)] == [[0.5, 0.5], [0.125, 0.125], [0.5, 0.5]]
    assert run(frozen([0.0, 1.0])) == [np.inf, 1.0]
    assert run(np.array([-0.0, 1.0])) == [-np.inf, 1.0]  # equal to what came before, but for a bit
    base = np.array([1.0, 1.0])
    view = base[:]
    view.flags.writeable = False
    assert not is_frozen(view) and run(view) == [1.0, 1.0]
    base[:] = 2.0
    assert run(view) == [0.5, 0.5]
    first.flags.writeable = True
    run(first)
    first[:] = 16.0
    assert run(first) == [0.0625, 0.0625]


@each_executor
def test_a_predictor_binds_once_what_stays_the_same(executor, monkeypatch):
    bound = []

    def counting(*arguments):
        program = compile_rows(*arguments)
        bind = program.bind
        program.bind = lambda fixed: (bound.append(1), bind(fixed))[1]
        return program

    monkeypatch.setattr(predictors, "compile_rows", counting)
    predictor, rows = Predictor(divided(), executor), {"x": np.ones((1, 2))}
    for w, times in [(frozen([1, 2]), 1), (np.array([1.0, 2.0]), 1), (np.array([1.0, 3.0]), 1)]:
        bound.clear()
        for _ in range(5):
            predictor.run({"w": w}, rows, 1)
        assert len(bound) == times


@each_executor
@pytest.mark.parametrize("again", [copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))])
def test_predictors_are_copied_without_what_is_compiled(executor, again):
    predictor, rows = Predictor(divided(), executor), {"x": np.ones((2, 2))}
    before = predictor.run({"w": np.array([1.0, 4.0])}, rows, 2)["value"]
    other = again(predictor)
    assert other.executor == executor
    assert other.run({"w": np.array([1.0, 4.0])}, rows, 2)["value"].tolist() == before.tolist()


# -- epochs ------------------------------------------------------------------------------------------------------------


def growing_step():
    """A step of least squares that also counts, and squares a number that is carried until it overflows."""

    def step(w, count, tower, x, target, row_weight, learning_rate):
        error = pl.sum(x * w, axis=1) - target
        share = row_weight / pl.sum(row_weight)
        return {
            "loss": pl.sum(share * error * error),
            "w": w - learning_rate * pl.sum(x * pl.reshape(2 * share * error, (4, 1)), axis=0),
            "count": count + 1,
            "tower": tower * tower,
        }

    types = {"w": pl.float64[3], "count": pl.int64[()], "tower": pl.float64[()], "x": pl.float64[4, 3]}
    types |= {"target": pl.float64[4], "row_weight": pl.float64[4], "learning_rate": pl.float64[()]}
    graph = pl.build(step, **types)
    return StepGraph(graph, 4, ("x", "target"), "row_weight", ("w", "count", "tower"), ("learning_rate",))


def least_squares(count=10, tower=1.0):
    rng = np.random.default_rng(1)
    arrays = {"x": rng.standard_normal((count, 3)), "target": rng.standard_normal(count)}
    arrays["row_weight"] = rng.uniform(0.5, 2.0, count)
    return {"w": np.zeros(3), "count": np.array(0), "tower": np.array(tower)}, arrays


@each_executor
def test_an_epoch_is_the_loop_over_its_mini_batches(executor):
    program, rates = compile_epochs(growing_step(), executor), np.array([0.1, 0.2, 0.3])
    carried, arrays = least_squares()
    order = program.order(7, 2, 10)
    part = program.run(carried, arrays, order, {"learning_rate": rates}, seed=7, first_step=0, seconds=60.0)
    w, losses = np.zeros(3), []
    for at, rate in enumerate(rates):
        rows = order[4 * at : 4 * at + 4]
        x, share = arrays["x"][rows], arrays["row_weight"][rows] / arrays["row_weight"][rows].sum()
        error = x @ w - arrays["target"][rows]
        losses.append((share * error**2).sum())
        w = w - rate * 2 * (share * error) @ x
        np.testing.assert_allclose(part.weights[at], arrays["row_weight"][rows].sum(), rtol=1e-12)
    assert part.steps == 3 and not part.failed and not part.interrupted
    assert part.carried["count"] == 3
    np.testing.assert_allclose(part.carried["w"], w, rtol=1e-12)
    np.testing.assert_allclose(part.losses, losses, rtol=1e-12)
    assert carried["w"].tolist() == [0, 0, 0] and carried["w"].flags.writeable


@each_executor
def test_an_epoch_in_parts_has_the_bits_of_one_in_one_go(executor):
    program, carried_arrays = compile_epochs(growing_step(), executor), least_squares(100)
    carried, arrays = carried_arrays
    order = program.order(0, 0, 100)
    given = dict(arrays=arrays, order=order, settings={"learning_rate": 0.05}, seed=0, first_step=0)
    whole = program.run(carried, **given, seconds=60.0)
    for limit in (1, 4, None):
        part, done, losses = program.run(carried, **given, seconds=0.0, limit=limit), 0, []
        while True:
            assert all(is_frozen(array) for array in part.carried.values())
            done, losses = done + part.steps, [*losses, *part.losses]
            if done == 25:
                break
            part = program.run(part.carried, **given, start=done, seconds=0.0, limit=limit)
            assert 1 <= part.steps <= (limit or 25)
        assert losses == whole.losses.tolist()
        assert all(np.array_equal(part.carried[name], whole.carried[name]) for name in carried)
    # The arrays of another training, or copies, are no reason to take what came before for them.
    program.run(carried, **given, seconds=60.0)
    copies = {name: array.copy() for name, array in whole.carried.items()}
    again = program.run(copies, **given, start=24, seconds=60.0)
    assert again.steps == 1 and again.carried["count"] == 26


@each_executor
def test_a_step_whose_state_is_not_finite_is_thrown_away(executor):
    program = compile_epochs(growing_step(), executor)
    carried, arrays = least_squares(100, tower=1e80)
    order = np.arange(100)
    part = program.run(carried, arrays, order, {"learning_rate": 0.0}, seed=0, first_step=0, seconds=60.0)
    assert part.failed and part.steps == 1 == part.carried["count"]
    assert part.carried["tower"] == 1e80 * 1e80 and np.isfinite(part.losses).all()
    again = program.run(part.carried, arrays, order, {"learning_rate": 0.0}, seed=0, first_step=0, start=1)
    assert again.failed and again.steps == 0
    assert all(np.array_equal(again.carried[name], part.carried[name]) for name in carried)


@each_executor
@pytest.mark.parametrize("count", [1, 2, 17, 5000])
def test_the_order_of_an_epoch_is_that_of_the_generator(executor, count):
    program = compile_epochs(growing_step(), executor)
    for seed, epoch in [(0, 0), (3, 1), (2**63 + 5, 1000)]:
        found = program.order(seed, epoch, count)
        assert found.dtype == np.int64
        assert np.array_equal(found, pl.random.permutation(seed, "order", epoch, count))


# -- the executor is passed on -----------------------------------------------------------------------------------------


@each_executor
def test_training_and_prediction_take_the_executor(executor):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((60, 2))
    network = pl.Network([pl.Dense(4, "tanh"), pl.Dense(1)], inputs=2)
    data = pl.Dataset({"x": x}, x[:, :1] - x[:, 1:])
    fitted = pl.fit(network, data, loss="squared_error", epochs=3, executor=executor)
    assert fitted.evaluator.executor == executor
    assert all(is_frozen(array) for array in fitted.parameters.values())
    one = fitted.predict(x[:1])
    np.testing.assert_allclose(fitted.predict(x)[:1], one, rtol=1e-5)
    with pytest.warns(UserWarning, match="max_iter=2"):
        estimator = pl.MLPRegressor((4,), max_iter=2, random_state=0, executor=executor).fit(x, x[:, 0])
    assert estimator.model_.executor == executor == estimator.get_params()["executor"]
    with pytest.raises(UsageError, match="no executor is called 'nativ'"):
        pl.MLPRegressor(executor="nativ").fit(x, x[:, 0])


def test_a_network_for_one_number_of_rows_is_refused_before_it_is_trained():
    network = pl.Network(lambda context, x: x + np.arange(x.shape[0])[:, None], inputs=3)
    x = np.ones((8, 3))
    with pytest.raises(GraphError, match=r"computes with the size of its axis 'batch'.*take x\.shape\[0\] as it is"):
        pl.fit(network, pl.Dataset({"x": x}, x), loss="squared_error", epochs=1)
