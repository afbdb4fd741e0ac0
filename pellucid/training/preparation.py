"""What a training is prepared from: losses, metrics, parts of the data and first parameters, checked and completed."""

from __future__ import annotations

import hashlib
import numbers
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from pellucid.data.dataset import Dataset, is_sparse
from pellucid.data.split import split
from pellucid.errors import PellucidError, UsageError, nearest
from pellucid.nn.losses import Loss
from pellucid.nn.losses import loss as loss_called
from pellucid.nn.network import Network
from pellucid.nn.regularizers import AugmentArrays, Mixup, Regularizer
from pellucid.optim.settings import check_number
from pellucid.training.evaluate import as_arrays
from pellucid.training.judge import metric_key
from pellucid.training.metrics import Metric, metric, metrics_for
from pellucid.training.step import TrainingStep


def losses_by_output(network: Network, given: str | Loss | Mapping[str, str | Loss]) -> dict[str, Loss]:
    """Return the loss of each output, found by name where a name is given."""
    if isinstance(given, Mapping):
        named = dict(given)
    elif len(network.outputs) == 1:
        named = {next(iter(network.outputs)): given}
    else:
        raise UsageError("the network has several outputs", fix="Give a loss for each: " + ", ".join(network.outputs))
    losses = {name: loss_called(item) if isinstance(item, str) else item for name, item in named.items()}
    for name, found in losses.items():
        if not isinstance(found, Loss):
            raise UsageError(
                "not a loss",
                where=f"loss of output {name!r}",
                got=repr(found)[:80],
                fix='Give a name or a loss, such as "squared_error" or pl.losses.Huber(0.5).',
            )
    return losses


def chosen_metrics(losses: Mapping[str, Loss], names: Sequence[str] | None) -> tuple[Metric, ...]:
    """Return the metrics of these names; by default all that are listed and fit the task of an output."""
    tasks = dict.fromkeys(loss.task for loss in losses.values())
    fitting = {found.name: found for task in tasks for found in metrics_for(task) if found.name != "loss"}
    if names is None:
        return tuple(found for found in fitting.values() if found.listed)
    if isinstance(names, str):
        raise UsageError("metrics are a list of names", where="metrics", got=repr(names), fix=f"Write [{names!r}].")
    chosen = [metric(name) for name in names if name != "loss"]
    for found in chosen:
        if found.name not in fitting:
            what = f"metric {found.name!r} does not fit the task {' and '.join(map(repr, tasks))}"
            raise UsageError(what, where="metrics", fix=nearest(found.name, fitting))
    return tuple(chosen)


def watched_metric(
    losses: Mapping[str, Loss], name: str, kinds: Mapping[str, str], validated: bool
) -> tuple[str, Metric, tuple[Metric, ...]]:
    """Return the metric to judge by, its name with the output's where there are several, and all to record."""
    fitting = {
        output: {found.name: found for found in metrics_for(loss.task) if found.fits(kinds[output])}
        for output, loss in losses.items()
    }
    usual = [next(iter(found.values())) for found in fitting.values() if found]
    if name == "loss":
        return name, metric(name), tuple(dict.fromkeys(usual))
    of, _, short = name.rpartition("/") if len(losses) > 1 else ("", "", name)
    if of and of not in losses:
        raise UsageError(f"the network has no output {of!r}", where="metric", fix=nearest(of, losses))
    found = metric(short)
    fits = next((output for output in ([of] if of else losses) if short in fitting[output]), None)
    if fits is None:
        first = of or next(iter(losses))
        task, kind = losses[first].task, kinds[first]
        what = f"metric {name!r} does not fit the task {task!r}, of which the loss predicts the {kind}"
        raise UsageError(what, fix=nearest(short, ["loss", *fitting[first]]))
    if not validated:
        raise UsageError(f"metric {name!r} needs validation", where="metric", fix="Pass validation=0.1 or a dataset.")
    return metric_key(losses, fits, found), found, tuple(dict.fromkeys([*usual, found]))


