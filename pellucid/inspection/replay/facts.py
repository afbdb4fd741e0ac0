"""Facts with their names, as lines of text and as a table."""

from __future__ import annotations

from collections.abc import Sequence

from pellucid.html_table import html_table

Facts = Sequence[tuple[str, str]]


def facts_text(facts: Facts) -> str:
    """Return a line for each fact.

    Examples
    --------
    >>> print(facts_text([("step", "7"), ("loss", "0.25")]), end="")
    step  7
    loss  0.25
    """
    width = max((len(name) for name, _ in facts), default=0)
    return "".join(f"{name:{width}}  {told}".rstrip() + "\n" for name, told in facts)


def facts_table(facts: Facts, caption: str = "") -> str:
    """Return the facts as an HTML table, for notebooks and pages; the first one is its head."""
    return html_table(facts[0], facts[1:], caption) if facts else html_table([], [], caption)
