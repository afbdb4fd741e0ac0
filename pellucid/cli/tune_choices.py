"""What ``pellucid tune`` is told: the space to search, and where everything is left."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from pellucid.errors import UsageError
from pellucid.tuning.space import Space, parse_assignment, read_space
from pellucid.workflow.plans.plan import Plan
from pellucid.workflow.reports.layout import count_things, printable
from pellucid.workflow.run_folder import choose_destination
from pellucid.workflow.tuning.default_space import default_space
from pellucid.workflow.tuning.tune_table import TRIALS
from pellucid.workflow.understanding import understand

IS_SETTING = re.compile(r"\s*[\w.\"' -]+=")
"""What says of one setting what is tried, rather than to name a file."""


def check_files(out: str | None, study: str | None, resume: bool) -> None:
    """Raise a UsageError where no file is named, or nothing to go on with."""
    for option, name in {"--out": out, "--study": study}.items():
        if name is not None and (not name or "\0" in name):
            raise UsageError("no file is named", where=option, got="a name with a NUL in it" if name else None)
    if resume and out is None and study is None:
        fix = "Say --out DIR or --study FILE."
        raise UsageError("no study is named that is to be gone on with", where="--resume", fix=fix)


def choose_space(given: Sequence[str], plan: Plan) -> Space | None:
    """Return the space that options say; None where they say nothing.

    A file is the whole space; settings take the place of what it says of them, or of what the default space says.
    """
    files = [text for text in given if not IS_SETTING.match(text)]
    if len(files) > 1:
        raise UsageError("there is one file of a space", where="--space", got=", ".join(files[:3]), fix="Give one.")
    changes: dict[str, str] = {}
    for text in given:
        if text in files:
            continue
        name, content = parse_assignment(text, "--space")
        if name in changes:
            raise UsageError("this is there twice", where=f"--space {name}", fix="Leave out one.")
        changes[name] = content
    base = read_space(files[0]) if files else None
    if not changes:
        return base
    if base is None:
        found = understand(plan.table, plan)
        base = default_space(found, sum(len(found.parts[part]) for part in ("train", "validation")))
    return base.changed(changes, "--space")


def choose_folder(out: str | None, plan: Plan) -> Path:
    """Return where a search leaves everything: where the user says, or ``runs/<table>-<target>-tune-<number>``."""
    if out is not None:
        return Path(out)
    return choose_destination(None, plan.table, [*plan.target[:2], "tune"]).path


def tell_budget(
    trials: int | None,
    limit: float,
    sampler: str,
    pruner: str,
    folds: int,
    repeats: int,
    seed: int,
    resume: bool = False,
) -> str:
    """Return how long is searched, and how, in words.

    Examples
    --------
    >>> tell_budget(None, 60.0, "random", "halving", 5, 1, seed=0)
    '60 s, random, pruned by halving; judged by 5 folds; seed 0'
    """
    most = [count_things(trials, "trial")] if trials is not None else []
    most += [f"{limit:g} s"] if limit else []
    most = most or ["as far as was said at first" if resume else count_things(TRIALS, "trial")]
    times = f" {repeats} times" if repeats > 1 else ""
    judged = f"{folds} folds{times}" if folds > 1 else f"the rows for validation{times}"
    giving_up = "" if pruner == "none" else f", pruned by {pruner}"
    return printable(f"{' or '.join(most)}, {sampler}{giving_up}; judged by {judged}; seed {seed}")
