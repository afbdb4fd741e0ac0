"""The gallery: each script runs, its assertions hold, and its page shows all of them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from matplotlib.figure import Figure

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "docs"))

import make_gallery  # noqa: E402

NAMES = [name for names in make_gallery.CHAPTERS.values() for name in names]


@pytest.mark.parametrize("name", NAMES)
def test_a_script_shows_what_it_says(name):
    module = make_gallery.load(name)
    title, text = make_gallery.describe(module)
    assert title and "\n" not in title and len(text) > 100
    picture = module.main()  # with its assertions
    assert isinstance(picture, Figure) or picture.startswith("<svg")


def test_all_scripts_are_shown_and_the_page_is_there():
    assert sorted(NAMES) == sorted(path.stem for path in make_gallery.SCRIPTS.glob("*.py"))
    page = (ROOT / "docs" / "gallery.md").read_text(encoding="utf-8")
    for name in NAMES:
        assert f"../examples/gallery/{name}.py" in page
        assert any((ROOT / "docs" / "pictures" / "gallery" / f"{name}.{kind}").exists() for kind in ("png", "svg"))
