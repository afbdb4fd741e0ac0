"""The commands together, as Typer takes them."""

from __future__ import annotations

import functools
import inspect
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from pellucid.cli.bench import bench
from pellucid.cli.bench_tune import bench_tune
from pellucid.cli.check import check
from pellucid.cli.evaluate import evaluate
from pellucid.cli.help import Command, Commands
from pellucid.cli.init import init
from pellucid.cli.learning_curve import learning_curve
from pellucid.cli.observe import observe
from pellucid.cli.output import Carried
from pellucid.cli.predict import predict
from pellucid.cli.report import report
from pellucid.cli.show import show_model
from pellucid.cli.study import study
from pellucid.cli.train import train
from pellucid.cli.tune import tune
from pellucid.errors import nearest

app = typer.Typer(
    cls=Commands,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
)


@dataclass(frozen=True)
class Ended:
    """What a command returned when it came to its end; Typer itself returns bare numbers."""

    code: int


def _carry(command: Callable[..., object]) -> Callable[..., object]:
    @functools.wraps(command)
    def carried(*arguments: object, **options: object) -> object:
        try:
            returned = command(*arguments, **options)
            return Ended(returned if isinstance(returned, int) else 0)
        except (KeyboardInterrupt, EOFError, OSError) as raised:
            raise Carried(raised) from None

    return carried


def _add(name: str, command: Callable[..., object], *examples: str) -> None:
    """Add a command; its help is its docstring."""
    paragraphs = inspect.cleandoc(command.__doc__ or "").split("\n\n")
    help_text = "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)
    app.command(name, cls=Command, help=help_text, epilog="\n\n".join(examples))(_carry(command))


def _print_version(wanted: bool) -> None:
    if wanted:
        # The package's face must not be imported from here; whoever runs a command has loaded it.
        print(f"pellucid {sys.modules['pellucid'].__version__}")
        raise typer.Exit()


@app.callback()
def pellucid(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", is_eager=True, callback=_print_version)
    ] = False,
) -> None:
    """Feed-forward networks that you can see through: from a table to a network, its predictions and its inside."""


_add(
    "train",
    train,
    "pellucid train wine.csv --target cultivar",
    "pellucid train houses.parquet -t price --hidden 128,64 --time 60s",
    "pellucid train linnerud.csv -t weight -t waist --out runs/body",
    "pellucid train sales.csv -t amount --time-order day --set optimizer.learning_rate=0.01",
    "pellucid train --config runs/body/run.toml --out runs/again",
    "pellucid train houses.csv -t price --out runs/long --resume",
)
_add(
    "tune",
    tune,
    "pellucid tune wine.csv --target cultivar --time 60s",
    "pellucid tune houses.csv -t price --trials 500 --folds 5 --out runs/houses",
    "pellucid tune wine.csv -t cultivar --space space.toml --sampler tpe",
    "pellucid tune wine.csv -t cultivar --space 'network.dropout=uniform(0, 0.5)' --show-space",
    "pellucid tune wine.csv -t cultivar --study wine.db --trials 2000 --resume",
)
_add(
    "study",
    study,
    "pellucid study show study.db",
    "pellucid study best study.db --set",
    "pellucid study export study.db --out trials.csv",
)
_add(
    "learning-curve",
    learning_curve,
    "pellucid learning-curve wine.csv --target cultivar",
    "pellucid learning-curve houses.csv -t price --out runs/houses-curve",
)
_add(
    "predict",
    predict,
    "pellucid predict runs/wine-cultivar-1 new.csv",
    "pellucid predict runs/wine-cultivar-1 new.csv --probabilities --out predicted.csv",
    "pellucid predict runs/wine-cultivar-1 new.parquet --out predicted.parquet",
)
_add(
    "evaluate",
    evaluate,
    "pellucid evaluate runs/wine-cultivar-1 later.csv",
    "pellucid evaluate runs/wine-cultivar-1 later.csv --json",
)
_add(
    "observe",
    observe,
    "pellucid observe runs/wine-cultivar-1 wine.csv --row 0",
    "pellucid observe runs/wine-cultivar-1 wine.csv --row 0 --draw row-0.svg",
    "pellucid observe runs/wine-cultivar-1 wine.csv --row 0 --node dense_1/gelu",
    "pellucid observe runs/wine-cultivar-1 wine.csv --row 0 --node 'd loss / d dense_1/weight[3, 2]'",
)
_add(
    "check",
    check,
    "pellucid check wine.csv --target cultivar",
    "pellucid check runs/wine-cultivar-1",
    "pellucid check runs/wine-cultivar-1 --gate dead_units --threshold dead_units.fail=0.3",
)
_add(
    "report",
    report,
    "pellucid report runs/wine-cultivar-1",
    "pellucid report runs/wine-cultivar-1 --out wine.html",
)
_add(
    "show",
    show_model,
    "pellucid show runs/wine-cultivar-1",
    "pellucid show runs/wine-cultivar-1 --json",
    "pellucid show runs/wine-cultivar-1 --kernels --step",
    "pellucid show runs/wine-cultivar-1 --llvm > wine.ll",
)
_add(
    "init",
    init,
    "pellucid init wine.csv --target cultivar > run.toml",
    "pellucid train wine.csv --config run.toml",
)
_add(
    "bench",
    bench,
    "pellucid bench --only tiny --only mid",
    "pellucid bench --peers none --quick",
    "pellucid bench --cores 0,1 --write docs/benchmarks.md",
)
_add(
    "bench tune",
    bench_tune,
    "pellucid bench tune --only rate --only tiny",
    "pellucid bench tune --cores 0,1 --json tune.json --write docs/benchmarks-tuning.md",
    "pellucid bench tune --cores 0,1 --json tune.json --write docs/benchmarks-tuning.md --resume tune.json",
)

# Typer carries a copy of Click in newer versions and takes Click's own in older ones.
_CommandLineError = next(kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "ClickException")


def command_line_error(error: Exception) -> tuple[int, str] | None:
    """Return exit code and message of an error in the command line's words; None where it is another error."""
    if isinstance(error, typer.Abort):
        return 130, "interrupted"
    if not isinstance(error, _CommandLineError):
        return None
    message = " ".join(error.format_message().split())  # type: ignore[attr-defined]
    message = re.sub(r"Input should be a valid integer.*", "a whole number is expected.", message)
    option = getattr(error, "option_name", None)
    if type(error).__name__ == "NoSuchOption" and option:
        message = f"there is no option {option}. {nearest(option, _options(error))}"
    found = re.match(r"No such command '([^']*)'", message)
    if found:
        message = f"there is no command {found[1]!r}. {nearest(found[1], _commands())}"
    if message.startswith(("Missing", "Got unexpected")) or message.endswith("requires an argument."):
        message = f"{message.rstrip('.')}. {_command_of(error)} --help tells more."
    return 2, f"{message.rstrip('.')}." if message else ""


def _command_of(error: Any) -> str:
    context = getattr(error, "ctx", None)
    return str(context.command_path) if context is not None else "pellucid"


def _options(error: Any) -> list[str]:
    names = [name for parameter in error.ctx.command.params for name in parameter.opts if name.startswith("--")]
    return [*names, "--help"]


def _commands() -> list[str]:
    return [str(command.name) for command in app.registered_commands]
