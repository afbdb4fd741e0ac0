"""What may be wrong with a training: the causes that gates speak for."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Cause:
    """Something that people really do wrong.

    Attributes
    ----------
    name : str
    what : str
        In words, as a statement.
    remedy : str
        What to do, as an imperative sentence.
    """

    name: str
    what: str
    remedy: str


_ALL = (
    Cause("non_finite", "a value is NaN or infinite", "Follow its origin with pl.find_origin."),
    Cause("target_leak", "a feature gives the target away", "Leave the feature out."),
    Cause("test_overlap", "rows of the test are among those learned from", "Divide by groups, or drop duplicates."),
    Cause("wrong_targets", "targets do not belong to their rows", "Look at how inputs and targets were joined."),
    Cause("uninformative_inputs", "the inputs say nothing", "Look at how the inputs are read: they may all be alike."),
    Cause("unscaled_inputs", "features are of very different or large scales", "Standardize the inputs."),
    Cause("unscaled_targets", "targets are far from 0 or very large", "Standardize the targets."),
    Cause("imbalance", "one class has nearly all rows", "Weigh the classes, or judge by another metric."),
    Cause("no_shuffle", "rows stand in an order, and are not shuffled", "Pass shuffle=True."),
    Cause("too_few_examples", "there are too few examples for the network", "Get more rows, or a smaller network."),
    Cause("wrong_loss", "the loss does not fit the output layer or the targets", "Take the loss that the task has."),
    Cause("wrong_output", "the output layer can not reach the targets", "Leave the last layer linear."),
    Cause("examples_mixed", "examples of a batch influence each other", "Look for a reduction over the wrong axis."),
    Cause("wrong_gradient", "a gradient is not the derivative", "Check the operation with pl.check."),
    Cause("detached_layer", "a part of the network does not learn", "Look for stop_gradient, or values not used."),
    Cause("no_hidden_activation", "layers in a row are linear: together they are one", "Put activations between."),
    Cause("zero_initialization", "units start alike and stay alike", "Draw first weights at random."),
    Cause("large_initialization", "first weights are too large", "Take the initializer that suits the activation."),
    Cause("small_initialization", "first weights are too small", "Take the initializer that suits the activation."),
    Cause("vanishing_gradients", "gradients vanish on the way down", "Take rectifiers, shortcuts or normalization."),
    Cause("exploding_gradients", "gradients grow on the way down", "Clip the gradient; normalize; start smaller."),
    Cause("dead_units", "units are 0 for every example", "Lower the learning rate or the biases; try leaky units."),
    Cause("saturated_units", "units are stuck at their bounds", "Scale the inputs; start with smaller weights."),
    Cause("network_too_small", "the network can not express the function", "Take more units or layers."),
    Cause("step_too_large", "the steps are too large", "Lower the learning rate, three to ten times."),
    Cause("step_too_small", "the steps are too small or too few", "Raise the learning rate, three to ten times."),
    Cause("too_much_regularization", "regularization keeps it from learning", "Lower L2, L1, dropout or noise."),
    Cause("overfitting", "it learns the training rows by heart", "Add rows, dropout or L2; stop earlier."),
)

CAUSES = {cause.name: cause for cause in _ALL}
"""All causes, by name. Where several explain what was found, those that stand first are nearer to the root."""
