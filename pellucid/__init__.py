"""Pellucid: feed-forward networks on an explicit graph that can be read, checked and compiled."""

from importlib import import_module

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

# What is loaded when it is first asked for, by the module that it comes from: `import pellucid` stays light.
_LATER = {
    "diagnosis.gates.check": ("check_training",),
    "diagnosis.gates.check_data": ("check_data",),
    "diagnosis.gates.finding": ("Finding", "GateError", "GateReport"),
    "diagnosis.gates.ranking": ("rank_causes",),
    "diagnosis.gates.thresholds": ("Thresholds",),
    "diagnosis.gates.watch": ("Watch",),
    "estimators": ("Autoencoder", "MLPClassifier", "MLPRegressor", "Perceptron", "PopulationSearchCV"),
    "executors.native.report": ("explain_kernels",),
    "inspection.explain": ("explain",),
    "inspection.landscape.curvature": ("curvature",),
    "inspection.landscape.path": ("TrainingPath",),
    "inspection.landscape.surface": ("landscape",),
    "inspection.origin": ("find_origin",),
    "inspection.pictures.composition": ("plot_composition",),
    "inspection.pictures.curves": ("plot_curves",),
    "inspection.pictures.displays": ("plot_calibration", "plot_confusion", "plot_roc"),
    "inspection.pictures.importance": ("importance", "plot_importance"),
    "inspection.pictures.linear_regions": ("count_linear_regions", "linear_regions"),
    "inspection.pictures.records": ("plot_records",),
    "inspection.pictures.regions": ("plot_decision_regions",),
    "inspection.pictures.representation": ("plot_representation", "representation"),
    "inspection.pictures.units": ("plot_units",),
    "inspection.recorder": ("Recorder",),
    "tuning.networks": ("NetworkObjective",),
    "tuning.search": ("search",),
    "tuning.space": ("Space",),
    "tuning.study": ("open_study",),
    "workflow.checking": ("check_run", "check_table"),
    "workflow.learning_curve": ("learning_curve",),
    "workflow.pages.run_page": ("write_page",),
    "workflow.timeline": ("first_divergence", "timeline"),
    "workflow.tuning.tune_table": ("tune_table",),
}
_MODULES = {name: module for module, names in _LATER.items() for name in names}


def __getattr__(name: str) -> object:
    """Load what needs more than a graph when it is first asked for."""
    if name in _MODULES:
        return getattr(import_module(f"pellucid.{_MODULES[name]}"), name)
    raise AttributeError(f"module 'pellucid' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_MODULES])
