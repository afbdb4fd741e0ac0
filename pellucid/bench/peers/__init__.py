"""The peers: which there are, what they need, what they lack. Only child processes import their modules."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pellucid.bench.workloads import Workload
from pellucid.errors import UsageError, nearest


@dataclass(frozen=True)
class Peer:
    """A peer: its title, the module that runs it, the packages it needs (as imported and as installed)."""

    title: str
    module: str
    needs: tuple[str, ...]
    packages: tuple[str, ...]


PEERS = {
    "torch": Peer("PyTorch eager", "pellucid.bench.peers.pytorch", ("torch",), ("torch",)),
    "torch_compile": Peer("torch.compile", "pellucid.bench.peers.pytorch", ("torch",), ("torch",)),
    "jax": Peer("JAX jit + scan", "pellucid.bench.peers.jax_scan", ("jax", "optax"), ("jax", "optax")),
    "sklearn": Peer("scikit-learn", "pellucid.bench.peers.scikit_learn", ("sklearn",), ("scikit-learn",)),
}

DEFAULT = ("torch", "jax", "sklearn")


def choose_peers(text: str | None, known: Mapping[str, Peer] = PEERS, default: Sequence[str] = DEFAULT) -> list[str]:
    """Return the peers that a command line names; the usual ones where it says nothing.

    Raises
    ------
    UsageError
        Where there is no such peer.

    Examples
    --------
    >>> choose_peers(None), choose_peers("jax,torch"), choose_peers("none")
    (['torch', 'jax', 'sklearn'], ['torch', 'jax'], [])
    """
    if text is None:
        return list(default)
    named = [name.strip() for name in text.split(",") if name.strip()]
    if named in ([], ["none"]):
        return []
    if "none" in named:
        raise UsageError("none goes with no other name", where="--peers", got=repr(text)[:60])
    for name in named:
        if name not in known:
            raise UsageError(f"no peer is called {name!r}", where="--peers", fix=nearest(name, [*known, "none"]))
    return [name for name in known if name in named]


def missing_packages(names: Sequence[str], known: Mapping[str, Peer] = PEERS) -> dict[str, str]:
    """Say of the peers that are not installed what is missing; nothing is imported."""
    told = {}
    for name in names:
        peer = known[name]
        lacking = [
            package
            for module, package in zip(peer.needs, peer.packages, strict=True)
            if importlib.util.find_spec(module) is None
        ]
        if lacking:
            # One place to learn the way out from, whatever is missing.
            told[name] = f"{' and '.join(lacking)} not installed; pip install 'pellucid[bench]' does it"
    return told


def lack(name: str, workload: Workload) -> str | None:
    """Say why a peer can not run a workload, if so."""
    if name == "sklearn" and workload.dropout:
        return "has no dropout"
    if name == "sklearn" and workload.categories:
        return "has no embeddings"
    if name == "torch_compile" and (workload.networks > 1 or workload.predicts):
        return "measured in training one network only"
    return None
