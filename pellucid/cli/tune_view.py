"""What ``pellucid tune`` shows: the space before it searches, and how far it is."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Any

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.table import Table as Grid
from rich.text import Text

from pellucid.cli.output import tell
from pellucid.executors.cores import usable_cores
from pellucid.tuning.space import Space, format_value, split_name, tell_count
from pellucid.tuning.status import Status
from pellucid.tuning.trial import FAILED, FINISHED, PRUNED, WAITING, Trial
from pellucid.workflow.reports.layout import Rows, count_things, printable, show_number, view_facts, write_digits
from pellucid.workflow.run_folder import RECORD
from pellucid.workflow.tuning.recipe_space import RecipeSpace
from pellucid.workflow.tuning.tuning import Tuning
from pellucid.workflow.tuning.tuning_folder import BEST, ENSEMBLE, PAGE, PICTURES, REPORT

LINE_SECONDS = 5.0
"""How often a line is written where there is no terminal."""

GAP = 2
MORE = "..."

STATES = (FINISHED, PRUNED, FAILED)


# -- the space ---------------------------------------------------------------------------------------------------------


def view_space(searched: RecipeSpace, budget: str) -> Group:
    """Lay out what is searched over, and how many configurations there are.

    Parameters
    ----------
    searched : RecipeSpace
    budget : str
        How long is searched, and how, in words.
    """
    space = searched.space
    facts = [("Space", tell_space(searched)), ("Search", budget)]
    rows = [(printable(name), printable(space.text(name))) for name in space.names]
    return Group(view_facts(facts), Rows(rows), "")


def tell_space(searched: RecipeSpace) -> str:
    """Return how many settings, configurations and architectures there are."""
    space = searched.space
    settings = count_things(len(space.dimensions), "setting")
    return f"{settings}, {_count(space.size, 'configuration')}, {_count(searched.architectures, 'architecture')}"


def _count(number: int | None, thing: str) -> str:
    return f"{thing}s without end" if number is None else f"{tell_count(number)} {thing}{'' if number == 1 else 's'}"


def describe_space(searched: RecipeSpace) -> dict[str, Any]:
    """Return the space as plain data."""
    space = searched.space
    return {
        "space": {name: space.text(name) for name in space.names},
        "toml": space.to_toml(),
        "configurations": space.size,
        "architectures": searched.architectures,
    }


def view_written(tuning: Tuning) -> Group:
    """Say what a search has left, and what to do with it."""
    folder = tuning.folder
    assert folder is not None
    told = [(BEST, f"the best network: pellucid predict {folder / BEST} NEW.csv")]
    told += [(ENSEMBLE, f"the ensemble: pellucid predict {folder / ENSEMBLE} NEW.csv")] if tuning.ensemble else []
    told += [
        (RECORD, f"the best settings: pellucid train --config {folder / RECORD}"),
        (PAGE, f"all of it on a page; its pictures are in {PICTURES}"),
        (REPORT, "the same for programs"),
    ]
    told += [(tuning.study.name, f"all trials: pellucid study show {tuning.study}")] if tuning.study else []
    rows = [(printable(name), printable(words)) for name, words in told]
    return Group(Text(f"Written to {printable(folder)}"), Rows(rows, style="dim"))


# -- how far it is -----------------------------------------------------------------------------------------------------


def view_status(status: Status, space: Space, metric: str, threads: int) -> Group:
    """Lay out how far a search is, and its best trials."""
    parts: list[RenderableType] = [Text(tell_counts(status)), Text(tell_pace(status, threads))]
    if status.best:
        parts += [Text(""), BestTrials(status.best, space, metric)]
    return Group(*parts)


def tell_counts(status: Status) -> str:
    """Return how many trials there are, by what became of them.

    Examples
    --------
    >>> counts = {"waiting": 3, "finished": 40, "pruned": 20, "failed": 0}
    >>> tell_counts(Status(counts, 100, 12.0, None, 300.0, [], 2, 0, 1.5))
    '60 of 100 trials: 40 finished, 20 pruned, 2 trainings under way'
    """
    done = sum(status.trials[state] for state in STATES)
    of = "" if status.wanted is None else f" of {status.wanted:,}"
    told = [f"{status.trials[state]:,} {state}" for state in STATES if status.trials[state]]
    told += [f"{count_things(status.running, 'training')} under way"] if status.running else []
    return f"{done:,}{of} trials" + (f": {', '.join(told)}" if told else "")


def tell_pace(status: Status, threads: int) -> str:
    """Return how fast a search is, and how long it will take.

    Examples
    --------
    >>> counts = {"waiting": 3, "finished": 40, "pruned": 20, "failed": 0}
    >>> tell_pace(Status(counts, 100, 12.0, 75.0, 300.0, [], 2, 1, 1.2), threads=2)
    '300 trials a minute, 0:12 passed, 1:15 left, 5 % of the time for compiling (1 under way)'
    """
    told = [f"{status.rate:,.0f} trials a minute", f"{_clock(status.seconds)} passed"]
    if status.left is not None:
        tried = any(status.trials[state] for state in STATES)
        over = status.left <= 0 or (tried and not status.trials[WAITING] and not status.running)
        told.append("the best is trained anew and compared" if over else f"{_clock(status.left)} left")
    if status.seconds > 0:
        share = min(status.compile_seconds / (status.seconds * threads), 1.0)
        compiling = f" ({status.compiling} under way)" if status.compiling else ""
        told.append(f"{100 * share:.0f} % of the time for compiling{compiling}")
    return ", ".join(told)


def tell_line(status: Status, metric: str, threads: int) -> str:
    """Return how far a search is as one line."""
    best = ""
    if status.best and status.best[0].value is not None:
        best = f"; best {metric} {show_number(metric, status.best[0].value)} (trial {status.best[0].number})"
    return printable(f"pellucid: {tell_counts(status)}{best}; {tell_pace(status, threads)}")


class BestTrials:
    """The best trials with their settings, a column for each, as many as the width has room for.

    Parameters
    ----------
    best : sequence of Trial
    space : Space
    metric : str
    """

    def __init__(self, best: Sequence[Trial], space: Space, metric: str):
        self.best, self.metric = best, metric
        self.names = short_names([one.name for one in space.dimensions])

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        head = ["trial", self.metric.replace("_", " "), "spread", "epochs"]
        columns = [
            [name, *cells] for name, cells in zip(head, zip(*map(self._measured, self.best), strict=True), strict=True)
        ]
        left = options.max_width - sum(map(_width, columns))
        for name, short in self.names.items():
            column = [short, *(_value(one.parameters[name]) if name in one.parameters else "" for one in self.best)]
            left -= _width(column)
            if left < len(MORE):
                columns.append([MORE] * (len(self.best) + 1))
                break
            columns.append(column)
        grid = Grid.grid(padding=(0, GAP, 0, 0))
        for place in range(len(columns)):
            grid.add_column(justify="right" if place < len(head) else "left", no_wrap=True)
        for number, cells in enumerate(zip(*columns, strict=True)):
            style = "bold" if number == 0 else "" if self.best[number - 1].state == FINISHED else "dim"
            grid.add_row(*map(printable, cells), style=style)
        yield grid

    def _measured(self, trial: Trial) -> tuple[str, ...]:
        spread = "" if trial.deviation is None else f"± {write_digits(trial.deviation, 2)}"
        value = "" if trial.value is None else show_number(self.metric, trial.value)
        return str(trial.number), value, spread, str(trial.epochs)


def _width(column: Sequence[str]) -> int:
    return max(map(cell_len, column)) + GAP


def short_names(names: Sequence[str]) -> dict[str, str]:
    """Return names by their last parts, as far as these differ.

    Examples
    --------
    >>> short_names(["network.units", "loss.name", "optimizer.name"])
    {'network.units': 'units', 'loss.name': 'loss.name', 'optimizer.name': 'optimizer.name'}
    """
    last = {name: split_name(name)[-1] for name in names}
    often = list(last.values())
    return {name: short if often.count(short) == 1 else name for name, short in last.items()}


def _value(value: Any) -> str:
    if isinstance(value, float) and math.isfinite(value):
        return write_digits(value, 3)
    return format_value(value)


def _clock(seconds: float) -> str:
    minutes, second = divmod(int(min(seconds, 1e9)), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"


class Watching:
    """Shows how far a search is: a table that changes on a terminal, lines into a pipe, or nothing.

    Parameters
    ----------
    silent : bool
    threads : int, optional
    """

    def __init__(self, silent: bool, threads: int | None):
        self.silent, self.threads = silent, threads or usable_cores()
        self.space, self.metric = Space({"none": 0}), "value"
        self._live: Any = None
        self._told = time.monotonic()

    def begin(self, searched: RecipeSpace) -> None:
        """Begin to show a search of this space."""
        self.space = searched.space
        watched = searched.plan.recipe.metric
        self.metric = "value" if watched == "loss" else watched
        console = Console(stderr=True, highlight=False, markup=False, emoji=False)
        if not self.silent and sys.stderr.isatty() and console.is_terminal:
            from rich.live import Live

            self._live = Live(console=console, refresh_per_second=5, transient=True)
            self._live.start()

    def show(self, status: Status) -> None:
        """Show how far it is."""
        if self.silent:
            return
        if self._live is not None:
            self._live.update(view_status(status, self.space, self.metric, self.threads))
        elif time.monotonic() - self._told >= LINE_SECONDS:
            self._told = time.monotonic()
            tell(tell_line(status, self.metric, self.threads))

    def end(self) -> None:
        """Take the table away."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    def __enter__(self) -> Watching:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.end()
