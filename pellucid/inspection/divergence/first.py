"""The search for the first step, node and element at which two trainings differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from pellucid.errors import UsageError
from pellucid.inspection.divergence.lockstep import Found, Lockstep, of_iterations
from pellucid.inspection.divergence.of_fits import divergence_of_fits
from pellucid.inspection.divergence.result import Divergence, Growth
from pellucid.inspection.replay.bits import first_unlike
from pellucid.inspection.replay.timeline import Timeline
from pellucid.training.arrangement import Arrangement
from pellucid.training.result import Fit

Names = tuple[str, str]


def first_divergence(a: Any, b: Any, names: Names = ("a", "b")) -> Divergence:
    """Find the first step, node and element at which two trainings differ.

    Both are computed again, side by side, and compared to the bit: what each step is given (rows, examples, settings),
    and what it hands to the next one. Of the first step that differs every node is compared in the order of
    computation. So a difference is found that vanishes again, which a search between the ends would miss.

    Parameters
    ----------
    a, b : Timeline, Arrangement or Fit
        Of two fits only the records of their epochs and the last parameters can be compared.
    names : tuple of two str
        What they are called.

    Returns
    -------
    Divergence

    Raises
    ------
    UsageError
        Where they are something else.

    Examples
    --------
    >>> import numpy as np, pellucid as pl
    >>> from pellucid.inspection.replay.timeline import timeline_of
    >>> network = pl.Network([pl.Dense(1)], inputs=1)
    >>> data = pl.Dataset({"x": np.arange(4.0)[:, None]}, np.arange(4.0))
    >>> a, b = (
    ...     timeline_of(network, data, loss="squared_error", optimizer="momentum", epochs=3, schedule=schedule)
    ...     for schedule in (None, pl.schedules.Step(every=2))
    ... )
    >>> first_divergence(a, b)
    <The runs differ from step 2 on: learning_rate is 0.01 in a, 0.001 in b.>
    """
    if len(names) != 2:
        raise UsageError("two trainings have two names", where="names", got=repr(names)[:80])
    if isinstance(a, Fit) and isinstance(b, Fit):
        return divergence_of_fits(a, b, names)
    if isinstance(a, Fit) or isinstance(b, Fit):
        fix = "Pass two timelines, or two fits: timeline.fit is what a timeline ends with."
        raise UsageError("a fit is no timeline: its steps are gone", where="first_divergence", fix=fix)
    timelines = _timeline(a), _timeline(b)
    found = _find(timelines, names)
    notes = [*found.notes, *(note for note in _known(timelines, names) if note not in found.told)]
    return Divergence(
        kind=found.kind,
        told=found.told,
        step=found.step,
        epoch=found.epoch,
        node=found.node,
        element=found.unlike.element if found.unlike is not None else None,
        values=found.unlike.values if found.unlike is not None else None,
        count=found.unlike.count if found.unlike is not None else 0,
        structure=found.structure,
        notes=tuple(dict.fromkeys(notes)),
        growth=_growth(timelines, found.step) if found.step is not None else Growth(),
        names=names,
    )


def _timeline(given: Any) -> Timeline:
    if isinstance(given, Timeline):
        return given
    if isinstance(given, Arrangement):
        return Timeline(given)
    expected = "two timelines, or two fits"
    raise UsageError("nothing to compare", where="first_divergence", got=repr(given)[:80], expected=expected)


def _find(timelines: tuple[Timeline, Timeline], names: Names) -> Found:
    """Look for the first difference, from the beginning on."""
    found = _at_the_start(timelines, names)
    if found is not None:
        return found
    if all(timeline.by_iterations for timeline in timelines):
        return of_iterations(timelines, names)
    return Lockstep(timelines, names).search()


def _at_the_start(timelines: tuple[Timeline, Timeline], names: Names) -> Found | None:
    """Compare what the trainings begin with."""
    a, b = (timeline.progress_at(0) for timeline in timelines)
    networks = timelines[0].network, timelines[1].network
    start = "The runs differ from the start: "

    def found(kind: str, told: str, **more: Any) -> Found:
        return Found(kind, f"{start}{told}.", step=0, epoch=1, **more)

    if networks[0].dtype != networks[1].dtype:
        told = f"{names[0]} computes in {networks[0].dtype}, {names[1]} in {networks[1].dtype}"
        return found("dtype", told)
    for path in [*a.parameters, *b.parameters]:
        shapes = [list(one.parameters[path].shape) if path in one.parameters else "not there" for one in (a, b)]
        if shapes[0] != shapes[1]:
            told = f"the networks have other parameters: {path} is {shapes[0]} in {names[0]}, {shapes[1]} in {names[1]}"
            return found("network", told, node=path)
    unlike = first_unlike(a.parameters, b.parameters)
    if unlike is not None:
        return found("parameters", f"first parameter {unlike[0]}{unlike[1]}", node=unlike[0], unlike=unlike[1])
    by = [timeline.arranged.course.optimizer for timeline in timelines]
    if timelines[0].by_iterations != timelines[1].by_iterations:
        return found("optimizer", f"{names[0]} learns by {by[0]!r}, {names[1]} by {by[1]!r}")
    unlike = first_unlike(a.state, b.state)
    if unlike is not None:
        return found("state", f"first state {unlike[0]}{unlike[1]}", node=unlike[0], unlike=unlike[1])
    return None


def _known(timelines: tuple[Timeline, Timeline], names: Names) -> Iterator[str]:
    """Say what else is known to differ, from what the trainings are arranged of."""
    courses = [timeline.arranged.course for timeline in timelines]
    runs = [timeline.arranged.run for timeline in timelines]
    examples = [len(timeline.arranged.examples.rows) for timeline in timelines]
    pairs = [
        ("seed", runs[0].seed, runs[1].seed),
        ("number of examples", *examples),
        *((name.replace("_", " "), *(getattr(course, name) for course in courses)) for name in _TOLD),
    ]
    for what, one, other in pairs:
        if repr(one) != repr(other):
            yield f"{what} {_told(one)} in {names[0]}, {_told(other)} in {names[1]}"


_TOLD = (
    "executor",
    "optimizer",
    "losses",
    "batch_size",
    "schedule",
    "regularizers",
    "clip_value",
    "clip_norm",
    "shuffle",
    "epochs",
    "steps",
)


def _told(value: Any) -> str:
    text = ", ".join(map(str, value.values())) if isinstance(value, dict) else str(value)
    return text if len(text) <= 120 else text[:117] + "..."


def _growth(timelines: tuple[Timeline, Timeline], step: int) -> Growth:
    """Return how far the parameters of both are apart, at steps that lie evenly on a logarithmic scale, and last."""
    walks = [timeline.walk(step) for timeline in timelines]
    found: list[tuple[int, float, float]] = []
    for after in _spaced():
        reached = [walk.to(step + after) for walk in walks]
        at = min(walk.progress.step for walk in walks)
        if all(reached) or (found and at > found[-1][0]):
            a, b = (
                walk.progress if walk.progress.step == at else timeline.progress_at(at)
                for walk, timeline in zip(walks, timelines, strict=True)
            )
            found.append((at, *_apart(a.parameters, b.parameters)))
        if not all(reached):
            break
    steps, largest, rms = (np.array(column) for column in zip(*found, strict=True)) if found else ([], [], [])
    return Growth(np.asarray(steps, np.int64), np.asarray(largest, np.float64), np.asarray(rms, np.float64))


def _apart(a: Mapping[str, np.ndarray], b: Mapping[str, np.ndarray]) -> tuple[float, float]:
    """Return the largest and the root mean square of all differences of the parameters that both have."""
    common = [path for path in a if path in b and a[path].shape == b[path].shape]
    apart = [(a[path].astype(np.float64) - b[path]).ravel() for path in common]
    together = np.concatenate([np.zeros(0), *apart])
    scale = float(np.max(np.abs(together), initial=0.0))
    return scale, scale * float(np.sqrt(np.mean((together / scale) ** 2))) if scale else 0.0


def _spaced() -> Iterator[int]:
    """Yield 0, 1, 2, 3, 4, 6, 8, 12, 16, ..."""
    yield from (0, 1)
    power = 2
    while True:
        yield from (power, power + power // 2)
        power *= 2
