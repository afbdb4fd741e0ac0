"""Graphs translated, node by node, to PyTorch and to JAX, with functions of those libraries only: oracles for tests.

Neither translation uses a rule, a gradient or a reference of Pellucid; what an operation means is said here again, in
the words of the other library, and the library differentiates it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np

from pellucid.graph.graph import Graph

Table = dict[str, Callable[..., Any]]


def torch_table(torch: ModuleType) -> Table:
    """Return what each operation is in PyTorch, as functions of tensors and the operation's parameters."""
    f = torch.nn.functional

    def dtype_of(dtype: Any) -> Any:
        return getattr(torch, dtype.name)

    def mish_slope(x: Any) -> Any:
        inner = torch.tanh(f.softplus(x, threshold=100.0))
        return inner + x * (1 - inner * inner) * torch.sigmoid(x)

    def gelu_slope(x: Any) -> Any:
        return torch.special.ndtr(x) + x * torch.exp(-x * x / 2) / math.sqrt(2 * math.pi)

    def take(x: Any, axes: Any, start: Any, size: Any, step: Any) -> Any:
        for axis, places in places_of(x.shape, axes, start, size, step):
            x = torch.index_select(x, axis, torch.tensor(places, dtype=torch.int64))
        return x

    def put(x: Any, shape: Any, axes: Any, start: Any, step: Any) -> Any:
        sizes = [x.shape[axis] for axis in axes]
        for axis, places in places_of(shape, axes, start, sizes, step):
            wide = list(x.shape)
            wide[axis] = shape[axis]
            zeros = torch.zeros(wide, dtype=x.dtype)
            x = zeros.index_copy(axis, torch.tensor(places, dtype=torch.int64), x)
        return x

    def softmax(x: Any, axes: Any) -> Any:
        return f.softmax(x, axes[0]) if len(axes) == 1 else torch.exp(log_softmax(x, axes))

    def log_softmax(x: Any, axes: Any) -> Any:
        return f.log_softmax(x, axes[0]) if len(axes) == 1 else x - torch.logsumexp(x, axes, keepdim=True)

    def scatter_add(base: Any, indices: Any, rows: Any) -> Any:
        return base.index_add(0, indices.reshape(-1), rows.reshape(-1, *base.shape[1:]))

    def one_hot(indices: Any, depth: int, dtype: Any) -> Any:
        return (indices[..., None] == torch.arange(depth)).to(dtype_of(dtype))

    return {
        "constant": lambda value, dtype: torch.tensor(value, dtype=dtype_of(dtype)),
        "cast": lambda x, dtype: x.to(dtype_of(dtype)),
        "element_count": lambda shape, dtype: torch.tensor(math.prod(shape), dtype=dtype_of(dtype)),
        "stop_gradient": lambda x: x.detach(),
        "add": torch.add,
        "subtract": torch.sub,
        "multiply": torch.mul,
        "divide": torch.div,
        "negative": torch.neg,
        "power": torch.pow,
        "maximum": torch.maximum,
        "minimum": torch.minimum,
        "select": torch.where,
        "less": torch.lt,
        "less_equal": torch.le,
        "greater": torch.gt,
        "greater_equal": torch.ge,
        "equal": torch.eq,
        "not_equal": torch.ne,
        "logical_and": torch.logical_and,
        "logical_or": torch.logical_or,
        "logical_not": torch.logical_not,
        "exp": torch.exp,
        "exponential": torch.exp,
        "log": torch.log,
        "log1p": torch.log1p,
        "expm1": torch.expm1,
        "sqrt": torch.sqrt,
        "absolute": torch.abs,
        "sign": torch.sign,
        "erf": torch.special.erf,
        "erf_slope": lambda x: 2 / math.sqrt(math.pi) * torch.exp(-x * x),
        "normal_density": lambda x: torch.exp(-x * x / 2) / math.sqrt(2 * math.pi),
        "erfc": torch.special.erfc,
        "identity": lambda x: x.clone(),
        "step": lambda x: torch.heaviside(x, torch.zeros((), dtype=x.dtype)).detach(),
        "relu": f.relu,
        "leaky_relu": lambda x, alpha: f.leaky_relu(x, alpha),
        "sigmoid": torch.sigmoid,
        "sigmoid_slope": lambda x: torch.sigmoid(x) * torch.sigmoid(-x),
        "tanh": torch.tanh,
        "tanh_slope": lambda x: torch.cosh(x) ** -2,
        "softplus": lambda x: f.softplus(x, threshold=100.0),
        "softsign": f.softsign,
        "elu": lambda x, alpha: f.elu(x, alpha),
        "selu": f.selu,
        "gelu": f.gelu,
        "gelu_slope": gelu_slope,
        "silu": f.silu,
        "silu_slope": lambda x: torch.sigmoid(x) * (1 + x * torch.sigmoid(-x)),
        "mish": f.mish,
        "mish_slope": mish_slope,
        "sum": lambda x, axes, keepdims: torch.sum(x, axes, keepdim=keepdims),
        "mean": lambda x, axes, keepdims: torch.mean(x, axes, keepdim=keepdims),
        "max": lambda x, axes, keepdims: torch.amax(x, axes, keepdim=keepdims),
        "argmax": lambda x, axis: torch.argmax(x, axis),
        "log_sum_exp": lambda x, axes, keepdims: torch.logsumexp(x, axes, keepdim=keepdims),
        "softmax": softmax,
        "log_softmax": log_softmax,
        "broadcast": lambda x, shape: x.expand(tuple(map(int, shape))),
        "sum_to": lambda x, shape: x.sum_to_size(tuple(map(int, shape))),
        "reshape": lambda x, shape: torch.reshape(x, tuple(map(int, shape))),
        "transpose": lambda x, axes: torch.permute(x, axes),
        "roll": lambda x, shift, axis: torch.roll(x, shift, axis),
        "concatenate": lambda *parts, axis: torch.cat(parts, axis),
        "slice": take,
        "pad": put,
        "gather": lambda table, indices: table[indices],
        "scatter_add": scatter_add,
        "one_hot": one_hot,
        "contraction": lambda a, b, labels: torch.einsum(labels, a, b),
    }


