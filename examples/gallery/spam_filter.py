"""A spam filter: logistic regression on words

Each word that occurs in a message is a feature, and its weight is what it adds to the log-odds of spam. So the filter
can be read: the weights say which words speak for spam and which against. L2 keeps words that occur once from
deciding alone.
"""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import pellucid as pl

SPAM = """win a free prize now
free money claim your cash prize today
urgent claim your free lottery money
cheap pills buy now limited offer
you have won cash click now
limited offer buy cheap watches today
click to claim free pills
earn money fast from home now
congratulations you win a free offer
buy now and win cash
urgent your account won a prize click
free watches limited time offer now"""
HAM = """are we still meeting for lunch today
please review the report before the meeting
the train is late see you at home
thanks for your help with the report
can you buy milk on the way home
notes from the meeting are attached
happy birthday see you at the party
the project plan is attached please review
lunch tomorrow with the team
your order of books was sent today
please call your mother about the party
the time of the lecture has changed"""


def main() -> Figure:
    messages = [line.split() for line in (SPAM + "\n" + HAM).splitlines()]
    spam = np.repeat([1, 0], 12)
    words = sorted({word for message in messages for word in message})
    x = np.array([[word in message for word in words] for message in messages], dtype=float)

    network = pl.Network([pl.Dense(1, name="filter")], inputs=len(words), dtype="float64")
    penalty = [pl.regularizers.L2(0.02)]
    options = {"loss": "binary_cross_entropy", "optimizer": "lbfgs", "regularizers": penalty}
    fitted = pl.fit(network, pl.Dataset({"x": x}, spam), **options)
    weight = dict(zip(words, fitted.parameters["filter/weight"].ravel(), strict=True))

    right = []
    for row in range(len(x)):  # each message judged by a filter that has not seen it
        rest = np.arange(len(x)) != row
        other = pl.fit(network, pl.Dataset({"x": x[rest]}, spam[rest]), **options)
        right.append((other.predict(x[row : row + 1])[0, 0] > 0.5) == spam[row])

    assert weight["free"] > 0 > weight["meeting"]
    once = x.sum(axis=0) == 1
    size = np.abs(fitted.parameters["filter/weight"].ravel())
    assert size[once].max() < size[~once].max() / 4  # no word that occurs once decides alone
    assert np.mean(right) > 0.75

    ranked = sorted(weight, key=lambda word: weight[word])
    shown = ranked[:10] + ranked[-10:]
    figure = Figure(figsize=(8, 5.5), layout="constrained")
    ax = figure.subplots()
    colors = ["#d55e00" if weight[word] > 0 else "#0072b2" for word in shown]
    ax.barh(shown, [weight[word] for word in shown], color=colors)
    ax.axvline(0, color="#555555", lw=0.8)
    ax.set(xlabel="what a word adds to the log-odds of spam")
    ax.set_title(f"{np.mean(right):.0%} of 24 messages right, each left out in turn")
    return figure


if __name__ == "__main__":
    main().savefig(Path(__file__).stem + ".png", dpi=150)
