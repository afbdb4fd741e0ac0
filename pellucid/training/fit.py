"""Fitting a network to a dataset."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pellucid.data.dataset import Dataset
from pellucid.errors import TrainingError
from pellucid.executors.program import DEFAULT_EXECUTOR
from pellucid.nn.losses import Loss
from pellucid.nn.network import Network
from pellucid.nn.regularizers import Regularizer
from pellucid.optim.lbfgs import LBFGS
from pellucid.optim.schedules import Schedule
from pellucid.optim.transformation import Optimizer
from pellucid.training.arrangement import arrange
from pellucid.training.events import Handler, Handlers
from pellucid.training.loop import NOT_FINITE
from pellucid.training.result import Fit, training_result


def fit(
    network: Network,
    dataset: Dataset,
    *,
    loss: str | Loss | Mapping[str, str | Loss],
    optimizer: str | Optimizer | LBFGS = "adam",
    epochs: int = 100,
    steps: int | None = None,
    batch_size: int | None = 32,
    schedule: str | Schedule | None = None,
    regularizers: Sequence[Regularizer] = (),
    clip_value: float | None = None,
    clip_norm: float | None = None,
    settings: Mapping[str, float] | None = None,
    validation: float | Dataset | None = None,
    metric: str = "loss",
    patience: int | None = None,
    min_improvement: float = 0.0,
    shuffle: bool = True,
    seed: int = 0,
    start_from: Any = None,
    time_limit: float | None = None,
    on: Handler | Iterable[Handler] = (),
    progress: bool | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
    checkpoint_seconds: float = 10.0,
    resume: bool = False,
    history_file: str | os.PathLike[str] | None = None,
    executor: str = DEFAULT_EXECUTOR,
) -> Fit:
    """Train a network.

    Parameters
    ----------
    network : Network
    dataset : Dataset
        Inputs by name, dense or sparse, targets, and weights of the examples if they differ.
    loss : Loss or str, or a mapping of them by output
    optimizer : Optimizer, LBFGS or str
        L-BFGS takes all examples at once; an epoch is one of its iterations.
    epochs : int
        How often to go through the examples.
    steps : int, optional
        Stop after so many steps in all, also within an epoch. A run that something else had stopped after as many
        gives the same bits.
    batch_size : int or None
        Examples a step: 1 learns online, None takes all of them. No example is dropped: the last mini-batch of an epoch
        may be smaller.
    schedule : Schedule or str, optional
        What multiplies the learning rate as training goes on; ``"cosine"`` falls over all `epochs`.
    regularizers : sequence of Regularizer
    clip_value, clip_norm : float, optional
        Bounds for each element of the gradient, and for its global norm.
    settings : mapping, optional
        Hyper-parameters by name (``adam/beta_1``, ``dropout_1/rate``) in place of those that layers, losses and
        optimizer were made with.
    validation : float or Dataset, optional
        The share of `dataset` (or a dataset of its own) on which progress is judged. The parameters with the best
        value of `metric` on it are returned, whatever ends the training.
    metric : str
        What to judge by: ``loss`` or a metric that fits the task; metrics need validation. Where there are several
        outputs, ``<output>/rmse`` says of which, ``rmse`` means the first one that it fits.
    patience : int, optional
        Stop after so many epochs without a better value (early stopping). Without validation the training loss is
        judged by, and the last parameters are returned.
    min_improvement : float
        By how much a value has to be better to count for `patience`.
    shuffle : bool
        Whether each epoch takes the examples in a new order.
    seed : int
        Of first parameters, order, dropout, noise and the validation part. The same seed gives the same bits.
    start_from : Fit, Model or mapping of ndarray, optional
        Parameters to start from, all or some of them, by path.
    time_limit : float, optional
        Stop after so many seconds.
    on : callable or list of callables
        Told of every :class:`~pellucid.training.events.Event`; one with an attribute ``every_step = True`` also of
        every step. One with ``only_watches = True`` neither stops nor changes anything, and costs less.
    progress : bool, optional
        Show a line of progress; by default where standard error is a terminal.
    checkpoint : path, optional
        A file to keep everything in that is needed to go on; written every `checkpoint_seconds` and at the end.
    resume : bool
        Go on from `checkpoint` where it exists. The result is that of a run that was never stopped, to the bit.
    history_file : path, optional
        Where to write the history, a line of JSON an epoch.
    executor : {"native", "interpret"}
        What runs the graphs: machine code made for this network, or NumPy.

    Returns
    -------
    Fit

    Raises
    ------
    UsageError, DataError
        Where settings or data do not fit the network.
    TrainingError
        Where a value is not finite: it names step, node and rows (of `dataset`, from 0).
    ModelError
        Where a checkpoint can not be read or written, or belongs to another run.

    Examples
    --------
    >>> import numpy as np, pellucid as pl
    >>> x = np.linspace(-1, 1, 64)[:, None]
    >>> network = pl.Network([pl.Dense(16, "tanh"), pl.Dense(1)], inputs=1)
    >>> data = pl.Dataset({"x": x}, x**2)
    >>> fitted = pl.fit(network, data, loss="squared_error", optimizer=pl.optimizers.Adam(0.02), epochs=200)
    >>> fitted.evaluate(data)["rmse"] < 0.05
    True
    """
    arranged = arrange(
        network,
        dataset,
        loss=loss,
        optimizer=optimizer,
        epochs=epochs,
        steps=steps,
        batch_size=batch_size,
        schedule=schedule,
        regularizers=regularizers,
        clip_value=clip_value,
        clip_norm=clip_norm,
        settings=settings,
        validation=validation,
        metric=metric,
        patience=patience,
        min_improvement=min_improvement,
        shuffle=shuffle,
        seed=seed,
        start_from=start_from,
        time_limit=time_limit,
        progress=progress,
        checkpoint=checkpoint,
        checkpoint_seconds=checkpoint_seconds,
        resume=resume,
        history_file=history_file,
        executor=executor,
    )
    training = arranged.training(Handlers(on))
    try:
        reason = training.run()
    except TrainingError as error:
        error.fit = training_result(training, NOT_FINITE)
        raise
    return training_result(training, reason)
