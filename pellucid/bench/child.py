"""The child process that holds one candidate: it reads commands, one JSON object a line, and answers each."""

from __future__ import annotations

import importlib
import json
import os
import sys
from collections.abc import Mapping
from typing import Any, TextIO

from pellucid.bench.candidate import Candidate, Peak
from pellucid.bench.peers import PEERS
from pellucid.bench.timing import resident_bytes
from pellucid.bench.workloads import Workload


def serve() -> None:
    """Answer commands until there are no more.

    The first line says which candidate, and of which workload. What libraries print goes to standard error.
    """
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    candidate: Candidate | None = None
    for line in sys.stdin:
        asked = json.loads(line)
        try:
            if candidate is None:
                candidate = _make(asked)
                _answer(answers, {"versions": candidate.versions, "resident": resident_bytes()})
            else:
                _answer(answers, {"found": _do(candidate, asked), "peak": resident_bytes(peak=True)})
        except Exception as error:
            _answer(answers, {"error": f"{type(error).__name__}: {error}"})
            return


def _make(asked: Mapping[str, Any]) -> Candidate:
    told: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in asked["workload"].items()
    }
    workload, name = Workload(**told), asked["candidate"]
    if name == "peak":
        return Peak(workload.threads, workload.dtype)
    if name == "pellucid":
        from pellucid.bench.own import make_candidate

        return make_candidate(workload, asked["executor"])
    return importlib.import_module(PEERS[name].module).make_candidate(workload, workload.threads, name)


def _do(candidate: Candidate, asked: Mapping[str, Any]) -> Any:
    if asked["do"] == "prepare":
        return candidate.prepare()
    if asked["do"] == "measure":
        return candidate.measure(asked["seconds"])
    return candidate.compare(asked["steps"])


def _answer(answers: TextIO, told: Mapping[str, Any]) -> None:
    answers.write(json.dumps(told) + "\n")
    answers.flush()
