"""Imports run one way, from the lower floors to the upper ones, and `import pellucid` stays light."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

# The modules and packages directly under `pellucid`. A module may import from lower floors and from its own package;
# packages of one floor do not know each other. A new module or package is declared here.
FLOORS = {
    "early": 1,
    "errors": 1,
    "files": 1,
    "html_table": 1,
    "version": 1,
    "random": 2,
    "graph": 2,
    "toml_files": 2,
    "ops": 3,
    "data": 4,
    "executors": 4,
    "nn": 4,
    "optim": 4,
    "training": 5,
    "model": 5,
    "inspection": 6,
    "diagnosis": 7,
    "tuning": 7,
    "bench": 8,
    "workflow": 8,
    "estimators": 9,
    "cli": 9,
}
UNBOUND = {"pellucid", "pellucid.__main__"}  # the package's face and its command: they may import anything

# Libraries that only some places may import, and Pellucid's own modules that only some may see of a package.
CONFINED = {
    "llvmlite": ("pellucid.executors.native",),
    "jax": ("pellucid.bench.peers.jax_scan", "pellucid.bench.tune.peers"),
    "optax": ("pellucid.bench.peers.jax_scan", "pellucid.bench.tune.peers"),
    "optuna": ("pellucid.bench.tune.peers", "pellucid.tuning.samplers.tpe", "pellucid.tuning.study.optuna_study"),
    "torch": ("pellucid.bench.peers.pytorch", "pellucid.bench.tune.peers"),
    "sklearn": (
        "pellucid.bench.peers.scikit_learn",
        "pellucid.bench.tune.peers",
        "pellucid.estimators",
        "pellucid.diagnosis",
        "pellucid.inspection",
        "pellucid.tuning.importance",
        "pellucid.workflow.baselines.gradient_boosting",
    ),
}
VISIBLE = {
    ("training", "executors"): (
        "pellucid.executors.program",
        "pellucid.executors.epochs",
        "pellucid.executors.compiling",
        "pellucid.executors.cores",
        "pellucid.executors.inputs",
        "pellucid.executors.predictor",
    )
}

HEAVY = ["matplotlib", "narwhals", "optuna", "pandas", "pyarrow", "rich", "safetensors", "scipy", "sklearn", "typer"]


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def absolute_name(name: str, level: int, package: str) -> str:
    """What `from <level dots><name>` means inside a package."""
    if level == 0:
        return name
    base = package.split(".")[: len(package.split(".")) - level + 1]
    return ".".join([*base, *([name] if name else [])])


def imported_names(source: str, package: str) -> Iterator[tuple[int, str]]:
    """Line and full dotted name of everything imported anywhere in a module, by statement or by `import_module`."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            origin = absolute_name(node.module or "", node.level, package)
            yield from ((node.lineno, f"{origin}.{alias.name}") for alias in node.names)
        elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", None)
            name = node.args[0].value
            if called in ("import_module", "__import__") and isinstance(name, str):
                dots = len(name) - len(name.lstrip("."))
                yield node.lineno, absolute_name(name[dots:], dots, package)


def lies_in(name: str, place: str) -> bool:
    return name == place or name.startswith(place + ".")


def complaint(module: str, target: str) -> str | None:
    """Why a module must not import a name, or None if it may."""
    library = target.split(".")[0]
    if library in CONFINED and not any(lies_in(module, place) for place in CONFINED[library]):
        return f"only {', '.join(CONFINED[library])} may import {library}"
    if library != "pellucid" or module in UNBOUND:
        return None
    own, other = module.split(".")[1], [*target.split("."), ""][1]
    if other not in FLOORS:
        return "it takes this from the package's face; import it from the module that defines it"
    if own == other:
        return None
    if FLOORS[other] >= FLOORS[own]:
        return f"{own} (floor {FLOORS[own]}) may import from lower floors only, and {other} is on floor {FLOORS[other]}"
    allowed = VISIBLE.get((own, other))
    if allowed and not any(lies_in(target, found) for found in allowed):
        return f"{own} may see of {other} only {', '.join(allowed)}"
    return None


