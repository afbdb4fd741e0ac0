"""The workloads of the benchmark: what is trained, how large it is, and what ratios are aimed at."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

from pellucid.errors import UsageError, nearest

BEST = "best"
"""In a goal: the fastest of the peers."""


@dataclass(frozen=True)
class Workload:
    """One thing that is measured.

    Attributes
    ----------
    name : str
    sizes : tuple of int
        Units of each layer, the inputs first.
    batch : int
        Examples a step.
    steps : int
        Steps an epoch; no mini-batch is smaller than the others.
    task : {"multiclass", "multilabel", "regression"}
    dtype : {"float32", "float64"}
    dropout : float
        The rate behind each hidden layer; 0 builds none.
    categories : tuple of int
        The number of categories of each embedded column. The embedded columns are part of ``sizes[0]``.
    networks : int
        How many networks are trained, each with its own order of examples.
    threads : int
    predicts : bool
        Whether one row is predicted, over and over, rather than a network trained.
    goals : tuple of (str, float)
        How many times faster than a peer, or than the best one, Pellucid is to be.
    like : str or None
        The workload half of whose share of the peak is to be reached.
    compile_goal : float or None
        The seconds that compiling may take.
    memory : bool
        Whether the memory is told that the training takes.
    alone : bool
        Whether no peer is measured.
    """

    name: str
    sizes: tuple[int, ...]
    batch: int
    steps: int
    task: str = "multiclass"
    dtype: str = "float32"
    dropout: float = 0.0
    categories: tuple[int, ...] = ()
    networks: int = 1
    threads: int = 1
    predicts: bool = False
    goals: tuple[tuple[str, float], ...] = ((BEST, 1.0),)
    like: str | None = None
    compile_goal: float | None = None
    memory: bool = False
    alone: bool = False

    EMBEDDED = 8
    """Numbers that each embedded column becomes."""

    @property
    def examples(self) -> int:
        return self.batch * self.steps

    @property
    def numbers(self) -> int:
        """How many features of an example are numbers, not categories."""
        return self.sizes[0] - self.EMBEDDED * len(self.categories)

    @property
    def parameters(self) -> int:
        """How many numbers one network learns."""
        layers = zip(self.sizes, self.sizes[1:], strict=False)
        return sum(a * b + b for a, b in layers) + self.EMBEDDED * sum(self.categories)

    @property
    def operations(self) -> int:
        """Floating-point operations of the products of one step (or prediction) of one network.

        Forward, the gradient of the weights and, but for the first layer, that of its input; of a first layer behind
        embeddings too.
        """
        pairs = list(zip(self.sizes, self.sizes[1:], strict=False))
        if self.predicts:
            return sum(2 * a * b for a, b in pairs)
        first = 3 if self.categories else 2
        return sum(2 * a * b * self.batch * (first if place == 0 else 3) for place, (a, b) in enumerate(pairs))

    @property
    def counted_bytes(self) -> int:
        """Bytes of parameters, their gradients, Adam's two means, and the activations of a mini-batch."""
        size = 8 if self.dtype == "float64" else 4
        return size * (4 * self.parameters + self.batch * sum(self.sizes))

    def describe(self) -> str:
        """Return what it is in a few words.

        Examples
        --------
        >>> WORKLOADS["dropout"].describe()
        '64-128-128-10, batch 64, dropout 0.2'
        """
        told = "-".join(map(str, self.sizes))
        if len(self.sizes) > 6 and len(set(self.sizes[1:-1])) == 1:
            told = f"{self.sizes[0]}-({len(self.sizes) - 2} x {self.sizes[1]})-{self.sizes[-1]}"
        more = [f"{self.networks} networks"] if self.networks > 1 else []
        more += [told, "one row" if self.predicts else f"batch {self.batch}"]
        more += [self.task] if self.task != "multiclass" else []
        more += [self.dtype] if self.dtype != "float32" else []
        more += [f"dropout {self.dropout:g}"] if self.dropout else []
        more += [f"{len(self.categories)} embedded columns"] if self.categories else []
        more += [f"{self.threads} cores"] if self.threads > 1 else []
        return ", ".join(more)

    def shortened(self) -> Workload:
        """Return the same with few steps an epoch and few networks, to see that it runs."""
        return dataclasses.replace(self, steps=max(2, self.steps // 100), networks=min(self.networks, 4))


TINY, MID, WIDE = (20, 64, 64, 3), (64, 128, 128, 10), (784, 2048, 2048, 10)
MNIST = (784, 128, 64, 10)

_ALL = (
    Workload("tiny", TINY, 32, 400, goals=(("jax", 4.5), ("torch", 30.0))),
    Workload("mid", MID, 64, 200, goals=(("jax", 2.3),)),
    Workload("mnist", MNIST, 128, 100, goals=(("jax", 1.55),)),
    Workload("wide", WIDE, 512, 6, goals=(("jax", 1.2),), memory=True),
    Workload("wide-2", WIDE, 512, 6, goals=(("jax", 1.35),), threads=2),
    Workload("population", TINY, 32, 64, goals=((BEST, 5.5),), networks=256, threads=2),
    Workload("odd", (13, 37, 5), 17, 400, like="odd-even"),
    Workload("odd-even", (16, 32, 8), 16, 400, goals=(), alone=True),
    Workload("bottleneck", (300, 7, 300), 64, 100, task="regression", like="bottleneck-even"),
    Workload("bottleneck-even", (304, 8, 304), 64, 100, task="regression", goals=(), alone=True),
    Workload("deep", (32, *(32,) * 10, 10), 32, 200, like="tiny"),
    Workload("five", (64, *(128,) * 4, 10), 64, 100, goals=(), compile_goal=0.3, alone=True),
    Workload("regression", (16, 64, 64, 1), 32, 400, task="regression"),
    Workload("dropout", MID, 64, 200, dropout=0.2),
    Workload("embeddings", (64, 64, 64, 3), 64, 200, categories=(50, 20, 100, 8)),
    Workload("multilabel", (64, 128, 128, 20), 64, 200, task="multilabel"),
    Workload("float64", MID, 64, 200, dtype="float64"),
    Workload("predict-tiny", TINY, 1, 1, predicts=True),
    Workload("predict-mnist", MNIST, 1, 1, predicts=True),
)

WORKLOADS = {workload.name: workload for workload in _ALL}

FIRST = ("tiny", "mid", "mnist", "wide", "wide-2", "population")
"""The workloads whose goals are above 1."""


def choose_workloads(names: Sequence[str]) -> list[Workload]:
    """Return workloads by name, each once and in their own order; all where none is named.

    Raises
    ------
    UsageError
        Where there is no such workload.

    Examples
    --------
    >>> [workload.name for workload in choose_workloads(["mid", "tiny"])]
    ['tiny', 'mid']
    """
    for name in names:
        if name not in WORKLOADS:
            raise UsageError(f"no workload is called {name!r}", where="--only", fix=nearest(name, WORKLOADS))
    return [workload for name, workload in WORKLOADS.items() if not names or name in names]
