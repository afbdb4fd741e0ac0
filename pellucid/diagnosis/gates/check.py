"""Asking the gates: before a training, during it and after it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pellucid.data.dataset import Dataset
from pellucid.diagnosis.gates.asking import ask
from pellucid.diagnosis.gates.case import Case
from pellucid.diagnosis.gates.finding import GateReport, merge
from pellucid.diagnosis.gates.gate import PHASES
from pellucid.diagnosis.gates.thresholds import Thresholds
from pellucid.diagnosis.gates.uninterrupted import uninterrupted
from pellucid.errors import TrainingError, UsageError, nearest
from pellucid.inspection.recorder import Recorder
from pellucid.nn.network import Network
from pellucid.training.fit import fit

NOT_OF_THE_CASE = ("on", "progress", "checkpoint", "checkpoint_seconds", "resume", "history_file")
"""Options of a training that say nothing of what is learned."""

MOMENTS = 10
"""About so often the layers are looked at while a network is trained to be checked."""


def check_before(case: Case, gates: Iterable[str] | None = None, thresholds: Any = None) -> GateReport:
    """Ask what can be known before training: of data, loss, first weights, gradients.

    Parameters
    ----------
    case : Case
    gates : iterable of str, optional
        Which ones to ask; all of the phase unless given.
    thresholds : Thresholds or mapping, optional
        Changes of the table, see :class:`Thresholds`.
    """
    return ask(case, ("before",), gates, thresholds)


def check_during(case: Case, gates: Iterable[str] | None = None, thresholds: Any = None) -> GateReport:
    """Ask what training has shown: of its curve, of the layers, of its steps. Arguments as for :func:`check_before`."""
    return ask(case, ("during",), gates, thresholds)


def check_after(case: Case, gates: Iterable[str] | None = None, thresholds: Any = None) -> GateReport:
    """Ask what the trained network is worth. Arguments as for :func:`check_before`."""
    return ask(case, ("after",), gates, thresholds)


def check_training(
    network: Network,
    dataset: Dataset,
    *,
    test: Dataset | None = None,
    phases: Sequence[str] = PHASES,
    gates: Iterable[str] | None = None,
    thresholds: Thresholds | Mapping[str, Any] | None = None,
    raises: bool = True,
    columns: Sequence[str] = (),
    **options: Any,
) -> GateReport:
    """Train a network, ask all gates about it, and raise an error with the evidence where one fails.

    A line of a test: ``pl.check_training(network, data, loss="squared_error", test=test)``.

    Parameters
    ----------
    network : Network
    dataset : Dataset
        What it learns from.
    test : Dataset, optional
        Examples that it does not see; without them, and without a validation part, gates that need such examples are
        not asked.
    phases : sequence of {"before", "during", "after"}
        With "before" alone nothing is trained, but for what a gate trains by itself.
    gates : iterable of str, optional
        Which gates to ask, by name; all of the phases unless given.
    thresholds : Thresholds or mapping, optional
        Changes of the table of thresholds: by name a pair (warn, fail), or one number by ``<name>.warn``.
    raises : bool
        Whether to raise an error where a gate fails.
    columns : sequence of str
        The names of the features, for the report.
    **options
        As for :func:`pellucid.fit`, its loss at least.

    Returns
    -------
    GateReport

    Raises
    ------
    GateError
        Where a gate fails, with the evidence; its ``report`` has all findings.
    UsageError, DataError
        Where settings or data do not fit the network, or a gate or threshold is unknown.

    Examples
    --------
    >>> import numpy as np, pellucid as pl
    >>> x = np.linspace(-1, 1, 200)[:, None]
    >>> data, test = pl.Dataset({"x": x[::2]}, x[::2] ** 2), pl.Dataset({"x": x[1::2]}, x[1::2] ** 2)
    >>> network = pl.Network([pl.Dense(16, "tanh"), pl.Dense(1)], inputs=1)
    >>> report = check_training(network, data, test=test, loss="squared_error", epochs=200, settings={"learning_rate":
    ... 0.02}, phases=["during"])
    >>> report.verdict
    'pass'
    """
    chosen = _phases(phases)
    own = {name: value for name, value in options.items() if name not in NOT_OF_THE_CASE}
    case = Case(network, dataset, own, test, tuple(columns))
    _ = case.arranged  # what does not fit is a mistake of the caller, not something to be found
    reports = [ask(case, ("before",), gates, thresholds)] if "before" in chosen else []
    later = [phase for phase in chosen if phase != "before"]
    if later:
        reports.append(ask(train_case(case, options), later, gates, thresholds))
    report = merge(reports)
    return report.raise_failures() if raises else report


def train_case(case: Case, options: Mapping[str, Any] | None = None) -> Case:
    """Train a case's network and return the case with what came of it, also where training failed.

    `options` may hold those of :func:`pellucid.fit` that a case does not: handlers, progress, files.
    """
    given = {**case.options, **{name: value for name, value in (options or {}).items() if name in NOT_OF_THE_CASE}}
    on = given.pop("on", ())
    handlers = list(on) if isinstance(on, Iterable) else [on]
    recorder = Recorder(every=max(1, int(given.get("epochs", 100)) // MOMENTS))
    try:
        fitted = uninterrupted(fit(case.network, case.dataset, on=[recorder, *handlers], **given))
    except TrainingError as error:
        return case.trained(error.fit, recorder.records, error)
    return case.trained(fitted, recorder.records)


def _phases(given: Sequence[str]) -> list[str]:
    phases = [given] if isinstance(given, str) else list(given)
    for phase in phases:
        if phase not in PHASES:
            raise UsageError(f"no phase is called {phase!r}", where="phases", fix=nearest(str(phase), PHASES))
    return [phase for phase in PHASES if phase in phases]
