"""Write the reference of all operations from the registry: `python docs/make_reference.py [DIRECTORY]`.

The directory is the one of this file if none is given; the page is `reference/operations.md` in it.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pellucid as pl
from pellucid.graph.operation import REGISTRY
from pellucid.ops.declare import Declared, Elementwise

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


def page() -> str:
    """Return the reference."""
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


if __name__ == "__main__":
    directory = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
    target = directory / "reference" / "operations.md"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(page(), encoding="utf-8")
