"""How much is measured: in earnest, or only to see that everything runs."""

from __future__ import annotations

from dataclasses import dataclass

TABLES = (
    "iris",
    "wine",
    "breast_cancer",
    "digits",
    "moons",
    "four_classes",
    "diabetes",
    "friedman1",
    "friedman2",
)
NUMBERS = ("diabetes", "friedman1", "friedman2")
"""The tables whose targets are numbers; the others have classes."""

FOLDS = 3
"""Parts of each table, each held out once, and parts of `digits` in the search that measures the rate."""


@dataclass(frozen=True)
class Extent:
    """How much of everything.

    Attributes
    ----------
    configurations, epochs : int
        Of the search on `digits`.
    peer_seconds : float
        How long each peer works on the first of these configurations.
    tables : tuple of str
    seeds : tuple of int
        The parts of each table that are held out.
    budget_seconds : float
        What each tool has for one of them.
    networks, examples, network_epochs : int
        Of the tiny networks.
    peer_networks : int
        How many of them the peers train at most.
    overhead_trials, overhead_rounds : int
    kills : int
    """

    configurations: int = 1000
    epochs: int = 30
    peer_seconds: float = 60.0
    tables: tuple[str, ...] = TABLES
    seeds: tuple[int, ...] = (0, 1, 2)
    budget_seconds: float = 30.0
    networks: int = 20_000
    examples: int = 2_000
    network_epochs: int = 20
    peer_networks: int = 2_048
    overhead_trials: int = 120
    overhead_rounds: int = 5
    kills: int = 200


FULL = Extent()
QUICK = Extent(
    configurations=2,
    epochs=2,
    peer_seconds=1.0,
    tables=("iris",),
    seeds=(0,),
    budget_seconds=5.0,
    networks=40,
    examples=100,
    network_epochs=2,
    peer_networks=16,
    overhead_trials=2,
    overhead_rounds=1,
    kills=1,
)
