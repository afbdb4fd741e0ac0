"""How the command line reads: in narrow terminals and pipes, its help, other systems, and Ctrl-C at any time."""

import io
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pellucid import early
from pellucid.cli import entry, main
from pellucid.cli.app import app

ROOT = Path(__file__).resolve().parent.parent
WINE = str(ROOT / "examples" / "tables" / "wine.csv")
COMMANDS = [command.name for command in app.registered_commands]
ENVIRONMENT = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "FORCE_COLOR")} | {
    "PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]),
    "OMP_NUM_THREADS": "1",
}


@pytest.fixture(scope="module")
def wine(tmp_path_factory):
    folder = tmp_path_factory.mktemp("output") / "wine"
    assert main(["train", WINE, "--target", "cultivar", "--out", str(folder), "--epochs", "4", "-q"]) == 0
    return str(folder)


def test_the_commands_are_those_of_the_documentation():
    expected = [
        "train",
        "tune",
        "study",
        "learning-curve",
        "predict",
        "evaluate",
        "observe",
        "check",
        "report",
        "show",
        "init",
        "bench",
    ]
    assert [*expected, "bench tune"] == COMMANDS


@pytest.mark.parametrize("columns", [40, 80, 120])
@pytest.mark.parametrize("command", [None, *COMMANDS])
def test_help_fits_and_has_examples(command, columns, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", str(columns))
    assert main([*command.split(), "--help"] if command else []) == 0
    told = capsys.readouterr().out
    assert max(map(len, told.splitlines())) <= columns and "\x1b" not in told
    if command is None:
        assert all(name in told for name in COMMANDS)
    else:
        examples = " ".join(told.partition("Examples")[2].split())
        assert f"pellucid {command} " in examples


def test_help_of_train_names_every_option_and_how_settings_go_together(monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "100")
    assert main(["train", "--help"]) == 0
    told = capsys.readouterr().out
    options = "target task separator ignore weight group time-order test folds hidden epochs metric time seed from"
    options += " config set out overwrite resume quiet json"
    assert all(f"--{option} " in told for option in options.split())
    assert "pellucid init" in told and "--config, then" in " ".join(told.split())


@pytest.mark.parametrize("columns", [40, 60])
def test_everything_fits_into_a_narrow_terminal(wine, columns, monkeypatch, capsys, tmp_path):
    monkeypatch.setenv("COLUMNS", str(columns))
    lines = {
        "train": ["train", WINE, "-t", "cultivar", "--out", str(tmp_path / "run"), "--epochs", "2"],
        "evaluate": ["evaluate", wine, WINE],
        "show": ["show", wine],
        "observe": ["observe", wine, WINE, "--row", "0"],
        "node": ["observe", wine, WINE, "--row", "0", "--node", "dense_1/gelu"],
    }
    for name, arguments in lines.items():
        assert main(arguments) == 0
        told, errors = capsys.readouterr()
        assert max(map(len, told.splitlines())) <= columns, name
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f]", told) and not errors


def test_wrong_commands_name_the_nearest_one(capsys):
    for wrong, right in (("evalute", "evaluate"), ("shw", "show"), ("obsrve", "observe"), ("int", "init")):
        assert main([wrong]) == 2
        assert f"Did you mean '{right}'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "right"),
    [
        (["show", "m", "--jason"], "--json"),
        (["evaluate", "m", "t", "--wieght", "w"], "--weight"),
        (["observe", "m", "t", "--rwo", "1"], "--row"),
        (["train", "t", "--time-oder", "d"], "--time-order"),
        (["init", "t", "--taget", "y"], "--target"),
    ],
)
def test_wrong_options_name_the_nearest_one(arguments, right, capsys):
    assert main(arguments) == 2
    told, errors = capsys.readouterr()
    assert f"Did you mean '{right}'" in errors and errors.count("\n") == 1 and not told


# -- other systems ---------------------------------------------------------------------------------------------------


class Console(io.TextIOWrapper):
    """A terminal that lacks most letters, as those of Windows may."""

    def __init__(self):
        super().__init__(io.BytesIO(), encoding="cp1252", write_through=True)


def test_an_output_that_lacks_letters(wine, monkeypatch, tmp_path):
    out, err = Console(), Console()
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stderr", err)
    assert main(["train", WINE, "-t", "cultivar", "--out", str(tmp_path / "run"), "--epochs", "1"]) == 0
    assert main(["show", wine]) == 0 and main(["train", WINE, "-t", "цвет"]) == 2
    told = out.buffer.getvalue().decode("cp1252")
    assert "Written to" in told and "?" in told and "?" in err.buffer.getvalue().decode("cp1252")


