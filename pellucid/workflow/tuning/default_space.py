"""What is searched over where nobody says it: a few architectures, and the numbers that matter most."""

from __future__ import annotations

from pellucid.training.evaluate import Evaluator
from pellucid.training.metrics import metrics_for
from pellucid.tuning.space import Space
from pellucid.workflow.making import Making
from pellucid.workflow.understanding import Understanding

FEW, MANY = 2_000, 50_000
"""Tables of fewer rows for a search are small, of more are large."""

USUAL = {"regression": "rmse", "binary": "log_loss", "multiclass": "log_loss", "multilabel": "log_loss"}
"""The metric by which trials are compared, by task: one that every row changes a little."""


def default_space(found: Understanding, rows: int) -> Space:
    """Return a space for a table: few programs, which many trials share, and the numbers of each.

    The larger the table, the larger the networks and mini-batches, and the weaker what holds weights back.

    Parameters
    ----------
    found : Understanding
    rows : int
        How many rows the search has.

    Examples
    --------
    >>> from pellucid.workflow.plans.plan import Plan
    >>> from pellucid.workflow.understanding import understand
    >>> found = understand({"x": [0.5 * row for row in range(40)], "y": ["a", "b"] * 20}, Plan(target=("y",)))
    >>> print(default_space(found, 32).text("network.units"))
    choice(32, 64, 128) if network.layers >= 1
    """
    small, large = rows < FEW, rows >= MANY
    units = "32, 64, 128" if small else "128, 256" if large else "64, 128, 256"
    entries = {
        "network.layers": "integer(0, 2)" if small else "integer(1, 3)",
        "network.units": f"choice({units})" + (" if network.layers >= 1" if small else ""),
        "network.activation": "choice(gelu, relu)" + (" if network.layers >= 1" if small else ""),
        "network.dropout": ("uniform(0, 0.5)" if not large else "uniform(0, 0.3)")
        + (" if network.layers >= 1" if small else ""),
        "optimizer.learning_rate": "log_uniform(0.0005, 0.03)" if not large else "log_uniform(0.0003, 0.01)",
        "regularizers.l2": "log_uniform(1e-06, 0.03)" if small else "log_uniform(1e-07, 0.001)",
        "training.batch_size": 32 if small else 256 if large else 64,
    }
    if any(role.kind == "number" for role in found.roles):
        entries["encoders.scaling"] = "choice(standardize, quantile)"
        entries["regularizers.noise"] = "uniform(0, 0.3)" if small else "uniform(0, 0.1)"
    return Space(entries)


def default_metric(made: Making) -> str:
    """Return the metric by which trials are compared: the plan's, if it names one, or else the usual one of the task.

    Parameters
    ----------
    made : Making
        By the plan without a search.

    Examples
    --------
    >>> from pellucid.workflow.making import prepare
    >>> from pellucid.workflow.plans.plan import Plan
    >>> from pellucid.workflow.understanding import understand
    >>> plan = Plan(target=("y",))
    >>> found = understand({"x": [1.5, 2.0, 3.0, 4.5], "y": [0.1, 0.7, 1.5, 2.5]}, plan)
    >>> default_metric(prepare(found, plan, found.parts))
    'rmse'
    """
    if made.plan.recipe.metric != "loss":
        return made.plan.recipe.metric
    task = made.found.task.kind
    kind = next(iter(Evaluator(made.network, dict.fromkeys(made.network.outputs, made.loss)).kinds.values()))
    return usual_metric(task, kind)


def usual_metric(task: str, kind: str) -> str:
    """Return the usual metric of a task, for predictions of a kind.

    Examples
    --------
    >>> usual_metric("binary", "probability"), usual_metric("binary", "score")
    ('log_loss', 'accuracy')
    """
    fitting = [one.name for one in metrics_for(task) if one.fits(kind) and one.name != "loss"]
    return USUAL[task] if USUAL[task] in fitting else fitting[0]
