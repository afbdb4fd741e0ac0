"""``pellucid tune`` where files are in its way, studies are other ones, and time is short."""

import json
import sqlite3
import sys

import pytest

from pellucid.cli import main
from pellucid.cli.tune_view import tell_pace
from pellucid.errors import UsageError
from pellucid.tuning.running import Workers
from pellucid.tuning.status import Status
from pellucid.tuning.study import create_study, open_study
from pellucid.workflow.learning_curve import learning_curve
from pellucid.workflow.learning_curves.trainings import Trainings
from pellucid.workflow.tuning import ending
from pellucid.workflow.tuning.budget import Budget
from pellucid.workflow.tuning.recipe_objective import RecipeObjective
from pellucid.workflow.tuning.same_study import check_same_study
from pellucid.workflow.tuning.tune_table import tune_table
from pellucid.workflow.tuning.tuning_folder import WRITTEN, check_study_file, remove_study

ROWS = [f"{row % 7},{row * 5 % 11},{'ja' if row % 7 > 2 else 'nein'}" for row in range(40)]
QUICK = ["-t", "c", "--trials", "2", "--folds", "2", "--set", "training.epochs=2", "--quiet"]
TABLE = {"a": [float(row % 7) for row in range(40)], "y": [float(row % 7 + row % 3) for row in range(40)]}
SPACE = {"network.units": "choice(2, 3)"}


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("\n".join(["a,b,c", *ROWS]) + "\n", encoding="utf-8")
    return path


def refused(capsys, *arguments):
    assert main(["tune", *map(str, arguments)]) == 2
    told = capsys.readouterr()
    assert told.err.count("\n") == 1 and told.err.startswith("pellucid: error: ")
    return told.err


@pytest.fixture(scope="module")
def record(tmp_path_factory):
    """What the study of a small search says of itself."""
    folder = tmp_path_factory.mktemp("small")
    tune_table(TABLE, "y", space=SPACE, trials=2, folds=2, folder=folder / "out")
    with open_study(folder / "out" / "study.db") as study:
        return study.record


# -- files in the way --------------------------------------------------------------------------------------------------


def test_no_file_but_a_study_is_ever_overwritten(table, tmp_path, capsys):
    text, other = tmp_path / "notes.txt", tmp_path / "other.db"
    text.write_text("mine", encoding="utf-8")
    connection = sqlite3.connect(other)
    connection.execute("CREATE TABLE mine (a)")
    connection.commit()
    connection.close()
    (tmp_path / "folder.db").mkdir()
    before = {path: path.read_bytes() for path in (table, text, other)}
    for path in (table, text, other, tmp_path / "folder.db"):
        for more in ((), ("--overwrite",)):
            told = refused(capsys, table, *QUICK, "--out", tmp_path / "out", "--study", path, *more)
            assert str(path) in told and "choose another name" in told.lower()
    assert {path: path.read_bytes() for path in before} == before
    assert not (tmp_path / "out").exists() and not list(tmp_path.glob("*.lock"))


def test_studies_are_overwritten_damaged_ones_too_but_not_while_somebody_writes(record, tmp_path):
    path, link = tmp_path / "study.db", tmp_path / "link.db"
    with create_study(path, record), pytest.raises(UsageError, match="another process is writing"):
        remove_study(path)
    with pytest.raises(UsageError, match="--resume, or begin anew with --overwrite"):
        check_study_file(path, None, overwrite=False, resume=False)
    path.write_bytes(path.read_bytes()[:5000])
    if sys.platform != "win32":
        link.symlink_to(path)
        remove_study(link)
        assert not path.exists()
        path.touch()
    remove_study(path)
    assert not path.exists()


@pytest.mark.parametrize("name", [*WRITTEN, "best/study.db", "pictures/../best"])
@pytest.mark.parametrize("resume", [False, True])
def test_a_study_lies_nowhere_that_the_end_would_replace(name, resume, tmp_path):
    with pytest.raises(UsageError, match="would be replaced"):
        check_study_file(tmp_path / "out" / name, tmp_path / "out", overwrite=False, resume=resume)


# -- other studies -----------------------------------------------------------------------------------------------------


def test_the_setting_in_which_a_study_differs_is_named(table, tmp_path, capsys):
    given = [table, *QUICK, "--out", tmp_path / "out"]
    assert main(["tune", *map(str, given)]) == 0
    for more, words in {
        ("--set", "training.epochs=3"): ("training.epochs", "got 3, expected 2"),
        ("--folds", "3"): ("folds", "got 3, expected 2"),
        ("--space", "network.layers=1"): ("network.layers", "got 1, expected integer("),
        ("--ignore", "b"): ("table.ignore",),
        ("--seed", "1"): ("seed", "got 1, expected 0"),
    }.items():
        told = refused(capsys, *given, "--resume", *more)
        assert all(word in told for word in words) and len(told) < 400
    table.write_text(table.read_text(encoding="utf-8") + "3,3,ja\n", encoding="utf-8")
    assert "the table is not the one that the study was made with" in refused(capsys, *given, "--resume")


def test_a_study_may_go_on_for_longer(record):
    check_same_study(record, record, "here")
    for longer in ({"trials": 50}, {"time_limit": 9.0}):
        changed = type(record)(**{**vars(record), "settings": {**record.settings, **longer}})
        check_same_study(record, changed, "here")


