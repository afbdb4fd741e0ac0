"""Run the gallery's scripts and write its page: `python docs/make_gallery.py [DIRECTORY]`.

The directory is the one of this file if none is given; the page is `gallery.md` in it, the pictures are in
`pictures/gallery`.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

SCRIPTS = Path(__file__).resolve().parent.parent / "examples" / "gallery"

CHAPTERS = {
    "Learning as descent": ("coin_toss", "three_paths", "ravine", "full_batches"),
    "Single neurons": ("perceptron", "spam_filter"),
    "What hidden layers do": ("xor", "rings", "half_planes", "linear_regions", "deep_linear", "small_weights"),
    "Back-propagation": ("by_hand", "gates", "cost_of_gradients", "vanishing_gradient", "shortcuts", "own_activation"),
    "Learning and generalizing": ("overfitting", "bias_and_variance", "autoencoder"),
    "Trial and error": ("grid_and_random", "halving", "what_matters"),
}
"""The scripts in the order in which they are shown."""

HEAD = """# Gallery

Each picture is made by a script of about a page in [examples/gallery](../examples/gallery), which also asserts what it
shows. Run one with `python examples/gallery/xor.py`: it writes its picture into the current folder. This page is
written by `make docs`.
"""


def load(name: str) -> ModuleType:
    """Return a script of the gallery as a module."""
    spec = importlib.util.spec_from_file_location(f"gallery_{name}", SCRIPTS / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def describe(module: ModuleType) -> tuple[str, str]:
    """Return the title and the text of a script: the first line of its docstring, and the rest."""
    title, _, text = (module.__doc__ or "").strip().partition("\n\n")
    return title, text.strip()


def write_picture(picture: Any, folder: Path, name: str) -> str:
    """Write what a script returns, an SVG as text or a figure of Matplotlib; return the file's name."""
    if isinstance(picture, str):
        (folder / f"{name}.svg").write_text(picture, encoding="utf-8")
        return f"{name}.svg"
    picture.savefig(folder / f"{name}.png", dpi=110, facecolor="white", metadata={"Software": None})
    return f"{name}.png"


def main(directory: Path) -> None:
    """Run all scripts and write the page."""
    folder = directory / "pictures" / "gallery"
    folder.mkdir(parents=True, exist_ok=True)
    page = [HEAD]
    for chapter, names in CHAPTERS.items():
        page.append(f"## {chapter}\n")
        for name in names:
            module = load(name)
            title, text = describe(module)
            file = write_picture(module.main(), folder, name)
            page += [f"### {title}\n", f"{text}\n", f"![{title}](pictures/gallery/{file})\n"]
            page.append(f"Script: [{name}.py](../examples/gallery/{name}.py)\n")
    (directory / "gallery.md").write_text("\n".join(page), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent)
