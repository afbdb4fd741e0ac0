"""The documentation as a reader uses it: blocks of code run and print what stands below them, links lead somewhere."""

from __future__ import annotations

import contextlib
import doctest
import io
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import pytest

from pellucid.cli import main
from pellucid.errors import PellucidError

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs/guide").glob("*.md"))]
FOLDERS = [ROOT / "docs", ROOT / "examples"]
LINKED = [*sorted(ROOT.glob("*.md")), *(page for folder in FOLDERS for page in sorted(folder.rglob("*.md")))]
EXAMPLES = [path for path in sorted((ROOT / "examples").glob("*.py")) if path.name != "make_tables.py"]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, its text, the line on which the text begins, and the output stated below it."""

    language: str
    text: str
    line: int
    stated: str | None


def blocks_of(page: str) -> Iterator[Block]:
    """Yield the blocks of a page; a ``text`` block states the output of the code block that it follows."""
    found = list(FENCE.finditer(page))
    for match, after in zip(found, [*found[1:], None], strict=True):
        stated = after.group(2) if after is not None and after.group(1) == "text" else None
        yield Block(match.group(1), match.group(2), page.count("\n", 0, match.start(2)) + 1, stated)


def output_of(block: Block, page: Path, names: dict) -> str:
    """Run a block of Python and return what it prints; where an output is stated, an error is a part of it."""
    printed = io.StringIO()
    code = compile("\n" * (block.line - 1) + block.text, str(page), "exec")
    with contextlib.redirect_stdout(printed):
        try:
            exec(code, names)
        except PellucidError as error:
            if block.stated is None:
                raise
            print(f"{type(error).__name__}: {error}")
    return printed.getvalue()


def same_output(stated: str, found: str) -> bool:
    """Compare outputs; ``...`` stands for anything, and spaces at the ends of lines do not count."""
    stated, found = ("\n".join(map(str.rstrip, text.strip("\n").splitlines())) + "\n" for text in (stated, found))
    return doctest.OutputChecker().check_output(stated, found, doctest.ELLIPSIS)


def commands_of(block: Block) -> Iterator[tuple[str, str]]:
    """Yield the commands of a console block, each behind ``$``, and what is stated below each."""
    for part in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
        command, _, stated = part.replace("\\\n", " ").partition("\n")
        yield command, stated


def output_of_command(command: str) -> str:
    """Run ``pellucid ...`` in this process and return what it writes, errors included."""
    program, *arguments = shlex.split(command)
    assert program == "pellucid", command
    written = io.BytesIO()
    with io.TextIOWrapper(written, encoding="utf-8", write_through=True) as stream:
        with contextlib.redirect_stdout(stream), contextlib.redirect_stderr(stream):
            main(arguments)
        return written.getvalue().decode("utf-8")


def same_report(stated: str, found: str) -> bool:
    """Compare what a command prints but for its numbers: on another processor training rounds differently."""
    stated, found = (re.sub(r"[-+]?\d[\d,.]*\d|[-+]?\d", "0", text) for text in (stated, found))
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    return doctest.OutputChecker().check_output(stated + "\n", found + "\n", flags)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_code_on_a_page_runs_and_prints_what_is_stated(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    module = ModuleType("page_of_the_guide")  # dataclasses look for the module that they are defined in
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setenv("COLUMNS", "100")
    names = vars(module)
    for block in blocks_of(page.read_text(encoding="utf-8")):
        if block.language == "console":
            for command, stated in commands_of(block):
                found = output_of_command(command)
                assert same_report(stated, found), f"{page.name}, line {block.line}, {command} prints:\n{found}"
        if block.language == "python":
            found = output_of(block, page, names)
            if block.stated is not None:
                assert same_output(block.stated, found), f"{page.name}, line {block.line}, prints:\n{found}"


def run_script(script: Path, *arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a script of the project in a folder of its own."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, str(script), *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120)


@pytest.mark.parametrize("script", EXAMPLES, ids=lambda script: script.name)
def test_an_example_runs(script, tmp_path):
    done = run_script(script, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


@pytest.mark.parametrize("script", ["make_reference.py", "make_pictures.py"])
def test_generated_pages_are_up_to_date(script, tmp_path):
    docs = ROOT / "docs"
    done = run_script(docs / script, str(tmp_path), folder=tmp_path)
    assert done.returncode == 0, done.stderr
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert written
    for path in written:
        kept = docs / path.relative_to(tmp_path)
        assert kept.read_text(encoding="utf-8") == path.read_text(encoding="utf-8"), f"{kept.name}: run `make docs`"


@pytest.mark.parametrize("page", LINKED, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_files_and_headings(page):
    text = page.read_text(encoding="utf-8")
    for link in re.findall(r"\]\(([^)#\s]*)(?:#([^)\s]*))?\)", FENCE.sub("", text)):
        target, heading = link
        if "://" in target:
            continue
        found = page.parent / target if target else page
        assert found.exists(), target
        if heading:
            anchors = [_anchor(line) for line in found.read_text(encoding="utf-8").splitlines() if line.startswith("#")]
            assert heading in anchors, f"{target}#{heading}"


def _anchor(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.lstrip("#").strip().lower()).replace(" ", "-")
