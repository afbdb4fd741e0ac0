"""docs/benchmarks.md: the figures of a run as a page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pellucid.bench.peers import PEERS
from pellucid.bench.results import Outcome, Report
from pellucid.bench.workloads import BEST, FIRST

TEXT = """\
# Benchmarks

What one training step takes in Pellucid and in other frameworks. `pellucid bench` writes this page; the
[guide](guide/7-command-line.md#bench) says how to run it.

{facts}

One epoch is: a new order of the examples, and for each mini-batch gathering its rows, forward, mean loss, backward and
Adam's update. Hidden layers are rectifiers. Everything is warm; what compiling took stands apart. Every candidate
runs in a fresh process that is bound to the cores before it imports anything, with thread settings to match; all take
turns for {rounds} rounds. Times are the smallest of all rounds; ratios are medians of the ratios of each round, and say
how many times as fast as the peer Pellucid is. GFLOP/s count the products alone, 2 x inputs x outputs x batch for each
of forward, gradient of the weights and (but for the first layer) gradient of the inputs. The peak is that of a plain
loop of fused multiply-adds on the same cores, measured before and after each workload; shares are of the larger one.

## Training

{first}

`wide-2` and `population` run on two cores. `population` trains 256 networks with an order of examples each, in
microseconds a step of one network: batched products in PyTorch, `vmap` around the scan in JAX, processes for
scikit-learn (of which {part} networks stand for all).

## Beyond them

{beyond}

Here the goal is to be at least as fast as the fastest peer.{shares}

## Prediction of one row

{prediction}

From an array to an array of probabilities, microseconds a call.

## Compiling

{compiling}

Seconds for building, compiling and the first step; of JAX for compiling alone.

## The same losses

{same}

All candidates start from the same first parameters and take the same examples in the same order, without dropout. What
is compared: the losses of the first steps; of the population each network's mean loss of its first epoch; of
predictions the probabilities. scikit-learn's Adam adds its epsilon elsewhere; here it is scaled at
each step so that it is the same. It cuts probabilities off at about 1e-7 in the loss that it tells (not in the
gradient), so that large losses, as in `wide`, come out smaller.

## Memory of `wide`

{memory}
"""

POPULATION_PART = 8

Cells = Sequence[str]


def write_page(report: Report) -> str:
    """Return the page in Markdown.

    Parameters
    ----------
    report : Report
        Of all workloads or some of them.
    """
    training = [each for each in report.outcomes if not each.workload.predicts]
    first = [each for each in training if each.workload.name in FIRST]
    beyond = [each for each in training if each.workload.name not in FIRST]
    predicting = [each for each in report.outcomes if each.workload.predicts]
    peers = _peers(report)
    shares = [line for each in beyond if (line := _share_line(report, each))]
    return TEXT.format(
        facts=_facts(report),
        rounds=max((len(found.rounds) for each in report.outcomes for found in each.measured.values()), default=0),
        first=_training(first, peers),
        part=POPULATION_PART,
        beyond=_training(beyond, peers),
        shares="".join(f" {line}" for line in shares),
        prediction=_prediction(predicting, peers),
        compiling=_compiling(training, peers),
        same=_same(report, peers),
        memory=_memory(report, peers),
    )


def _peers(report: Report) -> list[str]:
    return [name for name in PEERS if any(name in each.measured for each in report.outcomes)]


def _facts(report: Report) -> str:
    facts = report.facts
    usual = [each for each in report.outcomes if each.workload.dtype == "float32" and each.workload.threads == 1]
    peaks = [peak for each in usual for peak in each.peaks]
    cores = ", ".join(map(str, facts.cores))
    lines = [
        f"Processor: {facts.processor}, {facts.system}; {'pinned to' if facts.pinned else 'not pinned, of'} "
        f"core{'s' if len(facts.cores) > 1 else ''} {cores}.",
        f"Versions: {', '.join(f'{name} {version}' for name, version in facts.versions.items())}.",
        f'Pellucid runs with executor="{facts.executor}". The whole run took {facts.seconds / 60:.1f} minutes.',
    ]
    if peaks:
        lines.insert(1, f"Peak of one core in float32, over the run: {min(peaks):.0f} to {max(peaks):.0f} GFLOP/s.")
    lines += [f"{PEERS[name].title} is missing: {reason}." for name, reason in facts.missing.items()]
    if facts.quick:
        lines.append("**A quick run: it shows that everything works, and its figures mean nothing.**")
    return "\n".join(f"- {line}" for line in lines)


def _training(outcomes: Sequence[Outcome], peers: Sequence[str]) -> str:
    head = ["workload", "what", "Pellucid us/step", "GFLOP/s", "of the peak", "peak before, after"]
    return grid([*head, *_titles(peers), "goal"], (_training_row(each, peers) for each in outcomes))


def _training_row(outcome: Outcome, peers: Sequence[str]) -> Cells:
    workload, share = outcome.workload, outcome.share()
    own = "pellucid" in outcome.measured
    cells = [f"`{workload.name}`", workload.describe(), _microseconds(outcome, "pellucid")]
    cells += [f"{outcome.rate():.1f}" if own else "", f"{100 * share:.1f} %" if share is not None else ""]
    cells += [", ".join(f"{peak:.0f}" for peak in outcome.peaks)]
    return [*cells, *(_beside(outcome, peer) for peer in peers), _goals(outcome)]


def _prediction(outcomes: Sequence[Outcome], peers: Sequence[str]) -> str:
    rows = (
        [
            f"`{each.workload.name}`",
            each.workload.describe(),
            _microseconds(each, "pellucid"),
            *(_beside(each, peer) for peer in peers),
            _goals(each),
        ]
        for each in outcomes
    )
    return grid(["workload", "what", "Pellucid us", *_titles(peers), "goal"], rows)


def _compiling(outcomes: Sequence[Outcome], peers: Sequence[str]) -> str:
    names = ["pellucid", *(name for name in peers if _compiles(outcomes, name))]
    titles = [_title(name) for name in names]
    rows = []
    for each in outcomes:
        taken = [each.measured[name].compile_seconds if name in each.measured else None for name in names]
        goal = f"at most {each.workload.compile_goal:g}" if each.workload.compile_goal is not None else ""
        rows.append([f"`{each.workload.name}`", *(f"{s:.2f}" if s is not None else "" for s in taken), goal])
    return grid(["workload", *titles, "goal"], rows)


def _compiles(outcomes: Sequence[Outcome], name: str) -> bool:
    return any(name in each.measured and each.measured[name].compile_seconds is not None for each in outcomes)


def _same(report: Report, peers: Sequence[str]) -> str:
    rows = []
    for each in report.outcomes:
        if "pellucid" not in each.measured:
            continue
        own = each.measured["pellucid"].compared
        ends = [f"{own[0]:.6g}", f"{own[-1]:.6g}"] if own else ["", ""]
        differences = [each.difference(peer) for peer in peers]
        shown = [f"{found:.1e}" if found is not None else "" for found in differences]
        rows.append([f"`{each.workload.name}`", str(len(own)), *ends, *shown])
    titles = [f"{_title(peer)}: largest relative difference" for peer in peers]
    return grid(["workload", "numbers", "first", "last", *titles], rows)


def _memory(report: Report, peers: Sequence[str]) -> str:
    chosen = [each for each in report.outcomes if each.workload.memory]
    rows = []
    for each in chosen:
        for name in ["pellucid", *peers]:
            above = each.excess_bytes(name)
            if above is None:
                continue
            found = each.measured[name]
            assert found.peak is not None and found.resident is not None
            counted = each.workload.counted_bytes
            row = [_title(name), *(f"{size / 1e6:.0f}" for size in (found.resident, found.peak, counted, above))]
            rows.append([*row, "at most 100" if name == "pellucid" else ""])
    if not rows:
        return "Not measured."
    head = ["MB", "before training", "peak", "counted", "above that", "goal"]
    what = "Counted are parameters, their gradients, Adam's two means, and the activations of a mini-batch"
    before = "before training, the libraries are loaded and the examples are there"
    return f"{grid(head, rows)}\n\n{what}; {before}."


def _share_line(report: Report, outcome: Outcome) -> str:
    found = report.share_goal(outcome)
    if found is None:
        return ""
    goal, share = found
    return (
        f"`{outcome.workload.name}` is to reach half of the share of the peak of `{outcome.workload.like}`, "
        f"{100 * goal:.1f} %, and has {100 * share:.1f} %."
    )


def _goals(outcome: Outcome) -> str:
    shown = []
    for peer, goal, ratio in outcome.goals():
        title = "the best" if peer == BEST else _title(peer)
        reached = "" if ratio is None else f" ({'reached' if ratio >= goal else 'short'}: {ratio:.2f}x)"
        shown.append(f"{goal:g}x {title}{reached}")
    return "; ".join(shown)


def _beside(outcome: Outcome, peer: str) -> str:
    if peer not in outcome.measured:
        return outcome.notes.get(peer, "")
    ratio = outcome.ratio(peer)
    return _microseconds(outcome, peer) + (f" ({ratio:.2f}x)" if ratio is not None else "")


def _microseconds(outcome: Outcome, name: str) -> str:
    if name not in outcome.measured:
        return outcome.notes.get(name, "")
    return show_microseconds(outcome.measured[name].seconds)


def show_microseconds(seconds: float) -> str:
    """Return microseconds with three digits.

    Examples
    --------
    >>> show_microseconds(5.234e-6), show_microseconds(0.0651234)
    ('5.23', '65,100')
    """
    microseconds = float(f"{1e6 * seconds:.3g}")
    return f"{microseconds:,.0f}" if microseconds >= 100 else f"{microseconds:.3g}"


def _titles(peers: Sequence[str]) -> list[str]:
    return [_title(peer) for peer in peers]


def _title(name: str) -> str:
    return "Pellucid" if name == "pellucid" else PEERS[name].title


def grid(head: Sequence[str], rows: Iterable[Cells]) -> str:
    """Return a table in Markdown; of no rows, that nothing was measured."""
    lines = [[cell.replace("|", "/").replace("\n", " ") for cell in row] for row in rows]
    if not lines:
        return "Not measured."
    return "\n".join("| " + " | ".join(line) + " |" for line in [list(head), ["---"] * len(head), *lines])
