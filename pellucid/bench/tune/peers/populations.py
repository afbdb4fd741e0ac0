"""Many tiny networks with a peer: chunks of the best size, in one process of several threads or several of one."""

from __future__ import annotations

import itertools
import multiprocessing
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np

from pellucid.bench.processes import usable_cores
from pellucid.bench.tune.clock import Clock
from pellucid.bench.tune.material import BATCH

CHUNKS = (128, 512, 2048)
"""So many networks may stand side by side."""


@dataclass(frozen=True)
class Share:
    """What one process does.

    Attributes
    ----------
    seeds : tuple of int
        Of its networks: the first, and the one after the last.
    chunks : tuple of int
        How many are trained side by side; of several, each is tried.
    epochs, examples : int
    threads : int
    core : int or None
        The one that it is bound to.
    """

    seeds: tuple[int, int]
    chunks: tuple[int, ...]
    epochs: int
    examples: int
    threads: int
    core: int | None = None


class Trainer(Protocol):
    """A peer that trains chunks of networks."""

    def prepare(self, networks: int) -> None:
        """Compile for chunks of so many."""

    def train(self, seeds: range, epochs: int) -> list[float]:
        """Return the mean loss over the last epoch of each network."""


Work = Callable[[Share], dict[str, Any]]
"""Calls :func:`do_share`; of a module that child processes can import."""


def do_share(share: Share, make: Callable[[Share], Trainer]) -> dict[str, Any]:
    """Do a share in this process.

    Returns
    -------
    dict
        ``preparing``: seconds for compiling; and then ``seconds`` of the training and ``losses``; or, where several
        chunks are tried, ``tried``: seconds of an epoch of one network in each of them.
    """
    if share.core is not None and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, [share.core])
    trainer, (first, end) = make(share), share.seeds
    tried, losses = {}, []
    preparing = seconds = 0.0
    for chunk in share.chunks:
        count = len(share.chunks) > 1
        parts = [range(at, min(at + chunk, end)) for at in range(first, first + chunk if count else end, chunk)]
        clock = Clock.start()
        for size in {len(part) for part in parts}:
            trainer.prepare(size)
        if count:  # what happens only once does not count
            trainer.train(parts[0], 1)
        preparing += clock()
        clock = Clock.start()
        losses = [loss for part in parts for loss in trainer.train(part, share.epochs)]
        seconds = clock()
        tried[chunk] = seconds / (share.epochs * sum(map(len, parts)))
    return {"preparing": preparing, "seconds": seconds, "losses": losses, "tried": list(tried.values())}


def measure(work: Work, networks: int, examples: int, epochs: int, cores: int) -> dict[str, Any]:
    """Find the best form, and train in it half of the networks and all of them.

    Returns
    -------
    dict
        ``form``: what was best; ``tried``: microseconds a step of one network in each form; ``half`` and ``whole``:
        networks and seconds of each; ``preparing``: seconds for compiling; ``loss`` and ``deviation``: mean
        and standard deviation over the networks.
    """
    tried: dict[tuple[int, int], float] = {}
    for processes in sorted({1, cores}):
        sizes = tuple(chunk for chunk in CHUNKS if chunk * processes <= networks) or (-(-networks // processes),)
        found = _train(work, networks, processes, cores, sizes, 1, examples)
        slowest = [max(times) / processes for times in zip(*(one["tried"] for one in found), strict=True)]
        tried |= {(processes, size): seconds for size, seconds in zip(sizes, slowest, strict=True)}
    processes, chunk = min(tried, key=lambda form: tried[form])
    told: dict[str, Any] = {
        "form": {"processes": processes, "threads": cores // processes, "chunk": chunk},
        "tried": {f"{form[0]} x {form[1]}": 1e6 * s / -(-examples // BATCH) for form, s in tried.items()},
    }
    for name, count in (("half", max(processes, networks // 2)), ("whole", networks)):
        found = _train(work, count, processes, cores, (chunk,), epochs, examples)
        told[name] = {"networks": count, "seconds": max(one["seconds"] for one in found)}
        told["preparing"] = max(one["preparing"] for one in found)
        losses = [loss for one in found for loss in one["losses"]]
        told |= {"loss": float(np.mean(losses)), "deviation": float(np.std(losses))}
    return told


def _train(
    work: Work, networks: int, processes: int, cores: int, chunks: tuple[int, ...], epochs: int, examples: int
) -> list[dict[str, Any]]:
    """Train networks in so many processes, each with its part of them."""
    whole = Share((0, networks), chunks, epochs, examples, cores // processes)
    ends = [networks * at // processes for at in range(processes + 1)]
    places: Sequence[int | None] = usable_cores()[:processes] if processes > 1 else [None]
    shares = [
        replace(whole, seeds=seeds, core=core) for seeds, core in zip(itertools.pairwise(ends), places, strict=True)
    ]
    _set_threads(whole.threads)  # new processes: libraries look at cores and threads when they are loaded
    with ProcessPoolExecutor(processes, multiprocessing.get_context("spawn")) as pool:
        return list(pool.map(work, shares))


def _set_threads(threads: int) -> None:
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = str(threads)
    flags = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
    os.environ["XLA_FLAGS"] = flags if threads == 1 else ""
