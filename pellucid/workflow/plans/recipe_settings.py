"""The settings of a recipe: each with its path, its default, its meaning and its range, here and nowhere else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pellucid.data.encoders.settings import LARGEST_COUNT, SCALINGS, WORD_VALUES, EncoderSettings
from pellucid.executors.program import DEFAULT_EXECUTOR, EXECUTORS
from pellucid.nn.initializers import INITIALIZERS
from pellucid.nn.losses import loss_names
from pellucid.ops.activations import ACTIVATIONS
from pellucid.optim.optimizers import OPTIMIZERS
from pellucid.optim.schedules import SCHEDULES
from pellucid.training.metrics import METRICS
from pellucid.workflow.plans.chosen import AUTO
from pellucid.workflow.plans.kinds import ByName, Choice, Flag, Names, Number, Sizes
from pellucid.workflow.plans.settings import setting

COUNT, SHARE, SIZE = Number("[1, inf)", whole=True), Number("[0, 1)"), Number("[0, inf)")
COUNT_OR_NONE = Number("[0, inf)", whole=True)
ENCODER_COUNT = Number(f"[0, {LARGEST_COUNT}]", whole=True)
CLASS_WEIGHTS = ("none", "balanced")


@dataclass(frozen=True)
class RecipeSettings:
    """The fields of a :class:`~pellucid.workflow.plans.recipe.Recipe`."""

    scaling: str = setting(
        "encoders.scaling",
        EncoderSettings.scaling,
        "How numbers are scaled: by mean and standard deviation, by median and quartiles, by smallest and largest, "
        "by rank, or not at all.",
        Choice("scaling", lambda: SCALINGS),
    )
    limit: float = setting(
        "encoders.limit",
        EncoderSettings.limit,
        "Scaled numbers are brought smoothly between plus and minus this, so that one far from all others cannot "
        "outvote them; 0 for no limit.",
        Number("[0, 1000000]"),
    )
    whitening: float = setting(
        "encoders.whitening",
        EncoderSettings.whitening,
        "The share of the variance of the scaled numbers that their whitened principal components keep; 1 keeps all "
        "of them, 0 does without.",
        Number("[0, 1]"),
    )
    one_hot: int = setting(
        "encoders.one_hot",
        EncoderSettings.one_hot,
        "A column of up to so many categories becomes one feature for each; one of more is embedded.",
        ENCODER_COUNT,
    )
    embedding_units: int = setting(
        "encoders.embedding_units",
        EncoderSettings.embedding_units,
        "The numbers that an embedded category becomes; 0 for a rule by the number of categories.",
        ENCODER_COUNT,
    )
    words: int = setting(
        "encoders.words",
        EncoderSettings.words,
        "So many of the most frequent words of a text column become a feature each.",
        ENCODER_COUNT,
    )
    word_values: str = setting(
        "encoders.word_values",
        EncoderSettings.word_values,
        "What the feature of a word says: whether the text has it, or how often.",
        Choice("value of words", lambda: WORD_VALUES),
    )
    hidden: tuple[int, ...] = setting(
        "network.hidden", (128,), "The units of each hidden layer; none for a linear model.", Sizes()
    )
    activation: str | tuple[str, ...] = setting(
        "network.activation", "gelu", "The activation of the hidden layers.", Names("activation", lambda: ACTIVATIONS)
    )
    dropout: float = setting(
        "network.dropout", 0.2, "The share of each hidden layer's units that is left out in a step.", SHARE
    )
    shortcuts: bool = setting(
        "network.shortcuts",
        False,
        "Whether every layer sees the features too, beside what the layer before it gives.",
        Flag(),
    )
    layer_norm: bool = setting(
        "network.layer_norm", False, "Whether each hidden layer's sums are normalized, row by row.", Flag()
    )
    initializer: str | None = setting(
        "network.initializer",
        None,
        "What weights start from; auto fits it to the activation.",
        Choice("initializer", lambda: INITIALIZERS, none=AUTO),
    )
    dtype: str = setting(
        "network.dtype",
        AUTO,
        "The type of number that the network computes with; auto is float64 where numbers of an array, a data frame or "
        "a Parquet file come in it, and float32 otherwise: CSV says nothing of it.",
        Choice("dtype of networks", lambda: (AUTO, "float32", "float64")),
    )
    loss_name: str = setting(
        "loss.name",
        AUTO,
        "What training makes small; auto is the usual loss of the task.",
        Choice("loss", lambda: [AUTO, *loss_names()]),
    )
    label_smoothing: float = setting(
        "loss.label_smoothing",
        0.0,
        "The share of the target that is spread over all classes, where there are more than two.",
        SHARE,
    )
    loss_settings: Mapping[str, Any] = setting("loss.*", {}, "Other settings of that loss.", ByName())
    optimizer_name: str = setting(
        "optimizer.name", "adam", "How weights follow from gradients.", Choice("optimizer", lambda: OPTIMIZERS)
    )
    learning_rate: float = setting(
        "optimizer.learning_rate", 3e-3, "The size of its steps; lbfgs and rprop have none.", SIZE
    )
    optimizer_settings: Mapping[str, Any] = setting("optimizer.*", {}, "Other settings of that optimizer.", ByName())
    schedule_name: str = setting(
        "schedule.name",
        "constant",
        "How the learning rate changes while the network learns; cosine falls over all epochs.",
        Choice("schedule", lambda: SCHEDULES),
    )
    schedule_settings: Mapping[str, Any] = setting("schedule.*", {}, "Other settings of that schedule.", ByName())
    l2: float = setting(
        "regularizers.l2",
        1e-4,
        "The strength of the penalty on squared weights; the output layer of a regression is spared.",
        SIZE,
    )
    l1: float = setting(
        "regularizers.l1", 0.0, "The strength of the penalty on absolute weights, which makes some exactly 0.", SIZE
    )
    max_norm: float = setting(
        "regularizers.max_norm", 0.0, "The largest norm of a unit's incoming weights; 0 for no limit.", SIZE
    )
    noise: float = setting(
        "regularizers.noise", 0.0, "The standard deviation of normal noise on the features while training.", SIZE
    )
    epochs: int = setting("training.epochs", 300, "How often training goes through the rows, at most.", COUNT)
    batch_size: int = setting("training.batch_size", 32, "The rows of a step; 0 for all of them.", COUNT_OR_NONE)
    patience: int = setting(
        "training.patience",
        20,
        "Training stops after so many epochs in which the metric has not become better; 0 for never.",
        COUNT_OR_NONE,
    )
    metric: str = setting(
        "training.metric",
        "loss",
        "What is judged on the validation rows, to stop early and to choose the best weights.",
        Choice("metric", lambda: METRICS),
    )
    min_improvement: float = setting(
        "training.min_improvement", 0.0, "By how much the metric has to become better to count for the patience.", SIZE
    )
    clip_norm: float = setting(
        "training.clip_norm", 0.0, "The largest norm of the whole gradient, which is shortened to it; 0 for none.", SIZE
    )
    class_weight: str = setting(
        "training.class_weight",
        "none",
        "Whether rows count alike, or more in rare classes, so that all classes count the same.",
        Choice("class weight", lambda: CLASS_WEIGHTS),
    )
    steps: int = setting(
        "training.steps", 0, "Training stops after so many steps, also inside an epoch; 0 for no limit.", COUNT_OR_NONE
    )
    time_limit: float = setting(
        "training.time_limit", 0.0, "Training stops after so many seconds; 0 for no limit.", SIZE
    )
    executor: str = setting(
        "training.executor",
        DEFAULT_EXECUTOR,
        "What runs the network: machine code made for it, or NumPy.",
        Choice("executor", lambda: EXECUTORS),
    )
