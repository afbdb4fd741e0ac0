"""Write the references of operations and of settings: `python docs/make_reference.py [DIRECTORY]`.

The directory is the one of this file if none is given; the pages are `operations.md` and `settings.md` in `reference`.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
import sys
from collections.abc import Iterator
from dataclasses import MISSING, Field
from pathlib import Path
from types import ModuleType
from typing import Any

import pellucid as pl
from pellucid.graph.operation import REGISTRY
from pellucid.nn.losses import loss_names
from pellucid.ops.declare import Declared, Elementwise
from pellucid.optim.optimizers import OPTIMIZERS
from pellucid.optim.schedules import SCHEDULES
from pellucid.workflow.plans.chosen import loss_class, own_settings
from pellucid.workflow.plans.meanings import find_meaning
from pellucid.workflow.plans.plan import known_settings
from pellucid.workflow.plans.settings import Setting
from pellucid.workflow.plans.toml_text import toml_value

INTRODUCTION = """\
# Operations

All operations that a graph may hold, written by `make docs` from their declarations.

Every operation that is called as `pl.name(...)` takes graph values, and numbers or arrays: among graph values it adds a
node, for numbers alone it computes at once. Elementwise operations broadcast their operands as NumPy does. The text of
a graph names an operation and its parameters as they stand under *In a graph*.

*Points* are operands at which an operation is defined by what stands here, such as kinks, where no limit says what the
slope is. Each point is tested.
"""

FUNCTIONS = """\
## Functions made of operations

These add nodes of the operations above, and none of their own.

| function | what it does |
|---|---|
"""

SETTINGS = """\
# Settings

