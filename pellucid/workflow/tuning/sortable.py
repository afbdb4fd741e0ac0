"""Tables that are sorted by a click, without a script: rows know their places in every order; a choice selects one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from typing import Any

Cell = tuple[str, Any]
"""What is shown, and what it is sorted by: a number, a text, or None, which comes last."""


def sortable_table(head: Sequence[str], rows: Sequence[Sequence[Cell]], by: int, numbers: int, key: str = "t") -> str:
    """Return a table as HTML that is sorted by the column whose name is clicked.

    Parameters
    ----------
    head : sequence of str
    rows : sequence of sequence of (str, value)
        In the order in which they stand at first.
    by : int
        The column by which they are sorted so.
    numbers : int
        So many of the first columns end at the right.
    key : str
        Tells several tables of a page apart.

    Examples
    --------
    >>> table = sortable_table(["name", "size"], [[("b", "b"), ("1", 1)], [("a", "a"), ("2", 2)]], by=1, numbers=0)
    >>> table.count("--t0:1"), table.count("--t0:2"), "<script" in table
    (1, 1, False)
    """
    orders = [_places(rows, column) if column != by else list(range(1, len(rows) + 1)) for column in range(len(head))]
    buttons, rules, names = [], [], []
    for column, name in enumerate(head):
        checked = " checked" if column == by else ""
        place = f"{key}{column}"
        buttons.append(f'<input type="radio" name="{key}" id="{place}" aria-label="sort by {escape(name)}"{checked}>')
        rules.append(
            f"#{place}:checked~.{key} .row>*{{order:var(--{place})}}"
            f'#{place}:checked~.{key} label[for="{place}"]{{color:var(--accent)}}'
            f'#{place}:focus-visible~.{key} label[for="{place}"]{{outline:2px solid}}'
        )
        names.append(
            f'<span role="columnheader"{_kind(column, numbers)}><label for="{place}">{escape(name)}</label></span>'
        )
    lines = []
    for number, row in enumerate(rows):
        places = ";".join(f"--{key}{column}:{order[number]}" for column, order in enumerate(orders))
        cells = "".join(
            f'<span role="cell"{_kind(column, numbers)}>{escape(text)}</span>' for column, (text, _) in enumerate(row)
        )
        lines.append(f'<div role="row" class="row" style="{places}">{cells}</div>')
    return (
        f"<style>{_style(key, len(head))}{''.join(rules)}</style>"
        f'<div class="scroll sortable">{"".join(buttons)}<div role="table" class="{key}">'
        f'<div role="row" class="head">{"".join(names)}</div>{"".join(lines)}</div></div>'
    )


def _style(key: str, columns: int) -> str:
    return (
        f".{key}{{display:grid;grid-template-columns:repeat({columns},max-content);font-variant-numeric:tabular-nums}}"
        f".{key}>*{{display:contents}}.{key} span{{padding:.2rem .9rem .2rem 0}}.{key} .number{{text-align:right}}"
        f".{key} .head>*{{order:0;font-weight:600;border-bottom:1px solid var(--line)}}"
        f".{key} label{{cursor:pointer}}.sortable>input{{position:absolute;opacity:0;pointer-events:none}}"
        ".sortable{position:relative}"
    )


def _places(rows: Sequence[Sequence[Cell]], column: int) -> list[int]:
    """Return each row's place, from 1, in the order of a column; numbers before text, what is missing last."""

    def rank(number: int) -> tuple[int, Any]:
        value = rows[number][column][1]
        if value is None or (isinstance(value, float) and math.isnan(value)):
            return 2, 0
        return (0, value) if isinstance(value, int | float) else (1, str(value))

    order = sorted(range(len(rows)), key=rank)
    places = [0] * len(rows)
    for place, number in enumerate(order, 1):
        places[number] = place
    return places


def _kind(column: int, numbers: int) -> str:
    return ' class="number"' if column < numbers else ""
