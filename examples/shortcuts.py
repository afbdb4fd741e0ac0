"""A regression with shortcuts: a straight way from the inputs beside a deep one."""

import numpy as np

import pellucid as pl

rng = np.random.default_rng(0)
x = rng.uniform(-2, 2, (400, 2))
y = 3 * x[:, 0] + np.sin(2 * x[:, 1]) + 0.1 * rng.standard_normal(400)  # a large linear part and a small wave
train, test = pl.split(len(x), [0.75, 0.25], seed=0)
data = pl.Dataset({"x": x}, y)

linear = pl.Network([pl.Dense(1)], inputs=2)
deep = pl.Network([pl.Dense(32, "tanh"), pl.Dense(32, "tanh"), pl.Dense(1)], inputs=2)
block = [pl.Dense(32, "tanh"), pl.Shortcut([pl.Dense(32, "tanh"), pl.Dense(32)]), pl.Dense(1)]
both = pl.Network(pl.Sum([pl.Dense(1), block]), inputs=2)  # a linear model, plus a network with a shortcut inside

errors = {}
for name, network in {"linear": linear, "deep": deep, "with shortcuts": both}.items():
    fitted = pl.fit(
        network,
        data.take(train),
        loss="squared_error",
        optimizer=pl.optimizers.Adam(0.02),
        schedule=pl.schedules.Cosine(80),
        epochs=80,
        validation=0.2,
    )
    errors[name] = fitted.evaluate(data.take(test))["rmse"]
    print(f"{name:15} {network.count_parameters():5} parameters, rmse on test rows {errors[name]:.3f}")

assert errors["linear"] > 0.5  # the wave is out of its reach
assert errors["deep"] < 0.3 and errors["with shortcuts"] < 0.3  # the noise alone is 0.1
