"""Two thousand good files, changed at random: each is read, or refused in one line; and nothing else ever happens.

Every change follows from the name of its file and a number, which a failure tells.
"""

import io
import sys
import time
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from bad_files import GOOD, as_csv, good_columns, good_parquet, mutate, put_in

from pellucid.cli import main
from pellucid.data.roles import infer_roles
from pellucid.data.tables.table import Table, read_table
from pellucid.data.task import infer_task
from pellucid.errors import ModelError, PellucidError
from pellucid.model import Model, load_model
from pellucid.training.checkpoint import load_checkpoint
from pellucid.workflow.plans.plan import read_plan

SECONDS, MEGABYTES = 5.0, 128
"""Of the processor's time, and of memory: what reading a small file may take at most, whatever is in it."""

try:
    import resource
except ImportError:  # Windows: there the time has to do
    resource = None  # type: ignore[assignment]

DTYPES = {"number": "if", "boolean": "b", "date": "M", "text": "O"}


def peak_memory() -> int:
    """Return the bytes that this process had in memory at most."""
    if resource is None:
        return 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak << 10


@contextmanager
def harmless(name, number):
    """Let only errors that users are told out of a block, within bounds of time and memory; yield a list of them."""
    told: list[PellucidError] = []
    began, before = time.process_time(), peak_memory()
    try:
        yield told
    except PellucidError as error:
        told.append(error)
        assert "\n" not in str(error) and len(str(error)) < 1500, f"{name} {number}: {error}"
    except BaseException as error:
        raise AssertionError(f"mutation {number} of {name}: {type(error).__name__}: {error}") from error
    used = peak_memory() - before
    assert used < MEGABYTES << 20, f"mutation {number} of {name}: {used >> 20} MB"
    assert time.process_time() - began < SECONDS, f"mutation {number} of {name} took too long"


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Run folders of a model of classes and one of numbers, as the command line leaves them."""
    folder = tmp_path_factory.mktemp("runs")
    (folder / "good.csv").write_text(GOOD, "utf-8")
    for target, other in (("kind", "price"), ("price", "kind")):
        options = ["--ignore", other, "--epochs", "1", "--hidden", "4", "-q", "--out", str(folder / target)]
        assert main(["train", str(folder / "good.csv"), "-t", target, *options]) == 0
    return folder


@dataclass(frozen=True)
class Count:
    """How many mutations were read, and how many refused."""

    read: int = 0
    refused: int = 0

    def add(self, told: list) -> "Count":
        return Count(self.read + (not told), self.refused + bool(told))


# -- tables ------------------------------------------------------------------------------------------------------------

QUOTED = 'name,size,"kind, or not",größe\n"a ""b""",1.5,x,1\n"two\nlines",-2e3,y,\nüber,NA,x,3\nd,4,y,5\n,0,x,2\n'
CSV = {
    "plain": GOOD,
    "semicolons": as_csv(good_columns(20), ";").replace("\n", "\r\n"),
    "quoted": QUOTED,
    "missing": put_in(3, "size", "", put_in(4, "colour", "NA", put_in(5, "picked", "", GOOD))),
    "dates": as_csv({"kind": ["a", "b"] * 9, "day": [f"{day}/{1 + day % 5}/2024 10:30" for day in range(9, 27)]}),
}


def parquet_files():
    def written(table, **options):
        file = io.BytesIO()
        pq.write_table(table, file, **options)
        return file.getvalue()

    good = pa.table(good_columns())
    several = pa.table(
        {
            "kind": pa.array(["u", "v", None, "u"]).dictionary_encode(),
            "day": pa.array([0, 1, 2, None], pa.date32()),
            "time": pa.array([0, 1, 2, None], pa.timestamp("us", "Europe/Paris")),
            "size": pa.array([1, 2, 3, 2**60], pa.int64()),
            "half": pa.array([0.5, None, 1, 2], pa.float32()),
        }
    )
    yield "snappy", good_parquet()
    yield "plain", written(good, compression="none", use_dictionary=False, write_statistics=False)
    yield "types", written(several, compression="none")


def check_table(table: Table) -> None:
    """See that a table is what it claims to be."""
    names = [column.name for column in table.columns]
    assert len(set(names)) == len(names) and all(names) and len(table) > 0
    for column in table.columns:
        assert column.values.shape == column.missing.shape == (len(table),)
        assert column.values.dtype.kind in DTYPES[column.kind] and column.missing.dtype == bool
        present = column.values[~column.missing]
        if column.kind == "text":
            assert all(isinstance(word, str) for word in present) and "".join(present).encode() is not None
        elif column.kind == "number":
            assert not np.isnan(present.astype(float)).any()
    assert table.where(len(table) - 1, names[-1])


def check_understanding(table: Table, model: Model) -> None:
    """See that what can be learned is found out, and that predictions are finite; or that it is told why not."""
    predicted = model.compute(table)["prediction"]
    assert np.isfinite(predicted).all() and len(predicted) == len(table)
    target = next((name for name in table.names if name.startswith("k")), table.names[-1])
    task = infer_task(table, target)
    roles = infer_roles(table, task.targets)
    assert {role.name for role in roles} | {target} == set(table.names) and any(role.used for role in roles)


def read_mutations(path, content, name, model, numbers):
    count, understood = Count(), 0
    for number in numbers:
        path.write_bytes(mutate(content, f"{name} {number}"))
        table = None
        with harmless(name, number) as told:
            table = read_table(path)
            check_table(table)
        count = count.add(told)
        assert not told or (path.name in str(told[0]) and "cannot be read as CSV" not in str(told[0])), number
        if table is not None:
            with harmless(name, number) as told:
                check_understanding(table, model)
            understood += not told
    return count, understood


