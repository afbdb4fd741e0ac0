"""From a table to a trained network with an honest report, in one call."""

from pellucid.workflow.plans.plan import Plan, read_plan
from pellucid.workflow.plans.recipe import Recipe
from pellucid.workflow.run import Run
from pellucid.workflow.train_table import train_table

__all__ = ["Plan", "Recipe", "Run", "read_plan", "train_table"]
