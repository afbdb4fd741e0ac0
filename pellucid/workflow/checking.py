"""Gates asked about a table before training, and about a run that is over."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from pellucid.diagnosis.gates.case import Case
from pellucid.diagnosis.gates.catalogue import load as load_gates
from pellucid.diagnosis.gates.check import check_after, check_before, check_during, train_case
from pellucid.diagnosis.gates.check_data import check_understood
from pellucid.diagnosis.gates.finding import GateReport, merge
from pellucid.diagnosis.gates.gate import GATES, PHASES
from pellucid.diagnosis.gates.thresholds import TABLE, Thresholds
from pellucid.errors import UsageError, nearest
from pellucid.inspection.layers import LayerRecords
from pellucid.inspection.recorder import Recorder
from pellucid.workflow.making import Making, prepare
from pellucid.workflow.plans.plan import Plan
from pellucid.workflow.reopened import Reopened, dataset_of_test, reopen
from pellucid.workflow.starting import load_start
from pellucid.workflow.understanding import understand


@dataclass(frozen=True, eq=False)
class CheckedRun:
    """What the gates say of a run. Made by :func:`check_run`.

    Attributes
    ----------
    run : Reopened
    case : Case
        Its training, done again, with what was recorded on the way.
    report : GateReport
    repeated : bool
        Whether the training, done again, ended with the bits of the model that is saved.
    records : sequence of LayerRecords
        The layers over the training, about forty times.
    """

    run: Reopened
    case: Case
    report: GateReport
    repeated: bool
    records: Sequence[LayerRecords] = ()


def check_table(
    data: Any,
    target: str | Sequence[str] | None = None,
    *,
    plan: Plan | None = None,
    gates: Sequence[str] | None = None,
    thresholds: Thresholds | Mapping[str, Any] | None = None,
) -> GateReport:
    """Ask what can be known of a table, and of the network for it, before any training.

    Parameters
    ----------
    data : path, Table, data frame, or mapping of columns
    target : str or sequence of str, optional
        By default what the plan says.
    plan : Plan, optional
        Network, settings, roles and ways to split, as for :func:`pellucid.train_table`.
    gates : sequence of str, optional
        Which ones to ask; by default all.
    thresholds : Thresholds or mapping, optional
        Changes of the table of thresholds.

    Returns
    -------
    GateReport

    Raises
    ------
    DataError, UsageError
        Where the table cannot be read, or settings, gates or thresholds do not fit.

    Examples
    --------
    >>> table = {"size": [0.1 * n for n in range(60)], "price": [0.3 * n + (n % 7) for n in range(60)]}
    >>> check_table(table, "price", gates=["duplicate_columns", "loss_at_initialization"]).verdict
    'pass'
    """
    plan = plan or Plan()
    if target is not None:
        plan = replace(plan, target=(target,) if isinstance(target, str) else tuple(target))
    asked = _named(gates, ("before", OF_TABLES), "of a table")
    bounds = thresholds if isinstance(thresholds, Thresholds) else Thresholds(thresholds)
    start = None
    if plan.start_from is not None:
        start, recipe = load_start(plan.start_from, plan.recipe)
        plan = replace(plan, recipe=recipe)
    found = understand(data, plan, model=start)
    of_table = check_understood(
        found.table,
        found.task,
        found.roles,
        test=found.test,
        group=plan.group if found.test is not None and plan.group in found.test.names else None,
        thresholds=bounds,
        seed=plan.seed,
    )
    answered = {finding.gate for finding in of_table}
    of_case = check_before(
        case_of(prepare(found, plan, found.parts, start)),
        None if asked is None else [name for name in asked if name in GATES],
        bounds,
    )
    told = [finding for finding in of_table if asked is None or finding.gate in asked]
    return GateReport((*told, *(finding for finding in of_case if finding.gate not in answered)))


def check_run(
    folder: str | os.PathLike[str] | Reopened,
    *,
    table: Any = None,
    phases: Sequence[str] | None = None,
    gates: Sequence[str] | None = None,
    thresholds: Thresholds | Mapping[str, Any] | None = None,
) -> CheckedRun:
    """Ask what a run's training has shown and what its network is worth.

    The training is done again, to the bit, and its layers are recorded on the way; the run itself is left as it is.

    Parameters
    ----------
    folder : path or Reopened
    table : path, Table, data frame, or mapping of columns, optional
        The table of the run, in place of the one that its ``run.toml`` names.
    phases : sequence of {"before", "during", "after"}, optional
        By default those of the gates that are named, or else during and after.
    gates : sequence of str, optional
        Which ones to ask; by default all of the phases.
    thresholds : Thresholds or mapping, optional
        Changes of the table of thresholds.

    Raises
    ------
    UsageError, DataError, ModelError
        Where there is no finished run, its table is gone or another one, or gates or thresholds do not fit.
    """
    for phase in phases or ():
        if phase not in PHASES:
            raise UsageError(f"no phase is called {phase!r}", where="phases", fix=nearest(str(phase), PHASES))
    named = _named(gates, phases or PHASES, "of a run" if phases is None else f"{' or '.join(phases)} training")
    bounds = thresholds if isinstance(thresholds, Thresholds) else Thresholds(thresholds)
    if phases is None:
        phases = PHASES[1:] if named is None else [phase for phase in PHASES if phase in map(_phase_of, named)]
    run = folder if isinstance(folder, Reopened) else reopen(folder, table)
    first = case_of(run.making)
    reports = [check_before(first, named, bounds)] if "before" in phases else []
    recorder = Recorder(every=max(1, _epochs_of(run) // MOMENTS))
    case = train_case(first, {"on": recorder})
    asked = {"during": check_during, "after": check_after}
    reports += [ask(case, named, bounds) for phase, ask in asked.items() if phase in phases]
    found = {} if case.fit is None else case.fit.parameters
    repeated = found.keys() == run.model.parameters.keys() and all(
        np.array_equal(found[path], run.model.parameters[path]) for path in found
    )
    return CheckedRun(run, case, merge(reports), repeated, recorder.records)


def _epochs_of(run: Reopened) -> int:
    """Return how many epochs a run had, as far as its record tells."""
    outcome = run.record.get("outcome", {})
    told = outcome.get("epochs") if isinstance(outcome, Mapping) else None
    return told if isinstance(told, int) and told > 0 else run.plan.recipe.epochs


def case_of(made: Making) -> Case:
    """Return the case of what a run trains, for gates to be asked about."""
    dataset, options = made.training_of()
    columns = (*made.encoding.features, *(column.name for column in made.encoding.embedded))
    return Case(made.network, dataset, {**options, "progress": False}, dataset_of_test(made), columns)


MOMENTS = 40
"""About so often the layers are recorded where a run is trained again."""

OF_TABLES = "tables"
"""In place of a phase, for gates of tables alone."""


def _named(gates: Sequence[str] | None, phases: Sequence[str], told: str) -> list[str] | None:
    """Return the names of gates, each of which has to be asked in one of these phases; None for all.

    Raises
    ------
    UsageError
        Where a name is that of no gate, or of one that is asked at another time.
    """
    if gates is None:
        return None
    load_gates()
    names = [gates] if isinstance(gates, str) else list(gates)
    for name in names:
        if name not in GATES and name not in TABLE:
            raise UsageError(f"no gate is called {name!r}", where="gates", fix=nearest(str(name), [*GATES, *TABLE]))
        phase = _phase_of(name)
        if phase not in phases:
            when = "of a table" if phase == OF_TABLES else f"{phase} training"
            raise UsageError(f"the gate {name!r} is not asked {told}", where="gates", fix=f"It is asked {when}.")
    return names


def _phase_of(gate: str) -> str:
    return GATES[gate].phase if gate in GATES else OF_TABLES
