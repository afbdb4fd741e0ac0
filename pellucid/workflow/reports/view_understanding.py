"""What was understood of a table, laid out for people."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType

from pellucid.data.roles import Role
from pellucid.nn.network import Network
from pellucid.workflow.reports.architecture import summarize_layers, tell_sizes
from pellucid.workflow.reports.layout import Rows, count_things, list_words, printable, view_facts
from pellucid.workflow.understanding import Understanding

MOST_COLUMNS = 12
"""Of more columns than these only the first are shown; those that are left out, up to 40."""

MOST_LEFT_OUT = 40
MOST_LISTED = 12

PLURALS = {"category": "categories", "text": "texts"}


def view_understanding(found: Understanding, network: Network | None = None) -> Group:
    """Say what was understood of a table, and what is going to be trained where that is one network."""
    used = [role for role in found.roles if role.used]
    others = [role for role in found.roles if not role.used]
    counting = [role for role in others if role.kind in ("weight", "group")]
    left_out = [role for role in others if role not in counting]
    parts: list[RenderableType] = [view_facts(_facts(found, network, used, counting)), _roles(used, MOST_COLUMNS)]
    if left_out:
        parts += [view_facts([("Left out", count_things(len(left_out), "column"))]), _roles(left_out, MOST_LEFT_OUT)]
    return Group(*parts, "")


def _facts(
    found: Understanding, network: Network | None, used: Sequence[Role], counting: Sequence[Role]
) -> list[tuple[str, str]]:
    table, task = found.table, found.task
    facts = [("Table", _tell_size(table.path or "table", len(table), len(table.columns)))]
    if found.test is not None:
        facts.append(("Test", _tell_size(found.test.path or "table", len(found.test), len(found.test.columns))))
    target = f"{list_words(task.targets, MOST_LISTED)}: {task.kind} ({printable(task.reason)})"
    if task.kind in ("binary", "multiclass"):
        target += f"; classes {list_words(task.classes, MOST_LISTED)}"
    elif task.separator is not None:
        target += f"; labels {list_words(task.classes, MOST_LISTED)}"
    facts.append(("Target" if len(task.targets) == 1 else "Targets", target))
    facts += [
        ("Weights" if role.kind == "weight" else "Groups", printable(f"{role.name}: {role.reason}"))
        for role in counting
    ]
    facts.append(("Split", _tell_split(found)))
    if network is not None:
        sizes = tell_sizes(summarize_layers(network.graph(), network.parameters))
        facts.append(("Network", f"{sizes}, {network.count_parameters():,} parameters, {network.dtype.name}"))
    kinds = dict.fromkeys(role.kind for role in used)
    counts = [(kind, sum(role.kind == kind for role in used)) for kind in kinds]
    facts.append(("Columns", ", ".join(count_things(count, kind, PLURALS.get(kind)) for kind, count in counts)))
    return facts


def _tell_size(name: str, rows: int, columns: int) -> str:
    return f"{printable(name)}: {count_things(rows, 'row')}, {count_things(columns, 'column')}"


def _tell_split(found: Understanding) -> str:
    rows = {name: len(part) for name, part in found.parts.items()}
    how = f"({printable(found.division.told)}; seed {found.seed})"
    if found.division.folds:
        return f"cross-validation of {count_things(rows['test'], 'row')} {how}"
    told = [f"{rows['train']:,} rows to learn from"]
    told += [f"{rows['validation']:,} for validation"] if rows["validation"] else []
    told += [f"{rows['test']:,} for the test"]
    return f"{', '.join(told)} {how}"


def _roles(roles: Sequence[Role], most: int) -> Rows:
    rows = [(printable(role.name), role.kind, printable(role.reason)) for role in roles[:most]]
    if len(roles) > most:
        rows.append((f"... {len(roles) - most:,} more", "", ""))
    return Rows(rows, style="dim")
