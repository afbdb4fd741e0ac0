"""Child processes on certain cores: started, asked, ended."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pellucid.bench.workloads import Workload
from pellucid.errors import PellucidError, UsageError

# Before anything is imported: thread settings do not confine every library, and some look at the cores only once.
_START = """\
import os, sys
if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, [int(core) for core in sys.argv[1].split(",")])
from pellucid.bench.child import serve
serve()
"""

_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS", "THREADS")
_END_SECONDS = 10.0


class CandidateFailed(PellucidError):
    """A candidate could not do what it was asked for."""


def usable_cores() -> list[int]:
    """Return the numbers of the cores that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def can_pin() -> bool:
    """Say whether processes can be bound to cores on this system."""
    return hasattr(os, "sched_setaffinity")


def choose_cores(text: str | None) -> list[int]:
    """Return the cores that a command line names, or all that may be used.

    Raises
    ------
    UsageError
        Where the text is no list of numbers, or a core may not be used.
    """
    usable = usable_cores()
    if text is None:
        return usable
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdecimal() for part in parts):
        raise UsageError("not numbers of cores", where="--cores", got=repr(text)[:60], expected="such as 0 or 0,1")
    cores = list(dict.fromkeys(map(int, parts)))
    for core in cores:
        if core not in usable:
            known = ", ".join(map(str, usable))
            raise UsageError("this core can not be used", where="--cores", got=str(core), expected=f"some of {known}")
    return cores


class Child:
    """A candidate in a process of its own. Use it in a ``with`` block: it ends there.

    Parameters
    ----------
    candidate : str
        ``pellucid``, ``peak`` or a peer.
    workload : Workload
    cores : sequence of int
        Where it may run; as many threads are used.
    executor : str
        Of Pellucid.

    Raises
    ------
    CandidateFailed
        Where it can not be made.
    """

    def __init__(self, candidate: str, workload: Workload, cores: Sequence[int], executor: str):
        self.candidate = candidate
        self._told = tempfile.TemporaryFile()  # noqa: SIM115 (it is closed in `end`)
        command = [sys.executable, "-P", "-c", _START, ",".join(map(str, cores))]
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._told,
            env=child_environment(len(cores)),
            encoding="utf-8",
        )
        try:
            told = dataclasses.asdict(workload)
            made = self._ask({"candidate": candidate, "workload": told, "executor": executor})
        except BaseException:
            self.end()
            raise
        self.versions: dict[str, str] = made["versions"]
        self.resident: int | None = made["resident"]
        self.peak: int | None = None

    @property
    def process_id(self) -> int:
        return self._process.pid

    def ask(self, do: str, **more: Any) -> Any:
        """Return the answer to ``prepare``, ``measure`` (with `seconds`) or ``compare`` (with `steps`)."""
        told = self._ask({"do": do, **more})
        self.peak = told["peak"]
        return told["found"]

    def _ask(self, asked: dict[str, Any]) -> dict[str, Any]:
        assert self._process.stdin is not None and self._process.stdout is not None
        line = ""
        with contextlib.suppress(OSError):  # it has ended: what it has said last tells why
            self._process.stdin.write(json.dumps(asked) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        told = json.loads(line) if line else {"error": self._last_words()}
        if "error" in told:
            raise CandidateFailed(told["error"], where=self.candidate)
        return told

    def _last_words(self) -> str:
        code = self._process.wait()
        self._told.seek(0)
        lines = self._told.read().decode("utf-8", "replace").strip().splitlines()
        return lines[-1] if lines else f"ended with exit code {code}"

    def end(self) -> None:
        """End the process."""
        with contextlib.suppress(OSError):
            assert self._process.stdin is not None
            self._process.stdin.close()
        try:
            self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._told.close()

    def __enter__(self) -> Child:
        return self

    def __exit__(self, *error: object) -> None:
        self.end()


def child_environment(threads: int) -> dict[str, str]:
    """Return the environment of a child process that uses so many threads."""
    root = str(Path(__file__).absolute().parents[2])
    path = os.pathsep.join([root, *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = {**os.environ, "PYTHONPATH": path, **dict.fromkeys(_THREADS, str(threads))}
    environment["JAX_PLATFORMS"] = "cpu"
    if threads == 1:
        environment["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
    return environment
