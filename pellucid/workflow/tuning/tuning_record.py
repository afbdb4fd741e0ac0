"""What came of a search, as plain data for JSON."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from typing import Any

from pellucid.workflow.reports.report import as_plain
from pellucid.workflow.tuning.comparing import as_dict
from pellucid.workflow.tuning.tuning import Tuning

SCHEMA = 1
SHOWN = 10


def describe_tuning(tuning: Tuning) -> dict[str, Any]:
    """Return what came of a search as plain data; numbers that are not finite are None.

    ``search.value`` of the winner is what the search made good; how good it is stands in ``comparison``.
    """
    best, result = tuning.best, tuning.result
    states = Counter(trial.state for trial in tuning.trials)
    selection = tuning.selection
    found: dict[str, Any] = {
        "schema": SCHEMA,
        "target": tuning.understanding.task.targets,
        "task": tuning.understanding.task.kind,
        "metric": tuning.metric,
        "higher_is_better": tuning.higher_is_better,
        "space": {name: tuning.space.text(name) for name in tuning.space.names},
        "architectures": tuning.architectures,
        "trials": {"all": len(tuning.trials), **states},
        "search": {
            "seconds": round(result.seconds, 3),
            "compile_seconds": round(result.compile_seconds, 3),
            "reason": result.reason,
            "trials_a_minute": round(result.rate, 1),
        },
        "best": {
            "trial": best.number,
            "parameters": dict(best.parameters),
            "value_of_the_search": best.value,
            "deviation_over_folds": best.deviation,
            "epochs": best.epochs,
        },
        "next": [{"trial": one.number, "value": one.value, "state": one.state} for one in result.ranking()[1:SHOWN]],
        "comparison": as_dict(tuning.comparison),
        "report": tuning.run.report.as_dict(),
        "ensemble": None,
        "importance": None if tuning.importance is None else asdict(tuning.importance),
        "seconds": round(tuning.seconds, 3),
        "interrupted": tuning.interrupted,
        "notes": tuning.notes,
    }
    if selection is not None and tuning.ensemble_report is not None:
        found["ensemble"] = {
            "trials": {number: count for number, count in selection.trials},
            "networks": selection.networks,
            "considered": selection.considered,
            "report": tuning.ensemble_report.as_dict(),
        }
    return as_plain(found)
