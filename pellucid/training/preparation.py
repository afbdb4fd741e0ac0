"""What a training is prepared from: losses, metrics, parts of the data and first parameters, checked and completed."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from pellucid.data.dataset import Dataset, split
from pellucid.errors import UsageError, nearest
from pellucid.nn.losses import Loss
from pellucid.nn.losses import loss as loss_called
from pellucid.nn.network import Network
from pellucid.nn.regularizers import AugmentArrays, Mixup, Regularizer
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
    return {name: loss_called(item) if isinstance(item, str) else item for name, item in named.items()}


def chosen_metrics(losses: Mapping[str, Loss], names: Sequence[str] | None) -> tuple[Metric, ...]:
    """Return the metrics of these names; by default all that fit the task."""
    task = next(iter(losses.values())).task
    fitting = [found for found in metrics_for(task) if found.name != "loss"]
    return tuple(fitting) if names is None else tuple(metric(name) for name in names)


def watched_metric(losses: Mapping[str, Loss], name: str, kind: str) -> tuple[Metric, tuple[Metric, ...]]:
    """Return the metric to judge by, and all that the history records."""
    task = next(iter(losses.values())).task
    found = metric(name)
    fitting = [usual for usual in metrics_for(task) if usual.fits(kind)]
    if found.name != "loss" and found not in fitting:
        what = f"metric {name!r} does not fit the task {task!r}, of which the loss predicts the {kind}"
        raise UsageError(what, fix=nearest(name, ["loss", *(usual.name for usual in fitting)]))
    usual = fitting[:1]
    return found, tuple(dict.fromkeys([*usual, *([found] if found.name != "loss" else [])]))


def learning_and_validation(
    dataset: Dataset, validation: float | Dataset | None, losses: Mapping[str, Loss], seed: int
) -> tuple[Dataset, Dataset | None]:
    """Return the examples to learn from and those to judge by, if there are any."""
    if validation is None or isinstance(validation, Dataset):
        return dataset, validation
    if isinstance(validation, bool) or not 0 < validation < 1:
        raise UsageError("the validation part is a share between 0 and 1", got=repr(validation))
    task = next(iter(losses.values())).task
    targets = dataset.targets
    strata = None
    if task in ("binary", "multiclass") and isinstance(targets, np.ndarray) and targets.size == len(dataset):
        flat = targets.reshape(len(dataset))
        strata = flat if np.array_equal(flat, np.round(flat)) else None  # soft targets are no classes
    training, validating = split(len(dataset), [1 - validation, validation], seed, strata)
    return dataset.take(training), dataset.take(validating)


def first_parameters(network: Network, given: Mapping[str, np.ndarray], seed: int) -> dict[str, np.ndarray]:
    """Return the parameters to start from: those given, by path, and drawn ones for the rest."""
    first = network.initialize(seed)
    for path, value in given.items():
        if path not in first:
            raise UsageError(f"the network has no parameter {path!r}", where="start_from", fix=nearest(path, first))
        array = np.asarray(value, first[path].dtype)
        if array.shape != first[path].shape or not np.isfinite(array).all():
            raise UsageError(
                "a parameter to start from has another shape or is not finite",
                where=f"start_from, {path}",
                got=str(list(array.shape)),
                expected=str(list(first[path].shape)),
            )
        first[path] = array.copy()
    return first


def settings_with(known: Mapping[str, float], given: Mapping[str, float] | None) -> dict[str, float]:
    """Return the numbers of a step's settings, with those given in the place of the others."""
    for name in given or {}:
        if name not in known:
            raise UsageError(f"there is no setting {name!r}", where="settings", fix=nearest(name, known))
    return {**known, **(given or {})}


def augmentation(augmenters: Sequence[AugmentArrays], network: Network) -> Any:
    """Return the function that changes the inputs of an epoch."""

    def augment(arrays: Mapping[str, np.ndarray], epoch: int) -> Mapping[str, np.ndarray]:
        inputs = {name: arrays[name] for name in network.inputs}
        for augmenter in augmenters:
            inputs = dict(augmenter.function(inputs, epoch))
        changed = {name: np.asarray(inputs[name], arrays[name].dtype) for name in network.inputs}
        for name, array in changed.items():
            if array.shape != arrays[name].shape or not np.isfinite(array).all():
                raise UsageError("augmentation changed the shape of an input or made it infinite", where=name)
        return {**arrays, **changed}

    return augment


def refuse_for_lbfgs(
    schedule: Any, clip_value: Any, clip_norm: Any, checkpoint: Any, regularizers: Sequence[Regularizer]
) -> None:
    """Raise a UsageError where something is asked for that needs steps."""
    given = {"schedule": schedule, "clip_value": clip_value, "clip_norm": clip_norm, "checkpoint": checkpoint}
    refused = [name for name, value in given.items() if value is not None]
    refused += [type(found).__name__ for found in regularizers if isinstance(found, (Mixup, AugmentArrays))]
    if refused:
        raise UsageError("L-BFGS does not go with these", got=", ".join(refused), fix="Leave them out.")


def fingerprint_of(step: TrainingStep, arrays: Mapping[str, np.ndarray], *rest: Any) -> str:
    """Return a short text that differs where anything differs that the numbers of a run depend on."""
    digest = hashlib.sha256(str(step.graph).encode())

    def add(item: Any) -> None:
        if isinstance(item, Mapping):
            for name in sorted(item):
                digest.update(name.encode())
                add(item[name])
        elif isinstance(item, np.ndarray):
            digest.update(f"{item.dtype}{item.shape}".encode())
            digest.update(np.ascontiguousarray(item).data)
        else:
            digest.update(repr(item).encode())

    for item in (arrays, step.settings, *rest):
        add(item)
    return digest.hexdigest()[:32]
