"""From a table to a trained network with an honest report, in one call."""

from pellucid.workflow.recipe import Recipe
from pellucid.workflow.run import Run
from pellucid.workflow.train_table import train_table

__all__ = ["Recipe", "Run", "train_table"]
