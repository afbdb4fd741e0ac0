"""All kinds of faults in one table: which of them thresholds may be set by, and which only score.

The division was written down before any gate was asked about any of them. A pair of neighbours is a subject seen from
two sides: one of them tunes, the other scores. What people do wrong, and how often, follows Humbatova et al., Taxonomy
of Real Faults in Deep Learning Systems (2020); Zhang et al., AutoTrainer (2021); Wardat et al., DeepLocalize (2021);
Cao et al., DeepFD (2022); Schoop et al., UMLAUT (2021).
"""

from __future__ import annotations

from pellucid.diagnosis.zoo import inputs, leaks, networks, outputs, penalties, starts, steps, targets
from pellucid.diagnosis.zoo.sound import CLASSES, CURVED, NUMBERS, Wish
from pellucid.diagnosis.zoo.specimen import CONFIRMING, SCORING, TUNING, Fault, Kind, Specimen

_UNITS = ("wine", "breast_cancer", "friedman2", "diabetes")
"""Tables whose columns have units of very different size."""

_TWO_CLASSES = ("breast_cancer", "moons", "circles", "product")
_MANY_CLASSES = ("wine", "digits", "rings", "clusters")
_HARDER = ("friedman1", "waves", "arm", "digits")
"""Data that a training that steps too far does badly on."""

_SLOW = ("adam", "adamw", "rmsprop")
_DESCENT = ("momentum", "nesterov")
_PLAIN = Wish()


def _wish(
    materials: tuple[str, ...] = CLASSES + NUMBERS,
    activations: tuple[str, ...] = _PLAIN.activations,
    optimizers: tuple[str, ...] = _PLAIN.optimizers,
    depths: tuple[int, ...] = _PLAIN.depths,
    **others: object,
) -> Wish:
    return Wish(materials, activations, optimizers, depths, **others)  # type: ignore[arg-type]


def _pair(
    subject: str,
    tuning: tuple[Fault, tuple[str, ...], Wish],
    scoring: tuple[Fault, tuple[str, ...], Wish],
    misleads: bool = False,
) -> list[Kind]:
    return [_kind(subject, part, *given, misleads=misleads) for part, given in ((TUNING, tuning), (SCORING, scoring))]


def _kind(subject: str, part: str, fault: Fault, causes: tuple[str, ...], wish: Wish, misleads: bool = False) -> Kind:
    what = (fault.__doc__ or "").strip()
    return Kind(fault.__name__, subject, part, what, causes, wish, fault, misleads)


