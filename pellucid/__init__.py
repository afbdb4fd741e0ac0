"""Pellucid: feed-forward networks on an explicit graph that can be read, checked and compiled."""

from pellucid import early, ops
from pellucid.data.bootstraps import bootstraps
from pellucid.data.dataset import Dataset, class_weights
from pellucid.data.split import folds, split, split_groups, split_in_order
from pellucid.data.tables.table import Table, as_table, read_table
from pellucid.diagnosis.operations import check
from pellucid.errors import (
    DataError,
    DeclarationError,
    GraphError,
    ModelError,
    PellucidError,
    ShapeError,
    TrainingError,
    UsageError,
)
from pellucid.executors.program import compile
from pellucid.graph.builder import build, scope
from pellucid.graph.context import Context
from pellucid.graph.differentiate import differentiate
from pellucid.graph.graph import Graph, Node, verify
from pellucid.graph.resize import resize
from pellucid.graph.simplify import simplify
from pellucid.graph.text import parse
from pellucid.graph.types import Axis, DType, Type, bool_, float32, float64, int32, int64, uint32
from pellucid.inspection.gradients import value_and_gradient
from pellucid.inspection.observe import observe
from pellucid.model import Model, build_model, load_model, save_model
from pellucid.nn import initializers, losses, regularizers
from pellucid.nn.branches import Concatenate, ConcatenateShortcut, InputToAll, Sequential, Shortcut, Sum
from pellucid.nn.layers import Activation, Dense, Embedding, Flatten, LayerNorm
from pellucid.nn.losses import loss
from pellucid.nn.network import Layer, Network
from pellucid.nn.noise import Dropout, GaussianNoise
from pellucid.nn.units import Units
from pellucid.ops import *
from pellucid.optim import optimizers, schedules
from pellucid.training import events
from pellucid.training.cross_validation import CrossValidation, cross_validate
from pellucid.training.fit import fit
from pellucid.training.members import Member, MemberEpochEnded, Replace, Stop
from pellucid.training.metrics import metric
from pellucid.training.perceptron import fit_perceptron
from pellucid.training.population import fit_population
from pellucid.training.population_result import Population
from pellucid.training.result import Fit
from pellucid.version import __version__
from pellucid.workflow import Recipe, train_table

_ESTIMATORS = ("Autoencoder", "MLPClassifier", "MLPRegressor", "Perceptron")
_NATIVE = ("explain_kernels",)


def __getattr__(name: str) -> object:
    """Load what needs large libraries when it is first asked for: scikit-learn, or what makes machine code."""
    if name in _ESTIMATORS:
        from pellucid import estimators

        return getattr(estimators, name)
    if name in _NATIVE:
        from pellucid.executors.native import report

        return getattr(report, name)
    raise AttributeError(f"module 'pellucid' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_ESTIMATORS, *_NATIVE])
