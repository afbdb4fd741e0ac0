"""Training steps that an executor runs epoch after epoch, and the judges of what they have led to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from pellucid.graph.graph import Graph


class JudgeProgram(Protocol):
    """A graph that sums something up over any number of examples, such as their losses.

    Attributes
    ----------
    graph : Graph
    rows : tuple of str
        Those of the graph's inputs that have a row for each example.
    """

    graph: Graph
    rows: tuple[str, ...]

    def examples(self, arrays: Mapping[str, Any], rows: np.ndarray | None = None) -> Any:
        """Prepare examples to judge by: what :meth:`run` takes.

        Parameters
        ----------
        arrays : mapping of ndarray, or of SciPy's CSR matrices
            For each of ``program.rows`` an array. They have to stay as they are.
        rows : ndarray of int64, optional
            Which rows of the arrays, by default all of them; the weights are those of these rows, in their order.
        """

    def run(self, fixed: Mapping[str, Any], examples: Any) -> dict[str, float]:
        """Return the sums, by output.

        Parameters
        ----------
        fixed : mapping of ndarray or number
            The inputs that are not in ``rows``: parameters and settings.
        examples
            What :meth:`examples` has returned.

        Raises
        ------
        GraphError
            Where something is missing, unknown, or does not fit the graph's type.
        """


@dataclass(frozen=True)
class Judging:
    """By what the networks of whole epochs are judged.

    Attributes
    ----------
    program : JudgeProgram
    examples : object
        What it has prepared.
    settings : mapping of number
        The inputs that are neither parameters nor examples.
    """

    program: JudgeProgram
    examples: Any
    settings: Mapping[str, float]


@dataclass(frozen=True)
class StepGraph:
    """A training step as a graph, and what its inputs and outputs are for.

    Attributes
    ----------
    graph : Graph
        Its outputs are ``loss``, the mean over the mini-batch, and, for each name in `carried`, the value of that input
        after the step.
    batch : int
        The number of rows that the graph takes at once.
    data : tuple of str
        Inputs that take rows of the arrays of the same name.
    weight : str
        The input for the weights of the rows, [batch].
    carried : tuple of str
        Inputs that one step hands to the next: parameters and state.
    settings : tuple of str
        Scalar inputs that are given per call, or per step.
    """

    graph: Graph
    batch: int
    data: tuple[str, ...]
    weight: str
    carried: tuple[str, ...]
    settings: tuple[str, ...]


@dataclass(frozen=True)
class EpochPart:
    """What some steps of an epoch left behind.

    Attributes
    ----------
    carried : mapping of ndarray
        Parameters and state after the last step that was finished: arrays that are read-only, and may be made only when
        they are asked for. Given to the next part as it is, it costs nothing.
    steps : int
        How many steps were finished.
    losses, weights : ndarray of float64, [steps]
        The loss of each step and the sum of its rows' weights.
    failed : bool
        The step after those was not finite: its loss, or an element of a carried value of a float dtype. `carried` is
        what that step started from.
    interrupted : bool
        A keyboard interrupt came.
    """

    carried: Mapping[str, np.ndarray]
    steps: int
    losses: np.ndarray
    weights: np.ndarray
    failed: bool = False
    interrupted: bool = False


@dataclass(frozen=True)
class Epochs:
    """What some whole epochs left behind.

    Attributes
    ----------
    carried : sequence of mapping of ndarray
        Parameters and state after each epoch that was finished, made when they are asked for; arrays are read-only.
    losses, weights : ndarray of float64, [epochs, steps]
        The loss of each step and the sum of its rows' weights.
    sums : list of dict of float
        What the judge says after each epoch; empty where there is none.
    failed : bool
        The epoch after those can not be finished, or not be judged. Run it by itself to learn why.
    interrupted : bool
        A keyboard interrupt came.
    """

    carried: Sequence[Mapping[str, np.ndarray]]
    losses: np.ndarray
    weights: np.ndarray
    sums: Sequence[Mapping[str, float]] = ()
    failed: bool = False
    interrupted: bool = False


class EpochProgram(Protocol):
    """A compiled training step that loops over the mini-batches of an epoch by itself.

    Attributes
    ----------
    step : StepGraph
    most_epochs : int
        How many epochs :meth:`run_epochs` runs in one call at most.
    """

    step: StepGraph
    most_epochs: int

    def order(self, seed: int, epoch: int, count: int) -> np.ndarray:
        """Return the order of an epoch's rows: ``pellucid.random.permutation(seed, "order", epoch, count)``.

        Parameters
        ----------
        seed : int
            From 0 to 2^64 - 1.
        epoch : int
            The epoch's number, from 0.
        count : int
            The number of rows.

        Returns
        -------
        ndarray of int64, [count]
        """

    def run(
        self,
        carried: Mapping[str, np.ndarray],
        arrays: Mapping[str, Any],
        order: np.ndarray,
        settings: Mapping[str, Any],
        *,
        seed: int,
        first_step: int,
        start: int = 0,
        seconds: float = 0.05,
        limit: int | None = None,
    ) -> EpochPart:
        """Run steps of one epoch until it ends or about `seconds` have passed, one at least.

        The bits of what comes out do not depend on how an epoch is cut into parts.

        Parameters
        ----------
        carried : mapping of ndarray
            Parameters and state to start from; left as they are. Nothing is assumed of arrays that this program did not
            hand out.
        arrays : mapping of ndarray, or of SciPy's CSR matrices
            All rows of each input in ``step.data``, and the rows' weights under ``step.weight``; they stay the same for
            as long as they are the same objects. Of a sparse matrix only the rows of a mini-batch are made dense.
        order : ndarray of int64
            The rows in the order of this epoch. The last mini-batch may be smaller: its empty places repeat its last
            row with weight 0.
        settings : mapping
            A number, or an array with one number for each step of the epoch, for each of ``step.settings``.
        seed : int
            For random numbers.
        first_step : int
            The number of the epoch's first step since training began.
        start : int
            The step of the epoch to begin with.
        seconds : float
            About how long to run. It may be longer where handing back what is carried takes more than 2 % of it.
        limit : int, optional
            How many steps to run at most.
        """

    def run_epochs(
        self,
        carried: Mapping[str, np.ndarray],
        arrays: Mapping[str, Any],
        rows: np.ndarray,
        settings: Mapping[str, Any],
        *,
        seed: int,
        first_epoch: int,
        epochs: int,
        shuffle: bool,
        judging: Judging | None = None,
    ) -> Epochs:
        """Run whole epochs one after the other, so many of them or fewer.

        The bits of what comes out are those of :meth:`run`, epoch by epoch, and of the judge run after each.

        Parameters
        ----------
        carried, arrays, seed
            As for :meth:`run`.
        rows : ndarray of int64
            The rows of an epoch; where they are shuffled, its order is ``rows[self.order(seed, epoch, len(rows))]``.
        settings : mapping
            A number, or an array of one number for each step, [epochs, steps], for each of ``step.settings``.
        first_epoch : int
            The number of the first of them since training began. All epochs have as many steps.
        epochs : int
            How many to run at most: 1 to `most_epochs`.
        shuffle : bool
            Whether the rows are shuffled.
        judging : Judging, optional
            By what to judge the parameters after each epoch.
        """
