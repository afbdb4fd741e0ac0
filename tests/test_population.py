"""Populations: every member is what it would be alone, whatever its company; and what members say together."""

from __future__ import annotations

import _thread
import threading
import time

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, mean_squared_error

import pellucid as pl
from pellucid.executors import interpret
from pellucid.training.setup import Run
from pellucid.training.together import usable_cores

rng = np.random.default_rng(0)
X = rng.normal(size=(120, 4))
Y = (X[:, 0] * X[:, 1] > 0).astype(int)
DATA = pl.Dataset({"x": X}, Y)
WEIGHED = pl.Dataset({"x": X}, Y, rng.uniform(0.5, 2.0, 120))
NETWORK = pl.Network([pl.Dense(8, "tanh"), pl.Dropout(0.2), pl.Dense(1)], inputs=4)
WAY = {"loss": "binary_cross_entropy", "optimizer": "adam", "epochs": 4, "batch_size": 16}


def same(first: pl.Fit, second: pl.Fit) -> bool:
    """Say whether two fits agree to the bit, in parameters, optimizer state, history and why they ended."""
    histories = [
        [{key: value for key, value in record.items() if key != "seconds"} for record in fit.history]
        for fit in (first, second)
    ]
    pairs = [
        (first.parameters, second.parameters),
        (first.progress.parameters, second.progress.parameters),
        (first.progress.state, second.progress.state),
    ]
    arrays = all(a.keys() == b.keys() and all(np.array_equal(a[path], b[path]) for path in a) for a, b in pairs)
    ends = (first.reason, first.best_epoch) == (second.reason, second.best_epoch)
    return arrays and ends and histories[0] == histories[1]


def alone(member: pl.Member, data: pl.Dataset, **way) -> pl.Fit:
    """Train a member's network by itself."""
    if member.validation_rows is not None:
        way["validation"] = data.take(member.validation_rows)
    if member.weights is not None:
        before = 1.0 if data.weights is None else data.weights
        data = pl.Dataset(data.inputs, data.targets, before * np.asarray(member.weights))
    if member.rows is not None:
        data = data.take(member.rows)
    settings = {**way.pop("settings", {}), **(member.settings or {})}
    return pl.fit(NETWORK, data, seed=member.seed, settings=settings, start_from=member.start_from, **way)


def various_members() -> list[pl.Member]:
    weights = np.random.default_rng(5).uniform(size=120)
    (drawn, left_out), _ = pl.bootstraps(120, 2, seed=1)
    learning, held_out = pl.folds(120, 3, seed=0)[1]
    return [
        pl.Member(seed=0),
        pl.Member(seed=1, settings={"learning_rate": 0.02, "dropout_1/rate": 0.5}),
        pl.Member(seed=2, rows=learning, validation_rows=held_out),
        pl.Member(seed=3, rows=drawn, validation_rows=left_out),
        pl.Member(seed=4, weights=weights),
        pl.Member(seed=5, weights=weights, rows=drawn[::-1]),
        pl.Member(seed=6, rows=np.arange(120) % 3 == 0),
        pl.Member(seed=7, start_from={"dense_1/bias": np.full(8, 0.5)}),
    ]


@pytest.mark.parametrize("data", [DATA, WEIGHED], ids=["equal", "weighed"])
@pytest.mark.parametrize("threads", [1, 3])
def test_a_member_gets_the_bits_of_the_same_network_trained_alone(data, threads):
    members = various_members()
    way = {**WAY, "validation": 0.25, "settings": {"adam/beta_1": 0.8}}
    population = pl.fit_population(NETWORK, data, members, threads=threads, **way)
    for member, found in zip(members, population, strict=True):
        assert same(found, alone(member, data, **way))


@pytest.mark.parametrize(
    "more",
    [
        {"regularizers": [pl.regularizers.L2(0.01), pl.regularizers.Mixup(0.3)], "schedule": "cosine"},
        {"regularizers": [pl.regularizers.AugmentArrays(lambda arrays, epoch: {"x": arrays["x"] + 0.01 * epoch})]},
        {"clip_norm": 0.5, "steps": 10, "shuffle": False, "validation": WEIGHED},
    ],
    ids=["penalties", "augmented", "clipped"],
)
def test_all_that_fit_takes_means_the_same_for_members(more):
    members = various_members()[:4]
    population = pl.fit_population(NETWORK, DATA, members, **WAY, **more)
    for member, found in zip(members, population, strict=True):
        assert same(found, alone(member, DATA, **WAY, **more))


