"""From a trained network to a model: encoders, network and the meaning of its output as one graph."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from pellucid.data.encoders.encoding import Encoding
from pellucid.data.encoders.graph import raw_types
from pellucid.data.targets import TargetEncoding
from pellucid.errors import UsageError, nearest
from pellucid.executors.program import DEFAULT_EXECUTOR
from pellucid.graph.builder import Builder, scope
from pellucid.graph.graph import Graph, live_nodes, verify
from pellucid.graph.simplify import simplify
from pellucid.graph.types import Type
from pellucid.graph.value import Value
from pellucid.model.model import LossRecord, Model
from pellucid.model.scalars import OUTPUT, PREDICTION
from pellucid.nn.losses import Loss
from pellucid.nn.network import Network
from pellucid.version import __version__


def build_model(
    encoding: Encoding,
    targets: TargetEncoding,
    network: Network,
    loss: Loss | Mapping[str, Loss],
    parameters: Mapping[str, np.ndarray],
    *,
    settings: Mapping[str, float] | None = None,
    metrics: Mapping[str, float] | None = None,
    provenance: Mapping[str, Any] | None = None,
    executor: str = DEFAULT_EXECUTOR,
) -> Model:
    """Put encoders, a trained network and its loss's prediction together to one graph.

    Parameters
    ----------
    encoding : Encoding
    targets : TargetEncoding
    network : Network
        Its inputs are what the encoders give, ``encoding.inputs``; it has one output.
    loss : Loss, or a mapping with one
        What the network was trained with: it says what the output means.
    parameters : mapping of ndarray
        By path.
    settings : mapping, optional
        Hyper-parameters of the network that matter for predictions, where they differ from the network's own.
    metrics, provenance : mapping, optional
        To be kept with the model: numbers, and anything that JSON can hold. Pellucid's version is added.
    executor : {"native", "interpret"}
        What is to run the model's graph.

    Returns
    -------
    Model

    Raises
    ------
    UsageError
        Where network, encoders, loss and targets do not fit each other, or a parameter is missing or not finite.

    Examples
    --------
    >>> import pellucid as pl
    >>> from pellucid.data.encoders.fit import fit_encoders
    >>> from pellucid.data.roles import infer_roles
    >>> from pellucid.data.targets import fit_targets
    >>> from pellucid.data.task import infer_task
    >>> table = pl.Table.from_columns({"size": [1.0, 2.0, 4.0, 5.0], "kind": ["a", "a", "b", "b"]})
    >>> task = infer_task(table, "kind")
    >>> encoding = fit_encoders(table, infer_roles(table, "kind"), task)
    >>> network = pl.Network([pl.Dense(1)], inputs=encoding.inputs)
    >>> parameters = {"dense_1/weight": np.array([[2.0]]), "dense_1/bias": np.array([0.0])}
    >>> model = build_model(encoding, fit_targets(table, task), network, pl.loss("binary_cross_entropy"), parameters)
    >>> model.predict({"size": [0.0, 9.0]})
    {'kind': array(['a', 'b'], dtype=object)}
    """
    loss = _single(network, loss)
    if loss.task != targets.task:
        raise UsageError("the loss is for another task", where=loss.name, got=targets.task, expected=loss.task)
    graph, kind = _compose(encoding, targets, network, loss)
    if graph.outputs[PREDICTION].type.shape != (graph.axes["batch"], targets.outputs):
        raise UsageError(
            "the network's output does not fit the targets",
            got=str(graph.outputs[PREDICTION].type),
            expected=f"[batch, {targets.outputs}]",
            fix="Give the last layer one unit for each class, label or target; one for two classes.",
        )
    given = {**encoding.arrays, **targets.arrays, **network.settings, **(settings or {}), **parameters}
    facts = {
        "parameters": network.count_parameters(),
        "layers": {path: [int(size) for size in found.type.shape] for path, found in network.parameters.items()},
    }
    return Model(
        graph=graph,
        arrays=_arrays(graph, encoding, given),
        front=encoding.front,
        targets=targets,
        kind=kind,
        loss=LossRecord(loss.name, dataclasses.asdict(loss) if dataclasses.is_dataclass(loss) else {}),
        encoder_settings=encoding.settings,
        facts=facts,
        provenance={"pellucid": __version__, **(provenance or {})},
        executor=executor,
    ).with_metrics(metrics or {})


def _single(network: Network, loss: Loss | Mapping[str, Loss]) -> Loss:
    losses = dict(loss) if isinstance(loss, Mapping) else dict.fromkeys(network.outputs, loss)
    for what, names in (("output", network.outputs), ("loss", losses)):
        if len(names) != 1:
            raise UsageError(f"a model has one {what}", got=", ".join(names) or "none")
    return next(iter(losses.values()))


def _compose(encoding: Encoding, targets: TargetEncoding, network: Network, loss: Loss) -> tuple[Graph, str]:
    """Return the prediction graph, and what its prediction is."""
    builder = Builder()
    encoders = encoding.graph()
    here = builder.copy(encoders)
    encoded = {name: here[node] for name, node in encoders.outputs.items()}
    _check_inputs(encoding, network, encoded)
    body = network.graph()
    output = builder.copy(body, inputs=encoded)[next(iter(body.outputs.values()))]
    statistics = targets.declare(builder)
    with scope(PREDICTION):
        told = loss.predict(output)
        parts = {kind: targets.restore(statistics, kind, part) for kind, part in told.items()}
    kind, *others = parts
    outputs = {PREDICTION: builder.name(parts[kind], PREDICTION), OUTPUT: output}
    outputs |= {f"{PREDICTION}/{other}": builder.name(parts[other], f"{PREDICTION}/{other}") for other in others}
    graph = simplify(builder.finish(outputs, after="building the model"))
    return _without_unused_inputs(graph, {*encoders.inputs, *targets.arrays}), kind


def _check_inputs(encoding: Encoding, network: Network, encoded: Mapping[str, Value]) -> None:
    """Refuse a network that takes something else than the encoders give."""
    given = {name: Type(value.dtype, tuple(value.shape[1:])) for name, value in encoded.items()}
    if given == network.inputs:
        return
    told = {name: size if isinstance(size, int) else str(size) for name, size in encoding.inputs.items()}
    raise UsageError(
        "the network does not take what the encoders give",
        got=", ".join(f"{name}: {type}" for name, type in given.items()),
        expected=", ".join(f"{name}: {type}" for name, type in network.inputs.items()) + " for each example",
        fix=f"Make the network with inputs={told} and dtype={encoding.dtype.name!r}.",
    )


def _without_unused_inputs(graph: Graph, kept: set[str]) -> Graph:
    """Return the graph without those parameters and settings that only training needs."""
    live = {*live_nodes(graph.outputs.values()), *(node for name, node in graph.inputs.items() if name in kept)}
    inputs = {name: node for name, node in graph.inputs.items() if node in live}
    return verify(Graph(inputs, tuple(node for node in graph.nodes if node in live), graph.outputs), "composing")


def _arrays(graph: Graph, encoding: Encoding, given: Mapping[str, Any]) -> dict[str, np.ndarray]:
    arrays = {}
    raw = raw_types(encoding.front, 1)
    for name, node in graph.inputs.items():
        if name in raw:
            continue
        if name not in given:
            raise UsageError("a parameter is missing", got=f"no {name!r}", fix=nearest(name, given))
        array = np.array(given[name], node.type.dtype.numpy)
        if array.shape != node.type.shape:
            raise UsageError(
                "a parameter has the wrong shape", where=name, got=str(list(array.shape)), expected=str(node.type)
            )
        if not np.isfinite(array).all():
            raise UsageError("a parameter is not finite", where=name, fix="Train with a lower learning rate.")
        array.flags.writeable = False
        arrays[name] = array
    return arrays