def learning_and_validation(
    dataset: Dataset, validation: float | Dataset | None, losses: Mapping[str, Loss], seed: int
) -> tuple[Dataset, Dataset | None, np.ndarray]:
    """Return the examples to learn from, those to judge by if there are any, and the rows of the former."""
    if validation is None or isinstance(validation, Dataset):
        return dataset, validation, np.arange(len(dataset))
    training, validating = divide_rows(len(dataset), dataset.targets, validation, losses, seed)
    return dataset.take(training), dataset.take(validating), training


def divide_rows(
    count: int, targets: Any, validation: Any, losses: Mapping[str, Loss], seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows to learn from, and a share of them to judge by; of classes, each has its share."""
    check_share(validation)
    strata = classes_of_targets(count, targets, losses)
    training, validating = split(count, [1 - validation, validation], seed, strata)
    return training, validating


def classes_of_targets(count: int, targets: Any, losses: Mapping[str, Loss]) -> np.ndarray | None:
    """Return the class of each example, [count], where the task is to tell classes apart."""
    task = next(iter(losses.values())).task
    if task not in ("binary", "multiclass") or not isinstance(targets, np.ndarray) or targets.size != count:
        return None
    flat = targets.reshape(count)
    return flat if np.array_equal(flat, np.round(flat)) else None  # soft targets are no classes


def check_share(validation: Any) -> None:
    """Raise a UsageError where this is no share of the examples."""
    number = isinstance(validation, numbers.Real) and not isinstance(validation, bool)
    if not number or not 0 < validation < 1:
        raise UsageError(
            "the validation part is a share between 0 and 1, or a dataset",
            where="validation",
            got=repr(validation)[:80],
            fix="Write validation=0.1, or validation=pl.Dataset({'x': x}, y).",
        )


def validation_arrays(network: Network, losses: Mapping[str, Loss], validating: Dataset) -> dict[str, Any]:
    """Return the arrays of the validation part; what does not fit is said to be there."""
    try:
        return as_arrays(network, losses, validating)
    except PellucidError as error:
        raise error.at("validation") from None


def first_parameters(network: Network, given: Mapping[str, np.ndarray] | None, seed: int) -> dict[str, np.ndarray]:
    """Return the parameters to start from: those given, by path, and drawn ones for the rest."""
    return started_from(given, network.initialize(seed))


def started_from(given: Mapping[str, np.ndarray] | None, first: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the parameters to start from: those given, by path, and first ones for the rest.

    Raises
    ------
    UsageError
        Where what is given are no parameters of this network.
    """
    if given is None:
        return first
    if not isinstance(given, Mapping):
        expected = "what pl.fit returned, or parameters by path"
        raise UsageError("nothing to start from", where="start_from", got=repr(given)[:80], expected=expected)
    unknown = next((path for path in given if path not in first), None)
    if unknown is not None:
        raise UsageError(f"the network has no parameter {unknown!r}", where="start_from", fix=nearest(unknown, first))
    return {**first, **{path: _first_value(f"start_from, {path}", value, first[path]) for path, value in given.items()}}


def _first_value(where: str, value: Any, like: np.ndarray) -> np.ndarray:
    try:
        array = np.array(value, like.dtype)
    except (TypeError, ValueError):
        raise UsageError("a parameter is not made of numbers", where=where, got=repr(value)[:80]) from None
    if array.shape != like.shape:
        got, expected = str(list(array.shape)), str(list(like.shape))
        raise UsageError("a parameter to start from has another shape", where=where, got=got, expected=expected)
    if not np.isfinite(array).all():
        raise UsageError("a parameter to start from is not finite", where=where)
    return array


def settings_with(
    known: Mapping[str, float], given: Mapping[str, float] | None, ranges: Mapping[str, str]
) -> dict[str, float]:
    """Return the numbers of a step's settings, with those given in the place of the others.

    `ranges` are the intervals of the optimizer's settings, by the last part of their name.
    """
    if given is not None and not isinstance(given, Mapping):
        raise UsageError("settings are numbers by name", where="settings", got=repr(given)[:80])
    for name, value in (given or {}).items():
        if name not in known:
            raise UsageError(f"there is no setting {name!r}", where="settings", fix=nearest(name, known))
        check_number(f"settings, {name}", value, "(-inf, inf)")
        if name == "learning_rate" and name in ranges:
            check_number(f"settings, {name}", value, ranges[name])
    return {**known, **(given or {})}


def augmentation(augmenters: Sequence[AugmentArrays], network: Network) -> Any:
    """Return the function that changes the inputs of an epoch."""

    def augment(arrays: Mapping[str, np.ndarray], epoch: int) -> Mapping[str, np.ndarray]:
        inputs = {name: _read_only(arrays[name]) for name in network.inputs}
        for augmenter in augmenters:
            changed = augmenter.function(dict(inputs), epoch)
            if not isinstance(changed, Mapping) or set(changed) != set(inputs):
                got = ", ".join(changed) if isinstance(changed, Mapping) else repr(changed)[:80]
                raise UsageError(
                    "the function does not return the inputs by name",
                    where="AugmentArrays",
                    got=got or "none",
                    expected=", ".join(inputs),
                )
            inputs = {name: _read_only(np.asarray(changed[name], arrays[name].dtype)) for name in inputs}
        for name, array in inputs.items():
            if array.shape != arrays[name].shape or not np.isfinite(array).all():
                raise UsageError(
                    "the function changed the shape of an input, or made it infinite",
                    where=f"AugmentArrays, input {name!r}",
                    got=str(list(array.shape)),
                    expected=f"finite numbers, {list(arrays[name].shape)}",
                )
        return {**arrays, **inputs}

    return augment


def _read_only(array: np.ndarray) -> np.ndarray:
    view = array.view()
    view.flags.writeable = False
    return view


def refuse_for_lbfgs(
    schedule: Any, clip_value: Any, clip_norm: Any, checkpoint: Any, regularizers: Sequence[Regularizer]
) -> None:
    """Raise a UsageError where something is asked for that needs steps."""
    given = {"schedule": schedule, "clip_value": clip_value, "clip_norm": clip_norm, "checkpoint": checkpoint}
    refused = [name for name, value in given.items() if value is not None]
    refused += [type(found).__name__ for found in regularizers if _needs_steps(found)]
    if refused:
        raise UsageError("L-BFGS does not go with these", got=", ".join(refused), fix="Leave them out.")


def _needs_steps(regularizer: Regularizer) -> bool:
    """Say whether a regularizer does something at each step of an optimizer, or between epochs."""
    after_update = type(regularizer).after_update is not Regularizer.after_update
    return after_update or isinstance(regularizer, (Mixup, AugmentArrays))


def fingerprint_of(step: TrainingStep, *parts: Any) -> str:
    """Return a short text that differs where anything differs that the numbers of a run depend on."""
    return digest_of(str(step.graph), *parts)


def digest_of(text: str, *parts: Any) -> str:
    """Return a short text that differs where a text or anything in the parts differs, arrays included."""
    digest = hashlib.sha256(text.encode())

    def add(item: Any) -> None:
        if isinstance(item, Mapping):
            for name in sorted(item):
                digest.update(name.encode())
                add(item[name])
        elif is_sparse(item):
            add([item.shape, item.data, item.indices, item.indptr])
        elif isinstance(item, list):
            for part in item:
                add(part)
        elif isinstance(item, np.ndarray):
            digest.update(f"{item.dtype}{item.shape}".encode())
            digest.update(np.ascontiguousarray(item).data)
        else:
            digest.update(repr(item).encode())

    for item in parts:
        add(item)
    return digest.hexdigest()[:32]