def test_members_may_learn_from_all_examples_at_once_by_lbfgs():
    network = pl.Network([pl.Dense(3, "tanh"), pl.Dense(1)], inputs=4)
    parts = pl.folds(120, 2, seed=0)
    members = [pl.Member(seed=seed, rows=rows) for seed, (rows, _) in enumerate(parts)]
    way = {"loss": "binary_cross_entropy", "optimizer": pl.optimizers.optimizer("lbfgs"), "epochs": 15}
    population = pl.fit_population(network, DATA, members, **way)
    for member, found in zip(members, population, strict=True):
        assert same(found, pl.fit(network, DATA.take(member.rows), seed=member.seed, **way))


def test_sparse_inputs_are_shared():
    import scipy.sparse

    matrix = scipy.sparse.random(90, 30, density=0.2, format="csr", random_state=0)
    data = pl.Dataset({"x": matrix}, np.asarray(matrix.sum(axis=1)).ravel() > 1.5)
    network = pl.Network([pl.Dense(1)], inputs=30)
    rows = np.arange(0, 90, 2)
    population = pl.fit_population(network, data, [pl.Member(rows=rows, validation_rows=rows + 1)], **WAY)
    assert same(population[0], pl.fit(network, data.take(rows), validation=data.take(rows + 1), **WAY))


def test_one_program_serves_all_members_whatever_their_settings(monkeypatch):
    made = []
    compile_epochs = interpret.compile_epochs
    monkeypatch.setattr(interpret, "compile_epochs", lambda step: made.append(step) or compile_epochs(step))
    network = pl.Network([pl.Dense(8, "tanh"), pl.Dropout(0.2), pl.Dense(1)], inputs=4)
    members = [
        pl.Member(seed=seed, settings={"learning_rate": 0.001 * (seed + 1), "dropout_1/rate": 0.1 * seed})
        for seed in range(5)
    ]
    pl.fit_population(network, DATA, members, executor="interpret", **WAY)
    assert len(made) == 1


def test_a_number_of_members_means_as_many_seeds():
    population = pl.fit_population(NETWORK, DATA, 3, **WAY)
    assert [member.seed for member in population.members] == [0, 1, 2]
    assert same(population[2], pl.fit(NETWORK, DATA, seed=2, **WAY))


# -- each member stops by itself ---------------------------------------------------------------------------------------


def test_members_stop_early_by_themselves():
    members = [pl.Member(seed=seed, settings={"learning_rate": rate}) for seed, rate in ((0, 0.2), (1, 1e-5))]
    way = {**WAY, "epochs": 12, "validation": 0.3, "patience": 2}
    population = pl.fit_population(NETWORK, DATA, members, **way)
    assert len(population[0].history) < len(population[1].history)
    for member, found in zip(members, population, strict=True):
        assert same(found, alone(member, DATA, **way))


def test_a_member_that_fails_does_so_alone():
    members = [pl.Member(seed=0), pl.Member(seed=1, settings={"learning_rate": 1e30}), pl.Member(seed=2)]
    network = pl.Network([pl.Dense(8, "relu"), pl.Dense(1)], inputs=4)
    way = {**WAY, "loss": "squared_error", "optimizer": "gradient_descent"}
    population = pl.fit_population(network, DATA, members, **way)
    assert list(population.errors) == [1] and repr(population) == "<Population of 3, 1 failed>"
    assert repr(population[0]) == "<Fit of 4 epochs, best 4: the epochs ran out>"
    assert isinstance(population.errors[1], pl.TrainingError)
    with pytest.raises(pl.TrainingError) as raised:
        pl.fit(network, DATA, seed=1, settings={"learning_rate": 1e30}, **way)
    assert str(raised.value) == str(population.errors[1])
    assert same(population[1], raised.value.fit)
    assert population[1].reason == "a value is not finite"
    assert population.usable == (0, 2)
    assert 1 not in population.ranking()
    assert np.isfinite(population.predict(X)).all()
    assert same(population[2], pl.fit(network, DATA, seed=2, **way))


def test_where_all_members_fail_prediction_says_so():
    members = [pl.Member(settings={"learning_rate": 1e30})]
    network = pl.Network([pl.Dense(8, "relu"), pl.Dense(1)], inputs=4)
    population = pl.fit_population(
        network, DATA, members, loss="squared_error", optimizer="gradient_descent", epochs=4, batch_size=16
    )
    with pytest.raises(pl.UsageError, match="all members failed"):
        population.predict(X)


