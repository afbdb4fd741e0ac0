"""Your own activation, with its check

A function of your own is declared in one place: its rule, an independent reference, points that must hold exactly. From
the rule follow its gradient, its machine code and its drawing, and `pl.check` tries all of them against each other and
against finite differences before a network uses it.
"""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import pellucid as pl


def main() -> Figure:
    bent = pl.elementwise(
        name="bent_identity",
        doc="A line with a bend: (sqrt(x * x + 1) - 1) / 2 + x.",
        rule=lambda s, x: 0.5 * (s.sqrt(x * x + 1.0) - 1.0) + x,
        gradient=None,  # follows from the rule
        reference=lambda x: (np.hypot(x, 1.0) - 1.0) / 2.0 + x,
        points={0.0: (0.0, 1.0)},
        sample=pl.Uniform(-10, 10),
        activation=True,
        replace=True,
    )
    report = pl.check(bent)  # raises where anything does not hold
    assert report.operation == "bent_identity"

    x = np.linspace(-2, 2, 200)[:, None]
    y = np.abs(x) - np.cos(2 * x)
    network = pl.Network([pl.Dense(16, "bent_identity"), pl.Dense(16, "bent_identity"), pl.Dense(1)], inputs=1)
    fitted = pl.fit(network, pl.Dataset({"x": x}, y), loss="squared_error", optimizer="lbfgs", epochs=500)
    error = fitted.evaluate(pl.Dataset({"x": x}, y))["rmse"]
    assert error < 0.1

    slope = pl.value_and_gradient(lambda x: pl.sum(bent(x)))
    figure = Figure(figsize=(10, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    left.plot(x, bent(x), color="#0072b2", label="value")
    left.plot(x, slope(x).gradient["x"], color="#d55e00", label="gradient")
    left.set(title="bent identity, declared and checked", xlabel="x")
    left.legend()
    right.plot(x, y, color="#bbbbbb", lw=5, label="to be learned")
    right.plot(x, fitted.predict(x), color="#0072b2", label=f"learned with it, rmse {error:.2g}")
    right.set(title="in a network", xlabel="x")
    right.legend()
    return figure


if __name__ == "__main__":
    main().savefig(Path(__file__).stem + ".png", dpi=150)