# -- words -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--metric", "acuracy"], ["--metric: ", "'accuracy'"]),
        (["--space", "network.activation=uniform(0, 1)"], ["an activation"]),
        (["--space", "network.layers=integer(1, 100000)"], ["got 100000", "to 64"]),
    ],
)
def test_what_is_wrong_is_said_of_the_option(more, words, table, tmp_path, capsys):
    told = refused(capsys, table, *QUICK, "--out", tmp_path / "out", *more)
    assert all(word in told for word in words) and not (tmp_path / "out").exists()


def test_a_trial_that_is_none_is_said_of_the_option(record, tmp_path, capsys):
    create_study(tmp_path / "study.db", record).close()
    assert main(["study", "best", str(tmp_path / "study.db"), "--trial", "7"]) == 2
    assert capsys.readouterr().err.startswith("pellucid: error: --trial: there is no such trial")


def test_names_in_the_way_are_told_in_part(tmp_path, table, capsys):
    folder = tmp_path / "out"
    folder.mkdir()
    for number in range(8):
        (folder / f"f{number}").touch()
    assert "f4 and 3 more." in refused(capsys, table, *QUICK, "--out", folder)


# -- time --------------------------------------------------------------------------------------------------------------


def test_a_search_within_a_time_is_told_with_its_first_trials(table, tmp_path, capsys):
    space = tmp_path / "space.toml"
    space.write_text('optimizer.learning_rate = "uniform(0.01, 0.1)"\n', encoding="utf-8")
    given = [table, "-t", "c", "--folds", "2", "--set", "training.epochs=2", "--time", "5s", "--json", "--space", space]
    assert main(["tune", *map(str, given), "--out", str(tmp_path / "out")]) == 0
    found = json.loads(capsys.readouterr().out)
    ended = found["trials"]["all"] - found["trials"].get("waiting", 0)
    search = found["search"]
    assert ended >= 9 and search["trials_a_minute"] > 0
    assert search["trials_a_minute"] * search["seconds"] / 60 == pytest.approx(ended, rel=0.02)


def test_when_time_is_over_it_is_said_what_is_done_now(monkeypatch):
    budget = Budget(10.0)
    monkeypatch.setattr(budget, "spent", lambda: 9.0)
    assert 0 < budget.for_search(4.0) < 0.01  # of use to end a search with, and not to be told as time left
    counts = {"waiting": 0, "finished": 4, "pruned": 0, "failed": 0}
    for left in (0.0, 5.0):
        told = tell_pace(Status(counts, None, 6.0, left, 40.0, [], 0, 0, 0.0), threads=1)
        assert "trained anew" in told and "left" not in told
    under_way = Status({**counts, "waiting": 2}, None, 6.0, 5.0, 40.0, [], 1, 0, 0.0)
    assert "0:05 left" in tell_pace(under_way, threads=1)
    assert "0:05 left" in tell_pace(Status(dict.fromkeys(counts, 0), None, 0.1, 5.0, 0.0, [], 0, 0, 0.0), threads=1)


def test_a_network_too_large_for_the_memory_is_a_trial_that_failed(monkeypatch):
    begin = RecipeObjective.begin

    def full(self, parameters, member):
        if parameters["network.units"] == 3:
            raise MemoryError
        return begin(self, parameters, member)

    monkeypatch.setattr(RecipeObjective, "begin", full)
    found = tune_table(TABLE, "y", space={**SPACE, "optimizer.learning_rate": "uniform(0.01, 0.1)"}, trials=8, folds=2)
    failed = [trial for trial in found.trials if trial.state == "failed"]
    assert failed and all(trial.parameters["network.units"] == 3 and "memory" in trial.error for trial in failed)
    assert found.best.parameters["network.units"] == 2


# -- Ctrl-C ------------------------------------------------------------------------------------------------------------


def interrupting(monkeypatch, owner, name, times):
    """Let something be interrupted, the first times that it is called."""
    real, left = getattr(owner, name), [times]

    def interrupted(*arguments, **named):
        if left[0]:
            left[0] -= 1
            raise KeyboardInterrupt
        return real(*arguments, **named)

    monkeypatch.setattr(owner, name, interrupted)


@pytest.mark.parametrize(
    ("owner", "name"),
    [(ending, "prepare_plan"), (ending, "refit"), (ending, "compare"), (ending, "build_report"), (Workers, "join")],
)
def test_one_ctrl_c_keeps_the_best_whenever_it_comes(owner, name, monkeypatch):
    interrupting(monkeypatch, owner, name, 1)
    told = []
    found = tune_table(TABLE, "y", space=SPACE, trials=3, folds=2, on_interrupt=lambda: told.append(1))
    assert found.interrupted and told == [1] and found.best.value is not None and found.comparison.verdicts


@pytest.mark.parametrize(("owner", "name"), [(ending, "compare"), (Workers, "join")])
def test_the_second_one_stops(owner, name, monkeypatch):
    interrupting(monkeypatch, owner, name, 2)
    with pytest.raises(KeyboardInterrupt):
        tune_table(TABLE, "y", space=SPACE, trials=3, folds=2)


def test_a_curve_of_nothing_is_not_announced(monkeypatch):
    interrupting(monkeypatch, Trainings, "_step", 1)
    told = []
    with pytest.raises(KeyboardInterrupt):
        learning_curve(TABLE, "y", draws=2, points=2, on_interrupt=lambda: told.append(1))
    assert not told
