"""Search spaces: which settings are tried, with which values, written in a small grammar.

The same text stands in TOML, on the command line and in Python::

    network.layers          = "integer(0, 3)"
    network.units           = "integer(16, 256, log) if network.layers >= 1"
    network.activation      = "choice(relu, gelu)"
    network.dropout         = "uniform(0, 0.5) if network.layers >= 1"
    optimizer.learning_rate = "log_uniform(1e-4, 0.1)"
"""

from pellucid.tuning.space.conditions import Comparison, Condition
from pellucid.tuning.space.continuous import LogUniform, Uniform
from pellucid.tuning.space.counting import tell_count
from pellucid.tuning.space.dimensions import Dimension
from pellucid.tuning.space.discrete import Choice, Integer
from pellucid.tuning.space.distribution import Distribution
from pellucid.tuning.space.distributions import choice, integer, log_uniform, uniform
from pellucid.tuning.space.entries import parse_assignment
from pellucid.tuning.space.grammar import parse_condition, parse_distribution
from pellucid.tuning.space.names import join_name, split_name
from pellucid.tuning.space.space import Space, read_space
from pellucid.tuning.space.values import Value, format_value, identity, plain_value, same

__all__ = [
    "Choice",
    "Comparison",
    "Condition",
    "Dimension",
    "Distribution",
    "Integer",
    "LogUniform",
    "Space",
    "Uniform",
    "Value",
    "choice",
    "format_value",
    "identity",
    "integer",
    "join_name",
    "log_uniform",
    "parse_assignment",
    "parse_condition",
    "parse_distribution",
    "plain_value",
    "read_space",
    "same",
    "split_name",
    "tell_count",
    "uniform",
]
