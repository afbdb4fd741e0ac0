"""docs/benchmarks-tuning.md: the figures of a run as a page."""

from __future__ import annotations

from dataclasses import replace

from pellucid.bench.page import grid
from pellucid.bench.tune.parts import PARTS
from pellucid.bench.tune.results import Results
from pellucid.bench.tune.setup import Goal, Section

TEXT = """\
# Benchmarks of trial and error

What a search takes and brings, and how fast thousands of networks are trained, in Pellucid and with other tools.
`pellucid bench tune` writes this page; the [guide](guide/7-command-line.md#bench) says how to run it.

{facts}

Every contestant runs in a process of its own that is bound to the cores before it imports anything, one after the
other, with thread settings to match. Times are wall times with everything in them: starting, importing, compiling,
training, what is written to disk. The clock of a peer starts only when its process begins to import the peer's own
libraries.

{goals}

{sections}
"""


def write_page(results: Results) -> str:
    """Return the page in Markdown, of all parts or those that were measured."""
    sections = sections_of(results)
    return TEXT.format(
        facts="\n".join(f"- {line}" for line in describe(results)),
        goals=_goals(goals_of(results)),
        sections="\n\n".join(f"## {each.title[0].upper()}{each.title[1:]}\n\n{each.text}" for each in sections),
    )


def sections_of(results: Results) -> list[Section]:
    """Return what the parts say that were measured, if only in part."""
    return [part.section(results) for part in PARTS.values() if part.is_in(results)]


def goals_of(results: Results) -> list[Goal]:
    """Return the goals of the parts that were measured; a quick run reaches none and misses none."""
    goals = [goal for section in sections_of(results) for goal in section.goals]
    return [replace(goal, reached=None) for goal in goals] if results.settings["quick"] else goals


def describe(results: Results) -> list[str]:
    """Return where and how the run measured."""
    settings = results.settings
    cores = ", ".join(map(str, settings["cores"]))
    lines = [
        f"Processor: {settings['processor']}, {settings['system']}; "
        f"{'pinned to' if settings['pinned'] else 'not pinned, of'} core{'s' * (len(settings['cores']) > 1)} {cores}.",
        f"Versions: {', '.join(f'{name} {version}' for name, version in settings['versions'].items())}.",
        f"The run took {results.seconds / 60:.0f} minutes"
        + (f", in {len(results.sessions)} sessions of one setting." if len(results.sessions) > 1 else "."),
    ]
    if settings["quick"]:
        lines.append("**A quick run: it shows that everything works, and its figures mean nothing.**")
    return lines


def _goals(goals: list[Goal]) -> str:
    rows = []
    for goal in goals:
        word = "" if goal.reached is None else "yes" if goal.reached else "no"
        rows.append([goal.work, goal.peers, goal.aim, goal.found or "not measured", word])
    return grid(["work", "beside", "goal", "found", "reached"], rows)