def test_a_time_limit_ends_all_members():
    began = time.perf_counter()
    population = pl.fit_population(NETWORK, DATA, 6, **{**WAY, "epochs": 10**6}, time_limit=0.6, threads=2)
    assert time.perf_counter() - began < 20
    assert {fit.reason for fit in population} == {"the time limit"}
    assert all(fit.progress.step > 0 for fit in population)
    step = population[4].progress.step
    assert same_parameters(population[4], pl.fit(NETWORK, DATA, seed=4, **{**WAY, "epochs": 10**6}, steps=step))


def same_parameters(first: pl.Fit, second: pl.Fit) -> bool:
    return all(np.array_equal(first.parameters[path], second.parameters[path]) for path in first.parameters)


def test_members_come_forward_evenly():
    population = pl.fit_population(NETWORK, DATA, 8, **{**WAY, "epochs": 10**6}, time_limit=1.5, threads=1)
    steps = [fit.progress.step for fit in population]
    assert max(steps) < 4 * min(steps)


@pytest.mark.parametrize("threads", [1, 3])
def test_an_interrupt_ends_all_members_and_returns_them(threads):
    ended = threading.Event()

    def interrupt_soon(event):
        if event.epoch == 3 and not ended.is_set():
            ended.set()
            _thread.interrupt_main()

    way = {**WAY, "epochs": 10**6}
    population = pl.fit_population(NETWORK, DATA, 5, **way, threads=threads, on=interrupt_soon)
    assert {fit.reason for fit in population} == {"interrupted"}
    for seed, fit in enumerate(population):
        assert same_parameters(fit, pl.fit(NETWORK, DATA, seed=seed, **way, steps=fit.progress.step))
        assert len(fit.history) == fit.progress.epoch


def test_an_error_in_a_handler_is_raised_and_leaves_no_thread_behind():
    def fails(event):
        raise ZeroDivisionError("in the handler")

    with pytest.raises(ZeroDivisionError, match="in the handler"):
        pl.fit_population(NETWORK, DATA, 4, **WAY, on=fails, threads=2)
    for thread in threading.enumerate():
        if thread.name.startswith("population"):
            thread.join(10)
            assert not thread.is_alive()


# -- handlers ----------------------------------------------------------------------------------------------------------


def test_a_handler_hears_of_every_epoch_of_every_member():
    heard = []
    members = [pl.Member(seed=3), pl.Member(seed=4)]
    population = pl.fit_population(
        NETWORK, DATA, members, **WAY, on=lambda event: heard.append((event.number, event.epoch, event.record))
    )
    for number in range(2):
        assert [record for who, _, record in heard if who == number] == population[number].history
        assert [epoch for who, epoch, _ in heard if who == number] == [1, 2, 3, 4]


def test_a_handler_can_stop_members():
    def halve(event):
        if event.epoch == 2 and event.number % 2:
            return pl.Stop("not among the best")
        return None

    population = pl.fit_population(NETWORK, DATA, 4, **WAY, on=halve)
    assert [fit.reason for fit in population] == ["the epochs ran out", "not among the best"] * 2
    assert [len(fit.history) for fit in population] == [4, 2, 4, 2]
    two = pl.fit(NETWORK, DATA, seed=1, **{**WAY, "epochs": 2})
    assert same_parameters(population[1], two)


def test_a_handler_can_stop_a_member_as_that_of_fit_does():
    population = pl.fit_population(NETWORK, DATA, 2, **WAY, on=lambda event: event.stop("enough"))
    assert [(fit.reason, len(fit.history)) for fit in population] == [("enough", 1)] * 2


def test_a_handler_can_replace_a_member():
    follower = pl.Member(seed=9, settings={"learning_rate": 0.01}, rows=np.arange(60))

    def replace_second(event):
        return pl.Replace(follower) if event.number == 1 and event.member.seed == 1 and event.epoch == 2 else None

    population = pl.fit_population(NETWORK, DATA, 3, **WAY, validation=0.2, on=replace_second)
    assert population.members[1] is follower
    assert same(population[1], alone(follower, DATA, **WAY, validation=0.2))
    assert same(population[2], pl.fit(NETWORK, DATA, seed=2, **WAY, validation=0.2))
    (gone,) = population.replaced
    assert (gone.number, gone.member.seed, gone.fit.reason) == (1, 1, "replaced")
    assert same_parameters(gone.fit, pl.fit(NETWORK, DATA, seed=1, **{**WAY, "epochs": 2}, validation=0.2))


