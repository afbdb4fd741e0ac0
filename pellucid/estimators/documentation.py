"""What is said of the parameters and attributes that the estimators share, in one place for all of them."""

from __future__ import annotations

from typing import TypeVar

Class = TypeVar("Class", bound=type)

TRAINING = """
    solver : str or Optimizer
        "adam"; "sgd", gradient descent with `momentum`; "lbfgs", which takes all rows at once; or any other of
        ``pl.optimizers``*, such as "adamw", "nadam", "rmsprop", "lion", "rprop", or an object with its own settings.
    alpha : float
        The strength of the penalty ``alpha / 2`` times the sum of squared weights, which is divided by the number of
        rows of the mini-batch (the sum of their weights), output layer included.
    l1* : float
        The strength of the penalty on the sum of absolute weights, divided likewise; it makes weights exactly 0.
    batch_size : int or "auto"
        Rows of a mini-batch; "auto" is 200, or all rows where they are fewer.
    learning_rate : {"constant", "invscaling", "adaptive"}
        "invscaling" divides the rate by ``(t + 1)^power_t`` after t rows, epoch by epoch; "adaptive" divides it by 5
        instead of stopping, until it is below 1e-6.
    learning_rate_init : float
        The rate of learning at the beginning.
    power_t : float
        The exponent of "invscaling".
    max_iter : int
        At most so many epochs (iterations of L-BFGS). Where they did not suffice, a ConvergenceWarning says so.
    shuffle : bool
        Whether each epoch takes the rows in another order. Then what is learned does not depend on the order in which
        they come, and whole sample weights (4 on average, at most) mean exactly what repeating the rows would mean, so
        that some of a row's copies may be held out.
    random_state : int, RandomState or None
        The seed of first weights, order, dropout and the validation part. The same number gives the same bits.
    tol : float
        By how much an epoch has to be better to count; for L-BFGS, the largest gradient at the end.
    verbose : bool
        Whether to print a line an epoch.
    warm_start : bool
        Whether `fit` goes on from the weights of the last call; encoders and classes stay as they were.
    momentum : float
        Of "sgd", 0 or more, below 1.
    nesterovs_momentum : bool
        Whether it is Nesterov's.
    early_stopping : bool
        Whether a part of the rows is held out, which decides when to stop and which epoch's weights to keep (not with
        L-BFGS, and not where fewer than 5 rows would be held out).
    validation_fraction : float
        The share that is held out; of classes, in equal shares.
    beta_1, beta_2, epsilon : float
        Of "adam" and its relatives.
    n_iter_no_change : int
        After more epochs than this without a better value training stops.
    max_fun : int
        How often L-BFGS may compute the loss, looked at after each iteration.
    callbacks* : list of callables
        Told of every event of training (``pl.events``); ``event.stop()`` ends it.
    clip_norm* : float, optional
        A bound for the norm of the gradient.
    time_limit* : float, optional
        Seconds that training may take.
    executor* : {"native", "interpret"}
        What runs the network: machine code made for it, or NumPy.""".strip()

NETWORK = """
    hidden_layer_sizes : sequence of int
        The units of each hidden layer; ``()`` for none.
    activation : str, operation or function, or a list* with one for each hidden layer
        "identity", "logistic", "tanh", "relu" and all others of Pellucid, such as "gelu".
    dropout* : float or "auto"
        The share of a hidden layer's units that is left out in each step; "auto" is 0.2, and 0 for L-BFGS.
    shortcuts* : bool
        Whether each layer sees what came before the layers before it, too.
    layer_norm* : bool
        Whether hidden layers are normalized.
    metric* : str
        What the held-out rows are judged by: "loss", or a metric that fits the task, such as "accuracy", "auc", "r2".
    scaling* : str or None
        What is done to numbers: "standardize", "robust", "minmax", "quantile", or None. Sparse matrices are only
        divided, so that what is 0 stays 0.
    limit* : float
        Scaled numbers are brought smoothly between plus and minus this number; 0 for no limit.
    n_members* : int
        How many networks are trained at once, on the same rows from different first weights. What they predict is
        averaged: probabilities, or numbers. The first network is the one of ``n_members=1``.""".strip()

ATTRIBUTES = """
    model_ : Model
        The trained model: encoders, network and the meaning of its output. ``save(folder)`` writes it.
    coefs_, intercepts_ : list of ndarray
        Weights [inputs, units] and biases [units] of the dense layers: views into the model.
    loss_curve_ : list of float
        The mean loss with the penalty, epoch by epoch; the penalty is that of the weights with which the epoch began.
    loss_, best_loss_ : float
        The last and the least of them; `best_loss_` is None where rows were held out.
    validation_loss_curve_ : list of float, or None
        The loss of the held-out rows, without the penalty.
    validation_scores_ : list of float, or None
        Their score: accuracy, the share of right labels, or R2 (of all outputs together).
    best_validation_score_ : float or None
    n_iter_ : int
        How many epochs there were.
    t_ : int
        How many rows were learned from, counted anew in each epoch.
    members_ : tuple
        What is known of the training of each network of an ensemble: `seed`, `loss_curve`, `records` and `reason`. The
        curves and counts above are those of the first one, and `coefs_` and `intercepts_` those of all, one network
        after the other.
    n_features_in_, n_layers_, n_outputs_ : int
    feature_names_in_ : ndarray of str
        Only where all columns have names that are text.
    out_activation_ : str
        "identity", "logistic", "softmax" or "exp".""".strip()

PARTS = {
    "{shared parameters}": f"{NETWORK}\n    {TRAINING}",
    "{training parameters}": TRAINING,
    "{shared attributes}": ATTRIBUTES,
}


def with_shared_parameters(estimator: Class) -> Class:
    """Put what is said here of shared parameters and attributes into the docstring of a class."""
    for place, text in PARTS.items():
        estimator.__doc__ = (estimator.__doc__ or "").replace(place, text)
    return estimator
