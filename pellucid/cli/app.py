"""The commands together, as Typer takes them."""

from __future__ import annotations

import functools
import inspect
import re
import sys
from collections.abc import Callable
from typing import Annotated

import typer

from pellucid.cli.observe import observe
from pellucid.cli.predict import predict
from pellucid.cli.train import train
from pellucid.errors import nearest

app = typer.Typer(
    add_completion=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
)


class Carried(Exception):
    """Brings what a command raised past Typer, which would make an exit code of it and tell nobody."""

    def __init__(self, raised: BaseException):
        super().__init__(str(raised))
        self.raised = raised


def _carry(command: Callable[..., object]) -> Callable[..., object]:
    @functools.wraps(command)
    def carried(*arguments: object, **options: object) -> object:
        try:
            return command(*arguments, **options)
        except (KeyboardInterrupt, EOFError, OSError) as raised:
            raise Carried(raised) from None

    return carried


def _help(command: Callable[..., object]) -> str:
    """Return a command's docstring with a line for each paragraph, so that it can be wrapped to any width."""
    paragraphs = inspect.cleandoc(command.__doc__ or "").split("\n\n")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)


def _epilog(*lines: str) -> str:
    """Return examples as they stand under a command's help, a line each."""
    return "\n\n".join(["[bold]Examples[/bold]", *lines])


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


app.command(
    help=_help(train),
    epilog=_epilog(
        "pellucid train wine.csv --target cultivar",
        "pellucid train houses.parquet --target price --hidden 128,64 --time 60s",
        "pellucid train linnerud.csv --target weight --target waist --out runs/body",
    ),
)(_carry(train))

app.command(
    help=_help(predict),
    epilog=_epilog(
        "pellucid predict runs/wine-cultivar-1 new.csv",
        "pellucid predict runs/wine-cultivar-1 new.csv --probabilities --out predicted.csv",
    ),
)(_carry(predict))

app.command(
    help=_help(observe),
    epilog=_epilog(
        "pellucid observe runs/wine-cultivar-1 wine.csv --row 0",
        "pellucid observe runs/wine-cultivar-1 wine.csv --row 0 --draw row-0.svg",
    ),
)(_carry(observe))

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
        known = [name for parameter in error.ctx.command.params for name in parameter.opts if name.startswith("--")]  # type: ignore[attr-defined]
        message = f"there is no option {option}. {nearest(option, [*known, '--help'])}"
    found = re.match(r"No such command '([^']*)'", message)
    if found:
        message = f"there is no command {found[1]!r}. {nearest(found[1], ['train', 'predict', 'observe'])}"
    return 2, message