def jax_table(jax: ModuleType) -> Table:
    """Return what each operation is in JAX, as functions of arrays and the operation's parameters."""
    jnp, nn, special = jax.numpy, jax.nn, jax.scipy.special

    def take(x: Any, axes: Any, start: Any, size: Any, step: Any) -> Any:
        for axis, places in places_of(x.shape, axes, start, size, step):
            x = jnp.take(x, np.array(places, int), axis=axis)
        return x

    def put(x: Any, shape: Any, axes: Any, start: Any, step: Any) -> Any:
        key: list[Any] = [slice(None)] * x.ndim
        for axis, places in places_of(shape, axes, start, [x.shape[axis] for axis in axes], step):
            key[axis] = np.array(places, int)
        grid = np.ix_(*(np.arange(shape[axis]) if isinstance(at, slice) else at for axis, at in enumerate(key)))
        return jnp.zeros(tuple(map(int, shape)), x.dtype).at[grid].set(x)

    def sum_to(x: Any, shape: Any) -> Any:
        added = x.ndim - len(shape)
        x = jnp.sum(x, axis=tuple(range(added)))
        stretched = tuple(axis for axis, size in enumerate(shape) if size == 1)
        return jnp.sum(x, axis=stretched, keepdims=True)

    def mish_slope(x: Any) -> Any:
        inner = jnp.tanh(nn.softplus(x))
        return inner + x * (1 - inner * inner) * nn.sigmoid(x)

    return {
        "constant": lambda value, dtype: jnp.array(value, dtype.name),
        "cast": lambda x, dtype: x.astype(dtype.name),
        "element_count": lambda shape, dtype: jnp.array(math.prod(shape), dtype.name),
        "stop_gradient": jax.lax.stop_gradient,
        "add": jnp.add,
        "subtract": jnp.subtract,
        "multiply": jnp.multiply,
        "divide": jnp.divide,
        "negative": jnp.negative,
        "power": jnp.power,
        "maximum": jnp.maximum,
        "minimum": jnp.minimum,
        "select": jnp.where,
        "less": jnp.less,
        "less_equal": jnp.less_equal,
        "greater": jnp.greater,
        "greater_equal": jnp.greater_equal,
        "equal": jnp.equal,
        "not_equal": jnp.not_equal,
        "logical_and": jnp.logical_and,
        "logical_or": jnp.logical_or,
        "logical_not": jnp.logical_not,
        "exp": jnp.exp,
        "exponential": jnp.exp,
        "log": jnp.log,
        "log1p": jnp.log1p,
        "expm1": jnp.expm1,
        "sqrt": jnp.sqrt,
        "absolute": jnp.abs,
        "sign": jnp.sign,
        "erf": special.erf,
        "erf_slope": lambda x: 2 / math.sqrt(math.pi) * jnp.exp(-x * x),
        "normal_density": jax.scipy.stats.norm.pdf,
        "erfc": special.erfc,
        "identity": lambda x: x,
        "step": lambda x: jnp.where(x > 0, 1.0, 0.0).astype(x.dtype),
        "relu": nn.relu,
        "leaky_relu": lambda x, alpha: nn.leaky_relu(x, alpha),
        "sigmoid": nn.sigmoid,
        "sigmoid_slope": lambda x: nn.sigmoid(x) * nn.sigmoid(-x),
        "tanh": jnp.tanh,
        "tanh_slope": lambda x: jnp.cosh(x) ** -2,
        "softplus": nn.softplus,
        "softsign": nn.soft_sign,
        "elu": lambda x, alpha: nn.elu(x, alpha),
        "selu": nn.selu,
        "gelu": lambda x: nn.gelu(x, approximate=False),
        "gelu_slope": lambda x: special.ndtr(x) + x * jnp.exp(-x * x / 2) / math.sqrt(2 * math.pi),
        "silu": nn.silu,
        "silu_slope": lambda x: nn.sigmoid(x) * (1 + x * nn.sigmoid(-x)),
        "mish": nn.mish,
        "mish_slope": mish_slope,
        "sum": lambda x, axes, keepdims: jnp.sum(x, axes, keepdims=keepdims),
        "mean": lambda x, axes, keepdims: jnp.mean(x, axes, keepdims=keepdims),
        "max": lambda x, axes, keepdims: jnp.max(x, axes, keepdims=keepdims),
        "argmax": lambda x, axis: jnp.argmax(x, axis),
        "log_sum_exp": lambda x, axes, keepdims: special.logsumexp(x, axes, keepdims=keepdims),
        "softmax": lambda x, axes: nn.softmax(x, axes),
        "log_softmax": lambda x, axes: nn.log_softmax(x, axes),
        "broadcast": lambda x, shape: jnp.broadcast_to(x, tuple(map(int, shape))),
        "sum_to": sum_to,
        "reshape": lambda x, shape: jnp.reshape(x, tuple(map(int, shape))),
        "transpose": lambda x, axes: jnp.transpose(x, axes),
        "roll": lambda x, shift, axis: jnp.roll(x, shift, axis),
        "concatenate": lambda *parts, axis: jnp.concatenate(parts, axis),
        "slice": take,
        "pad": put,
        "gather": lambda table, indices: table[indices],
        "scatter_add": lambda base, indices, rows: base.at[indices].add(rows),
        "one_hot": lambda indices, depth, dtype: nn.one_hot(indices, depth, dtype=dtype.name),
        "contraction": lambda a, b, labels: jnp.einsum(labels, a, b),
    }