def test_a_follower_may_start_from_what_another_member_has_learned():
    best = {}

    def exploit(event):
        if event.number == 0:
            best.update(event.parameters)
        elif event.member.start_from is None and best:
            return pl.Replace(pl.Member(seed=5, start_from=dict(best)))
        return None

    population = pl.fit_population(NETWORK, DATA, 2, **WAY, on=exploit, threads=1)
    assert same(population[1], alone(population.members[1], DATA, **WAY))


@pytest.mark.parametrize("answer", [True, pl.Replace(3)])
def test_an_answer_that_means_nothing_is_refused(answer):
    with pytest.raises(pl.UsageError, match="returns Stop, Replace or nothing: got"):
        pl.fit_population(NETWORK, DATA, 2, **WAY, on=lambda event: answer)


def test_a_follower_that_does_not_fit_is_refused():
    with pytest.raises(pl.UsageError, match=r"members\[0\], rows: there is no such row: got 500"):
        pl.fit_population(NETWORK, DATA, 1, **WAY, on=lambda event: pl.Replace(pl.Member(rows=[500])))


# -- going on ----------------------------------------------------------------------------------------------------------


def stop_after(epochs):
    return lambda event: pl.Stop() if event.epoch == epochs[event.number] else None


def test_members_go_on_from_their_checkpoints_to_the_bit(tmp_path):
    members, folder = various_members()[:4], tmp_path / "population"
    way = {**WAY, "validation": 0.25}
    whole = pl.fit_population(NETWORK, DATA, members, **way)
    short = pl.fit_population(NETWORK, DATA, members, **way, checkpoint=folder, on=stop_after([1, 3, 2, 4]))
    assert [len(fit.history) for fit in short] == [1, 3, 2, 4]
    assert len(list(folder.iterdir())) == 4
    (folder / "member-0002.checkpoint").unlink()  # this one starts anew
    resumed = pl.fit_population(NETWORK, DATA, members, **way, checkpoint=folder, resume=True)
    assert all(same(a, b) for a, b in zip(resumed, whole, strict=True))


def test_members_go_on_from_a_population_in_memory():
    members = various_members()[:3]
    whole = pl.fit_population(NETWORK, DATA, members, **WAY)
    short = pl.fit_population(NETWORK, DATA, members, **WAY, on=stop_after([2, 1, 3]))
    for _ in range(2):  # going on changes nothing of where it began
        resumed = pl.fit_population(NETWORK, DATA, resume=short, **WAY)
        assert all(same(a, b) for a, b in zip(resumed, whole, strict=True))
    assert [len(fit.history) for fit in short] == [2, 1, 3]


@pytest.mark.parametrize("change", [{"seed": 1}, {"rows": np.arange(60)}, {"weights": np.arange(120.0)}])
def test_a_checkpoint_of_another_member_is_refused(tmp_path, change):
    pl.fit_population(NETWORK, DATA, [pl.Member()], **WAY, checkpoint=tmp_path)
    with pytest.raises(pl.ModelError, match=r"members\[0\].*belongs to another run"):
        pl.fit_population(NETWORK, DATA, [pl.Member(**change)], **WAY, checkpoint=tmp_path, resume=True)


def test_a_population_of_another_network_is_not_gone_on_with():
    short = pl.fit_population(NETWORK, DATA, 1, **WAY)
    other = pl.Network([pl.Dense(9, "tanh"), pl.Dropout(0.2), pl.Dense(1)], inputs=4)
    with pytest.raises(pl.UsageError, match="parameters to go on from are not those of this network"):
        pl.fit_population(other, DATA, resume=short, **WAY)
    with pytest.raises(pl.UsageError, match="state to go on from"):
        pl.fit_population(NETWORK, DATA, resume=short, **{**WAY, "optimizer": "momentum"})
    with pytest.raises(pl.UsageError, match="as many members: got 2 members, expected 1"):
        pl.fit_population(NETWORK, DATA, 2, resume=short, **WAY)


# -- what members say together -----------------------------------------------------------------------------------------


def test_predictions_are_means_and_votes_of_the_members():
    population = pl.fit_population(NETWORK, DATA, 5, **WAY)
    each = np.stack([fit.predict(X) for fit in population])
    np.testing.assert_allclose(population.predict(X), each.mean(axis=0), rtol=1e-6)
    np.testing.assert_array_equal(population.predict_members(X), each)
    np.testing.assert_allclose(population.vote(X), (each > 0.5).mean(axis=0), rtol=1e-6)
    found = population.evaluate(DATA)
    assert found["accuracy"] == pytest.approx(accuracy_score(Y, population.predict(X)[:, 0] > 0.5))


