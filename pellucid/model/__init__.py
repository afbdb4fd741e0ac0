"""Models: a table in, predictions out; built from a trained network, saved to a folder and loaded again.

Examples
--------
>>> import tempfile, pellucid as pl
>>> from pellucid.data.encoders.settings import EncoderSettings
>>> from pellucid.data.encoders.fit import fit_encoders
>>> from pellucid.data.roles import infer_roles
>>> from pellucid.data.targets import fit_targets
>>> from pellucid.data.task import infer_task
>>> from pellucid.model import build_model, load_model, save_model
>>> table = pl.Table.from_columns({"x": [0.0, 1.0, 2.0, 3.0], "y": [1.5, 3.5, 5.5, 7.5]})
>>> task = infer_task(table, "y")
>>> settings = EncoderSettings(limit=0.0)  # a line goes on beyond what it was fitted on
>>> encoding, targets = fit_encoders(table, infer_roles(table, "y"), task, settings=settings), fit_targets(table, task)
>>> data = pl.Dataset(encoding.encode(table), targets.encode(table))
>>> network = pl.Network([pl.Dense(1)], inputs=encoding.inputs)
>>> fitted = pl.fit(network, data, loss="squared_error", optimizer=pl.optimizers.GradientDescent(0.5), epochs=50)
>>> with tempfile.TemporaryDirectory() as folder:
...     save_model(build_model(encoding, targets, network, fitted.losses, fitted.parameters), folder)
...     model = load_model(folder)
>>> print(model.predict({"x": [10.0]})["y"].round(3))
[21.5]
>>> graph, inputs = model.observation({"x": [10.0], "y": [21.0]})
>>> round(float(pl.observe(graph, **inputs)["output"].gradient[0, 0]), 4)  # the error, in standard deviations of y
0.2236
"""

from pellucid.model.build import build_model
from pellucid.model.folder import load_model, save_model
from pellucid.model.model import LossRecord, Model
from pellucid.model.network import tabular_network

__all__ = ["LossRecord", "Model", "build_model", "load_model", "save_model", "tabular_network"]
