"""The child process of one cell: it is told what to call, calls it, and says what came of it."""

from __future__ import annotations

import importlib
import json
import os
import sys
import warnings
from typing import Any

from pellucid.bench.tune.clock import Clock


def serve() -> None:
    """Do what the line on standard input says. What libraries print goes to standard error.

    The clock of Pellucid begins when its process does; that of a peer begins here, when Pellucid has been imported,
    which a peer would not have to do.
    """
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    asked = json.loads(sys.stdin.readline())
    own = asked["own"]
    clock = Clock(asked["began"]) if own else Clock.start()
    if not own:
        warnings.simplefilter("ignore")
    answer: dict[str, Any]
    try:
        module, _, name = asked["call"].partition(":")
        found = getattr(importlib.import_module(module), name)(clock, asked["folder"], **asked["given"])
        answer = {"found": {"seconds": clock(), **found}}
    except Exception as error:
        told = str(error).strip().splitlines()
        answer = {"error": f"{type(error).__name__}: {told[0] if told else ''}"[:500]}
    answers.write(json.dumps(answer) + "\n")
    answers.flush()
