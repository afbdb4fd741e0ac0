"""A learning curve in words: would more rows help, would another network?"""

from __future__ import annotations

from pellucid.workflow.learning_curves.advice import HARDLY, HELPS, Gain
from pellucid.workflow.learning_curves.ladder import Sizes
from pellucid.workflow.learning_curves.power_law import LEAST_SIZES
from pellucid.workflow.learning_curves.result import LearningCurve
from pellucid.workflow.reports.layout import write_digits


def tell_hidden(hidden: Sizes) -> str:
    """Return the hidden layers of a network as the command line takes them.

    Examples
    --------
    >>> tell_hidden((64, 32)), tell_hidden(())
    ('--hidden 64,32', '--hidden none')
    """
    return f"--hidden {','.join(map(str, hidden)) or 'none'}"


def tell_advice(curve: LearningCurve) -> tuple[str, ...]:
    """Return sentences: about more rows, a larger network, and a smaller one."""
    told = [_tell_rows(curve), *_tell_networks(curve)]
    return tuple(sentence for sentence in told if sentence)


def _tell_rows(curve: LearningCurve) -> str:
    gain = curve.more_rows
    if gain is None:
        return ""
    if curve.law is None:
        few = len(curve.rows) < LEAST_SIZES
        why = "There are too few numbers of rows for a power law" if few else "The error follows no power law"
        told = f"{gain.change} have brought it {_tell_change(curve, gain)}"
        return f"{why}, so that what more rows would bring cannot be told. {told}."
    if not gain.before > 0:
        return "More rows would bring nothing: there is no error left."
    verdict = {HELPS: "More rows would help", HARDLY: "More rows would hardly help"}.get(
        gain.verdict, "Whether more rows would help much is not sure"
    )
    return f"{verdict}: twice as many, {gain.change}, would bring the error {_tell_change(curve, gain)}."


def _tell_networks(curve: LearningCurve) -> list[str]:
    told = []
    larger, smaller = curve.larger, curve.smaller
    if larger is not None:
        verdict = {HELPS: "A larger network helps", HARDLY: "A larger network does not help"}.get(
            larger.verdict, "A larger network is not measurably better"
        )
        told.append(f"{verdict}: the best of them, {larger.change}, brings the error {_tell_change(curve, larger)}.")
    if smaller is not None:
        change = _tell_change(curve, smaller)
        told.append(f"A smaller network is not measurably worse: {smaller.change} brings the error {change}.")
    return told


def _tell_change(curve: LearningCurve, gain: Gain) -> str:
    """Return a change of the error in words, with its interval."""
    told = f"from {write_digits(gain.before, 3)} to {write_digits(gain.after, 3)}"
    if gain.before <= 0:
        return told
    told += f" ({_percent(-gain.share)}"
    if gain.share_interval is not None:
        low, high = gain.share_interval
        told += f"; 95 % interval {_percent(-high)} to {_percent(-low)}"
    return f"{told})"


def _percent(share: float) -> str:
    form = "+.1f" if abs(share) < 0.1 else "+.0f" if abs(share) < 10 else "+.1e"
    text = format(100 * share, form)
    return "0 %" if float(text) == 0 else f"{text} %"
