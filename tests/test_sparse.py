"""Sparse inputs: the same bits as dense ones, and never more than a mini-batch of them dense."""

import tracemalloc

import numpy as np
import pytest
import scipy.sparse as sp

import pellucid as pl
from pellucid.errors import ModelError, PellucidError, TrainingError

RNG = np.random.default_rng(0)
DENSE = np.where(RNG.random((90, 30)) < 0.15, RNG.standard_normal((90, 30)), 0.0)
Y = (DENSE.sum(axis=1) > 0).astype(float)
WEIGHTS = RNG.uniform(0.5, 2, 90)
KINDS = {
    "csr_matrix": sp.csr_matrix, "csr_array": sp.csr_array, "csc_array": sp.csc_array, "coo_matrix": sp.coo_matrix,
    "coo_array": sp.coo_array, "lil_array": sp.lil_array, "dok_array": sp.dok_array, "bsr_array": sp.bsr_array,
}  # fmt: skip


def network(dtype="float32"):
    return pl.Network([pl.Dense(8, "tanh"), pl.Dropout(0.2), pl.Dense(1)], inputs=30, dtype=dtype)


def fit(x, *, net=None, y=Y, weights=WEIGHTS, **given):
    usual = dict(loss="binary_cross_entropy", epochs=4, batch_size=7, validation=0.2, seed=1)
    return pl.fit(net or network(), pl.Dataset({"x": x}, y, weights), **{**usual, **given})


def same(a, b):
    return set(a) == set(b) and all(np.array_equal(a[name], b[name]) for name in a)


def same_fits(a, b):
    records = [[{k: v for k, v in r.items() if k != "seconds"} for r in fitted.history] for fitted in (a, b)]
    assert same(a.parameters, b.parameters) and same(a.progress.parameters, b.progress.parameters)
    assert records[0] == records[1] and a.best_epoch == b.best_epoch


# -- the dataset -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_a_dataset_of_any_sparse_kind(kind):
    data = pl.Dataset({"x": KINDS[kind](DENSE)}, Y, WEIGHTS)
    assert len(data) == 90 and data.inputs["x"].format == "csr"
    assert np.array_equal(data.inputs["x"].toarray(), DENSE)
    some = data.take([5, 3, 3])
    assert np.array_equal(some.inputs["x"].toarray(), DENSE[[5, 3, 3]]) and some.weights.tolist() == [
        WEIGHTS[row] for row in (5, 3, 3)
    ]
    assert np.array_equal(data.take(Y == 1).inputs["x"].toarray(), DENSE[Y == 1])


def test_what_is_given_stays_the_users_and_the_dataset_can_not_be_written_to():
    given = sp.csr_array(DENSE)
    held = pl.Dataset({"x": given}).inputs["x"]
    with pytest.raises(ValueError, match="read-only"):
        held.data[0] = 7.0
    assert np.shares_memory(held.data, given.data)
    given.data[0] = 7.0  # still the user's own


def test_entries_stored_twice_are_added():
    twice = sp.coo_array(([1.0, 2.0, 3.0], ([0, 0, 1], [1, 1, 0])), shape=(2, 2))
    made = sp.csr_array(([1.0, 2.0, 3.0], [1, 1, 0], [0, 2, 3]), shape=(2, 2))
    for given in (twice, made):
        assert pl.Dataset({"x": given}).inputs["x"].toarray().tolist() == [[0, 3], [3, 0]]
    assert made.nnz == 3  # the matrix that was given is left as it was


def spoiled():
    x = DENSE.copy()
    x[41, 7] = np.nan
    return sp.csr_array(x)