def test_data_are_in_utf_8_whatever_the_system_speaks(monkeypatch, tmp_path):
    path = tmp_path / "t.csv"
    path.write_text(
        "größe,цвет\n" + "".join(f"{row % 7}.5,{'синий' if row % 2 else 'a'}\n" for row in range(60)), "utf-8"
    )
    out = Console()
    monkeypatch.setattr(sys, "stdout", out)
    assert main(["init", str(path), "--target", "цвет"]) == 0
    assert '"größe"' in out.buffer.getvalue().decode("utf-8") and "цвет" in out.buffer.getvalue().decode("utf-8")


def test_a_system_without_the_signal_to_terminate(monkeypatch, capsys):
    monkeypatch.delattr(signal, "SIGTERM")
    assert main(["--version"]) == 0


@pytest.mark.parametrize("error", [BrokenPipeError(32, "Broken pipe"), OSError(22, "Invalid argument")])
def test_a_closed_pipe_without_a_file_behind_it(error, monkeypatch, capsys):
    class Closed(io.StringIO):
        def flush(self):
            raise error

    if error.errno == 22:
        monkeypatch.setattr(entry.os, "name", "nt")
    monkeypatch.setattr(sys, "stdout", Closed())
    assert main(["--version"]) == entry.BROKEN_PIPE


# -- Ctrl-C ----------------------------------------------------------------------------------------------------------


def test_which_processes_are_the_command():
    assert early.is_command(["C:\\Python\\python.exe", "-m", "pellucid", "train"])
    assert early.is_command(["/venv/bin/python", "/venv/bin/pellucid", "train"])
    assert not early.is_command(["/venv/bin/python", "-m", "pytest", "pellucid"])
    assert not early.is_command(["python", "-c", "import pellucid"])


INTERRUPTED_AT = """
import runpy, sys

library, sys.argv[:] = sys.argv[1], ["pellucid", "train", sys.argv[2]]

class CtrlC:
    def find_spec(self, name, path=None, target=None):
        if name == library:
            raise KeyboardInterrupt

sys.meta_path.insert(0, CtrlC())
sys.orig_argv = ["pellucid"]
runpy.run_module("pellucid", run_name="__main__")
"""


@pytest.mark.parametrize("library", ["numpy", "pellucid.nn.network", "pellucid.cli.entry", "typer", "rich", "pyarrow"])
def test_ctrl_c_while_a_library_loads_is_one_line(library):
    command = [sys.executable, "-c", INTERRUPTED_AT, library, WINE]
    done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, timeout=60)
    assert done.returncode == entry.INTERRUPTED
    assert done.stderr == "pellucid: interrupted; nothing was written\n" and not done.stdout


def test_what_libraries_make_of_ctrl_c_is_no_fault(monkeypatch, capsys):
    def fail(*arguments, **settings):
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt:
            raise SystemError("returned a result with an exception set") from None

    monkeypatch.setattr(sys.modules["pellucid.cli.show"], "load_model", fail)
    assert main(["show", "model"]) == entry.INTERRUPTED
    assert capsys.readouterr().err == "pellucid: interrupted; nothing was written\n"
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_ctrl_c_waits_for_an_import_that_would_swallow_it(monkeypatch, tmp_path, capsys):
    (tmp_path / "interrupted_module.py").write_text("import signal\nsignal.raise_signal(signal.SIGINT)\nWHOLE = True\n")
    monkeypatch.syspath_prepend(tmp_path)

    def load(*arguments, **settings):
        try:
            import interrupted_module
        except BaseException:
            pytest.fail("half of a module was imported")
        assert interrupted_module.WHOLE
        while time.perf_counter() < began + 30:
            time.sleep(0.01)

    monkeypatch.setattr(sys.modules["pellucid.cli.show"], "load_model", load)
    began = time.perf_counter()
    assert main(["show", "model"]) == entry.INTERRUPTED
    assert time.perf_counter() < began + 30
    assert capsys.readouterr().err == "pellucid: interrupted; nothing was written\n"


@pytest.mark.parametrize("arguments", [["--help"], ["train", "--help"]])
def test_help_into_a_pipe_that_is_closed_is_no_fault(arguments):
    command = [sys.executable, "-u", "-m", "pellucid", *arguments]
    process = subprocess.Popen(command, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    process.stdout.close()
    assert process.stderr.read() == "" and process.wait(timeout=60) == entry.BROKEN_PIPE
    process.stderr.close()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["predict", "model"], "Missing argument 'TABLE'. pellucid predict --help tells more."),
        (["observe", "model", "t.csv"], "one thing is observed: got none of them, expected --row N or --step N."),
        (["train", "t.csv", "-t"], "Option '-t' requires an argument. pellucid --help tells more."),
    ],
)
def test_what_is_missing_on_a_command_line_is_told_with_where_to_look(arguments, told, capsys):
    assert main(arguments) == 2
    assert capsys.readouterr().err == f"pellucid: error: {told}\n"


def test_other_errors_while_libraries_load_are_told_as_python_does(capsys):
    early.end_in_one_line(ValueError, ValueError("no such thing"), None)
    assert "ValueError: no such thing" in capsys.readouterr().err
