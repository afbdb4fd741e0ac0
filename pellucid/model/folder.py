"""The model folder: ``model.safetensors`` and ``model.json``, written whole or not at all, read with mistrust."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from pellucid.data import targets
from pellucid.data.encoders.graph import raw_types, statistics_shapes
from pellucid.data.encoders.scaling import CENTER
from pellucid.errors import GraphError, ModelError, PellucidError, ProcessorError
from pellucid.executors.inputs import elements_per_row
from pellucid.executors.program import DEFAULT_EXECUTOR, check_executor
from pellucid.graph.builder import Builder
from pellucid.graph.graph import Graph
from pellucid.graph.resize import resize
from pellucid.graph.types import Type, float64
from pellucid.model.fields import RESTORE
from pellucid.model.model import Model
from pellucid.model.record import MAX_BYTES, STUMBLES, Record, read_record, write_record
from pellucid.model.scalars import OUTPUT, PREDICTION

ARRAYS, RECORD = "model.safetensors", "model.json"
OLD_CENTER = "encoders/mean"
"""What ``encoders/center`` was called in models of schema 1."""

MANY_ROWS = 1024
"""A number of rows for which a graph has to work."""

FREE_ELEMENTS, ELEMENTS_PER_ELEMENT = 2**24, 16
"""How many numbers a graph may compute for one row, and how many more for each number in the arrays."""

_NAMES = {"float64": "F64", "float32": "F32", "int64": "I64", "int32": "I32", "uint32": "U32", "bool": "BOOL"}


def save_model(model: Model, folder: str | os.PathLike[str]) -> None:
    """Write a model to a folder, which is made where it does not exist; other files in it stay as they are.

    Whenever the machine stops, the folder holds a whole model or none.

    Raises
    ------
    ModelError
        Where the folder cannot be written.
    """
    from safetensors.numpy import save

    tensors = save({name: np.asarray(array, order="C") for name, array in model.arrays.items()})
    record = write_record(model, hashlib.sha256(tensors).hexdigest())
    target = Path(folder)
    made = not target.exists()
    try:
        target.mkdir(parents=True, exist_ok=True)
        unfinished = Path(tempfile.mkdtemp(prefix=".model.", dir=target))
        try:
            _write(unfinished / ARRAYS, tensors)
            _write(unfinished / RECORD, record)
            # Arrays and record have to be of the same model, so there is none between the two.
            (target / RECORD).unlink(missing_ok=True)
            os.replace(unfinished / ARRAYS, target / ARRAYS)
            os.replace(unfinished / RECORD, target / RECORD)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)
    except OSError as error:
        if made:
            shutil.rmtree(target, ignore_errors=True)
        raise ModelError(
            "the model cannot be written",
            where=str(target),
            got=error.strerror or str(error),
            fix="Choose another folder.",
        ) from None


def _write(path: Path, content: bytes) -> None:
    with open(path, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def load_model(folder: str | os.PathLike[str], executor: str = DEFAULT_EXECUTOR) -> Model:
    """Read a model from a folder. Nothing in it is executed, and nothing that it claims is believed.

    The record is read first (64 MB at most); the arrays have to have the shapes and dtypes of its graph before memory
    is taken for them; the graph has to fit the columns and the targets, must not compute values that are much larger
    than the arrays, and is run on one row.

    Parameters
    ----------
    folder : path
        What :func:`save_model` or training has written.
    executor : {"native", "interpret"}
        What is to run the model's graph.

    Raises
    ------
    ModelError
        Where anything is missing, damaged or does not fit: with the file, and what to do.
    """
    check_executor(executor)
    target = Path(folder)
    for name in (RECORD, ARRAYS):
        if not (target / name).is_file():
            told = "this is a file, and no run folder" if target.is_file() else "there is no such folder"
            told = f"there is no model in this folder: no {name}" if target.is_dir() else told
            raise ModelError(told, where=str(target), fix="Give the folder that training made.")
    try:
        record = read_record(_read_limited(target / RECORD), str(target / RECORD))
        _check_graph(record, str(target / RECORD))
        arrays = _read_arrays(target / ARRAYS, record)
    except OSError as error:
        raise ModelError("the model cannot be read", where=str(target), got=error.strerror or str(error)) from None
    model = replace(_assemble(record, arrays), executor=executor)
    _try(model, str(target / RECORD))
    return model


def _read_limited(path: Path) -> bytes:
    with open(path, "rb") as file:
        content = file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise ModelError(
            "the file is too large", where=str(path), expected=f"at most {MAX_BYTES // 2**20} MB", fix=RESTORE
        )
    return content


def _array_types(record: Record) -> dict[str, Type]:
    raw = raw_types(record.front, 1)
    return {name: node.type for name, node in record.graph.inputs.items() if name not in raw}


def _check_graph(record: Record, where: str) -> None:
    """Refuse a graph that does not belong to the columns and the targets, or that would fill the memory."""
    graph = record.graph
    if set(graph.axes) != {"batch"}:
        raise _unfit(where, f"axes {', '.join(graph.axes) or 'none'}", "one axis, batch")
    batch = graph.axes["batch"]
    expected = {name: repr(type) for name, type in raw_types(record.front, batch).items()}
    expected |= _statistics_types(record)
    for name, type in expected.items():
        got = repr(graph.inputs[name].type) if name in graph.inputs else "none"
        if got != type:
            raise _unfit(where, f"input {name}: {got}", type)
    for name in (PREDICTION, OUTPUT):
        if name not in graph.outputs:
            raise _unfit(where, f"no output {name}", "one")
    for name, node in graph.outputs.items():
        if not node.type.dtype.is_float or repr(node.type.shape[:1]) != f"(batch={batch},)":
            raise _unfit(where, f"output {name}: {node.type}", "floats, a row for each example")
    if graph.outputs[PREDICTION].type.shape[1:] != (record.targets.outputs,):
        raise _unfit(where, f"prediction {graph.outputs[PREDICTION].type}", f"[batch, {record.targets.outputs}]")
    _check_size(graph, sum(type.size for type in _array_types(record).values()), where)


def _statistics_types(record: Record) -> dict[str, str]:
    """Return the types of the statistics that columns and targets must have."""
    given = {name: tuple(map(int, node.type.shape)) for name, node in record.graph.inputs.items()}
    types = {
        OLD_CENTER if record.schema == 1 and name == CENTER else name: repr(Type(float64, shape))
        for name, shape in statistics_shapes(record.front, record.settings, given).items()
    }
    if record.standardized:
        types |= dict.fromkeys((targets.MEAN, targets.SCALE), f"float64[{len(record.targets.names)}]")
    return types


def _check_size(graph: Graph, elements: int, where: str) -> None:
    try:
        resize(graph, batch=MANY_ROWS)
        size = elements_per_row(graph)
    except GraphError as error:
        raise ModelError(f"the graph does not work for any number of rows: {error}", where=where, fix=RESTORE) from None
    if size > FREE_ELEMENTS + ELEMENTS_PER_ELEMENT * elements:
        raise _unfit(where, f"{size} numbers to be computed for a row", f"few beside {elements} in the arrays")


def _unfit(where: str, got: str, expected: str) -> ModelError:
    return ModelError(
        "the prediction graph does not fit the model", where=where, got=got, expected=expected, fix=RESTORE
    )


def _read_arrays(path: Path, record: Record) -> dict[str, np.ndarray]:
    """Read the arrays once names, dtypes and shapes in the file's head are those of the graph's inputs."""
    from safetensors import SafetensorError, safe_open

    types, where = _array_types(record), str(path)
    with open(path, "rb") as content:
        if int.from_bytes(content.read(8), "little") > MAX_BYTES:
            raise ModelError(
                "the file is damaged", where=where, got=f"a head of more than {MAX_BYTES // 2**20} MB", fix=RESTORE
            )
    try:
        with safe_open(where, framework="numpy") as file:
            heads = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118 (not a mapping)
            for name in sorted({*heads, *types}):
                got = f"{heads[name].get_dtype()}{heads[name].get_shape()}" if name in heads else "none"
                wanted = types.get(name)
                if wanted is None or got != f"{_NAMES[wanted.dtype.name]}{list(map(int, wanted.shape))}":
                    raise ModelError(
                        "an array does not fit the prediction graph",
                        where=f"{where}, {name[:80]!r}",
                        got=got,
                        expected=str(wanted) if wanted is not None else "none",
                        fix=RESTORE,
                    )
            with open(path, "rb") as content:
                digest = hashlib.file_digest(content, "sha256").hexdigest()
            if digest != record.arrays_digest:
                raise ModelError("the file is damaged, or belongs to another model.json", where=where, fix=RESTORE)
            arrays = {name: file.get_tensor(name) for name in types}
    except SafetensorError as error:
        raise ModelError("the file is damaged", where=where, got=str(error)[:120], fix=RESTORE) from None
    for name, array in arrays.items():
        if not np.isfinite(array).all():
            raise ModelError("an array holds a number that is not finite", where=f"{where}, {name!r}", fix=RESTORE)
        array.flags.writeable = False
    return arrays


def _assemble(record: Record, arrays: dict[str, np.ndarray]) -> Model:
    statistics = {name: arrays[name] for name in (targets.MEAN, targets.SCALE)} if record.standardized else {}
    graph = record.graph
    if record.schema == 1 and OLD_CENTER in arrays:
        graph = _rename_input(graph, OLD_CENTER, CENTER)
        arrays = {CENTER if name == OLD_CENTER else name: array for name, array in arrays.items()}
    return Model(
        graph=graph,
        arrays=arrays,
        front=record.front,
        targets=replace(record.targets, arrays=statistics),
        kind=record.kind,
        loss=record.loss,
        encoder_settings=record.settings,
        facts=record.facts,
        metrics=record.metrics,
        provenance=record.provenance,
    )


def _rename_input(graph: Graph, old: str, new: str) -> Graph:
    builder = Builder()
    here = builder.copy(graph, inputs={old: builder.input(new, graph.inputs[old].type)})
    return builder.finish({name: here[node] for name, node in graph.outputs.items()}, after="renaming an input")


def _try(model: Model, where: str) -> None:
    """Predict one row all of whose cells are missing."""
    row: dict[str, Any] = {}
    for name, raw in raw_types(model.front, 1).items():
        row[name] = np.full(raw.shape, np.nan if raw.dtype.is_float else -1, raw.dtype.numpy)
    try:
        model.run(row, 1)
    except ProcessorError:  # the folder is as it should be
        raise
    except (PellucidError, *STUMBLES) as error:
        got = f"{type(error).__name__}: {error}"[:120]
        raise ModelError("the prediction graph does not run", where=where, got=got, fix=RESTORE) from None
