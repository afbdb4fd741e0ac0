"""Tables in notebooks and reports, readable on light and on dark ground: colours are those of what is around them."""

from __future__ import annotations

import html
from collections.abc import Sequence

_LINE = "1px solid rgba(128, 128, 128, 0.35)"
_CELL = "text-align: left; padding: 0.15em 0.8em 0.15em 0; vertical-align: top; color: inherit; background: none"
_SHORT = 28
"""Cells of so many characters are not broken into lines; longer ones get room for not too many lines."""
_TABLE = "border-collapse: collapse; font-variant-numeric: tabular-nums; color: inherit; background: none"


def html_table(
    head: Sequence[str], rows: Sequence[Sequence[str]], caption: str = "", code: bool = False, escape: bool = True
) -> str:
    """Return a table as HTML; a wide one can be scrolled.

    Parameters
    ----------
    head : sequence of str
    rows : sequence of sequence of str
    caption : str
        Stands above it.
    code : bool
        Whether the cells are formulas and numbers, in letters of one width.
    escape : bool
        Whether the cells are text; otherwise they are HTML.

    Examples
    --------
    >>> html_table(["name"], [["a < b"]]).count("a &lt; b")
    1
    """
    font = "; font-family: ui-monospace, Menlo, Consolas, monospace; font-size: 0.9em" if code else ""
    told = f'<div style="padding: 0.3em 0; font-weight: 600">{html.escape(caption)}</div>' if caption else ""
    names = "".join(f'<th style="{_CELL}; border-bottom: {_LINE}">{html.escape(name)}</th>' for name in head)
    body = "".join(f"<tr>{''.join(_cell(html.escape(cell) if escape else cell) for cell in row)}</tr>" for row in rows)
    table = f'<table style="{_TABLE}{font}"><thead><tr>{names}</tr></thead><tbody>{body}</tbody></table>'
    return f'<div style="overflow-x: auto; color: inherit">{told}{table}</div>'


def _cell(content: str) -> str:
    room = "white-space: nowrap" if len(content.partition("<")[0]) <= _SHORT else "min-width: 18em"
    return f'<td style="{_CELL}; {room}">{content}</td>'
