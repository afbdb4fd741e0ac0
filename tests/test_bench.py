"""The benchmark: what a command line may say, what is counted, what the page says of given figures, and a short run."""

import ctypes
import importlib.util
import json
import os
from pathlib import Path

import numpy as np
import pytest

import pellucid as pl
from pellucid.bench.material import make_examples, make_network, make_order, make_start
from pellucid.bench.page import write_page
from pellucid.bench.processes import CandidateFailed, Child, can_pin, usable_cores
from pellucid.bench.results import Facts, Measured, Outcome, Report
from pellucid.bench.run import run_benchmark
from pellucid.bench.workloads import WORKLOADS
from pellucid.cli import main
from pellucid.cli.bench_view import outcome_line, view_report
from pellucid.executors.native import peak
from pellucid.workflow.reports.layout import as_text


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--only", "tinny"], "--only: no workload is called 'tinny'. Did you mean 'tiny'?"),
        (["--peers", "jax,none"], "--peers: none goes with no other name: got 'jax,none'."),
        (["--peers", "jaxx"], "--peers: no peer is called 'jaxx'. Did you mean 'jax'?"),
        (["--cores", "first"], "--cores: not numbers of cores: got 'first', expected such as 0 or 0,1."),
        (["--cores", "99999"], "--cores: this core can not be used: got 99999"),
        (["--executor", "nativ"], "no executor is called 'nativ'. Did you mean 'native'?"),
        (["--write", "figures.html"], "Give the file the ending .md."),
        (["--write", "nowhere/figures.md"], "there is no such folder"),
        (["--onyl", "tiny"], "there is no option --onyl. Did you mean '--only'?"),
    ],
)
def test_a_mistake_on_the_command_line_is_told_at_once(arguments, told, capsys):
    assert main(["bench", *arguments]) == 2
    assert told in capsys.readouterr().err


@pytest.mark.parametrize("name", WORKLOADS)
def test_parameters_are_counted_as_the_network_has_them(name):
    workload = WORKLOADS[name]
    network = make_network(workload)
    start = make_start(workload)
    assert workload.parameters == network.count_parameters()
    assert sum(part.size for parts in vars(start).values() for part in parts) == network.count_parameters()
    assert start.weights[0].dtype == workload.dtype
    assert workload.counted_bytes >= 4 * network.count_parameters() * start.weights[0].itemsize


def test_operations_are_those_of_the_products():
    def product(rows, depth, columns):
        return 2 * rows * depth * columns

    forward = product(32, 20, 64) + product(32, 64, 64) + product(32, 64, 3)
    of_weights = product(20, 32, 64) + product(64, 32, 64) + product(64, 32, 3)
    of_inputs = product(32, 64, 64) + product(32, 3, 64)
    assert WORKLOADS["tiny"].operations == forward + of_weights + of_inputs
    assert WORKLOADS["predict-tiny"].operations == forward // 32
    assert WORKLOADS["wide"].counted_bytes == 4 * (
        4 * (784 * 2048 + 2048 + 2048 * 2048 + 2048 + 2048 * 10 + 10) + 512 * (784 + 2048 + 2048 + 10)
    )


def test_all_candidates_get_the_same_examples_and_order():
    workload = WORKLOADS["embeddings"]
    one, other = make_examples(workload), make_examples(workload)
    assert np.array_equal(one.x, other.x) and np.array_equal(one.categories, other.categories)
    assert one.x.shape == (200 * 64, 64 - 4 * 8) and one.categories.max(axis=0).tolist() == [49, 19, 99, 7]
    order = make_order(workload, 5)
    assert len(set(order.tolist())) == 5 * 64 and order.max() < len(one.x)
    assert np.array_equal(order, make_order(workload, 7)[: 5 * 64])