@pytest.mark.parametrize("name", CSV)
def test_csv(name, runs, tmp_path):
    model = load_model(runs / "price")
    count, understood = read_mutations(tmp_path / "t.csv", CSV[name].encode(), name, model, range(150))
    assert count.read + count.refused == 150 and min(count.read, count.refused) >= 10
    assert understood >= 5 or name in ("quoted", "dates")  # which that model does not read


def test_parquet(runs, tmp_path):
    model = load_model(runs / "kind")
    total = Count()
    for name, content in parquet_files():
        count, _ = read_mutations(tmp_path / "t.parquet", content, name, model, range(100))
        total = Count(total.read + count.read, total.refused + count.refused)
    assert total.read + total.refused == 300 and min(total.read, total.refused) >= 10


# -- models, settings and checkpoints ----------------------------------------------------------------------------------


@pytest.mark.parametrize("file", ["model.json", "model.safetensors"])
@pytest.mark.parametrize("target", ["kind", "price"])
def test_models(file, target, runs, tmp_path):
    """Every change is noticed, or does not matter."""
    table = read_table(runs / "good.csv")
    whole = load_model(runs / target).compute(table)["prediction"]
    for other in ("model.json", "model.safetensors"):
        (tmp_path / other).write_bytes((runs / target / other).read_bytes())
    content, count = (runs / target / file).read_bytes(), Count()
    for number in range(125):
        changed = mutate(content, f"{file} {target} {number}")
        (tmp_path / file).write_bytes(changed)
        with harmless(file, number) as told:
            np.testing.assert_array_equal(load_model(tmp_path).compute(table)["prediction"], whole)
        count = count.add(told)
        assert not told or (isinstance(told[0], ModelError) and file in str(told[0])), number
    assert count.refused >= 100


def test_settings(runs, tmp_path):
    content, path, count = (runs / "kind" / "run.toml").read_bytes(), tmp_path / "run.toml", Count()
    for number in range(300):
        path.write_bytes(mutate(content, f"run.toml {number}"))
        with harmless("run.toml", number) as told:
            plan = read_plan(path)
            (tmp_path / "again.toml").write_text(plan.to_toml(), "utf-8")
            assert read_plan(tmp_path / "again.toml") == plan
        count = count.add(told)
        assert not told or "run.toml" in str(told[0]), number
    assert min(count.read, count.refused) >= 10  # both kinds occur


def test_checkpoints(runs, tmp_path, monkeypatch):
    """A checkpoint that was changed in any way is not gone on with."""
    kept = {}

    def keep(path, progress, fingerprint):
        save(path, progress, fingerprint)
        kept.update(content=Path(path).read_bytes(), fingerprint=fingerprint)

    from pellucid.training import checkpoint, loop

    save = checkpoint.save_checkpoint
    monkeypatch.setattr(loop, "save_checkpoint", keep)
    options = ["-t", "kind", "--epochs", "1", "--hidden", "4", "-q", "--out", str(tmp_path / "run")]
    assert main(["train", str(runs / "good.csv"), *options]) == 0
    path, refused = tmp_path / "checkpoint.safetensors", 0
    for number in range(100):
        changed = mutate(kept["content"], f"checkpoint {number}")
        path.write_bytes(changed)
        with harmless("checkpoint", number) as told:
            load_checkpoint(path, kept["fingerprint"])
        refused += bool(told)
        assert told or changed == kept["content"] or b'"digest"' in changed, number
    assert refused >= 95


# -- everything together -----------------------------------------------------------------------------------------------

COMMANDS = (
    ["train", "t.csv", "-t", "kind", "--hidden", "4", "--epochs", "1", "--out", "run", "-q"],
    ["train", "t.csv", "-t", "price", "--hidden", "4", "--epochs", "1", "--out", "run", "-q"],
    ["predict", "MODEL", "t.csv"],
    ["predict", "MODEL", "t.csv", "--probabilities", "--out", "p.parquet"],
    ["evaluate", "MODEL", "t.csv", "--json"],
    ["observe", "MODEL", "t.csv", "--row", "2", "--json"],
    ["init", "t.csv", "-t", "kind"],
)


def run_quietly(arguments):
    told, errors = io.TextIOWrapper(io.BytesIO(), "utf-8"), io.StringIO()
    with redirect_stdout(told), redirect_stderr(errors):
        code = main(arguments)
    told.flush()
    return code, told.buffer.getvalue(), errors.getvalue()


@pytest.mark.parametrize("command", range(len(COMMANDS)))
def test_commands(command, runs, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    arguments = [str(runs / "kind") if word == "MODEL" else word for word in COMMANDS[command]]
    count = Count()
    for number in range(14 if command < 2 else 36):
        Path("t.csv").write_bytes(mutate(GOOD.encode(), f"command {command} {number}"))
        code, told, errors = run_quietly(arguments)
        assert code in (0, 2), (number, errors)
        left = sorted(path.name for path in tmp_path.iterdir() if path.name != "t.csv")
        if code:
            assert errors.startswith("pellucid: error: ") and errors.count("\n") == 1, (number, errors)
            assert not told and not left, number
        else:
            assert not errors, (number, errors)
        for name in left:
            for file in Path(name).iterdir() if Path(name).is_dir() else ():
                file.unlink()
            (Path(name).rmdir if Path(name).is_dir() else Path(name).unlink)()
        count = count.add([errors] if code else [])
    assert count.read >= 2 and count.refused >= 2
