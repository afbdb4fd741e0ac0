"""Cross-validated search over an estimator's parameters, in scikit-learn's manner, with all trainings at once."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any, ClassVar

import joblib
import numpy as np
from joblib.parallel import get_active_backend
from sklearn.model_selection import RandomizedSearchCV
from sklearn.utils import get_tags

from pellucid.errors import UsageError, nearest
from pellucid.estimators.base import LearningEstimator
from pellucid.estimators.search_candidates import Rounds, candidates, check_given
from pellucid.estimators.search_threads import SearchThreads
from pellucid.executors.cores import cores_of_thread
from pellucid.tuning.space import Space

SAMPLERS = ("random", "grid", "tpe")

NUMBERS = frozenset(
    (
        *(
            "alpha",
            "l1",
            "learning_rate_init",
            "learning_rate",
            "power_t",
            "max_iter",
            "random_state",
            "tol",
            "momentum",
        ),
        *("beta_1", "beta_2", "epsilon", "n_iter_no_change", "max_fun", "clip_norm", "time_limit", "dropout", "noise"),
        *("shuffle", "validation_fraction", "limit", "threshold", "verbose", "class_weight", "scaling", "n_members"),
    )
)
"""Parameters in which estimators may differ that share a program, as long as the same ones are 0 or None."""


class PopulationSearchCV(RandomizedSearchCV):
    """A search over an estimator's parameters by cross-validation: scikit-learn's ``RandomizedSearchCV``, but faster.

    All candidates are trained on all folds at once, by threads of this process: nothing is copied to others, the rows
    of a fold are read and encoded once for all, and networks of one architecture share what is compiled. Scores are
    those of ``RandomizedSearchCV`` with the same candidates, to the bit, however many threads there are. Other
    estimators, and pipelines, can be searched over too.

    Parameters
    ----------
    estimator : estimator
        Such as :class:`MLPClassifier`, or a pipeline with one.
    param_distributions : mapping, list of mappings, or Space
        By parameter: a list of values, a distribution of SciPy, or Pellucid's text for one, such as
        ``"log_uniform(1e-4, 1e-1)"`` or ``"uniform(0, 0.5) if solver == adam"``. Of several mappings each candidate
        takes one.
    n_iter : int
        How many candidates; fewer where there are no more different ones. A grid has all of its own.
    scoring : str, callable, list, tuple, or mapping, optional
        One score or several, higher ones better; by default the estimator's own.
    n_jobs : int, optional
        How many threads; -1 and the default mean one for each core. Within others of joblib's workers it is 1.
    refit : bool, str, or callable
        Whether to train the best candidate on all rows in the end; of several scores, by which.
    cv : int, splitter, or iterable, optional
        The folds; 5 by default.
    verbose : int
        From 0, silent, to 10.
    pre_dispatch : int or str
        How many trainings are handed to the threads at first. Where it is not all of them, those of an architecture
        may not follow one another.
    random_state : int, RandomState or None
        The seed of the candidates.
    error_score : "raise" or number
        The score of a candidate that cannot be trained.
    return_train_score : bool
        Whether to score the rows that were learned from as well.
    sampler : {"random", "grid", "tpe"}
        Who proposes candidates: chance; every combination, with 3 values of what is continuous; or Optuna's
        tree-structured Parzen estimator, which learns from the candidates before, in rounds of 8.

    Attributes
    ----------
    cv_results_ : dict of ndarray
        What came out for each candidate, as ``RandomizedSearchCV`` has it.
    best_estimator_ : estimator
    best_score_ : float
    best_params_ : dict
    best_index_ : int
    scorer_ : callable, or dict of them
    n_splits_ : int
    refit_time_ : float
        Seconds.
    multimetric_ : bool
    classes_ : ndarray
    n_features_in_ : int
    feature_names_in_ : ndarray of str

    Raises
    ------
    UsageError
        Where something is searched over that is no parameter, or can take no value. It is a ValueError.

    References
    ----------
    Bergstra and Bengio, Random search for hyper-parameter optimization, JMLR 13 (2012).

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from pellucid.estimators import MLPClassifier, PopulationSearchCV
    >>> X, y = load_iris(return_X_y=True)
    >>> network = MLPClassifier(solver="lbfgs", max_iter=1000, random_state=0)
    >>> space = {"hidden_layer_sizes": [(4,), (16,)], "alpha": "log_uniform(1e-2, 10)"}
    >>> search = PopulationSearchCV(network, space, n_iter=8, cv=3, random_state=0).fit(X, y)
    >>> bool(search.best_score_ > 0.95), sorted(search.best_params_)
    (True, ['alpha', 'hidden_layer_sizes'])
    """

    _parameter_constraints: ClassVar[dict] = {
        **RandomizedSearchCV._parameter_constraints,
        "param_distributions": [dict, list, Space],
        "sampler": [str],
    }

    def __init__(
        self,
        estimator: Any,
        param_distributions: Any,
        *,
        n_iter: int = 10,
        scoring: Any = None,
        n_jobs: int | None = None,
        refit: Any = True,
        cv: Any = None,
        verbose: int = 0,
        pre_dispatch: int | str = "all",
        random_state: Any = None,
        error_score: Any = np.nan,
        return_train_score: bool = False,
        sampler: str = "random",
    ):
        self.sampler = sampler
        super().__init__(
            estimator,
            param_distributions,
            n_iter=n_iter,
            scoring=scoring,
            n_jobs=n_jobs,
            refit=refit,
            cv=cv,
            verbose=verbose,
            pre_dispatch=pre_dispatch,
            random_state=random_state,
            error_score=error_score,
            return_train_score=return_train_score,
        )

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        inner = get_tags(self.estimator)
        tags.input_tags.allow_nan = inner.input_tags.allow_nan
        tags.target_tags.multi_output = inner.target_tags.multi_output
        return tags

    def fit(self, X: Any, y: Any = None, **params: Any) -> PopulationSearchCV:
        """Train and score all candidates, and the best one on all rows.

        Parameters
        ----------
        X : array_like, sparse matrix or data frame
        y : array_like, optional
        **params
            Passed on to the estimator's ``fit``, the splitter (``groups``) and the scorer; arrays of as many rows as
            `X` are divided as it is.

        Returns
        -------
        self
        """
        self._keys: list[Hashable] = []
        backend = SearchThreads(lambda number: self._keys[number])
        self._ours = joblib.parallel_config(backend=backend, n_jobs=_default_threads())
        try:
            super().fit(X, y, **params)
        finally:
            self._ours.unregister()
            del self._keys, self._ours
        return self

    def _run_search(self, evaluate_candidates: Any, *, callback_ctx: Any = None) -> None:
        """Evaluate the candidates. By now the threads are made, and what else asks joblib is not to have them."""
        self._ours.unregister()
        self._check()
        rounds = candidates(self.param_distributions, self.sampler, self.n_iter, self.random_state)
        context = callback_ctx  # None before scikit-learn 1.9
        if context is not None:
            context = context.subcontext(task_name="search", max_subtasks=None)
            context.call_on_fit_task_begin(estimator=self)
        found: list[Any] = next(rounds)
        while found:
            key = _architecture if self._has_networks(found) else lambda candidate: None
            self._keys += [key(candidate) for candidate in found for _ in range(self.n_splits_)]
            results = self._evaluate(evaluate_candidates, found, context)
            found = self._next(rounds, results, len(found))
        if context is not None:
            context.call_on_fit_task_end(estimator=self)

    def _evaluate(self, evaluate_candidates: Any, found: list[Any], context: Any) -> Any:
        if context is None:
            return evaluate_candidates(found)
        count = len(found) * self.n_splits_
        inner = context.subcontext(task_name="round", max_subtasks=count, sequential_subtasks=False)
        inner.call_on_fit_task_begin(estimator=self)
        results = evaluate_candidates(found, callback_ctx=inner)
        inner.call_on_fit_task_end(estimator=self)
        return results

    def _next(self, rounds: Rounds, results: Mapping[str, Any], count: int) -> list[Any]:
        """Return the next candidates: none where there are no more."""
        name = "score" if "mean_test_score" in results else self.refit
        scores = results.get(f"mean_test_{name}", [np.nan] * count) if isinstance(name, str) else [np.nan] * count
        try:
            return rounds.send([float(score) for score in scores[-count:]])
        except StopIteration:
            return []

    def _check(self) -> None:
        if self.sampler not in SAMPLERS:
            raise UsageError(
                f"no sampler is called {self.sampler!r}", where="sampler", fix=nearest(self.sampler, SAMPLERS)
            )
        check_given(self.param_distributions, self.estimator)
        several = isinstance(self.scoring, (list, tuple, set, dict))
        if self.sampler == "tpe" and several and not isinstance(self.refit, str):
            what, fix = "a sampler that learns needs one score", "Name it: refit='accuracy'."
            raise UsageError(what, where="refit", got=repr(self.refit)[:80], fix=fix)

    def _has_networks(self, found: list[Any]) -> bool:
        """Say whether a network of ours is among what is searched over."""
        parts = [self.estimator, *self.estimator.get_params(deep=True).values()]
        parts += [value for candidate in found for value in candidate.values()]
        return any(isinstance(part, LearningEstimator) for part in parts)


def _architecture(candidate: Mapping[str, Any]) -> Hashable:
    """Return what candidates have in common that share a program, about."""
    told = []
    for name, value in sorted(candidate.items()):
        if name.rpartition("__")[2] not in NUMBERS:
            told.append((name, repr(value)))
        else:
            told.append((name, "none" if value is None or (isinstance(value, (int, float)) and not value) else "some"))
    return tuple(told)


def _default_threads() -> int:
    """Return how many threads there are where nobody says otherwise: one within others that joblib has made."""
    backend, count = get_active_backend()
    if backend.nesting_level:
        return 1
    return count if count not in (None, 1) else cores_of_thread()
