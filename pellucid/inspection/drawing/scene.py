"""A picture as pieces that appear one after the other: whole, or frame by frame."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pellucid.inspection.drawing.svg import break_lines, coordinate, paint_text, wrap_picture

CAPTION, HEADING, MARGIN = 12.0, 13.0, 24.0
NARROWEST, LINES = 560.0, 3
"""How wide a frame is at least, and how many lines its caption may have."""

_CAPTIONS = {"heading": "fill: {ink}; font-weight: bold", "told": "fill: {ink}"}


@dataclass(frozen=True)
class Part:
    """A piece of a picture.

    Attributes
    ----------
    text : str
        SVG.
    since : int
        The first frame that it is seen in.
    only : bool
        Whether it is seen in that frame alone. The picture as a whole does without it.
    """

    text: str
    since: int = 0
    only: bool = False


@dataclass(frozen=True)
class Caption:
    """What happens in a frame: in a few words, and in numbers."""

    heading: str
    told: str


@dataclass(frozen=True)
class Scene:
    """A picture and its frames.

    Attributes
    ----------
    title : str
    paints : mapping of str to str
        How each class is painted; see :func:`pellucid.inspection.drawing.svg.write_style`.
    width, height : float
    parts : tuple of Part
        From the lowest to the uppermost.
    captions : tuple of Caption
        One for each frame; none where the scene has no frames.
    shift : float
        How far all parts are moved to the right and down.
    """

    title: str
    paints: Mapping[str, str]
    width: float
    height: float
    parts: tuple[Part, ...]
    captions: tuple[Caption, ...] = ()
    shift: float = 0.0

    def picture(self) -> str:
        """Return the whole picture as SVG text."""
        lasting = [part.text for part in self.parts if not part.only]
        return wrap_picture(self.title, self.paints, self.width, self.height, self.moved(lasting))

    def frame(self, number: int) -> str:
        """Return one frame as SVG text, with its caption below."""
        width = max(self.width, NARROWEST)
        caption = self.captions[number]
        y = self.height
        heading = f"{number + 1}/{len(self.captions)}  {caption.heading}"
        lines = [paint_text("heading", MARGIN, y, HEADING, *break_lines(heading, HEADING, width - 2 * MARGIN, 1))]
        for line in break_lines(caption.told, CAPTION, width - 2 * MARGIN, LINES):
            y += 1.5 * CAPTION
            lines.append(paint_text("told", MARGIN, y, CAPTION, line))
        parts = self.moved([part.text for part in self.seen_in(number)])
        height = self.height + (LINES + 1) * 1.5 * CAPTION
        title = f"{self.title}, {caption.heading}"
        return wrap_picture(title, {**self.paints, **_CAPTIONS}, width, height, [*parts, *lines])

    def seen_in(self, number: int) -> list[Part]:
        """Return the parts that are seen in a frame."""
        return [part for part in self.parts if (part.since == number if part.only else part.since <= number)]

    def moved(self, texts: list[str]) -> list[str]:
        """Return parts where they stand in the picture."""
        if not self.shift:
            return texts
        by = coordinate(self.shift)
        return [f'<g transform="translate({by} {by})">', *texts, "</g>"]