def test_classes_are_voted_on_and_numbers_are_not():
    three = pl.Network([pl.Dense(6, "tanh"), pl.Dense(3)], inputs=4)
    data = pl.Dataset({"x": X}, Y + (X[:, 2] > 1))
    population = pl.fit_population(three, data, 3, loss="softmax_cross_entropy", epochs=3)
    each = np.stack([fit.predict(X).argmax(axis=1) for fit in population])
    votes = population.vote(X)
    assert votes.shape == (120, 3)
    np.testing.assert_allclose(votes, (each[:, :, None] == np.arange(3)).mean(axis=0), rtol=1e-6)
    one = pl.Network([pl.Dense(1)], inputs=4)
    numbers = pl.fit_population(one, DATA, 2, loss="squared_error", epochs=1)
    with pytest.raises(pl.UsageError, match="vote on classes and labels only"):
        numbers.vote(X)
    assert numbers.evaluate(DATA)["rmse"] == pytest.approx(mean_squared_error(Y, numbers.predict(X)[:, 0]) ** 0.5)


def test_several_outputs_are_told_by_name():
    def two(context, x):
        hidden = pl.Dense(5, "tanh")(context, x)
        return {"kind": pl.Dense(1)(context, hidden), "size": pl.Dense(1)(context, hidden)}

    network = pl.Network(two, inputs=4)
    data = pl.Dataset({"x": X}, {"kind": Y, "size": X[:, :1]})
    way = {"loss": {"kind": "binary_cross_entropy", "size": "squared_error"}, "epochs": 2}
    population = pl.fit_population(network, data, 2, **way)
    means = np.mean([fit.predict(X)["size"] for fit in population], axis=0)
    np.testing.assert_allclose(population.predict(X)["size"], means, rtol=1e-5)
    assert {"kind/accuracy", "size/rmse"} <= population.evaluate(data).keys()


def test_what_was_held_out_is_predicted_by_those_that_did_not_learn_it():
    samples = pl.bootstraps(120, 4, seed=3)
    members = [pl.Member(seed=1, rows=drawn, validation_rows=left_out) for drawn, left_out in samples]
    population = pl.fit_population(NETWORK, DATA, members, **WAY)
    found = population.predict_held_out(DATA)
    for row in range(120):
        own = [fit.predict(X)[row] for fit, (_, left) in zip(population, samples, strict=True) if row in left]
        if own:
            np.testing.assert_allclose(found[row], np.mean(own, axis=0), rtol=1e-5)
        else:
            assert np.isnan(found[row]).all()
    known = ~np.isnan(found[:, 0])
    expected = accuracy_score(Y[known], found[known, 0] > 0.5)
    assert population.evaluate_held_out(DATA, ["accuracy"])["accuracy"] == pytest.approx(expected)


def test_ranking_is_by_the_watched_metric():
    members = [pl.Member(seed=seed, settings={"learning_rate": rate}) for seed, rate in enumerate((1e-6, 0.03, 1e-3))]
    for metric, sign in (("loss", 1), ("accuracy", -1)):
        population = pl.fit_population(NETWORK, DATA, members, **WAY, validation=0.3, metric=metric)
        key = f"validation_{metric}"
        best = [min(sign * record[key] for record in fit.history) for fit in population]
        ranked = [best[number] for number in population.ranking()]
        assert ranked == sorted(best)


# -- cross-validation --------------------------------------------------------------------------------------------------


def test_cross_validation_is_a_fit_for_each_fold():
    found = pl.cross_validate(NETWORK, WEIGHED, 4, seed=2, validation=0.2, **WAY)
    assert found.parts[0][0].tolist() == pl.folds(120, 4, 2, Y)[0][0].tolist()  # classes in their proportions
    predictions = np.full((120, 1), np.nan)
    for (learning, held_out), member, score in zip(found.parts, found.population, found.scores, strict=True):
        expected = pl.fit(NETWORK, WEIGHED.take(learning), seed=2, validation=0.2, **WAY)
        assert same(member, expected)
        predictions[held_out] = expected.predict(X[held_out])
        assert score == expected.evaluate(WEIGHED.take(held_out))
    np.testing.assert_array_equal(found.predictions, predictions)
    losses = [score["loss"] for score in found.scores]
    assert found.mean["loss"] == pytest.approx(np.mean(losses))
    assert found.deviation["loss"] == pytest.approx(np.std(losses, ddof=1))
    assert str(found).startswith("4 folds: loss ")


