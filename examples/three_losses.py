"""Three losses on one data set: what each of them estimates where the noise is skewed."""

import numpy as np

import pellucid as pl

rng = np.random.default_rng(0)
x = rng.uniform(0, 1, (1000, 1))
noise = rng.exponential(1.0, (1000, 1))  # mean 1, median log 2, 90 % of it below log 10
data = pl.Dataset({"x": x}, 2 * x + noise)
line = pl.Network([pl.Dense(1)], inputs=1, dtype="float64")

truth = {"mean": 1.0, "median": np.log(2), "90 % quantile": np.log(10)}
losses = {"mean": "squared_error", "median": "absolute_error", "90 % quantile": pl.losses.Quantile(0.9)}
for what, loss in losses.items():
    fitted = pl.fit(line, data, loss=loss, optimizer="rprop", batch_size=None, epochs=300)
    at_half = fitted.predict([[0.5]]).item()
    print(f"{what:14} at x = 0.5: {at_half:.2f}, in truth {1 + truth[what]:.2f}")
    assert abs(at_half - 1 - truth[what]) < 0.15
