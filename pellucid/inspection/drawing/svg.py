"""What all drawings share: letters and their widths, numbers, colours for light and dark screens, and files."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Mapping
from functools import cache
from html import escape
from itertools import accumulate
from os import PathLike
from pathlib import Path

from pellucid.errors import UsageError
from pellucid.files import write_atomically

FONTS = 'ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", "Liberation Mono", monospace'

LIGHT = {
    "ground": "#ffffff",
    "ink": "#1c2733",
    "muted": "#5b6775",
    "wire": "#8793a1",
    "gate": "#eef3fb",
    "rim": "#3f6aa6",
    "input": "#fdf5e2",
    "input-rim": "#a87b1d",
    "output": "#f3ecfb",
    "output-rim": "#7b52ab",
    "value": "#0a7038",
    "gradient": "#bf2330",
    "slope": "#6f42c1",
    "halo": "#f2b01e",
    "positive": "#2f63ad",
    "negative": "#b4570a",
}
DARK = {
    "ground": "#14181d",
    "ink": "#e8ecf1",
    "muted": "#9aa7b5",
    "wire": "#66727f",
    "gate": "#1d2938",
    "rim": "#7fa8dd",
    "input": "#2e2718",
    "input-rim": "#d2a94e",
    "output": "#2a2136",
    "output-rim": "#b795e0",
    "value": "#62cf8f",
    "gradient": "#ff8b85",
    "slope": "#bda4f8",
    "halo": "#b98a1d",
    "positive": "#7db0f5",
    "negative": "#f0a35c",
}

_MEDIUM = 0.61  # of the letter size: how wide a letter of the widest usual monospaced fonts is
_UNLAWFUL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def text_width(text: str, size: float) -> float:
    """Return about how wide a line of monospaced text is, rather too wide than too narrow.

    Examples
    --------
    >>> text_width("sum", 10.0)
    18.3
    """
    return round(sum(map(_letter_width, text)) * size, 2)


@cache
def _letter_width(letter: str) -> float:
    if unicodedata.combining(letter):
        return 0.0
    return 2 * _MEDIUM if unicodedata.east_asian_width(letter) in "WF" else _MEDIUM


def break_lines(text: str, size: float, widest: float, most: int) -> list[str]:
    """Return text in at most so many lines of at most some width, broken between words where that is possible.

    Examples
    --------
    >>> break_lines("a gate passes on what came in", 10.0, 80.0, 2)
    ['a gate passes', 'on what …']
    """
    lines = [""]
    for word in text.split():
        if lines[-1] and text_width(f"{lines[-1]} {word}", size) > widest:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
        while text_width(lines[-1], size) > widest and len(lines[-1]) > 1:
            head = cut_to_width(lines[-1], size, widest)
            lines[-1:] = [head, lines[-1][len(head) :]]
    if len(lines) > most:
        last = cut_to_width(lines[most - 1], size, widest - text_width(" …", size))
        whole = last if last == lines[most - 1] or " " not in last else last.rpartition(" ")[0]
        lines[most - 1 :] = [f"{whole} …"]
    return lines


def cut_to_width(text: str, size: float, widest: float) -> str:
    """Return the beginning of a text that is no wider than that; one letter at least."""
    widths = accumulate(_letter_width(letter) * size for letter in text)
    return text[: max(1, sum(1 for width in widths if width <= widest))]


def fit(text: str, size: float, widest: float) -> str:
    """Return a text in one line that is no wider than that, its end left out where it has to be.

    Examples
    --------
    >>> fit("a long name", 10.0, 40.0)
    'a lon…'
    """
    text = " ".join(text.split())
    if text_width(text, size) <= widest:
        return text
    return cut_to_width(text, size, widest - text_width("…", size)) + "…"


def write_short(number: float) -> str:
    """Return a number in a few letters.

    Examples
    --------
    >>> [write_short(number) for number in (-0.12345, 1234.5, 2e-7, 0.0)]
    ['−0.123', '1234', '2e−7', '0']
    """
    if not math.isfinite(number):
        return "∞" if number == math.inf else "−∞" if number == -math.inf else "NaN"
    if number == 0:
        return "0"
    size = abs(number)
    if 1e-3 <= size < 1e5:
        text = f"{number:.0f}" if size >= 1000 else f"{number:.3g}" if size >= 0.1 else f"{number:.2g}"
    else:
        mantissa, exponent = f"{number:.1e}".split("e")
        text = f"{mantissa.removesuffix('.0')}e{int(exponent)}"
    return text.replace("-", "−")


def clean(text: str) -> str:
    """Return text as it may stand in XML."""
    return escape(_UNLAWFUL.sub("\ufffd", text))


def coordinate(number: float) -> str:
    """Return a coordinate, as short as it can be."""
    return format(round(number, 1) + 0.0, "g") if abs(number) < 1e5 else format(number, ".1f")


def paint_text(kind: str, x: float, y: float, size: float, text: str, anchor: str = "start") -> str:
    """Return a line of text; nothing where it is empty."""
    if not text:
        return ""
    place = f'x="{coordinate(x)}" y="{coordinate(y)}" font-size="{coordinate(size)}" text-anchor="{anchor}"'
    return f'<text class="{kind}" {place}>{clean(text)}</text>'


def paint_box(kind: str, x: float, y: float, width: float, height: float, corner: float = 0.0) -> str:
    """Return a rectangle."""
    round_corners = f' rx="{coordinate(corner)}"' if corner else ""
    return (
        f'<rect class="{kind}" x="{coordinate(x)}" y="{coordinate(y)}" width="{coordinate(width)}"'
        f' height="{coordinate(height)}"{round_corners}/>'
    )


def write_style(paints: Mapping[str, str], scope: str = ".pellucid") -> str:
    """Return the style sheet of paints by class, in which ``{ink}`` and the like stand for colours.

    It holds inside of what the selector `scope` finds.
    """

    def rules(colours: dict[str, str]) -> str:
        return "\n".join(f"{scope} .{kind} {{ {paint.format(**colours)} }}" for kind, paint in paints.items())

    dark = f"@media (prefers-color-scheme: dark) {{\n{rules(DARK)}\n}}"
    return f"\n{scope} text {{ font-family: {FONTS} }}\n{rules(LIGHT)}\n{dark}\n"


def wrap_picture(title: str, paints: Mapping[str, str], width: float, height: float, parts: list[str]) -> str:
    """Return the whole SVG text of a picture."""
    wide, high = coordinate(width), coordinate(height)
    size = f'viewBox="0 0 {wide} {high}" width="{wide}" height="{high}"'
    head = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="pellucid" {size} role="img">',
        f"<title>{clean(title)}</title>",
        f"<style>{write_style(paints)}</style>",
        f'<rect class="ground" width="{wide}" height="{high}"/>',
    ]
    return "\n".join([*head, *parts, "</svg>"]) + "\n"


def write_picture(path: str | PathLike[str], text: str) -> None:
    """Write a picture so that it is there whole or not at all.

    Raises
    ------
    UsageError
        Where it cannot be written.
    """
    try:
        write_atomically(Path(path), text.encode())
    except OSError as error:
        raise UsageError("the drawing cannot be written", where=str(path), got=error.strerror) from None
