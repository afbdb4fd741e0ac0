"""Operations: each is declared in one place and found by name in the registry."""

from pellucid.ops import activations
from pellucid.ops.activations import *
from pellucid.ops.arithmetic import add, divide, multiply, negative, power, subtract
from pellucid.ops.basic import cast, constant, stop_gradient
from pellucid.ops.comparison import (
    equal,
    greater,
    greater_equal,
    less,
    less_equal,
    logical_and,
    logical_not,
    logical_or,
    maximum,
    minimum,
    not_equal,
    select,
)
from pellucid.ops.contraction import contraction, matmul
from pellucid.ops.declare import NOT_DIFFERENTIABLE, elementwise, structural
from pellucid.ops.functions import absolute, erf, erfc, exp, expm1, log, log1p, sign, sqrt
from pellucid.ops.indexing import getitem
from pellucid.ops.joins import concatenate
from pellucid.ops.randoms import bernoulli_mask, random_normal, random_uniform
from pellucid.ops.reductions import argmax, argmin, max, mean, min, sum
from pellucid.ops.rolls import roll
from pellucid.ops.rows import gather, one_hot, scatter_add
from pellucid.ops.samples import Booleans, Case, ErrorCase, Integers, Operand, Uniform
from pellucid.ops.shapes import broadcast, reshape, sum_to, transpose
from pellucid.ops.slices import pad, slice
from pellucid.ops.softmax import log_softmax, log_sum_exp, softmax

abs, where = absolute, select
"""The names that NumPy gives to these operations."""

__all__ = [
    "NOT_DIFFERENTIABLE",
    "Booleans",
    "Case",
    "ErrorCase",
    "Integers",
    "Operand",
    "Uniform",
    "abs",
    "absolute",
    "add",
    "argmax",
    "argmin",
    "bernoulli_mask",
    "broadcast",
    "cast",
    "concatenate",
    "constant",
    "contraction",
    "divide",
    "elementwise",
    "equal",
    "erf",
    "erfc",
    "exp",
    "expm1",
    "gather",
    "getitem",
    "greater",
    "greater_equal",
    "less",
    "less_equal",
    "log",
    "log1p",
    "log_softmax",
    "log_sum_exp",
    "logical_and",
    "logical_not",
    "logical_or",
    "matmul",
    "max",
    "maximum",
    "mean",
    "min",
    "minimum",
    "multiply",
    "negative",
    "not_equal",
    "one_hot",
    "pad",
    "power",
    "random_normal",
    "random_uniform",
    "reshape",
    "roll",
    "scatter_add",
    "select",
    "sign",
    "slice",
    "softmax",
    "sqrt",
    "stop_gradient",
    "structural",
    "subtract",
    "sum",
    "sum_to",
    "transpose",
    "where",
]
__all__ += activations.__all__
