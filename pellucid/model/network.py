"""The network for a table: embeddings for columns of many categories, and dense layers."""

from __future__ import annotations

from collections.abc import Sequence

from pellucid import ops
from pellucid.data.encoders.encoding import Encoding
from pellucid.errors import UsageError
from pellucid.graph.context import Context
from pellucid.graph.types import DType
from pellucid.graph.value import Value
from pellucid.nn.activation import ActivationLike, activation_name
from pellucid.nn.branches import InputToAll
from pellucid.nn.initializers import default_initializer
from pellucid.nn.layers import Activation, Dense, Embedding, InitializerLike, LayerNorm
from pellucid.nn.network import Body, Layer, Network, as_body
from pellucid.nn.noise import Dropout


def tabular_network(
    encoding: Encoding,
    outputs: int,
    *,
    hidden: Sequence[int] = (128,),
    activation: ActivationLike | Sequence[ActivationLike] = "gelu",
    dropout: float = 0.2,
    shortcuts: bool = False,
    layer_norm: bool = False,
    initializer: InitializerLike = None,
    dtype: DType | str | None = None,
) -> Network:
    """Make a feed-forward network for what encoders give.

    Columns of many categories go through an :class:`~pellucid.nn.layers.Embedding` each; a category that is missing or
    was not among the training rows has a vector of zeros. The vectors stand behind the features.

    Parameters
    ----------
    encoding : Encoding
        Says what the inputs are: ``x`` [batch, features] and ``index`` [batch, embedded columns], or one of them.
    outputs : int
        The units of the last layer, which has no activation: numbers, or logits.
    hidden : sequence of int
        The units of each hidden layer; none for a linear model.
    activation : str, operation, layer or function; or a sequence with one for each hidden layer
    dropout : float
        The share of each hidden layer's units that is left out in each step; 0 for none.
    shortcuts : bool
        Whether every layer after the first sees the network's input too, behind what comes from the layer before it:
        :class:`~pellucid.nn.branches.InputToAll`.
    layer_norm : bool
        Whether each hidden layer's weighted sums are normalized over its units before the activation.
    initializer : Initializer, str or float, optional
        What the weights of all dense layers start from; by default what suits the activation.
    dtype : {"float32", "float64"}, optional
        In which to compute; by default that of the encoding.

    Returns
    -------
    Network

    Raises
    ------
    UsageError
        Where there is not one activation for each hidden layer, or a setting does not fit.

    Examples
    --------
    >>> import pellucid as pl
    >>> from pellucid.data.encoders.fit import fit_encoders_of_matrix
    >>> encoding = fit_encoders_of_matrix([[1.0, 2.0], [3.0, 5.0]])
    >>> network = tabular_network(encoding, 3, hidden=(64, 32), activation=["relu", "tanh"])
    >>> {path: parameter.type for path, parameter in network.parameters.items() if path.endswith("weight")}
    {'dense_1/weight': float32[2, 64], 'dense_2/weight': float32[64, 32], 'dense_3/weight': float32[32, 3]}
    """
    activations = _one_for_each(activation, hidden)
    blocks = [
        _hidden_layer(units, function, dropout, layer_norm, initializer)
        for units, function in zip(hidden, activations, strict=True)
    ]
    last = Dense(outputs, initializer=initializer)
    layers: list[Layer]
    if shortcuts and blocks:
        layers = [InputToAll([*blocks, last])]
    else:
        layers = [*(layer for block in blocks for layer in block), last]
    body = _embed(encoding, layers) if encoding.embedded else layers
    return Network(body, encoding.inputs, encoding.dtype if dtype is None else dtype)


def _one_for_each(activation: ActivationLike | Sequence[ActivationLike], hidden: Sequence[int]) -> list[ActivationLike]:
    if isinstance(activation, str) or not isinstance(activation, Sequence):
        return [activation] * len(hidden)
    if len(activation) != len(hidden):
        raise UsageError(
            "not one activation for each hidden layer",
            where="activation",
            got=f"{len(activation)} for {len(hidden)} layers",
            fix="Give one for all, or one for each.",
        )
    return list(activation)


def _hidden_layer(
    units: int, activation: ActivationLike, dropout: float, layer_norm: bool, initializer: InitializerLike
) -> list[Layer]:
    layers: list[Layer]
    if layer_norm:
        suited = default_initializer(activation_name(activation)) if initializer is None else initializer
        layers = [Dense(units, initializer=suited), LayerNorm(), Activation(activation)]
    else:
        layers = [Dense(units, activation, initializer=initializer)]
    return [*layers, Dropout(dropout)] if dropout else layers


def _embed(encoding: Encoding, layers: Sequence[Layer]) -> Body:
    """Return a body that puts the features and the vectors of categories together and sends them through layers."""
    tables = [Embedding(len(column.categories), column.embedding) for column in encoding.embedded]
    rest = as_body(layers)

    def body(context: Context, *inputs: Value) -> Value:
        *features, index = inputs
        known, place = ops.greater_equal(index, 0), ops.maximum(index, 0)
        vectors = []
        for column, table in enumerate(tables):
            vector = table(context, place[:, column])
            vectors.append(ops.select(known[:, column : column + 1], vector, 0.0))
        parts = [*features, *vectors]
        return rest(context, parts[0] if len(parts) == 1 else ops.concatenate(parts, axis=1))

    return body
