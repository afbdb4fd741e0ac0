"""Thousands of tiny networks, each with its own order of examples, beside batched products and vmap."""

from __future__ import annotations

from typing import Any

from pellucid.bench.page import grid
from pellucid.bench.tune.cell import OWN, Cell
from pellucid.bench.tune.contestants import PEERS, POPULATIONS, title_of
from pellucid.bench.tune.material import BATCH, TINY
from pellucid.bench.tune.results import Results
from pellucid.bench.tune.setup import Goal, Part, Section, Setup, failures

GOAL = 5.0

TEXT = """\
{networks:,} networks {sizes}, {examples:,} examples, {epochs} epochs, mini-batches of {batch}, Adam; each with first
weights and an order of examples of its own. Pellucid: `pl.fit_population`, all of them, from the start of its process
to its end. The peers train chunks of networks side by side, in the form that was fastest for an epoch (searching for it
is not counted), and only so many networks as stand here; the time is scaled: seconds until they began, seconds for
compiling, and seconds of a network times {networks:,}. That this is linear is seen from half as many networks.

{times}

Microseconds a step of one network, in each form that was tried (processes x networks side by side):

{forms}

Mean loss over the last epoch, and its standard deviation over networks:

{parity}{failures}"""


def cells(setup: Setup) -> list[Cell]:
    """Return what is measured."""
    extent = setup.extent
    found = []
    for name in setup.contestants(POPULATIONS):
        own = name == OWN
        module = "pellucid.bench.tune.own.populations" if own else PEERS[name].module
        given = {
            "networks": extent.networks if own else extent.peer_networks,
            "examples": extent.examples,
            "epochs": extent.network_epochs,
            "cores": len(setup.cores),
        }
        seconds = (15.0 if own else 45.0) if extent.networks > 1000 else 5.0
        found.append(Cell(f"tiny/{name}", f"{module}:train_population", given, seconds))
    return found


def seconds_for_all(name: str, found: dict[str, Any], networks: int) -> float:
    """Return the seconds for so many networks.

    Examples
    --------
    >>> peer = {"startup": 1.0, "preparing": 2.0, "whole": {"networks": 10, "seconds": 5.0}}
    >>> seconds_for_all("jax", peer, 100), seconds_for_all("pellucid", {"wall": 4.0}, 100)
    (53.0, 4.0)
    """
    if name == OWN:
        return found["wall"]
    return found["startup"] + found["preparing"] + networks * _each(found["whole"])


def _each(found: dict[str, Any]) -> float:
    return found["seconds"] / found["networks"]


def brief(name: str, found: dict[str, Any]) -> str:
    """Return what a cell has found in a few words."""
    return f"{1e3 * _each(found['whole']):.2f} ms a network"


def section(results: Results) -> Section:
    """Return what the page says."""
    extent = results.settings["extent"]
    networks, work = extent["networks"], "20,000 tiny networks"
    titles = " and ".join(title_of(name) for name in POPULATIONS)
    found = {name: one for name in (OWN, *POPULATIONS) if (one := results.found(f"tiny/{name}")) is not None}
    if OWN not in found:
        text = f"Not measured.{failures(results, 'tiny/')}"
        return Section(work, text, (Goal(work, titles, f"{GOAL:g} times as fast"),))
    seconds = {name: seconds_for_all(name, one, networks) for name, one in found.items()}
    ratios = {name: seconds[name] / seconds[OWN] for name in found if name != OWN}
    told = ", ".join(f"{ratio:.1f}x {title_of(name)}" for name, ratio in ratios.items())
    reached = min(ratios.values()) >= GOAL if len(ratios) == len(POPULATIONS) else None
    text = TEXT.format(
        networks=networks,
        sizes="-".join(map(str, TINY)),
        examples=extent["examples"],
        epochs=extent["network_epochs"],
        batch=BATCH,
        times=_times(found, seconds),
        forms=_forms(found),
        parity=grid(
            ["", "networks", "mean loss", "standard deviation"],
            [
                [title_of(name), f"{one['whole']['networks']:,}", f"{one['loss']:.4f}", f"{one['deviation']:.4f}"]
                for name, one in found.items()
            ],
        ),
        failures=failures(results, "tiny/"),
    )
    return Section(work, text, (Goal(work, titles, f"{GOAL:g} times as fast", told, reached),))


def _times(found: dict[str, dict[str, Any]], seconds: dict[str, float]) -> str:
    rows = []
    for name, one in found.items():
        half = f"{1e3 * _each(one['half']):.2f} ({one['half']['networks']:,})" if "half" in one else ""
        whole = f"{1e3 * _each(one['whole']):.2f} ({one['whole']['networks']:,})"
        scaled = "" if name == OWN else " (scaled)"
        ratio = "" if name == OWN else f"{seconds[name] / seconds[OWN]:.1f}x"
        rows.append([title_of(name), half, whole, f"{seconds[name]:.1f}{scaled}", ratio])
    return grid(["", "ms a network: half", "ms a network: whole", "seconds for all", "Pellucid is"], rows)


def _forms(found: dict[str, dict[str, Any]]) -> str:
    rows = []
    for name, one in found.items():
        if "tried" not in one:
            continue
        form, tried = one["form"], one["tried"]
        shown = ", ".join(f"{form}: {microseconds:.2f}" for form, microseconds in tried.items())
        rows.append([title_of(name), shown, f"{form['processes']} x {form['chunk']}"])
    return grid(["", "tried", "chosen"], rows)


PART = Part("tiny", cells, section, brief)
