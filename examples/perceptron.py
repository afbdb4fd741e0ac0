"""The perceptron algorithm on classes that a line separates, and on classes that none does."""

import numpy as np

import pellucid as pl

rng = np.random.default_rng(0)
points = rng.uniform(-1, 1, (200, 2))
distance = points @ [0.6, 0.8] - 0.1  # from a line; the weights there have length 1
far = np.abs(distance) > 0.05
x, y = points[far], (distance[far] > 0).astype(int)

found = pl.fit_perceptron(x, y)
print(found)
assert found.separated and np.array_equal(found.predict(x), y)

# Novikoff's bound: at most (R / margin)^2 mistakes. The bias counts as the weight of one more input that is always 1.
extended = np.c_[x, np.ones(len(x))]
radius = np.linalg.norm(extended, axis=1).max()
margin = np.abs(distance[far]).min() / np.linalg.norm([0.6, 0.8, -0.1])
bound = (radius / margin) ** 2
print(f"{sum(found.mistakes)} mistakes, and the bound is {bound:.0f}")
assert sum(found.mistakes) <= bound

# With labels that overlap the algorithm never comes to rest; it says so when its epochs are used up.
mixed = np.where(rng.random(len(y)) < 0.1, 1 - y, y)
tried = pl.fit_perceptron(x, mixed, epochs=50)
print(tried)
assert not tried.separated and len(tried.mistakes) == 50

# A logistic neuron finds a compromise on the same points.
neuron = pl.Network([pl.Dense(1)], inputs=2, dtype="float64")
logistic = pl.fit(neuron, pl.Dataset({"x": x}, mixed), loss="binary_cross_entropy", optimizer="lbfgs")
right = np.mean((logistic.predict(x)[:, 0] > 0.5) == mixed)
print(f"logistic regression: {right:.0%} right")
assert right > 0.85