def made_report(missing=None):
    """Figures of a made-up run: Pellucid 4 times as fast as JAX and 30 times as fast as PyTorch."""
    tiny, wide, odd, even = (WORKLOADS[name] for name in ("tiny", "wide", "odd", "odd-even"))
    us, mb = 1e-6, 10**6
    own = Measured((5 * us, 6 * us, 4 * us), 0.12, (1.0, 0.5), 100 * mb, 150 * mb)
    jax = Measured((20 * us, 30 * us, 14 * us), 1.5, (1.0, 0.50001))
    torch = Measured((150 * us, 180 * us, 130 * us), None, (1.0, 0.5))
    large = Measured((0.06, 0.07, 0.06), 0.2, (3.0,), 100 * mb, 100 * mb + wide.counted_bytes + 70 * mb)
    half = Measured((even.operations / 100e9,), 0.1, (1.0,))
    outcomes = [
        Outcome(tiny, {"pellucid": own, "torch": torch, "jax": jax}, (250.0, 200.0), {}),
        Outcome(wide, {"pellucid": large}, (), {"jax": "ValueError: a | b"}),
        Outcome(odd, {"pellucid": Measured((odd.operations / 60e9,))}, (200.0,), {}),
        Outcome(even, {"pellucid": half}, (200.0,), {}),
    ]
    facts = Facts("A Processor", "Linux x86_64", (0, 1), True, "native", False, {"JAX": "9"}, missing or {}, 90.0)
    return Report(facts, outcomes)


def test_ratios_are_medians_of_rounds_and_times_the_smallest():
    tiny, wide, odd, _ = made_report().outcomes
    assert tiny.ratio("jax") == pytest.approx(4.0)  # of 4, 5 and 3.5
    assert tiny.ratio("torch") == pytest.approx(30.0)  # of 30, 30 and 32.5
    assert tiny.ratio("best") == pytest.approx(4.0)
    assert tiny.measured["pellucid"].seconds == 4e-6
    assert tiny.share() == pytest.approx(tiny.workload.operations / 4e-6 / 250e9)
    assert tiny.difference("jax") == pytest.approx(1e-5 / 0.50001)
    assert tiny.difference("torch") == 0
    assert wide.excess_bytes("pellucid") == 70 * 10**6
    assert wide.ratio("jax") is None and wide.ratio("best") is None and wide.share() is None
    assert made_report().share_goal(odd) == (pytest.approx(0.25), pytest.approx(0.3))


def test_the_page_says_what_was_measured_aimed_at_and_missing():
    page = write_page(made_report({"sklearn": "scikit-learn not installed; do this"}))
    lines = page.splitlines()
    (tiny,) = (line for line in lines if line.startswith("| `tiny` | 20-64-64-3, batch 32 |"))
    cells = [cell.strip() for cell in tiny.strip("|").split("|")]
    assert cells[2] == "4" and cells[5:9] == ["250, 200", "130 (30.00x)", "14 (4.00x)", cells[-1]]
    assert cells[-1] == "4.5x JAX jit + scan (short: 4.00x); 30x PyTorch eager (reached: 30.00x)"
    assert "| Pellucid | 100 | 273 | 103 | 70 | at most 100 |" in lines
    assert "| `tiny` | 0.12 | 1.50 |  |" in lines
    assert "ValueError: a / b" in page  # a bar would end the cell
    assert "`odd` is to reach half of the share of the peak of `odd-even`, 25.0 %, and has 30.0 %." in page
    assert "- scikit-learn is missing: scikit-learn not installed; do this." in lines
    assert "- Processor: A Processor, Linux x86_64; pinned to cores 0, 1." in lines
    assert "mean nothing" not in page
    assert page.isascii() and page.endswith("\n")
    tables = [line for line in lines if line.startswith("|")]
    for table in "\n".join(line if line.startswith("|") else "" for line in lines).split("\n\n"):
        rows = [line for line in table.strip().splitlines() if line]
        assert len({line.count("|") for line in rows}) <= 1, table
    assert len(tables) > 12


def test_what_is_printed_says_the_same():
    report = made_report({"sklearn": "scikit-learn not installed; do this"})
    text = as_text(view_report(report), 100)
    assert "goal 4.5x JAX jit + scan: short, 4.00x" in text
    assert "goal 30x PyTorch eager: reached, 30.00x" in text
    assert "goal half the share of odd-even, 25.0%: reached, 30.0%" in text
    assert "Pellucid: 70 MB above what is counted" in text
    assert "scikit-learn not installed; do this" in " ".join(text.split())
    assert outcome_line(report.outcomes[0]) == "tiny: 4 us, 30.00x PyTorch eager, 4.00x JAX jit + scan"
    assert max(map(len, as_text(view_report(report), 80).splitlines())) <= 80


