"""The frame of a page: its style, light and dark, its sections, and what they are made of."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass

_STYLE = """
:root { color-scheme: light dark; --ink: #1c2128; --ground: #ffffff; --muted: #59636e; --line: #d1d9e0; --soft: #f6f8fa;
  --good: #1a7f37; --warn: #9a6700; --bad: #cf222e; --accent: #0969da }
@media (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --ground: #0d1117; --muted: #9198a1; --line: #3d444d;
  --soft: #151b23; --good: #3fb950; --warn: #d29922; --bad: #f85149; --accent: #4493f8 } }
* { box-sizing: border-box }
body { margin: 0 auto; padding: 1.5rem 1rem 4rem; max-width: 76rem; color: var(--ink); background: var(--ground);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", sans-serif }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0 0 .2rem } h2 { font-size: 1.2rem; margin: 2.4rem 0 .6rem;
  padding-bottom: .25rem; border-bottom: 1px solid var(--line) } h3 { font-size: 1rem; margin: 1.4rem 0 .4rem }
p { margin: .4rem 0; max-width: 48rem } .muted { color: var(--muted) }
nav a { margin-right: 1rem; color: var(--accent) }
table { border-collapse: collapse; font-variant-numeric: tabular-nums } th, td { text-align: left; padding: .2rem .9rem
  .2rem 0; vertical-align: top } th { font-weight: 600 } thead th { border-bottom: 1px solid var(--line) }
td.number, th.number { text-align: right } .scroll { overflow-x: auto; max-width: 100% } figure { margin: .8rem 0 }
figure svg, figure img { max-width: 100%; height: auto } figcaption { color: var(--muted); font-size: .9rem }
code, pre { font: .9em/1.45 ui-monospace, SFMono-Regular, Consolas, monospace } pre { overflow-x: auto;
  background: var(--soft); padding: .7rem .9rem; border-radius: 6px } details > summary { cursor: pointer;
  color: var(--accent); margin: .5rem 0 } .pass { color: var(--good) } .warn { color: var(--warn) }
.fail { color: var(--bad) } .card { border: 1px solid var(--line); border-radius: 8px; padding: .2rem 1rem .8rem;
  margin: 1rem 0 }
@media print { body { max-width: none } details { display: block } }
"""


@dataclass(frozen=True)
class Section:
    """A part of a page.

    Attributes
    ----------
    key : str
        Its place in the page's address: ``curves`` is reached by ``report.html#curves``.
    title : str
    body : str
        HTML.
    """

    key: str
    title: str
    body: str


def build_page(title: str, subtitle: str, sections: Sequence[Section]) -> str:
    """Return a page that needs nothing but itself: no network, no script.

    Examples
    --------
    >>> page = build_page("wine", "a run", [Section("curves", "How it learned", "<p>well</p>")])
    >>> page.count("<h2"), "http" in page, "<script" in page
    (1, False, False)
    """
    links = "".join(f'<a href="#{section.key}">{html.escape(section.title)}</a>' for section in sections)
    parts = "".join(
        f'<section id="{section.key}"><h2>{html.escape(section.title)}</h2>{section.body}</section>\n'
        for section in sections
    )
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{html.escape(title)}</title><style>{_STYLE}</style></head>\n"
        f'<body><h1>{html.escape(title)}</h1><p class="muted">{html.escape(subtitle)}</p><nav>{links}</nav>\n'
        f"{parts}</body></html>\n"
    )


def paragraph(text: str, kind: str = "") -> str:
    """Return a paragraph of plain text."""
    return f'<p class="{kind}">{html.escape(text)}</p>' if kind else f"<p>{html.escape(text)}</p>"


def facts_table(facts: Sequence[tuple[str, str]]) -> str:
    """Return pairs of a name and what is to be said of it."""
    rows = "".join(f"<tr><th>{html.escape(name)}</th><td>{html.escape(text)}</td></tr>" for name, text in facts)
    return f'<div class="scroll"><table>{rows}</table></div>'


def numbers_table(head: Sequence[str], rows: Sequence[Sequence[str]], strong: int | None = None) -> str:
    """Return a table whose first column has words and the others numbers; one of its rows may be strong."""
    names = "".join(f"<th{_kind(place)}>{html.escape(name)}</th>" for place, name in enumerate(head))
    lines = []
    for number, row in enumerate(rows):
        cells = (f"<b>{html.escape(cell)}</b>" if number == strong else html.escape(cell) for cell in row)
        lines.append("<tr>" + "".join(f"<td{_kind(place)}>{cell}</td>" for place, cell in enumerate(cells)) + "</tr>")
    table = f"<table><thead><tr>{names}</tr></thead><tbody>{''.join(lines)}</tbody></table>"
    return f'<div class="scroll">{table}</div>'


def folded(summary: str, body: str) -> str:
    """Return HTML that is unfolded by a click."""
    return f"<details><summary>{html.escape(summary)}</summary>{body}</details>"


def _kind(place: int) -> str:
    return ' class="number"' if place else ""