def places_of(shape: Any, axes: Any, start: Any, size: Any, step: Any) -> list[tuple[int, list[int]]]:
    """Return, for each axis, the places that a slice takes or that padding fills."""
    return [
        (axis, [(first + k * stride) % int(shape[axis]) for k in range(int(count))])
        for axis, first, count, stride in zip(axes, start, size, step, strict=True)
    ]


def is_translated(graph: Graph, table: Table) -> bool:
    """Tell whether the table has every operation of a graph."""
    return all(node.op.name in table or node.op.name == "input" for node in graph)


def run(graph: Graph, table: Table, inputs: dict[str, Any]) -> dict[str, Any]:
    """Return the outputs of a graph, computed with the functions of a table."""
    values: dict[Any, Any] = {}
    for node in graph:
        if node.op.name == "input":
            values[node] = inputs[node.path]
        else:
            values[node] = table[node.op.name](*(values[source] for source in node.inputs), **dict(node.params))
    return {name: values[node] for name, node in graph.outputs.items()}


def torch_derivatives(
    graph: Graph, inputs: dict[str, np.ndarray], along: dict[str, np.ndarray]
) -> tuple[Any, Any, Any]:
    """Return loss, gradient, and the gradient of the gradient's product with `along`, computed by PyTorch.

    `along` has an array for each input to differentiate with respect to.
    """
    import torch

    given = {name: torch.tensor(array, requires_grad=name in along) for name, array in inputs.items()}
    wrt = [given[name] for name in along]
    loss = run(graph, torch_table(torch), given)["loss"]
    zeros = [torch.zeros_like(value) for value in wrt]
    if not loss.requires_grad:
        return loss.item(), [zero.numpy() for zero in zeros], [zero.numpy() for zero in zeros]
    first = torch.autograd.grad(loss, wrt, create_graph=True, allow_unused=True)
    first = [zero if part is None else part for part, zero in zip(first, zeros, strict=True)]
    product = sum((part * torch.tensor(array)).sum() for part, array in zip(first, along.values(), strict=True))
    second: Any = zeros
    if product.requires_grad:
        second = torch.autograd.grad(product, wrt, allow_unused=True)
        second = [zero if part is None else part for part, zero in zip(second, zeros, strict=True)]
    return loss.item(), [part.numpy(force=True) for part in first], [part.numpy(force=True) for part in second]


def jax_derivatives(graph: Graph, inputs: dict[str, np.ndarray], along: dict[str, np.ndarray]) -> tuple[Any, Any, Any]:
    """Return the same as :func:`torch_derivatives`, computed by JAX."""
    import jax

    table = jax_table(jax)

    def derivatives(wrt: list[Any], others: dict[str, Any], directions: list[Any]) -> Any:
        def loss(wrt: list[Any]) -> Any:
            return run(graph, table, {**others, **dict(zip(along, wrt, strict=True))})["loss"]

        (value, first), (_, second) = jax.jvp(jax.value_and_grad(loss), (wrt,), (directions,))
        return value, first, second

    arguments = [inputs[name] for name in along], inputs, list(along.values())
    with jax.enable_x64(True):
        # Compiling takes nearly all of the time, and nothing is computed twice.
        hasty = {"xla_backend_optimization_level": 0, "xla_llvm_disable_expensive_passes": True}
        compiled = jax.jit(derivatives).lower(*arguments).compile(compiler_options=hasty)
        value, first, second = compiled(*arguments)
        return float(value), [np.asarray(part) for part in first], [np.asarray(part) for part in second]
