"""What the settings mean that only one loss, optimizer or schedule has, or some of them, in plain words."""

MEANINGS = {
    "loss.delta": "The size of an error from which the loss grows only linearly, in standard deviations of the target.",
    "loss.q": "The quantile to predict, or a list of several.",
    "optimizer.momentum": "How much of the last change is added to the next.",
    "optimizer.alpha": "How much of the moving mean of squared gradients is kept at each step.",
    "optimizer.beta_1": "How much of the moving mean of gradients is kept at each step.",
    "optimizer.beta_2": "How much of the moving mean of squared gradients is kept at each step.",
    "optimizer.epsilon": "A small number beside the root of squared gradients that keeps the quotient finite.",
    "optimizer.momentum_decay": "How soon the momentum reaches beta_1.",
    "optimizer.weight_decay": "How much weights shrink at each step, as a part of learning rate times weight.",
    "optimizer.decay_all": "Whether biases and gains shrink too.",
    "lion.beta_1": "How much the moving mean of gradients counts for the direction of a step.",
    "lion.beta_2": "How much of the moving mean of gradients is kept at each step.",
    "optimizer.increase": "What a weight's step is multiplied by where its gradient keeps its sign.",
    "optimizer.decrease": "What a weight's step is multiplied by where its gradient has changed its sign.",
    "optimizer.minimum_step": "The smallest step of a weight.",
    "optimizer.maximum_step": "The largest step of a weight.",
    "optimizer.initial_step": "The first step of every weight.",
    "optimizer.max_iterations": "Training stops after so many iterations.",
    "optimizer.history": "The number of iterations that the curvature is estimated from.",
    "optimizer.gradient_tolerance": "Training stops where no element of the gradient is larger.",
    "optimizer.value_tolerance": "Training stops where an iteration lessens the loss by no more than this part of it.",
    "schedule.every": "The epochs between two cuts.",
    "schedule.factor": "What the learning rate is multiplied by at each cut.",
    "schedule.rate": "What the learning rate is multiplied by in an epoch.",
    "schedule.decay": "How much the divisor of the learning rate grows in an epoch, from 1.",
    "schedule.epochs": "The epochs that it takes; cosine takes all unless told otherwise.",
    "schedule.floor": "The part of the learning rate that is left at the end.",
    "schedule.steps": "The steps that it takes, where it is not told in epochs.",
    "schedule.then": 'What follows: the name of a schedule, or { name = "step", every = 10 } and the like.',
    "schedule.patience": "The epochs without a better metric after which a cut comes.",
    "schedule.minimum": "The part of the learning rate that is left at least.",
    "schedule.threshold": "An epoch is better where the metric is so by more than this part of the best one.",
}
"""By section and key, or by the name of what has the setting and key, where it means something else there."""


def find_meaning(section: str, name: str, key: str) -> str:
    """Return what a setting of the loss, optimizer or schedule of a name means; "" where it is another's, a user's own.

    Examples
    --------
    >>> find_meaning("schedule", "step", "every")
    'The epochs between two cuts.'
    """
    return MEANINGS.get(f"{name}.{key}", MEANINGS.get(f"{section}.{key}", ""))