def test_cross_validation_takes_folds_of_its_users_own():
    groups = np.repeat(np.arange(12), 10)
    parts = pl.folds(120, 3, seed=0, groups=groups)
    found = pl.cross_validate(NETWORK, DATA, parts, metrics=["accuracy"], **WAY)
    for learning, held_out in found.parts:
        assert not set(groups[learning]) & set(groups[held_out])
    assert set(found.mean) == {"loss", "accuracy"}


@pytest.mark.parametrize("folds", [1, 2.5, "five", [(np.arange(3), np.arange(3))], [1, 2], None])
def test_what_are_no_folds_is_refused(folds):
    with pytest.raises(pl.UsageError):
        pl.cross_validate(NETWORK, DATA, folds, **WAY)


def test_cross_validation_raises_what_a_fold_meets():
    network = pl.Network([pl.Dense(8, "relu"), pl.Dense(1)], inputs=4)
    with pytest.raises(pl.TrainingError, match="fold 1 of 3"):
        pl.cross_validate(
            network, DATA, 3, loss="squared_error", optimizer=pl.optimizers.GradientDescent(1e30), epochs=5
        )


# -- bootstrap samples -------------------------------------------------------------------------------------------------


def test_bootstrap_samples_are_draws_with_replacement():
    samples = pl.bootstraps(1000, 200, seed=0)
    counts = np.stack([np.bincount(drawn, minlength=1000) for drawn, _ in samples])
    assert (counts.sum(axis=1) == 1000).all()
    for row, (_, left_out) in zip(counts, samples, strict=True):
        np.testing.assert_array_equal(np.flatnonzero(row == 0), left_out)
    # 200,000 draws of 1000 examples: counts are binomial, and the share left out is near 1/e.
    totals = counts.sum(axis=0)
    assert ((totals - 200) ** 2 / 200).sum() == pytest.approx(999, abs=5 * np.sqrt(2 * 999))
    assert (counts == 0).mean() == pytest.approx(np.exp(-1), abs=0.005)
    again = pl.bootstraps(1000, 3, seed=0)
    assert all(np.array_equal(a[0], b[0]) for a, b in zip(again, samples, strict=False))
    assert not np.array_equal(pl.bootstraps(1000, 1, seed=1)[0][0], samples[0][0])


# -- mistakes ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"members": []}, "not a list of members"),
        ({"members": [1]}, "not a list of members"),
        ({"members": 0}, "members: out of range"),
        ({"members": None}, "not a list of members"),
        ({"members": [pl.Member(), pl.Member(settings={"learning_rat": 1})]}, r"members\[1\].*Did you mean"),
        ({"members": [pl.Member(settings=3)]}, "settings are numbers by name"),
        ({"members": [pl.Member(rows=[0.5])]}, r"members\[0\], rows: not the numbers of rows"),
        ({"members": [pl.Member(rows=[])]}, "no rows"),
        ({"members": [pl.Member(rows=[-1])]}, "there is no such row: got -1, expected 0 to 119"),
        ({"members": [pl.Member(rows=[True])]}, "a mask of another length"),
        ({"members": [pl.Member(seed=-1)]}, r"members\[0\]"),
        ({"validation": 1.5}, "a share between 0 and 1"),
        ({"threads": 0}, "threads: out of range"),
        ({"on": 3}, "an event handler is a function"),
        ({"resume": True}, "no checkpoint to resume from"),
        ({"resume": 3}, "nothing to go on from"),
    ],
)
def test_mistakes_are_told(given, told):
    with pytest.raises(pl.UsageError, match=told):
        pl.fit_population(NETWORK, DATA, **{"members": 2, **WAY, **given})


@pytest.mark.parametrize("weights", [np.ones(3), -np.ones(120), np.zeros(120), np.full(120, np.nan)])
def test_weights_that_can_not_be_are_refused(weights):
    with pytest.raises(pl.DataError, match=r"members\[0\]"):
        pl.fit_population(NETWORK, DATA, [pl.Member(weights=weights)], **WAY)


def test_a_folder_that_can_not_be_made_is_told(tmp_path):
    with pytest.raises(pl.UsageError, match="no folder for checkpoints"):
        pl.fit_population(NETWORK, DATA, 1, **WAY, checkpoint=tmp_path / "no" / "such")


def test_there_is_a_core_to_use():
    assert usable_cores() >= 1
    assert Run().resume is False
