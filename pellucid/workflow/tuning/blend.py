"""Networks of different form as a single one, which predicts what they do on average, some of them counted more."""

from __future__ import annotations

from collections.abc import Sequence

from pellucid.errors import UsageError
from pellucid.graph.context import Context
from pellucid.graph.value import Value
from pellucid.nn.ensemble import combine_outputs
from pellucid.nn.losses import Loss
from pellucid.nn.network import Network


def blend(networks: Sequence[Network], counts: Sequence[int], loss: Loss) -> Network:
    """Return a network of several that take the same inputs, each counted so many times.

    What its output means is the mean of what the networks' outputs mean, as for :func:`pellucid.nn.ensemble.ensemble`.

    Parameters
    ----------
    networks : sequence of Network
        With one output each; their parameters have ``member_1/``, ``member_2/`` and so on before their paths.
    counts : sequence of int
        How often each is counted.
    loss : Loss
        What they were trained with.

    Raises
    ------
    UsageError
        Where networks do not go together.

    Examples
    --------
    >>> import pellucid as pl
    >>> small, large = (pl.Network([pl.Dense(units, "tanh"), pl.Dense(1)], inputs=2) for units in (3, 5))
    >>> found = blend([small, large], [1, 2], pl.loss("squared_error"))
    >>> found.parameters["member_2/dense_1/weight"].type
    float32[2, 5]
    """
    if not networks or len(networks) != len(counts) or min(counts) < 1:
        got = f"{len(networks)} networks, counts {list(counts)}"[:80]
        raise UsageError("each network is counted once or more", where="blend", got=got)
    first = networks[0]
    for network in networks:
        forms = (network.inputs, network.outputs, network.dtype), (first.inputs, first.outputs, first.dtype)
        if forms[0] != forms[1] or len(network.outputs) != 1:
            got = f"{network.inputs} to {network.outputs}, and {first.inputs} to {first.outputs}"
            raise UsageError("networks that are averaged have the same inputs and output", where="blend", got=got)

    def body(context: Context, *inputs: Value) -> Value:
        named = dict(zip(first.inputs, inputs, strict=True))
        outputs: list[Value] = []
        for number, (network, count) in enumerate(zip(networks, counts, strict=True), start=1):
            with context.apart(f"member_{number}"):
                outputs += [next(iter(network.build(context, **named).values()))] * count
        return combine_outputs(outputs, loss)

    return Network(body, dict(first.inputs), first.dtype)
