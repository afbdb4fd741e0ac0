"""The forward and the backward pass of an observation as frames, each a picture of its own."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import overload

from pellucid.errors import UsageError
from pellucid.inspection.drawing.player import write_page, write_player
from pellucid.inspection.drawing.scene import Caption, Scene
from pellucid.inspection.drawing.svg import write_picture


class Frames(Sequence[str]):
    """Pictures as SVG texts, one after the other: values appear, then gradients flow back.

    In a notebook they are a player with buttons and keys. Made by :meth:`pellucid.Observation.frames`.

    Attributes
    ----------
    captions : tuple of Caption
        What happens in each: `heading`, and `told` in numbers.
    """

    def __init__(self, scene: Scene):
        self._scene = scene
        self.captions: tuple[Caption, ...] = scene.captions

    def __len__(self) -> int:
        return len(self.captions)

    @overload
    def __getitem__(self, number: int) -> str: ...
    @overload
    def __getitem__(self, number: slice) -> list[str]: ...
    def __getitem__(self, number: int | slice) -> str | list[str]:
        chosen = range(len(self))[number]
        return self._scene.frame(chosen) if isinstance(chosen, int) else [self._scene.frame(each) for each in chosen]

    def __repr__(self) -> str:
        return f"<{len(self)} frames of {self._scene.title}>"

    def _repr_html_(self) -> str:
        return write_player(self._scene)

    def write_folder(self, folder: str | PathLike[str]) -> None:
        """Write ``frame-01.svg`` and so on into a folder, which is made if it is not there.

        Raises
        ------
        UsageError
            Where they cannot be written.
        """
        place = Path(folder)
        try:
            place.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError("the folder cannot be made", where=str(folder), got=error.strerror) from None
        digits = len(str(len(self)))
        for number, text in enumerate(self, 1):
            write_picture(place / f"frame-{number:0{max(digits, 2)}}.svg", text)

    def write_page(self, path: str | PathLike[str]) -> None:
        """Write one HTML page with a player: buttons, a slider, and keys (arrows, Home, End, space).

        It loads nothing; without scripts it is a strip of all frames.

        Raises
        ------
        UsageError
            Where it cannot be written.
        """
        write_picture(path, write_page(self._scene))
