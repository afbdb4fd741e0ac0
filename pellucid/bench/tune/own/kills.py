"""A search that is killed again and again."""

from __future__ import annotations

import dataclasses
from typing import Any

from pellucid.bench.tune.clock import Clock
from pellucid.bench.tune.kill import measure_kills


def measure(clock: Clock, folder: str, instants: int, already: int) -> dict[str, Any]:
    """Kill a search, and count what was lost and doubled."""
    return dataclasses.asdict(measure_kills(instants, already=already))
