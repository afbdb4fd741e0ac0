"""Tables, checked before anything is built: leaks, copies, constants, gaps, rare classes, rows of the test."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from pellucid.data.roles import Role, infer_roles
from pellucid.data.tables.table import Table, as_table
from pellucid.data.task import Task, infer_task
from pellucid.diagnosis.gates.before_data_columns import find_constant_columns, find_duplicate_columns, find_shift
from pellucid.diagnosis.gates.before_data_leaks import find_leak
from pellucid.diagnosis.gates.before_data_rows import find_duplicate_rows, find_imbalance, find_overlap
from pellucid.diagnosis.gates.data_view import View, same_everywhere
from pellucid.diagnosis.gates.finding import Finding, GateReport
from pellucid.diagnosis.gates.gate import find
from pellucid.diagnosis.gates.table_view import TableView, view_of_table
from pellucid.diagnosis.gates.thresholds import Threshold, Thresholds, declare
from pellucid.errors import UsageError

declare(
    Threshold(
        "missing_cells",
        0.5,
        float("inf"),
        "share of the cells of a column that are missing",
        "van Buuren 2018, Flexible imputation of missing data, section 2.2",
    ),
    Threshold(
        "numbering_columns",
        1.0,
        float("inf"),
        "number of columns to learn from that only number the rows",
        "they tell the order in which rows were written down: Kaufman, Rosset and Perlich 2012",
    ),
    Threshold(
        "marked_cells",
        0.005,
        float("inf"),
        "share of the cells of a column that hold one and the same number far outside of all others",
        "missing cells are often written as -999: van Buuren 2018, section 1.3",
    ),
    Threshold(
        "unscaled_columns",
        1e6,
        float("inf"),
        "ratio of the deviations of the widest and the narrowest column of numbers",
        "float32 has 7 digits; encoders standardize numbers unless they are told not to",
    ),
)

FAR = 10.0
"""A number so many interquartile ranges away from the quartiles is far outside."""


def check_data(
    table: Any,
    target: str | Sequence[str],
    *,
    test: Any = None,
    task: str | None = None,
    separator: str | None = None,
    roles: Mapping[str, str] | None = None,
    ignore: Sequence[str] = (),
    weight: str | None = None,
    group: str | None = None,
    thresholds: Any = None,
    seed: int = 0,
) -> GateReport:
    """Check a table before a network is built for it.

    Looked for are columns that give the target away, are constant, repeat another one, have many gaps, only number the
    rows, are of extremely different scales, or hold a mark such as -999 for what is missing; rows that repeat another
    one; a class that nearly all rows have; and, with a test table, rows of it that are learned from, and columns that
    were prepared in another way.

    Parameters
    ----------
    table : Table, path, data frame, array or mapping of columns
    target : str or sequence of str
        The columns to predict.
    test : Table, path, data frame, array or mapping of columns, optional
        The rows of the test, with the same columns but for the targets, which may be missing.
    task, separator
        As for :func:`pellucid.data.task.infer_task`.
    roles, ignore, weight, group
        What columns are for, as `given`, `ignore`, `weight` and `group` of :func:`pellucid.data.roles.infer_roles`.
    thresholds : mapping, optional
        Bounds in place of those of the table: see :class:`Thresholds`.
    seed : int
        Of large tables 4,000 rows are looked at, chosen by it.

    Returns
    -------
    GateReport

    Raises
    ------
    DataError, UsageError
        Where the table can not be read, or has no such columns.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> columns = {name: rng.normal(size=200) for name in ("age", "dose", "bill")}
    >>> columns["ill"] = (columns["bill"] > 0).astype(int)  # the bill is known afterwards only
    >>> report = check_data(columns, "ill")
    >>> report.verdict, report["leaking_columns"].where, report["leaking_columns"].causes
    ('fail', 'bill', ('target_leak',))
    """
    found = as_table(table)
    asked = infer_task(found, target, task, separator)
    chosen = infer_roles(found, target, given=roles, ignore=ignore, weight=weight, group=group)
    other = None if test is None else as_table(test)
    return check_understood(found, asked, chosen, test=other, group=group, thresholds=thresholds, seed=seed)


def check_understood(
    table: Table,
    task: Task,
    roles: Sequence[Role],
    *,
    test: Table | None = None,
    group: str | None = None,
    thresholds: Any = None,
    seed: int = 0,
) -> GateReport:
    """Check a table whose task and roles are decided; see :func:`check_data`."""
    bounds = thresholds if isinstance(thresholds, Thresholds) else Thresholds(thresholds)
    view = view_of_table(table, task, roles, test, seed)
    return GateReport(tuple(_findings(view, table, test, group, bounds, seed)))


def _findings(
    data: TableView, table: Table, test: Table | None, group: str | None, thresholds: Thresholds, seed: int
) -> Iterator[Finding]:
    view = data.view
    if view.names:
        yield find_constant_columns(view, thresholds)
        yield find_duplicate_columns(view, thresholds)
        yield from _find_unscaled(view, data.numbers, thresholds)
        yield from _find_marks(view, data.numbers, thresholds)
    yield from _find_gaps(table, data, thresholds)
    yield _find_numbering(data, thresholds)
    leak = find_leak(data.with_gaps, thresholds, seed)
    if leak is not None:
        yield leak
    if len(view) >= 10:
        yield find_duplicate_rows(view, thresholds)
    if view.classified:
        yield find_imbalance(view, thresholds)
    if data.test is not None and test is not None:
        yield find_overlap("test_overlap", view, data.test, thresholds, seed)
        yield find_shift(view, data.test, thresholds)
        if group is not None:
            yield _find_groups(table, test, group, thresholds)


def _find_unscaled(view: View, numbers: np.ndarray, thresholds: Thresholds) -> Iterator[Finding]:
    used = np.flatnonzero(numbers & ~same_everywhere(view))
    if len(used) < 2:
        return
    spreads = np.nanstd(view.values[:, used], axis=0)
    wide, narrow = int(np.argmax(spreads)), int(np.argmin(spreads))
    yield find(
        "unscaled_columns",
        thresholds["unscaled_columns"],
        float(spreads[wide] / spreads[narrow]),
        f"{view.names[used[wide]]} has a deviation of {spreads[wide]:.3g}, {view.names[used[narrow]]} of"
        f" {spreads[narrow]:.3g}",
        remedy="Let encoders standardize the columns; look at the units.",
        causes=("unscaled_inputs",),
        phase="before",
    )


def _find_marks(view: View, numbers: np.ndarray, thresholds: Thresholds) -> Iterator[Finding]:
    found = [(*_mark(view.values[:, place]), place) for place in np.flatnonzero(numbers)]
    if not found:
        return
    share, mark, place = max(found)
    told = f"{share:.1%} of the cells of {view.names[place]} hold {mark:.6g}, far outside of the others"
    yield find(
        "marked_cells",
        thresholds["marked_cells"],
        share,
        told if share else "no number is repeated far outside of the others",
        remedy="Leave these cells empty, if the number stands for what is missing.",
        causes=("unscaled_inputs",),
        where=view.names[place] if share else "",
        phase="before",
    )


def _mark(column: np.ndarray) -> tuple[float, float]:
    """Return the share of cells that hold the least or greatest number, where that is repeated and far outside."""
    present = column[~np.isnan(column)]
    if len(present) < 20:
        return 0.0, 0.0
    best = 0.0, 0.0
    for end in (present.min(), present.max()):
        same = present == end
        if same.sum() < 3 or same.all():
            continue
        low, high = np.quantile(present[~same], [0.25, 0.75])
        nearest = np.abs(present[~same] - end).min()
        if high > low and nearest > FAR * (high - low):
            best = max(best, (float(same.mean()), float(end)))
    return best


def _find_gaps(table: Table, data: TableView, thresholds: Thresholds) -> Iterator[Finding]:
    shares = {name: float(table[name].missing.mean()) for name in data.used}
    if not shares:
        return
    worst = max(shares, key=lambda name: shares[name])
    several = sum(share > 0 for share in shares.values())
    yield find(
        "missing_cells",
        thresholds["missing_cells"],
        shares[worst],
        f"{several} of {len(shares)} columns have missing cells, {worst} the most: {shares[worst]:.1%}",
        remedy="Ask why they are missing; leave the column out if it says little.",
        causes=("uninformative_inputs",),
        where=worst if several else "",
        phase="before",
    )


def _find_numbering(data: TableView, thresholds: Thresholds) -> Finding:
    left = f"; left out are {', '.join(data.keys[:4])}" if data.keys else ""
    told = f"{len(data.numbering)} columns to learn from number the rows" + left
    return find(
        "numbering_columns",
        thresholds["numbering_columns"],
        float(len(data.numbering)),
        told + (f": {', '.join(data.numbering[:4])}" if data.numbering else ""),
        remedy="Leave them out: new rows have other numbers.",
        causes=("target_leak",),
        where=data.numbering[0] if data.numbering else "",
        phase="before",
    )


def _find_groups(table: Table, test: Table, group: str, thresholds: Thresholds) -> Finding:
    if group not in test:
        raise UsageError(f"the test has no column {group!r}", where="group", fix="Leave out group, or add the column.")
    known = set(table[group].values.tolist())
    share = float(np.mean([value in known for value in test[group].values.tolist()]))
    return find(
        "test_overlap",
        thresholds["test_overlap"],
        share,
        f"{share:.1%} of the test's rows are of a {group} that is learned from",
        remedy="Divide the rows by groups that stay together.",
        causes=("test_overlap",),
        where=group,
    )