def test_a_quick_run_compares_with_the_peers_that_are_there(monkeypatch, tmp_path, capsys):
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *more: None if name == "torch" else found(name, *more)
    )
    page = tmp_path / "page.md"
    arguments = ["--quick", "--only", "odd", "--peers", "torch,sklearn", "--executor", "interpret"]
    assert main(["bench", *arguments, "--write", str(page), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["missing"] == {"torch": "torch not installed; pip install 'pellucid[bench]' does it"}
    assert told["versions"]["Pellucid"] == pl.__version__
    (odd,) = told["workloads"]
    assert set(odd["candidates"]) == {"pellucid", "sklearn"}
    assert len(odd["peaks"]) == 2 and min(odd["peaks"]) > 0
    for candidate in odd["candidates"].values():
        assert len(candidate["rounds"]) == 2 and min(candidate["rounds"]) == candidate["microseconds"] > 0
    assert odd["candidates"]["sklearn"]["difference"] < 1e-5
    text = page.read_text(encoding="utf-8")
    assert "| `odd` | 13-37-5, batch 17 |" in text and "PyTorch eager is missing: torch not installed" in text
    assert "**A quick run" in text


def test_a_candidate_runs_on_its_core_and_tells_what_is_wrong():
    workload, core = WORKLOADS["tiny"].shortened(), usable_cores()[-1]
    with Child("pellucid", workload, [core], "no_executor") as child:
        if can_pin():
            assert os.sched_getaffinity(child.process_id) == {core}
        with pytest.raises(CandidateFailed, match="no executor is called 'no_executor'"):
            child.ask("prepare")


def test_a_failing_candidate_leaves_a_note_and_an_exit_code(monkeypatch, capsys):
    monkeypatch.setattr("pellucid.cli.bench.check_executor", lambda name: None)
    assert main(["bench", "--quick", "--only", "tiny", "--peers", "none", "--executor", "no_executor"]) == 1
    assert "Pellucid: UsageError: executor: no executor is called 'no_executor'." in capsys.readouterr().out


def test_too_few_cores_are_no_failure(capsys):
    assert main(["bench", "--quick", "--only", "wide-2", "--peers", "none", "--cores", str(usable_cores()[0])]) == 0
    assert "Pellucid: needs 2 cores" in capsys.readouterr().out


@pytest.mark.parametrize(("element", "number"), [("float", ctypes.c_float), ("double", ctypes.c_double)])
def test_the_loop_that_measures_the_peak_does_the_operations_that_it_counts(element, number):
    run, operations = peak._compiled(element)
    lanes = 64 // ctypes.sizeof(number)
    lanes = min(lanes, peak.host().lanes(element))
    chains = operations // (2 * peak.UNROLLED * lanes)
    rounds = 2
    sums = (number * lanes)()
    run(rounds, ctypes.addressof(sums))
    # Each chain begins with its number and goes half of the way to 1/2 with every multiply-add.
    expected = sum(0.5 + (chain - 0.5) * 0.5 ** (peak.UNROLLED * rounds) for chain in range(chains))
    assert list(sums) == pytest.approx([expected] * lanes)


def test_the_page_is_where_the_guide_says():
    guide = Path(__file__).parent.parent / "docs" / "guide" / "7-command-line.md"
    assert "\n## Bench\n" in guide.read_text(encoding="utf-8")  # the page that is written links to it
    assert "(guide/7-command-line.md#bench)" in write_page(made_report())


@pytest.mark.long
@pytest.mark.parametrize("peer", ["torch", "jax", "sklearn"])
def test_peers_learn_the_same(peer):
    names = ("tiny", "population", "bottleneck", "dropout", "embeddings", "multilabel", "float64", "predict-tiny")
    chosen = [WORKLOADS[name] for name in names]
    report = run_benchmark(chosen, [peer], usable_cores()[:2], "interpret", quick=True)
    measured = [found for found in report.outcomes if peer in found.measured]
    assert measured or report.facts.missing
    for found in measured:
        assert found.difference(peer) < 1e-4, found.workload.name
    notes = {name: note for found in report.outcomes for name, note in found.notes.items()}
    assert set(notes.values()) <= {"has no dropout", "has no embeddings", "needs 2 cores"}
