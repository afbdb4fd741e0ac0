"""Learning from all examples at once with L-BFGS."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from pellucid.errors import UsageError
from pellucid.executors.inputs import batch_rows, gather
from pellucid.executors.program import compile
from pellucid.graph.context import Context, initial_state
from pellucid.graph.differentiate import build_gradients
from pellucid.graph.simplify import simplify
from pellucid.nn.losses import Loss
from pellucid.nn.network import Network
from pellucid.nn.regularizers import Regularizer
from pellucid.optim.lbfgs import LBFGS, minimize
from pellucid.training.loop import EPOCHS_RAN_OUT, Training
from pellucid.training.origin import explain_failure
from pellucid.training.step import WEIGHT, build_objective

CHUNK = 1024
"""How many examples are learned from at once."""

Arrays = Mapping[str, Any]


class Objective:
    """What is minimized, with its gradient, over all examples: computed chunk by chunk and averaged by weight."""

    def __init__(
        self,
        network: Network,
        losses: Mapping[str, Loss],
        regularizers: Sequence[Regularizer],
        arrays: Arrays,
        rows: np.ndarray,
        executor: str,
    ):
        self.rows = rows
        self.count = len(arrays[WEIGHT])
        self.batch = min(self.count, CHUNK)
        context = Context(training=True, batch=self.batch, dtype=network.dtype)
        objective, loss, _ = build_objective(context, network, losses, regularizers)
        paths = list(context.parameters)
        name = context.builder.path_of(objective.node)
        found = build_gradients(objective, [context.values[path] for path in paths], name=name)
        outputs = {"objective": objective, "loss": loss, **dict(zip(paths, found, strict=True))}
        graph = simplify(context.builder.finish(outputs, after="building the objective"))
        self.program, self.executor = compile(graph, executor), executor
        self.settings = dict(context.settings)
        self.arrays = arrays
        self.loss = float("nan")
        """The loss without penalties, as of the last evaluation."""
        if "seed" in graph.inputs:
            raise UsageError(
                "L-BFGS needs the same loss whenever the parameters are the same",
                got="a network or regularizers with random numbers",
                fix="Leave out dropout and noise, or choose another optimizer.",
            )
        self.evaluations = 0
        self._fixed: dict[str, Any] = {
            path: value for path, value in initial_state(context.state, {}).items() if path in graph.inputs
        }
        self._data = [name for name in arrays if name in graph.inputs and name != WEIGHT]

    def __call__(self, parameters: dict[str, np.ndarray]) -> tuple[float, dict[str, np.ndarray]]:
        """Return the objective and its gradient by path."""
        self.evaluations += 1
        total, loss, weight_sum = 0.0, 0.0, 0.0
        gradients = {path: np.zeros(array.shape) for path, array in parameters.items()}
        fixed = {**self._fixed, **self.settings, **parameters}
        for at in range(-(-self.count // self.batch)):
            rows, valid = batch_rows(np.arange(self.count), at, self.batch)
            weight = self.arrays[WEIGHT][rows]
            weight[valid:] = 0.0
            share = float(weight.sum())
            if share == 0:
                continue
            inputs = {**fixed, **{name: gather(self.arrays[name], rows) for name in self._data}, WEIGHT: weight}
            outputs = self.program(**inputs)
            if not all(np.isfinite(value).all() for value in outputs.values()):
                raise self._failure(inputs, rows[:valid])
            total += share * float(outputs["objective"])
            loss += share * float(outputs["loss"])
            weight_sum += share
            for path in gradients:
                gradients[path] += share * outputs[path]
        self.loss = loss / weight_sum
        return total / weight_sum, {path: gradient / weight_sum for path, gradient in gradients.items()}

    def _failure(self, inputs: Mapping[str, Any], rows: np.ndarray) -> Exception:
        graph = self.program.graph
        return explain_failure(
            graph,
            inputs,
            executor=self.executor,
            where=f"L-BFGS, evaluation {self.evaluations}",
            outputs=("loss", *(name for name in graph.outputs if name != "loss")),
            carried=tuple(name for name in inputs if name not in self.settings and name not in self.arrays),
            settings=tuple(self.settings),
            rows=self.rows[rows],
        )


class LBFGSTraining(Training):
    """Training by L-BFGS; an epoch is one of its iterations."""

    def __init__(self, objective: Objective, optimizer: LBFGS, *arguments: Any):
        super().__init__(*arguments)
        self.objective, self.optimizer = objective, optimizer

    def advance(self, seconds: float) -> str:
        """Iterate until it converges or is stopped, however long that takes."""
        reason: str | None = None

        def after(iteration: int, value: float, parameters: dict[str, np.ndarray]) -> bool:
            nonlocal reason
            self.show(iteration, self.plan.examples, self.objective.loss)
            reached = replace(self.progress, parameters=parameters, step=iteration)
            reason = self.end_epoch(reached, self.objective.loss)
            reason = reason or self.out_of_steps()
            if iteration >= self.plan.epochs:
                reason = reason or EPOCHS_RAN_OUT
            return reason is not None

        if self.plan.epochs == 0 or self.out_of_steps():
            return self.ran_out()
        _, report = minimize(self.objective, dict(self.progress.parameters), self.optimizer, after)
        return reason or f"L-BFGS: {report.reason}"
