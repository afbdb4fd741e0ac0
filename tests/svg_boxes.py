"""Where the letters of an SVG picture really are: measured with the outlines of DejaVu Sans Mono, turned ones too."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from xml.etree import ElementTree

import matplotlib
import numpy as np
from matplotlib.ft2font import FT2Font

SVG = "{http://www.w3.org/2000/svg}"


@cache
def _font() -> FT2Font:
    font = FT2Font(str(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSansMono.ttf"))
    font.set_size(64, 72)
    return font


@cache
def ink(text: str) -> tuple[float, float, float]:
    """Width, height above the line and depth below it, for letters of size 1."""
    font = _font()
    font.set_text(text, 0.0)
    width, height = (side / 64 / 64 for side in font.get_width_height())
    depth = font.get_descent() / 64 / 64
    return width, height - depth, depth


@dataclass(frozen=True)
class Text:
    """A line of text: what it says, its class, its size, and the corners of the box of its letters."""

    said: str
    kind: str
    size: float
    corners: np.ndarray

    def overlaps(self, other: Text) -> bool:
        """Whether the boxes, turned or not, share a point: none of their sides' directions separates them."""
        for box in (self.corners, other.corners):
            for side in (box[1] - box[0], box[3] - box[0]):
                one, two = self.corners @ side, other.corners @ side
                if one.max() <= two.min() or two.max() <= one.min():
                    return False
        return True


def texts_of(svg: str) -> list[Text]:
    """All texts of a picture, where their transformations put them."""
    found: list[Text] = []
    _walk(ElementTree.fromstring(svg), np.eye(3), found)
    return found


def overlapping(texts: list[Text]) -> list[str]:
    """Tell which texts cover others."""
    if not texts:
        return []
    lows = np.array([text.corners.min(axis=0) for text in texts])
    highs = np.array([text.corners.max(axis=0) for text in texts])
    near = ((lows[:, None] < highs[None]) & (lows[None] < highs[:, None])).all(axis=2)
    return [
        f"{texts[i].said!r} and {texts[j].said!r}"
        for i, j in zip(*np.nonzero(np.triu(near, 1)), strict=True)
        if texts[i].overlaps(texts[j])
    ]


def outside(svg: str, texts: list[Text]) -> list[str]:
    """Tell which texts reach out of the picture."""
    size = np.array([float(part) for part in ElementTree.fromstring(svg).get("viewBox").split()[2:]])
    return [text.said for text in texts if (text.corners < 0).any() or (text.corners > size).any()]


def _walk(element: ElementTree.Element, matrix: np.ndarray, found: list[Text]) -> None:
    for name, numbers in re.findall(r"(translate|rotate)\(([^)]*)\)", element.get("transform") or ""):
        given = [float(number) for number in numbers.replace(",", " ").split()]
        step = np.eye(3)
        if name == "translate":
            step[:2, 2] = given
        else:
            turn = np.radians(given[0])
            step[:2, :2] = [[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]
        matrix = matrix @ step
    if element.tag == SVG + "text":
        found.append(_measure(element, matrix))
    for child in element:
        _walk(child, matrix, found)


def _measure(element: ElementTree.Element, matrix: np.ndarray) -> Text:
    said = " ".join("".join(element.itertext()).split())
    size, x, y = (float(element.get(name)) for name in ("font-size", "x", "y"))
    width, up, down = (side * size for side in ink(said))
    left = x - {"middle": width / 2, "end": width}.get(element.get("text-anchor", ""), 0.0)
    box = np.array([[left, y - up], [left + width, y - up], [left + width, y + down], [left, y + down]])
    corners = (matrix @ np.column_stack([box, np.ones(4)]).T).T[:, :2]
    return Text(said, element.get("class", ""), size, corners)
