"""A desk with good tables and models on it, and the one way in which a command may refuse."""

import shutil
import warnings

import bad_files as bad
import pytest
from bad_files import GOOD

from pellucid.cli import main

QUICK = ["--epochs", "1", "--hidden", "4", "-q"]
TRAIN = ["train", "good.csv", "-t", "kind"]
ROW = ["--row", "3"]
LOADERS = (["predict", "model", "good.csv"], ["evaluate", "model", "good.csv"], ["show", "model", "--json"])
LOADERS += (["observe", "model", "good.csv", *ROW], [*TRAIN, "--from", "model", "--out", "run"])
"""The commands that read a model."""

MEND = "Mend the cell"


@pytest.fixture(scope="session")
def good(tmp_path_factory):
    """A folder with good tables, a model of classes and one of numbers."""
    folder = tmp_path_factory.mktemp("good")
    (folder / "good.csv").write_text(GOOD, "utf-8")
    (folder / "good.parquet").write_bytes(bad.good_parquet())
    table, weighed = str(folder / "good.csv"), ["--ignore", "kind", "--weight", "weight"]
    assert main(["train", table, "-t", "kind", "--ignore", "price", "--out", str(folder / "model"), *QUICK]) == 0
    assert main(["train", table, "-t", "price", *weighed, "--out", str(folder / "numbers"), *QUICK]) == 0
    for name in ("history.jsonl", "curves.png"):
        (folder / "model" / name).unlink()
    return folder


@pytest.fixture
def desk(good, tmp_path, monkeypatch):
    """A copy of it to work in, which is the current folder."""
    desk = shutil.copytree(good, tmp_path / "desk")
    monkeypatch.chdir(desk)
    return desk


@pytest.fixture
def refuse(desk, capsys):
    """Run a command that has to refuse, and say all of `words` in one line."""

    def run(arguments, *words, printed=False):
        before = dict(bad.walk(desk))
        with warnings.catch_warnings():
            warnings.simplefilter("error", RuntimeWarning)  # it would be a line of its own
            code = main(list(arguments))
        told, errors = capsys.readouterr()
        assert code == 2, (arguments, errors)
        assert errors.startswith("pellucid: error: ") and errors.endswith((".\n", "?\n")), errors
        assert errors[:-1].isprintable() and len(errors) < 700 and "Traceback" not in errors, errors
        for word in words:
            assert word in errors, (word, errors)
        assert printed or not told, told
        assert dict(bad.walk(desk)) == before

    return run
