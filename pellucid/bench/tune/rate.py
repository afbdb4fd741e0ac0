"""How many configurations are tried a minute, beside other tools' searches over the same ones."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Any

from pellucid.bench.page import grid
from pellucid.bench.tune.cell import OWN, Cell
from pellucid.bench.tune.contestants import PEERS, SEARCHES, title_of
from pellucid.bench.tune.material import count_parameters, draw_configurations, hidden_sizes
from pellucid.bench.tune.results import Results
from pellucid.bench.tune.setup import Goal, Part, Section, Setup, failures

GOAL = 20.0
SIZES = (2_000, 8_000, 32_000, 10**9)
"""Bounds of the groups of networks, in parameters."""

FORMS = {"sklearn": ("sklearn:float32", "sklearn:float64"), "optuna": ("optuna",), OWN: (OWN,)}
"""The cells of each contestant: the fastest counts."""

TEXT = """\
{count:,} configurations on `digits` (1,797 images of 8 x 8 pixels): {layers} of 16, 32, 64, 128 or 256 rectifiers each,
Adam, mini-batches of 32, learning rate and L2 log-uniform, {epochs} epochs each, never stopped early, 3 folds. All try
the same configurations in the same order, as Pellucid's random sampler draws them, on the same folds, from weights of
the same distribution (Glorot's, uniform).

- Pellucid: `pl.search` with a study on disk, from the start of its process to its end; importing and compiling
  included ({compiling:.1f} s of all threads together).
- scikit-learn: `RandomizedSearchCV` of `MLPClassifier` with as many processes as cores, in float32 and in float64; the
  faster one counts.
- Optuna + PyTorch: a process for each core, each with a study and `RandomSampler`; eager steps with the fused Adam on
  tensors in memory.

The peers tried the first of the configurations for {seconds:.0f} s; their rate is scaled to all of them: seconds until
they began, plus the mean seconds of a configuration times {count:,}.

{rates}

Mean held-out log-loss of the first {common} configurations, which all have tried, and mean operations of a step of
those that each has tried, relative to the mean of all:

{parity}

Seconds of one training of {epochs} epochs on one core, by the number of parameters:

{sizes}{failures}"""


def cells(setup: Setup) -> list[Cell]:
    """Return what is measured."""
    extent = setup.extent
    given = {"configurations": draw_configurations(extent), "epochs": extent.epochs, "cores": len(setup.cores)}
    found = []
    for name in setup.contestants(SEARCHES):
        if name == OWN:
            own = "pellucid.bench.tune.own.searches:measure_rate"
            found.append(Cell(f"rate/{name}", own, given, 60.0 if extent.configurations > 100 else 3.0))
            continue
        for form in FORMS[name]:
            more = {"dtype": form.partition(":")[2]} if ":" in form else {}
            timed = {**given, **more, "seconds": extent.peer_seconds}
            call = f"{PEERS[name].module}:measure_rate"
            found.append(Cell(f"rate/{form}", call, timed, extent.peer_seconds + 5, processes=True))
    return found


def trials_a_minute(name: str, found: dict[str, Any], count: int) -> float:
    """Return how many configurations a contestant tries a minute, of so many.

    Examples
    --------
    >>> trials_a_minute("pellucid", {"wall": 30.0}, 1000)
    2000.0
    >>> trials_a_minute("optuna", {"startup": 10.0, "rates": [0.5, 0.5]}, 50)
    50.0
    """
    if name == OWN:
        return 60 * count / found["wall"]
    each = 1 / sum(found["rates"]) if "rates" in found else found["searching"] / len(found["trials"])
    return 60 * count / (found["startup"] + count * each)


def brief(name: str, found: dict[str, Any]) -> str:
    """Return what a cell has found in a few words."""
    word = name.partition("/")[2].partition(":")[0]
    count = len(found["trials"])
    return f"{trials_a_minute(word, found, 1000 if word != OWN else count):,.0f} trials a minute, of {count:,}"


def fastest(results: Results) -> dict[str, dict[str, Any]]:
    """Return what each contestant's fastest cell found."""
    chosen = {}
    for name, forms in FORMS.items():
        found = [one for form in forms if (one := results.found(f"rate/{form}")) is not None]
        if found:
            chosen[name] = max(found, key=lambda one: trials_a_minute(name, one, 1000))
    return chosen


def section(results: Results) -> Section:
    """Return what the page says."""
    extent, chosen = results.settings["extent"], fastest(results)
    count, work = extent["configurations"], "1,000 configurations on `digits`"
    peers = [name for name in SEARCHES if name in chosen]
    titles = " and ".join(title_of(name) for name in SEARCHES)
    aim = f"{GOAL:.0f} times as many trials a minute"
    if OWN not in chosen:
        return Section(work, f"Not measured.{failures(results, 'rate/')}", (Goal(work, titles, aim),))
    rates = {name: trials_a_minute(name, found, count) for name, found in chosen.items()}
    ratios = {name: rates[OWN] / rates[name] for name in peers}
    told = ", ".join(f"{ratio:.1f}x {title_of(name)}" for name, ratio in ratios.items())
    reached = min(ratios.values()) >= GOAL if len(ratios) == len(SEARCHES) else None
    text = TEXT.format(
        count=count,
        layers="one to three layers",
        epochs=extent["epochs"],
        compiling=chosen[OWN]["compiling"],
        seconds=extent["peer_seconds"],
        rates=_rates(results, count, rates[OWN]),
        common=len(_common(chosen)),
        parity=_parity(chosen, results),
        sizes=_sizes(chosen, results),
        failures=failures(results, "rate/"),
    )
    return Section(work, text, (Goal(work, titles, aim, told, reached),))


def _rates(results: Results, count: int, own: float) -> str:
    rows = []
    for name, forms in FORMS.items():
        for form in forms:
            found = results.found(f"rate/{form}")
            if found is None:
                continue
            rate = trials_a_minute(name, found, count)
            title = title_of(name) + (f", {form.partition(':')[2]}" if ":" in form else "")
            taken = f"{found['wall']:.1f}" if name == OWN else f"{60 * count / rate:.0f} (scaled)"
            tried, beside = f"{len(found['trials']):,}", "" if name == OWN else f"{own / rate:.1f}x"
            rows.append([title, tried, taken, f"{rate:,.0f}", beside])
    return grid(["", "tried", "seconds for all", "trials a minute", "Pellucid has"], rows)


def _common(chosen: dict[str, dict[str, Any]]) -> set[int]:
    return set.intersection(*({trial[0] for trial in found["trials"]} for found in chosen.values()))


def _operations(numbers: Sequence[int], results: Results) -> float:
    hidden = _hidden(results)
    return statistics.fmean(count_parameters(hidden[number]) for number in numbers)


def _hidden(results: Results) -> list[tuple[int, ...]]:
    return [hidden_sizes(one) for one in results.settings["configurations"]]


def _parity(chosen: dict[str, dict[str, Any]], results: Results) -> str:
    common, rows = _common(chosen), []
    everything = _operations(range(len(results.settings["configurations"])), results)
    for name, found in chosen.items():
        scores = [score for number, score, _ in found["trials"] if number in common]
        share = _operations([trial[0] for trial in found["trials"]], results) / everything
        rows.append([title_of(name), f"{statistics.fmean(scores):.4f}" if scores else "", f"{share:.2f}"])
    return grid(["", "mean log-loss", "operations"], rows)


def _sizes(chosen: dict[str, dict[str, Any]], results: Results) -> str:
    hidden, rows, lower = _hidden(results), [], 0
    for upper in SIZES:
        cells = [f"{lower:,} to {upper:,}" if upper < 10**9 else f"above {lower:,}"]
        for found in chosen.values():
            took = [t for number, _, t in found["trials"] if lower < count_parameters(hidden[number]) <= upper]
            cells.append(f"{statistics.fmean(took):.3f} ({len(took)})" if took else "")
        rows.append(cells)
        lower = upper
    table = grid(["parameters", *map(title_of, chosen)], rows)
    return f"{table}\n\nIn brackets: of how many configurations this is the mean."


PART = Part("rate", cells, section, brief)
