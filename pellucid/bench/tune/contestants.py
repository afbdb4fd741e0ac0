"""Who takes part: Pellucid and its peers."""

from __future__ import annotations

from pellucid.bench.peers import Peer
from pellucid.bench.tune.cell import OWN

_HERE = "pellucid.bench.tune.peers"

PEERS = {
    "sklearn": Peer("scikit-learn", f"{_HERE}.scikit_search", ("sklearn",), ("scikit-learn",)),
    "optuna": Peer("Optuna + PyTorch", f"{_HERE}.optuna_search", ("optuna", "torch"), ("optuna", "torch")),
    "torch": Peer("PyTorch, batched products", f"{_HERE}.torch_population", ("torch",), ("torch",)),
    "jax": Peer("JAX, vmap", f"{_HERE}.jax_population", ("jax", "optax"), ("jax", "optax")),
}

SEARCHES = ("sklearn", "optuna")
POPULATIONS = ("torch", "jax")


def title_of(name: str) -> str:
    """Return what a contestant is called on the page."""
    return "Pellucid" if name == OWN else PEERS[name].title