MISTAKES = {
    "NaN": (lambda: pl.Dataset({"x": spoiled()}), "input 'x', row 41, column 7: .* not finite: got nan"),
    "sparse targets": (
        lambda: pl.Dataset({"x": DENSE}, sp.csr_array(DENSE)),
        r"the targets: only inputs .*toarray\(\)",
    ),
    "sparse targets by name": (lambda: pl.Dataset({"x": DENSE}, {"y": sp.csr_array(DENSE)}), "target 'y': only inputs"),
    "sparse weights": (lambda: pl.Dataset({"x": DENSE}, Y, sp.csr_array(DENSE)), "the weights: only inputs"),
    "fewer targets": (lambda: pl.Dataset({"x": sp.csr_array(DENSE)}, Y[:-1]), "got 89, expected 90 as in input 'x'"),
    "no rows": (lambda: pl.Dataset({"x": sp.csr_array((0, 3))}), "no examples"),
    "complex numbers": (lambda: pl.Dataset({"x": sp.csr_array(DENSE * 1j)}), "not hold numbers: got dtype complex"),
    "one axis": (lambda: pl.Dataset({"x": sp.coo_array(DENSE[0])}), r"two axes: got shape \[30\]"),
    "other columns": (lambda: fit(sp.csr_array(DENSE[:, 1:])), r"input 'x': wrong shape: got float64\[72, 29\]"),
    "beyond float32": (lambda: fit(sp.csr_array(DENSE * 1e300)), "too large for the dtype"),
    "augmented arrays": (
        lambda: fit(sp.csr_array(DENSE), regularizers=[pl.regularizers.AugmentArrays(lambda inputs, _: inputs)]),
        r"AugmentArrays changes dense inputs only.*Augment",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_gives_one_clear_line(mistake):
    make, words = MISTAKES[mistake]
    with pytest.raises(PellucidError, match=words) as caught:
        make()
    assert "\n" not in str(caught.value)


def test_a_mini_batch_too_large_to_be_made_dense_is_refused():
    x = sp.csr_array((60_000, 20_000), dtype="float32")
    narrow = pl.Network([pl.Dense(1)], inputs=20_000)
    with pytest.raises(
        PellucidError, match=r"got 4\.5 GiB for 60,000 examples of 20,000 features, .* smaller batch_size"
    ):
        fit(x, net=narrow, y=np.zeros(60_000), weights=None, batch_size=None, validation=None)


# -- learning ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kind", ["csr_matrix", "csr_array"])
@pytest.mark.parametrize("batch_size", [1, 7, None])
def test_sparse_and_dense_inputs_give_the_same_bits(kind, dtype, batch_size):
    given = dict(batch_size=batch_size, net=network(dtype), epochs=2)
    sparse, dense = fit(KINDS[kind](DENSE), **given), fit(DENSE, **given)
    same_fits(sparse, dense)
    x = KINDS[kind](DENSE)
    assert np.array_equal(sparse.predict(x), dense.predict(DENSE))
    assert np.array_equal(sparse.predict_all(x)["probability"], dense.predict_all(DENSE)["probability"])
    assert sparse.evaluate(pl.Dataset({"x": x}, Y)) == dense.evaluate(pl.Dataset({"x": DENSE}, Y))


@pytest.mark.parametrize("dtype", ["int8", "bool", "float32"])
def test_numbers_of_other_dtypes(dtype):
    counts = np.round(np.abs(DENSE)).astype(dtype)
    same_fits(fit(sp.csr_array(counts)), fit(counts))


def test_regularizers_see_dense_mini_batches():
    steady = [
        pl.regularizers.Mixup(0.4), pl.regularizers.InputNoise(0.1),
        pl.regularizers.Augment(lambda _, inputs: {"x": 1.1 * inputs["x"]}), pl.regularizers.L1(1e-4),
    ]  # fmt: skip
    same_fits(fit(sp.csr_array(DENSE), regularizers=steady), fit(DENSE, regularizers=steady))


def test_lbfgs_and_several_inputs():
    def body(context, x, z):
        return pl.Dense(1)(context, pl.concatenate([x, z], axis=1))

    both = pl.Network(body, inputs={"x": 30, "z": 2}, dtype="float64")
    z = RNG.standard_normal((90, 2))
    fits = [
        pl.fit(both, pl.Dataset({"x": x, "z": z}, Y), loss="binary_cross_entropy", optimizer="lbfgs", epochs=9)
        for x in (sp.csr_array(DENSE), DENSE)
    ]
    same_fits(*fits)


def test_a_checkpoint_belongs_to_its_sparse_inputs(tmp_path):
    file = tmp_path / "checkpoint"
    fit(sp.csr_array(DENSE), steps=15, checkpoint=file)
    same_fits(fit(sp.csr_array(DENSE), checkpoint=file, resume=True), fit(DENSE))
    moved = sp.csr_array(np.roll(DENSE, 1, axis=1))
    with pytest.raises(ModelError, match="another run"):
        fit(moved, checkpoint=file, resume=True)


def test_the_row_of_a_failure_is_named():
    x = sp.csr_array(np.abs(DENSE) + 1.0)
    x[17, 3] = -1.0
    net = pl.Network(lambda context, x: pl.Dense(1)(context, pl.log(x)), inputs=30)
    with pytest.raises(TrainingError, match=r"NaN from log at row 17\."):
        fit(x, net=net, validation=None)


def test_only_mini_batches_become_dense():
    features = 50_000  # 20,000 rows of them take 4 GB as a dense array of float32
    entries = np.random.default_rng(0).integers(0, features, (20_000, 5))
    x = sp.csr_array(
        (np.ones(entries.size, "float32"), entries.ravel(), np.arange(0, entries.size + 1, 5)), shape=(20_000, features)
    )
    y = (entries < features // 2).sum(axis=1) > 2
    tracemalloc.start()
    fitted = fit(
        x, net=pl.Network([pl.Dense(1)], inputs=features), y=y, weights=None, validation=None, batch_size=8, steps=20
    )
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert fitted.progress.step == 20 and peak < 30e6
