"""The plan: everything that says what a run does."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pellucid.data.roles import ROLE_KINDS, Role
from pellucid.errors import UsageError
from pellucid.nn.losses.loss import TASKS
from pellucid.workflow.plans.assignments import parse_assignment
from pellucid.workflow.plans.describe import describe_settings
from pellucid.workflow.plans.kinds import ByColumn, Choice, Columns, Flag, Number, Text
from pellucid.workflow.plans.plan_file import flatten, place_of, read_toml
from pellucid.workflow.plans.recipe import Recipe
from pellucid.workflow.plans.settings import Setting, check_settings, from_paths, list_settings, setting, to_paths
from pellucid.workflow.plans.toml_text import write_toml

__all__ = ["RECORDS", "Plan", "describe_settings", "read_plan"]

RECORDS = ("schema", "data", "outcome", "results", "versions")
"""What a run adds to its plan to say what became of it; reading passes it over."""


@dataclass(frozen=True)
class Plan:
    """Everything that says what a run does: what is predicted from which columns, how rows are split, and the recipe.

    A run leaves it in ``run.toml``, where every setting has a path: see :meth:`set`.

    Raises
    ------
    UsageError
        Where a setting is out of its range, or does not go with the others.

    Examples
    --------
    >>> plan = Plan(target=("price",)).set("network.hidden=64,32", "roles.zip=category")
    >>> plan.recipe.hidden, plan.roles
    ((64, 32), {'zip': 'category'})
    """

    seed: int = setting(
        "seed",
        0,
        "Of the split, the first weights, the order of rows, dropout and noise: the same seed gives the same bits.",
        Number("[0, inf)", whole=True),
    )
    target: tuple[str, ...] = setting("target", (), "The column to predict, or a list of several.", Columns())
    task: str | None = setting(
        "task",
        None,
        "What is to be learned of the target; auto follows its values.",
        Choice("task", lambda: [*TASKS, "classification"], none="auto"),
    )
    separator: str | None = setting(
        "separator",
        None,
        'What stands between the labels in a cell of the target, such as ";"; "" for one label.',
        Text(),
    )
    table: str | None = setting("table.path", None, "The table to learn from.", Text())
    sha256: str | None = setting(
        "table.sha256",
        None,
        'The SHA-256 of the table\'s file; where the file has changed, the report says so; "" for any.',
        Text(),
    )
    start_from: str | None = setting(
        "table.start_from", None, 'The folder of a model to start from; "" for none.', Text()
    )
    weight: str | None = setting(
        "table.weight", None, 'The column that says how much each row counts; "" for all alike.', Text()
    )
    group: str | None = setting(
        "table.group",
        None,
        'The column that says which rows belong together, so that the split does not part them; "" for none.',
        Text(),
    )
    time_order: str | None = setting(
        "table.time_order",
        None,
        'The column by which rows are ordered, so that later ones are the test; "" for none.',
        Text(),
    )
    ignore: tuple[str, ...] = setting("table.ignore", (), "Columns to leave out.", Columns())
    test: str | None = setting(
        "table.test", None, 'A table of test rows, in place of a part of the first one; "" for none.', Text()
    )
    roles: Mapping[str, str] = setting(
        "roles.*",
        {},
        "What columns are for, where it is not what their values suggest.",
        ByColumn("role", lambda: ROLE_KINDS),
    )
    validation: float = setting(
        "split.validation", 0.1, "The share of the rows that say when to stop; 0 for none.", Number("[0, 1)")
    )
    learn_validation: bool = setting(
        "split.learn_validation",
        False,
        "Whether these are learned from all the same, as where a search has said how many epochs are right; the test "
        "rows stay what they are.",
        Flag(),
    )
    test_fraction: float = setting(
        "split.test", 0.2, "The share of the rows that the report is made from.", Number("(0, 1)")
    )
    folds: int = setting(
        "split.folds",
        0,
        "Parts of a cross-validation, each of which is the test once; 0 for none.",
        Number("[0, inf)", whole=True),
    )
    recipe: Recipe = field(default_factory=Recipe)

    def __post_init__(self) -> None:
        check_settings(self)
        if not isinstance(self.recipe, Recipe):
            raise UsageError("not a recipe", where="recipe", got=type(self.recipe).__name__, fix="Write Recipe(...).")
        if self.validation + self.test_fraction >= 1:
            got = f"{self.validation:g} and {self.test_fraction:g}"
            raise UsageError(
                "no rows are left to learn from", where="split.validation", got=got, expected="less than 1 in all"
            )
        if self.folds == 1:
            raise UsageError(
                "one fold is no cross-validation", where="split.folds", got="1", expected="0, or from 2 up"
            )
        if not self.judges and self.recipe.metric != "loss":
            fix = "Set split.validation, or leave the metric at loss."
            raise UsageError("a metric needs validation rows", where="training.metric", got=self.recipe.metric, fix=fix)

    @property
    def judges(self) -> bool:
        """Whether there are rows for validation that are not learned from."""
        return self.validation > 0 and not self.learn_validation

    def set(self, *assignments: str) -> Plan:
        """Return the plan with settings changed, as ``--set`` writes them: a path, an equals sign, and a value of TOML.

        Text needs no quotes, and ``none`` is no hidden layer. Where another loss, optimizer or schedule is chosen,
        the settings go that the one before had for itself.

        Raises
        ------
        UsageError
            Where there is no such setting (the nearest one is named), or its value does not fit.

        Examples
        --------
        >>> Plan().set("optimizer.name=lion", "optimizer.learning_rate=0.01").recipe.optimizer()
        Lion(learning_rate=0.01, beta_1=0.9, beta_2=0.99, weight_decay=0.0, decay_all=False)
        """
        return self._with(dict(parse_assignment(text, known_settings()) for text in assignments))

    def with_roles(self, roles: Iterable[Role]) -> Plan:
        """Return the plan with the roles as they were decided, so that they are not inferred again."""
        left_out = {"constant": "ignore", "key": "ignore"}
        told = {role.name: left_out.get(role.kind, role.kind) for role in roles if role.name not in self.ignore}
        return dataclasses.replace(self, roles={name: kind for name, kind in told.items() if kind in ROLE_KINDS})

    def to_toml(self, record: Mapping[str, Any] | None = None, comment: str = "") -> str:
        """Return the plan as TOML, with records of the run behind it; :func:`read_plan` gives it back.

        Parameters
        ----------
        record : mapping, optional
            ``schema``, and sections ``data``, ``outcome``, ``results`` and ``versions``.
        comment : str
            What stands above it.
        """
        content: dict[str, Any] = {}
        for path, value in self.to_paths().items():
            inside = content
            for section in path[:-1]:
                inside = inside.setdefault(section, {})
            inside[path[-1]] = value
        return write_toml({**content, **(record or {})}, comment)

    def to_paths(self) -> dict[tuple[str, ...], Any]:
        """Return the values of all settings by their paths, the recipe's last."""
        return {**to_paths(self), **to_paths(self.recipe)}

    def _with(self, values: Mapping[tuple[str, ...], Any]) -> Plan:
        """Return the plan with these values of these paths."""
        given = from_paths(known_settings(), values)
        own = _changes(self, given)
        recipe = dataclasses.replace(self.recipe, **_changes(self.recipe, given))
        return dataclasses.replace(self, **own, recipe=recipe)