_TABLE = [
    # inputs
    *_pair(
        "inputs",
        (inputs.forgotten_scaling, ("unscaled_inputs",), _wish(_UNITS, ("relu", "tanh", "elu"), _DESCENT, (2, 3))),
        (inputs.far_from_zero, ("unscaled_inputs",), _wish(CURVED, ("relu", "tanh", "elu"))),
    ),
    *_pair(
        "inputs",
        (inputs.marked_cells, ("unscaled_inputs",), _wish(("wine", "breast_cancer", "friedman1", "teacher"))),
        (inputs.one_huge_column, ("unscaled_inputs",), _wish(("product", "clusters", "friedman1", "teacher", "waves"))),
    ),
    *_pair(
        "inputs",
        (inputs.unscaled_test, ("unscaled_inputs",), _wish(_UNITS)),
        (inputs.scaled_twice, ("unscaled_inputs",), _wish(CURVED, ("relu", "tanh", "gelu"), _DESCENT)),
    ),
    *_pair(
        "inputs",
        (inputs.empty_inputs, ("uninformative_inputs",), _wish()),
        (inputs.one_row_for_all, ("uninformative_inputs",), _wish()),
    ),
    # targets and rows
    *_pair(
        "targets",
        (targets.shuffled_targets, ("wrong_targets",), _wish()),
        (targets.shifted_targets, ("wrong_targets",), _wish()),
    ),
    *_pair(
        "targets",
        (targets.rare_class, ("imbalance",), _wish(("moons", "circles", "breast_cancer", "product"))),
        (targets.weights_upside_down, ("imbalance",), _wish(("moons", "product"))),
    ),
    *_pair(
        "targets",
        (targets.targets_in_thousands, ("unscaled_targets",), _wish(NUMBERS, depths=(1,))),
        (targets.targets_far_from_zero, ("unscaled_targets",), _wish(NUMBERS)),
    ),
    *_pair(
        "targets",
        (
            targets.in_order,
            ("no_shuffle",),
            _wish(("rings", "clusters"), optimizers=("gradient_descent",), batches=(4,), validation=False),
        ),
        (targets.split_in_order, ("no_shuffle",), _wish(("wine", "digits", "clusters"))),
    ),
    *_pair(
        "targets",
        (targets.few_rows, ("too_few_examples", "overfitting"), _wish(("digits", "product", "teacher", "friedman1"))),
        (
            targets.more_columns_than_rows,
            ("too_few_examples", "overfitting"),
            _wish(("product", "clusters", "teacher", "friedman1")),
        ),
    ),
    # leaks
    *_pair(
        "leaks",
        (leaks.target_among_inputs, ("target_leak",), _wish(_TWO_CLASSES + NUMBERS[:5])),
        (leaks.number_of_the_row, ("target_leak",), _wish(("wine", "rings", "clusters", "moons"))),
        misleads=True,
    ),
    *_pair(
        "leaks",
        (
            leaks.doubled_before_division,
            ("test_overlap",),
            _wish(("wine", "clusters", "teacher", "friedman1"), validation=False, widths=(64,), steps=5000),
        ),
        (
            leaks.overlapping_test,
            ("test_overlap",),
            _wish(("wine", "clusters", "teacher", "friedman1"), validation=False, widths=(64,), steps=5000),
        ),
        misleads=True,
    ),
    # last layer and loss
    *_pair(
        "output",
        (outputs.double_softmax, ("wrong_output", "wrong_loss"), _wish(_MANY_CLASSES)),
        (outputs.double_sigmoid, ("wrong_output", "wrong_loss"), _wish(_TWO_CLASSES)),
    ),
    *_pair(
        "output",
        (outputs.rectified_output, ("wrong_output",), _wish(NUMBERS)),
        (outputs.bounded_output, ("wrong_output", "unscaled_targets"), _wish(NUMBERS)),
    ),
    *_pair(
        "output",
        (outputs.each_with_all, ("examples_mixed", "wrong_loss"), _wish(NUMBERS[:5])),
        (outputs.classes_as_numbers, ("wrong_loss",), _wish(("digits", "clusters", "rings"))),
    ),
    *_pair(
        "output",
        (outputs.softmax_for_labels, ("wrong_output", "wrong_loss"), _wish(("labels",))),
        (outputs.probabilities_for_hinge, ("wrong_output", "wrong_loss"), _wish(_TWO_CLASSES)),
    ),
    *_pair(
        "output",
        (outputs.wrong_sign, ("wrong_loss",), _wish(NUMBERS)),
        (outputs.logarithm_of_zero, ("non_finite", "wrong_loss"), _wish(_TWO_CLASSES, depths=(2, 3))),
    ),
    # first values
    *_pair(
        "start",
        (starts.zero_weights, ("zero_initialization",), _wish(CURVED)),
        (starts.equal_weights, ("zero_initialization",), _wish(CURVED)),
    ),
    *_pair(
        "start",
        (starts.tiny_weights, ("small_initialization",), _wish(CURVED, optimizers=_DESCENT, depths=(3, 4, 5))),
        (starts.huge_weights, ("large_initialization",), _wish(depths=(2, 3))),
    ),
    *_pair(
        "start",
        (starts.biases_above, ("saturated_units",), _wish(CURVED, ("tanh",), _DESCENT, (1, 2))),
        (starts.biases_below, ("dead_units",), _wish(CURVED, ("relu",), depths=(1, 2))),
    ),
    *_pair(
        "start",
        (
            starts.growing_weights,
            ("large_initialization", "exploding_gradients"),
            _wish(CURVED, ("relu", "leaky_relu"), _DESCENT, (8, 10)),
        ),
        (networks.stacked_shortcuts, ("exploding_gradients", "large_initialization"), _wish(CURVED)),
    ),
    # network
    *_pair(
        "network",
        (networks.sigmoid_stack, ("vanishing_gradients",), _wish(CURVED)),
        (networks.tanh_stack, ("vanishing_gradients", "small_initialization"), _wish(CURVED)),
    ),
    *_pair(
        "network",
        (networks.one_unit, ("network_too_small",), _wish(CURVED)),
        (networks.bottleneck, ("network_too_small",), _wish(("digits", "clusters", "arm"))),
    ),
    *_pair(
        "network",
        (networks.no_activation, ("no_hidden_activation",), _wish(CURVED)),
        (networks.reshaped, ("examples_mixed",), _wish()),
    ),
    *_pair(
        "network",
        (networks.stopped_gradient, ("detached_layer",), _wish(CURVED, depths=(2, 3), widths=(8, 12))),
        (networks.step_units, ("detached_layer", "vanishing_gradients"), _wish(CURVED, depths=(2, 3), widths=(6, 8))),
    ),
    *_pair(
        "network",
        (networks.wrong_sign_of_gradient, ("wrong_gradient",), _wish(CURVED)),
        (networks.wrong_slope, ("wrong_gradient",), _wish(CURVED)),
    ),
    *_pair(
        "network",
        (networks.normalized_over_batch, ("examples_mixed",), _wish()),
        (networks.softmax_over_batch, ("examples_mixed",), _wish(NUMBERS)),
        misleads=True,
    ),
    # steps
    *_pair(
        "steps",
        (steps.hundred_times_too_large, ("step_too_large",), _wish()),
        (steps.endless_momentum, ("step_too_large",), _wish(_HARDER, optimizers=_DESCENT)),
    ),
    *_pair(
        "steps",
        (steps.diverging_descent, ("step_too_large",), _wish(NUMBERS)),
        (steps.online_with_large_steps, ("step_too_large",), _wish(_HARDER, optimizers=_SLOW)),
    ),
    *_pair(
        "steps",
        (steps.two_epochs, ("step_too_small",), _wish(CURVED)),
        (steps.hundred_times_too_small, ("step_too_small",), _wish((*CURVED, "digits"))),
    ),
    *_pair(
        "steps",
        (steps.falling_too_fast, ("step_too_small",), _wish(CURVED)),
        (steps.endless_warm_up, ("step_too_small",), _wish()),
    ),
    *_pair(
        "steps",
        (steps.stopped_at_once, ("step_too_small",), _wish()),
        (steps.clipped_away, ("step_too_small",), _wish()),
    ),
    # regularization
    *_pair(
        "regularization",
        (penalties.strong_l2, ("too_much_regularization",), _wish()),
        (penalties.strong_dropout, ("too_much_regularization",), _wish(CURVED, depths=(2, 3))),
    ),
    *_pair(
        "regularization",
        (penalties.strong_noise, ("too_much_regularization",), _wish(CURVED)),
        (penalties.small_norm, ("too_much_regularization",), _wish()),
    ),
    *_pair(
        "regularization",
        (penalties.strong_l1, ("too_much_regularization",), _wish()),
        (penalties.strong_decay, ("too_much_regularization",), _wish()),
    ),
    *_pair(
        "regularization",
        (
            penalties.wrong_labels_by_heart,
            ("overfitting", "too_few_examples", "wrong_targets"),
            _wish(("product", "clusters", "circles", "rings")),
        ),
        (penalties.noise_by_heart, ("overfitting", "too_few_examples"), _wish(("friedman1", "teacher", "waves"))),
    ),
]

KINDS: dict[str, Kind] = {kind.name: kind for kind in _TABLE}
"""All kinds of faults, by name."""


def fault_seeds(part: str) -> range:
    """Return the seeds of the specimens of each kind of a part: ``tuning``, ``scoring`` or ``confirming``."""
    return {TUNING: range(3), SCORING: range(4), CONFIRMING: range(4, 8)}[part]


def kinds_of(part: str) -> list[Kind]:
    """Return the kinds of a part; those that confirm are those that score."""
    return [kind for kind in KINDS.values() if kind.part == (SCORING if part == CONFIRMING else part)]


def specimens(part: str) -> list[Specimen]:
    """Return the faulty specimens of a part, kind by kind."""
    return [kind.specimen(seed) for kind in kinds_of(part) for seed in fault_seeds(part)]
