"""Exclusive or: no single neuron can do it, three units by hand can, and a small network learns it."""

import numpy as np

import pellucid as pl

x = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
y = np.array([0.0, 1.0, 1.0, 0.0])
data = pl.Dataset({"x": x}, y)

# One logistic neuron: the best that it can do is to say one half for everything.
neuron = pl.Network([pl.Dense(1)], inputs=2, dtype="float64")
alone = pl.fit(neuron, data, loss="binary_cross_entropy", optimizer="lbfgs")
print("one neuron:", alone.predict(x).ravel().round(3))
assert np.allclose(alone.predict(x), 0.5, atol=1e-3)

# By hand, of step units: unit 2 is "at least one", unit 3 is "both", unit 4 is "the first and not the second".
by_hand = pl.Units(2, [(0, 2), (1, 2), (0, 3), (1, 3), (2, 4), (3, 4)], "step")
weights = {(0, 2): 1.0, (1, 2): 1.0, (0, 3): 1.0, (1, 3): 1.0, (2, 4): 1.0, (3, 4): -1.0}
parameters = by_hand.unit_parameters(weights, biases={2: -0.5, 3: -1.5, 4: -0.5})
program = pl.compile(pl.Network(by_hand, inputs=2, dtype="float64").graph(batch=4))
found = program(x=x, **parameters)["output"].ravel()
print("by hand:   ", found)
assert np.array_equal(found, y)

# Learned: two hidden units can be enough, but training may get stuck; four make it easy.
network = pl.Network([pl.Dense(4, "tanh"), pl.Dense(1)], inputs=2, dtype="float64")
fitted = pl.fit(network, data, loss="binary_cross_entropy", optimizer="rprop", batch_size=None, epochs=200)
print("learned:   ", fitted.predict(x).ravel().round(3))
assert np.array_equal(fitted.predict(x).ravel() > 0.5, y > 0.5)
