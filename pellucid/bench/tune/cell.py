"""One cell of the benchmark: one contestant at one piece of work, in a process of its own."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pellucid.bench.processes import CandidateFailed, child_environment

# Before anything is imported: thread settings do not confine every library, and some look at the cores only once.
_START = """\
import os, sys
if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, [int(core) for core in sys.argv[1].split(",")])
from pellucid.bench.tune.child import serve
serve()
"""

OWN = "pellucid"


@dataclass(frozen=True)
class Cell:
    """One contestant at one piece of work.

    Attributes
    ----------
    name : str
        Such as ``budget/wine/1/sklearn``; the last word, up to a colon, is the contestant.
    call : str
        A module and a function of it, ``module:function``, which the child process calls with its clock, the folder
        of the tables and `given`; what it returns is plain data.
    given : mapping
        Plain data.
    seconds : float
        How long it takes, about.
    processes : bool
        Whether the contestant spreads over the cores by processes of one thread each.
    """

    name: str
    call: str
    given: Mapping[str, Any] = field(default_factory=dict)
    seconds: float = 1.0
    processes: bool = False

    @property
    def contestant(self) -> str:
        return self.name.rpartition("/")[2].partition(":")[0]


def run_cell(cell: Cell, folder: str, cores: Sequence[int]) -> dict[str, Any]:
    """Return what a cell has found, and the seconds from the start of its process to its end as ``wall``.

    Parameters
    ----------
    cell : Cell
    folder : str
        Where the tables are.
    cores : sequence of int
        Where its process may run.

    Raises
    ------
    CandidateFailed
        Where it ended with an error, or takes many times as long as it should.
    """
    began = time.monotonic()
    with tempfile.TemporaryFile() as told:
        process = subprocess.Popen(
            [sys.executable, "-P", "-c", _START, ",".join(map(str, cores))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=told,
            env=child_environment(1 if cell.processes else len(cores)),
            encoding="utf-8",
            start_new_session=True,
        )
        asked = {"call": cell.call, "given": dict(cell.given), "folder": folder, "own": cell.contestant == OWN}
        try:
            line, _ = process.communicate(json.dumps({**asked, "began": began}) + "\n", 120 + 5 * cell.seconds)
        except subprocess.TimeoutExpired:
            raise CandidateFailed(f"not ready after {time.monotonic() - began:.0f} s", where=cell.name) from None
        finally:
            _end(process)
        wall = time.monotonic() - began
        told.seek(0)
        words = told.read().decode("utf-8", "replace").strip().splitlines()
    if not line.strip():
        last = words[-1] if words else f"ended with exit code {process.returncode}"
        raise CandidateFailed(last[:500], where=cell.name)
    answer = json.loads(line)
    if "error" in answer:
        raise CandidateFailed(answer["error"], where=cell.name)
    return {**answer["found"], "wall": wall}


def _end(process: subprocess.Popen[str]) -> None:
    """End a process and those that it has started."""
    if hasattr(os, "killpg"):
        with contextlib.suppress(OSError):
            os.killpg(process.pid, signal.SIGKILL)
    if process.poll() is None:
        process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()