Everything that says what a run does, written by `make docs` from the declarations. Each setting has a path: its section
and its key in `run.toml`, and what stands before the equals sign in `--set`. `pellucid init TABLE --target COLUMN`
prints the same with what is inferred from a table. [Chapter 7](../guide/7-command-line.md#settings) of the guide shows
how they are used.
"""

CHOSEN = {"loss": "losses", "optimizer": "optimizers", "schedule": "schedules"}
"""Sections in which the settings depend on what is chosen by name."""


def signature_of(op: Declared) -> str:
    """Return how an operation is called from Python: operands, then parameters with their defaults."""
    face = getattr(op, "face", None)
    if face is not None:
        taken = [p for p in inspect.signature(face).parameters.values() if p.kind is not p.KEYWORD_ONLY]
        taken = [p.replace(annotation=p.empty) for p in taken if p.kind is not p.VAR_KEYWORD]
        return str(inspect.Signature(taken))
    keywords = [f"{name}={value!r}" for name, value in op.param_defaults.items()]
    return f"({', '.join([*operands_of(op), *keywords])})"


def operands_of(op: Declared) -> list[str]:
    """Return the names of an operation's operands."""
    parameters = list(inspect.signature(op.rule).parameters.values())
    if isinstance(op, Elementwise):
        parameters = parameters[1:]  # the scalar vocabulary
    stars = {inspect.Parameter.VAR_POSITIONAL: "*"}
    return [stars.get(p.kind, "") + p.name for p in parameters if p.kind is not p.KEYWORD_ONLY]


def module_of(op: Declared, modules: dict[str, ModuleType]) -> str:
    """Return the module that declares an operation: the one of its rule, unless it borrows that from another one."""
    holders = [name for name, module in modules.items() if any(value is op for value in vars(module).values())]
    own = op.rule.__module__.rpartition(".")[2]
    return own if own in holders else holders[0]


def describe(op: Declared) -> Iterator[str]:
    """Yield the lines on one operation."""
    yield f"### {op.name}\n"
    yield f"{op.doc}\n"
    public = getattr(pl, op.name, None) is op
    if public:
        yield f"- Called as `pl.{op.name}{signature_of(op)}`"
    written = [*operands_of(op), *(f"{name}=..." for name in op.param_defaults)]
    made = "" if public else "; made by the system, not called by name"
    yield f"- In a graph: `{op.name}({', '.join(written)})`{made}"
    yield "- " + ("Differentiable" if op.differentiable else "Not differentiable: gradients end here")
    if isinstance(op, Elementwise):
        accepted = " and ".join(dict.fromkeys(op.accepts))
        yield f"- Elementwise, of {accepted} operands" + ("; the result is bool" if op.result == "bool" else "")
        yield from points_table(op)
    if op.activation:
        yield '- Offered as an activation of layers: `activation="' + op.name + '"`'
    yield ""


def points_table(op: Elementwise) -> Iterator[str]:
    """Yield the stated points of an operation, as one line."""
    told = []
    for operands, value, slopes in op.read_points():
        slope = ", ".join("none" if each is None else number(each) for each in slopes)
        at = ", ".join(map(number, operands))
        told.append(f"at {at}: {number(value)}" + (f", slope {slope}" if op.differentiable else ""))
    yield f"- Points: {'; '.join(told)}"


def number(value: Any) -> str:
    """Return a number as it is shown: the shortest text of up to ten digits."""
    return str(value) if isinstance(value, bool) else f"{float(value):.10g}"


def sentence(text: str) -> str:
    """Return the first paragraph of a docstring without its reStructuredText."""
    return re.sub(r":\w+:`~?([^`]*)`", r"`\1`", " ".join(text.strip().split("\n\n")[0].split())).replace("``", "`")


def operations_page() -> str:
    """Return the reference of operations."""
    names = [module.name for module in pkgutil.iter_modules(pl.ops.__path__)]
    modules = {name: importlib.import_module(f"pellucid.ops.{name}") for name in names}
    groups: dict[str, list[Declared]] = {}
    for op in REGISTRY.values():
        assert isinstance(op, Declared)
        groups.setdefault(module_of(op, modules), []).append(op)
    lines = [INTRODUCTION]
    for name in sorted(groups):
        titles = ", ".join(f"[{op.name}](#{op.name})" for op in groups[name])
        lines.append(f"- **{name}**: {titles}")
    lines.append("")
    for name, found in sorted(groups.items()):
        lines += [f"## Module {name}\n", f"{sentence(modules[name].__doc__ or '')}\n"]
        for op in found:
            lines += describe(op)
    lines.append(FUNCTIONS.rstrip("\n"))
    for name in ("matmul", "getitem", "min", "argmin"):
        function = getattr(pl, name)
        taken = inspect.signature(function)
        plain = taken.replace(
            parameters=[p.replace(annotation=p.empty) for p in taken.parameters.values()],
            return_annotation=inspect.Signature.empty,
        )
        lines.append(f"| `pl.{name}{plain}` | {sentence(function.__doc__ or '')} |")
    return "\n".join(lines) + "\n"


def settings_page() -> str:
    """Return the reference of settings."""
    sections: dict[str, list[Setting]] = {}
    for setting in known_settings():
        sections.setdefault(setting.path[0] if len(setting.path) > 1 else "", []).append(setting)
    lines = [SETTINGS]
    for name, settings in sections.items():
        lines += [f"## {name or 'At the top'}\n", "| setting | default | what it means |", "|---|---|---|"]
        lines += [row_of(setting) for setting in settings if not (setting.holds_others and name in CHOSEN)]
        lines.append("")
        if name in CHOSEN:
            lines += describe_choices(name)
    return "\n".join(lines)


def row_of(setting: Setting) -> str:
    """Return the row of a setting in its table."""
    path = ".".join((*setting.path[:-1], "COLUMN") if setting.holds_others else setting.path)
    default = "" if setting.holds_others else code(toml_value(none_of(setting)))
    expected = setting.kind.expected
    return table_row(f"`{path}`", default, f"{setting.doc} {expected[:1].upper()}{expected[1:]}.")


def none_of(setting: Setting) -> Any:
    """Return a default as TOML has it, which has no None."""
    return setting.kind.none if setting.default is None else setting.default


def describe_choices(section: str) -> Iterator[str]:
    """Yield the settings that only some losses, optimizers or schedules have."""
    named: dict[str, type] = {"optimizer": OPTIMIZERS, "schedule": SCHEDULES}.get(section) or {
        name: loss_class(name) for name in loss_names()
    }
    yield f"Of some {CHOSEN[section]} only:\n"
    yield f"| `{section}.name` | setting | default | what it means |"
    yield "|---|---|---|---|"
    for name, cls in named.items():
        for key, declared in own_settings(section, cls).items():
            meaning = find_meaning(section, name, key)
            yield table_row(f"`{name}`", f"`{section}.{key}`", default_of(declared), meaning)
    yield ""


def default_of(declared: Field) -> str:
    """Return the default of a setting that is declared as a field; nothing where it is computed or has to be given."""
    if declared.default is MISSING or declared.default is None:
        return "" if declared.default_factory is MISSING else code(toml_value(declared.default_factory().name))
    return code(toml_value(declared.default))


def code(text: str) -> str:
    """Return a value of TOML as code."""
    return f"`{text}`"


def table_row(*cells: str) -> str:
    """Return a row of a table, in whose cells a bar does not end them."""
    return "| " + " | ".join(" ".join(cell.split()).replace("|", "\\|") for cell in cells) + " |"


if __name__ == "__main__":
    directory = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
    for name, text in {"operations": operations_page(), "settings": settings_page()}.items():
        target = directory / "reference" / f"{name}.md"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8", newline="\n")
