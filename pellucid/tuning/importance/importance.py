"""Which settings mattered in a search, and how surely that is known."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pellucid.html_table import html_table
from pellucid.tuning.importance.comparable import bring_near, comparable
from pellucid.tuning.importance.effects import find_shares
from pellucid.tuning.importance.encoding import Encoding, draw_configurations
from pellucid.tuning.space import Space
from pellucid.tuning.trial import Trial

FEWEST = 20
"""Of fewer trials nothing can be said."""

FEWEST_EACH = 2
"""So many trials for each setting, at least."""

INTERVAL = (0.1, 0.9)
"""The quantiles between which intervals lie."""

CLEAR = 0.01
"""Shares whose interval begins above this are told apart from chance."""

NOTHING = 0.005
"""Shares whose interval ends below this are next to nothing."""

MOST_PAIRS = 5


@dataclass(frozen=True)
class Share:
    """A share of the variance of trials' values, with its interval.

    Attributes
    ----------
    names : tuple of str
        The setting; or two that bring this together, beyond what each brings by itself.
    share, low, high : float
        From 0 to 1; the true share lies between the last two in about 8 of 10 cases.
    """

    names: tuple[str, ...]
    share: float
    low: float
    high: float

    @property
    def name(self) -> str:
        """The settings, with a cross between two."""
        return " × ".join(self.names)

    @property
    def clear(self) -> bool:
        """Whether it is told apart from chance."""
        return self.low > CLEAR

    def __str__(self) -> str:
        return f"{tell_share(self.share)} ({tell_share(self.low)} to {tell_share(self.high)})"


@dataclass(frozen=True)
class Importance:
    """Which settings mattered.

    Attributes
    ----------
    settings : tuple of Share
        What each setting brings by itself, from the most important one on; empty where nothing can be said.
    pairs : tuple of Share
        What two bring together beyond that, where it is told apart from chance.
    explained : float or None
        The share that a forest knows of trials that it has not seen. The rest is chance, or takes more trials to see.
    trials : int
        How many were compared.
    epochs : int or None
        After how many epochs; None at their end.
    notes : tuple of str
        What was left out, and why nothing can be said.
    """

    settings: tuple[Share, ...]
    pairs: tuple[Share, ...]
    explained: float | None
    trials: int
    epochs: int | None
    notes: tuple[str, ...]

    def of(self, name: str) -> Share | None:
        """Return the share of a setting by itself; None where nothing can be said of it."""
        return next((one for one in self.settings if one.names == (name,)), None)

    def __bool__(self) -> bool:
        return bool(self.settings)

    @property
    def worth(self) -> tuple[Share, ...]:
        """The settings whose shares are worth showing: all but those that are next to nothing; one at least."""
        return tuple(one for one in self.settings if one.high >= NOTHING) or self.settings[:1]

    @property
    def sentence(self) -> str:
        """What mattered, in a sentence."""
        if not self.settings or self.explained is None:
            return self.notes[-1] if self.notes else ""
        clear = [one for one in self.settings if one.clear]
        if not clear:
            return f"Of no setting is it sure that it mattered{self._among()}."
        told = ", ".join(f"{one.name} {one}" for one in clear[:3])
        more = f" and {len(clear) - 3} more" if len(clear) > 3 else ""
        return f"What mattered most: {told}{more}, of all differences{self._among()}."

    def __str__(self) -> str:
        rows = self._rows()
        width = max((len(name) for name, _, _ in rows), default=0)
        lines = [f"{name:<{width}}  {share:>6}  {interval}" for name, share, interval in rows]
        return "\n".join([*lines, *self._told()])

    def _repr_html_(self) -> str:
        told = "".join(f"<p>{html.escape(line)}</p>" for line in self._told())
        if not self.settings:
            return f"<div>{told}</div>"
        head = ["setting", "share of the differences", "8 of 10 times between"]
        return f"<div>{html_table(head, self._rows())}{told}</div>"

    def _rows(self) -> list[list[str]]:
        return [
            [one.name, tell_share(one.share), f"{tell_share(one.low)} to {tell_share(one.high)}"]
            for one in (*self.worth, *self.pairs)
        ]

    def _told(self) -> list[str]:
        if not self.settings or self.explained is None:
            return list(self.notes)
        known = (
            f"All settings together explain {tell_share(self.explained)} of the differences{self._among()}; "
            "the rest is chance, or takes more trials to see."
        )
        small = [one.name for one in self.settings if one not in self.worth]
        return [*([f"Next to nothing: {', '.join(small)}."] if small else []), known, *self.notes]

    def _among(self) -> str:
        after = "" if self.epochs is None else f" after {self.epochs} epoch{'' if self.epochs == 1 else 's'}"
        return f" between {self.trials:,} trials{after}"


def tell_share(share: float) -> str:
    """Return a share in percent, with a tenth of it where it is small.

    Examples
    --------
    >>> print(tell_share(0.4567), tell_share(0.0123), tell_share(0.0002), sep="; ")
    46 %; 1.2 %; 0 %
    """
    return f"{100 * share:.1f} %" if 0.0005 <= share < 0.0995 else f"{100 * share:.0f} %"


def importance_of(
    space: Space, trials: Sequence[Trial], higher_is_better: bool, seed: int = 0, *, epochs: int | None = None
) -> Importance:
    """Find which settings mattered: what share of the differences between trials each brings.

    Parameters
    ----------
    space : Space
    trials : sequence of Trial
        Of any state: those without a value, or outside the space, are left out. Where many were pruned, trials are
        compared after as many epochs as nearly all of them learned, since those that went on are a selection.
    higher_is_better : bool
    seed : int
        Of forests and resampling; the same one gives the same bits.
    epochs : int, optional
        After how many epochs trials are compared.

    Returns
    -------
    Importance
        Without numbers, but with the reason in its notes, where there are too few trials or no differences.

    Notes
    -----
    Forests are fitted to values by settings, each to three quarters of the trials. A forest's mean over all other
    settings, drawn from the space, gives the shape of a setting's effect: functional analysis of variance, Hutter, Hoos
    and Leyton-Brown, An efficient approach for assessing hyperparameter importance, ICML (2014). How large the effect
    is says a regression of the other quarter's values on the shapes, without what chance adds, so that a setting that
    does nothing gets about 0, and few trials give shares that are too small rather than too large. All of it is done 16
    times with other parts and trials resampled: a share is the median, its interval the middle 8 of 10.

    A setting that takes no part in a trial stands there for a number outside its range. Its own share is of the trials
    in which it takes part; whether it does is the effect of the settings in its condition.

    Values far worse than the others count as lying nearer, so that a few trainings that went wrong do not drown the
    rest.

    Examples
    --------
    >>> import numpy as np
    >>> space = Space({"rate": "log_uniform(0.001, 1)", "layers": "integer(1, 3)", "decay": "uniform(0, 1)"})
    >>> tried = [space.draw(dict(zip(space.names, row))) for row in np.random.default_rng(0).random((200, 3))]
    >>> values = [np.log10(one["rate"]) ** 2 + 0.5 * one["layers"] for one in tried]
    >>> trials = [Trial(n, one, state="finished", value=v) for n, (one, v) in enumerate(zip(tried, values))]
    >>> found = importance_of(space, trials, higher_is_better=False)
    >>> [one.name for one in found.settings], found.of("decay").share < 0.01
    (['rate', 'layers', 'decay'], True)
    """
    chosen = comparable(space, trials, higher_is_better, epochs)
    values, near = bring_near(chosen.values, higher_is_better)
    count, notes = len(chosen.trials), [*chosen.notes, *near]

    def nothing(why: str) -> Importance:
        return Importance((), (), None, count, chosen.epochs, (*notes, why))

    tried = [trial.parameters for trial in chosen.trials]
    encodings = [Encoding(one) for one in space.dimensions]
    places = [one.places(tried) for one in encodings]
    varied = [at for at, found in enumerate(places) if len(set(np.nan_to_num(found, nan=-1.0).tolist())) > 1]
    needed = max(FEWEST, FEWEST_EACH * len(varied))
    if count < needed:
        told = f"{count} trial{'' if count == 1 else 's'} with a value"
        return nothing(f"Too few trials to say what mattered: {told}, and {needed} are needed.")
    if not varied:
        return nothing("No setting was varied.")
    if not np.ptp(values) > 1e-12 * np.abs(values).max():
        return nothing("All trials have the same value: no setting made a difference.")
    same = [one.dimension.name for at, one in enumerate(encodings) if at not in varied]
    if same:
        notes.append(f"The same in all these trials, so that nothing is known of it: {', '.join(same)}.")
    drawn = draw_configurations(space, seed)
    used = [encodings[at] for at in varied]
    shares = find_shares(used, [places[at] for at in varied], [one.places(drawn) for one in used], values, seed)
    names = [one.dimension.name for one in used]
    settings = [_share((name,), found) for name, found in zip(names, shares.alone.T, strict=True)]
    pairs = [_share((names[a], names[b]), found) for (a, b), found in shares.together.items()]
    clear = sorted((one for one in pairs if one.clear), key=lambda one: -one.share)
    explained = float(np.median(shares.explained))
    return Importance(
        tuple(sorted(settings, key=lambda one: -one.share)),
        tuple(clear[:MOST_PAIRS]),
        explained,
        count,
        chosen.epochs,
        tuple(notes),
    )


def _share(names: tuple[str, ...], found: np.ndarray) -> Share:
    low, middle, high = np.clip(np.quantile(found, (INTERVAL[0], 0.5, INTERVAL[1])), 0.0, 1.0).tolist()
    return Share(names, middle, low, high)
