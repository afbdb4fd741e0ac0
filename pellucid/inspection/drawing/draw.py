"""Drawing an observation as SVG: as a computational graph or as a network of units, whole or frame by frame."""

from __future__ import annotations

import math
from os import PathLike
from typing import TYPE_CHECKING

from pellucid.errors import UsageError, nearest
from pellucid.inspection.drawing.frames import Frames
from pellucid.inspection.drawing.graph_figure import WIDEST, graph_scene
from pellucid.inspection.drawing.network_figure import network_scene
from pellucid.inspection.drawing.scene import Scene
from pellucid.inspection.drawing.svg import write_picture

if TYPE_CHECKING:
    from pellucid.inspection.observation import Observation

VIEWS = ("graph", "neurons")
NARROWEST = 300.0
"""The least width that can be asked for, in pixels."""


def draw(
    observation: Observation,
    path: str | PathLike[str] | None = None,
    view: str = "graph",
    width: float = WIDEST,
) -> str | None:
    """Draw an observation; write it to `path`, or return the SVG text where there is none.

    What `view` and `width` mean is told at :meth:`pellucid.inspection.observation.Observation.draw`.
    """
    text = _scene(observation, view, width, frames=False).picture()
    if path is None:
        return text
    write_picture(path, text)
    return None


def draw_frames(
    observation: Observation,
    folder: str | PathLike[str] | None = None,
    view: str = "graph",
    width: float = WIDEST,
) -> Frames:
    """Draw the forward and the backward pass of an observation; write the frames into `folder` if there is one."""
    frames = Frames(_scene(observation, view, width, frames=True))
    if folder is not None:
        frames.write_folder(folder)
    return frames


def _scene(observation: Observation, view: str, width: float, frames: bool) -> Scene:
    if view not in VIEWS:
        expected = " or ".join(map(repr, VIEWS))
        raise UsageError("no such view", where="view", got=repr(view), expected=expected, fix=nearest(str(view), VIEWS))
    if not isinstance(width, int | float) or not math.isfinite(width) or width < NARROWEST:
        raise UsageError("no such width", where="width", got=repr(width)[:80], expected=f"{NARROWEST:g} pixels or more")
    if view == "neurons":
        return network_scene(observation)
    return graph_scene(observation, frames, width)