def complaints(module: str, source: str, *, is_package: bool = False) -> list[str]:
    package = module if is_package else module.rpartition(".")[0]
    found = ((line, target, complaint(module, target)) for line, target in imported_names(source, package))
    return [f"{module}, line {line}, imports {target}: {why}" for line, target, why in found if why]


MODULES = sorted((ROOT / "pellucid").rglob("*.py"))
assert MODULES, f"no modules below {ROOT / 'pellucid'}"


@pytest.mark.parametrize("path", MODULES, ids=module_name)
def test_imports_run_one_way(path):
    name = module_name(path)
    if name not in UNBOUND and name.split(".")[1] not in FLOORS:
        pytest.fail(f"declare the floor of {name.split('.')[1]} in FLOORS in tests/test_imports.py")
    told = complaints(name, path.read_text(encoding="utf-8"), is_package=path.name == "__init__.py")
    assert not told, "\n".join(told)


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("pellucid.ops.scalar", "from pellucid.nn import layers"),
        ("pellucid.ops.scalar", "from ..nn.layers import dense"),
        ("pellucid.ops.scalar", "from .. import nn"),
        ("pellucid.ops.scalar", "import pellucid.nn.layers as layers"),
        ("pellucid.ops.scalar", "def build():\n    from pellucid.nn import layers"),
        ("pellucid.ops.scalar", "if TYPE_CHECKING:\n    from pellucid.nn import layers"),
        ("pellucid.ops.scalar", "import importlib\nimportlib.import_module('pellucid.nn')"),
        ("pellucid.nn.layers", "from pellucid.optim import schedules"),
        ("pellucid.graph.text", "from pellucid.random import draw"),
        ("pellucid.errors", "import pellucid.graph"),
        ("pellucid.data.tables.table", "import pellucid"),
        ("pellucid.data.tables.table", "from pellucid import sigmoid"),
        ("pellucid.training.fit", "from pellucid.executors.interpret import run"),
        ("pellucid.training.fit", "from pellucid.executors import interpret"),
        ("pellucid.executors.interpret", "import llvmlite.ir"),
        ("pellucid.cli", "from sklearn.linear_model import LinearRegression"),
        ("pellucid.nn.layers", "def fit():\n    import sklearn"),
    ],
)
def test_forbidden_imports_are_seen(module, source):
    assert len(complaints(module, source)) == 1


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("pellucid.ops.scalar", "from pellucid.graph.types import float64\nfrom ..errors import GraphError"),
        ("pellucid.ops.scalar", "from pellucid import graph, errors\nfrom . import declare\nimport numpy as np"),
        (
            "pellucid.training.fit",
            "from pellucid.executors.program import Program\nfrom pellucid.executors import program",
        ),
        ("pellucid.executors.native.emit", "import llvmlite.binding\nfrom ..program import Program"),
        ("pellucid.estimators", "from sklearn.base import BaseEstimator\nimport pellucid.model"),
        ("pellucid.__main__", "from pellucid.cli import main\nimport pellucid"),
    ],
)
def test_lawful_imports_pass(module, source):
    assert complaints(module, source) == []


def test_relative_imports_of_a_package_start_at_itself():
    assert complaints("pellucid.ops", "from .nn import x\nfrom ..graph import y", is_package=True) == []
    assert len(complaints("pellucid.ops", "from ..nn import x", is_package=True)) == 1


def test_importing_pellucid_loads_no_heavy_library():
    script = (
        "import json, sys; before = set(sys.modules); import pellucid;"
        "print(json.dumps(sorted({name.split('.')[0] for name in set(sys.modules) - before})))"
    )
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=os.environ | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    loaded = json.loads(done.stdout)
    assert "pellucid" in loaded
    assert not set(loaded) & set(HEAVY)
