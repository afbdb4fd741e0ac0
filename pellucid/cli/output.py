"""Where commands write to: a terminal of some width, or a pipe."""

from __future__ import annotations

import os
import sys

from rich.console import Console, RenderableType

from pellucid.workflow.view import as_text


def show(view: RenderableType) -> None:
    """Print a view on standard output: styled for a terminal, as plain text into a pipe."""
    console = Console(highlight=False, markup=False, emoji=False)
    if console.is_terminal:
        console.print(view)
    else:
        print(as_text(view, console.width), end="", flush=True)


def width() -> int | None:
    """Return how many letters a line may have; None for a pipe, unless the variable COLUMNS says so."""
    console = Console()
    return console.width if console.is_terminal or os.environ.get("COLUMNS") else None


def tell(message: str) -> None:
    """Print a line on standard error, beside the output."""
    print(message, file=sys.stderr, flush=True)
