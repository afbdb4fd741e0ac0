"""An explanation as text."""

from __future__ import annotations

import textwrap

from pellucid.inspection.explain.blocks import Block, Row, blocks_of
from pellucid.inspection.explain.explanation import Explanation
from pellucid.inspection.explain.names import tell

_NUMBER = 14
"""How many letters the column of numbers is wide."""


def write_text(explanation: Explanation, width: int | None) -> str:
    """Return an explanation as text; see :meth:`Explanation.text`."""
    lines = _wrap(f"{explanation.address} = {tell(explanation.number)} ({explanation.dtype})", "", width)
    lines += _wrap(explanation.meaning, "", width)
    for block in blocks_of(explanation):
        lines += ["", *_wrap(block.title, "", width), *_write(block, width)]
    for note in explanation.notes:
        lines += ["", *_wrap(note, "", width)]
    return "".join(f"{line}\n" for line in lines)


def _write(block: Block, width: int | None) -> list[str]:
    lines: list[str] = []
    label = max((len(row.label) for row in block.rows), default=0)
    numbered = any(row.value is not None for row in block.rows)
    for row in block.rows:
        if row.total and row.value is not None:
            lines.append("  " + "-" * _NUMBER)
        if not numbered or row.value is None:
            lines += _wrap(row.text, "  ", width)
            lines += _wrap(f"= {row.numbers}", "    ", width) if row.numbers else []
        else:
            lines += _wrap(_row(row, label), f"  {tell(row.value, row.digits).rjust(_NUMBER)}  ", width, _NUMBER + 6)
    return lines


def _row(row: Row, label: int) -> str:
    text = f"{row.label.ljust(label)}  {row.text}" if label and not row.total else row.text
    return f"{text} = {row.numbers}" if row.numbers else text


def _wrap(text: str, indent: str, width: int | None, further: int | None = None) -> list[str]:
    plain = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    if width is None:
        return [(indent + plain).rstrip()]
    after = " " * min(len(indent) + 4 if further is None else further, max(0, width - 20))
    found = textwrap.wrap(plain, max(width, 20), initial_indent=indent, subsequent_indent=after, break_on_hyphens=False)
    return found or [indent.rstrip()]