def known_settings() -> tuple[Setting, ...]:
    """Return all settings of a plan and its recipe, in the order of a file."""
    return (*list_settings(Plan), *list_settings(Recipe))


def _changes(settings: Plan | Recipe, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields that change; settings by name are added to those that are there."""
    known = {one.field: one for one in list_settings(type(settings))}
    changes = {name: value for name, value in given.items() if name in known}
    for name, one in known.items():
        if one.holds_others:
            chosen = f"{one.path[0]}_name"
            kept = getattr(settings, name)
            if chosen in changes and changes[chosen] != getattr(settings, chosen):
                kept = {}  # another loss, optimizer or schedule starts with its own defaults
            changes[name] = {**kept, **changes.get(name, {})}
    return changes


def read_plan(path: str | Path) -> Plan:
    """Read a plan from a file: the ``run.toml`` of a run, or one written by hand.

    Settings that it does not have are as they are by default.

    Raises
    ------
    UsageError
        Where the file cannot be read or is no TOML, where it has a setting that does not exist (the nearest one is
        named), or one whose value does not fit; with the line of the file.

    Examples
    --------
    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "run.toml"
    >>> _ = file.write_text("target = 'price' \\n[training] \\nepochs = 50", encoding="utf-8")
    >>> read_plan(file).recipe.epochs
    50
    """
    content, text = read_toml(path)
    try:
        return plan_of(content)
    except UsageError as error:
        raise error.at(place_of(path, text, error.where)) from None


def plan_of(content: Mapping[str, Any]) -> Plan:
    """Return the plan that the content of a file is; settings that it does not have are as they are by default.

    Raises
    ------
    UsageError
        Where there is no such setting, or a value does not fit.
    """
    return Plan()._with(flatten(content, known_settings(), RECORDS))
