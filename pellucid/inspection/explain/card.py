"""An explanation as a card: HTML that needs nothing from outside, on light and on dark ground."""

from __future__ import annotations

import html
import math

from pellucid.inspection.drawing.svg import DARK, FONTS, LIGHT
from pellucid.inspection.explain.blocks import Block, Row, blocks_of
from pellucid.inspection.explain.explanation import Explanation
from pellucid.inspection.explain.names import tell

_RULES = """
.pellucid-card {{ color: {ink}; background: {ground}; border: 1px solid {wire}; }}
.pellucid-card .quiet {{ color: {muted}; }}
.pellucid-card .number {{ color: {value}; }}
.pellucid-card .gradient {{ color: {gradient}; }}
.pellucid-card .plus {{ background: {positive}; }}
.pellucid-card .minus {{ background: {negative}; }}
.pellucid-card .axis {{ background: {wire}; }}
.pellucid-card .sum td {{ border-top: 1px solid {wire}; }}
"""
_LAYOUT = f"""
.pellucid-card {{ border-radius: 8px; padding: 14px 18px; max-width: 62rem; margin: 6px 0; font: 14px/1.45 system-ui,
  sans-serif; overflow-x: auto; }}
.pellucid-card code, .pellucid-card .head, .pellucid-card td.value {{ font-family: {FONTS.replace('"', "'")};
  font-size: 13px; color: inherit; background: none; padding: 0; white-space: normal; overflow-wrap: anywhere; }}
.pellucid-card .head, .pellucid-card .head code {{ font-size: 16px; font-weight: 600; }}
.pellucid-card .numbers {{ display: inline-block; }}
.pellucid-card p {{ margin: 4px 0; }}
.pellucid-card h4 {{ margin: 14px 0 4px; font-size: 13px; font-weight: 600; color: inherit; }}
.pellucid-card table {{ border-collapse: collapse; width: 100%; margin: 0; background: none; }}
.pellucid-card tr, .pellucid-card td {{ background: none; color: inherit; border: 0; }}
.pellucid-card td {{ padding: 2px 10px 2px 0; vertical-align: baseline; text-align: left; }}
.pellucid-card td.value {{ text-align: right; white-space: nowrap; width: 8.2em; min-width: 8.2em; padding-right: 14px;
  font-variant-numeric: tabular-nums; }}
.pellucid-card td.label {{ white-space: nowrap; width: 1%; }}
.pellucid-card td.bar {{ width: 120px; min-width: 120px; }}
.pellucid-card .track {{ position: relative; height: 9px; }}
.pellucid-card .track i {{ position: absolute; top: 0; bottom: 0; border-radius: 2px; }}
.pellucid-card .formula {{ margin: 4px 0 4px 1.2em; text-indent: -1.2em; }}
@media (max-width: 700px) {{ .pellucid-card td.bar {{ width: 48px; min-width: 48px; }} }}
.pellucid-card summary {{ cursor: pointer; margin: 14px 0 4px; font-size: 13px; font-weight: 600; }}
"""


def draw_card(explanation: Explanation) -> str:
    """Return an explanation as HTML."""
    dark = _RULES.format(**DARK)
    style = f"<style>{_LAYOUT}{_RULES.format(**LIGHT)}@media (prefers-color-scheme: dark) {{{dark}}}</style>"
    kind = "gradient" if explanation.kind == "gradient" else "number"
    number = f'<span class="{kind}">{html.escape(tell(explanation.number))}</span>'
    parts = [
        f'<p class="head">{_code(explanation.address)} = {number} <span class="quiet">{explanation.dtype}</span></p>',
        f"<p>{html.escape(explanation.meaning)}</p>",
        *(_draw(block) for block in blocks_of(explanation)),
        *(f'<p class="quiet">{html.escape(note)}</p>' for note in explanation.notes),
    ]
    return f'<div class="pellucid-card">{style}{"".join(parts)}</div>'


def _draw(block: Block) -> str:
    if all(row.value is None for row in block.rows):
        lines = "".join(map(_formula, block.rows))
        if len(block.rows) > 8:
            return f"<details><summary>{html.escape(block.title)}</summary>{lines}</details>"
        return f"<h4>{html.escape(block.title)}</h4>{lines}"
    largest = max((abs(row.value) for row in block.rows if row.value is not None and _is_compared(row)), default=0.0)
    labels = any(row.label for row in block.rows)
    rows = "".join(_row(row, block.bars, labels, largest) for row in block.rows)
    return f"<h4>{html.escape(block.title)}</h4><table>{rows}</table>"


def _is_compared(row: Row) -> bool:
    return row.value is not None and math.isfinite(row.value) and not row.total


def _formula(row: Row) -> str:
    numbers = f'<br><span class="quiet">= {html.escape(row.numbers)}</span>' if row.numbers else ""
    return f'<p class="formula"><code>{html.escape(row.text)}{numbers}</code></p>'


def _row(row: Row, bars: bool, labels: bool, largest: float) -> str:
    value = "" if row.value is None else html.escape(tell(row.value, row.digits))
    cells = [f'<td class="value">{value}</td>']
    if bars:
        cells.append(f'<td class="bar">{_bar(row, largest)}</td>')
    if labels:
        cells.append(f'<td class="label">{html.escape(row.label)}</td>')
    numbers = f' <code class="quiet numbers">= {html.escape(row.numbers)}</code>' if row.numbers else ""
    text = f"<strong>{html.escape(row.text)}</strong>" if row.total else _code(row.text)
    cells.append(f"<td>{text}{numbers}</td>")
    return f"<tr{' class=sum' if row.total and row.value is not None else ''}>{''.join(cells)}</tr>"


def _bar(row: Row, largest: float) -> str:
    """Draw a number as a bar to the left or the right of an axis."""
    if not _is_compared(row) or not largest:
        return ""
    assert row.value is not None
    side = f"{'left' if row.value > 0 else 'right'}: 50%; width: {50 * abs(row.value) / largest:.1f}%"
    kind = "plus" if row.value > 0 else "minus"
    axis = '<i class="axis" style="left: 50%; width: 1px; top: -4px; bottom: -4px"></i>'
    return f'<div class="track"><i class="{kind}" style="{side}"></i>{axis}</div>'


def _code(text: str) -> str:
    return f"<code>{html.escape(text)}</code>"
