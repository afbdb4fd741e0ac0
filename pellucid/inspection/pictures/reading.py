"""From what users pass, something that predicts and examples, to what pictures are drawn of."""

from __future__ import annotations

from typing import Any

from pellucid.errors import UsageError
from pellucid.inspection.pictures.choices import FIRST
from pellucid.inspection.pictures.estimators import of_estimator
from pellucid.inspection.pictures.fits import of_fit, of_network, of_population
from pellucid.inspection.pictures.models import of_model, of_own_estimator
from pellucid.inspection.pictures.subject import Subject
from pellucid.model.model import Model
from pellucid.nn.network import Network
from pellucid.training.population_result import Population
from pellucid.training.result import Fit

__all__ = ["FIRST", "as_subject"]


def as_subject(subject: Any, data: Any, of: str | int | None = None) -> Subject:
    """Return what a picture is drawn of.

    Parameters
    ----------
    subject : Fit, Population, Model, estimator, or (network, parameters)
        Of a network with parameters, the outputs themselves are looked at. An estimator has ``predict``, and
        ``predict_proba`` or ``decision_function`` for classes; of one of Pellucid's own its model is taken.
    data : Dataset, table, or (X, y)
        A dataset for a fit or a population; a table with the targets among its columns for a model; ``(X, y)``, or X
        alone, for an estimator.
    of : str or int, optional
        Which output, target or label, by name or number. Needed only where there are several; FIRST where any will do.
    """
    if isinstance(subject, Fit):
        return of_fit(subject, data, of)
    if isinstance(subject, tuple) and len(subject) == 2 and isinstance(subject[0], Network):
        return of_network(*subject, data, of)
    if isinstance(subject, Population):
        return of_population(subject, data, of)
    if isinstance(subject, Model):
        return of_model(subject, data, of, f"a {subject!r}"[:60])
    if isinstance(getattr(subject, "model_", None), Model):
        return of_own_estimator(subject, data, of)
    if hasattr(subject, "predict"):
        return of_estimator(subject, data, of)
    expected = "a Fit, a Population, a Model, an estimator that was fitted, or (network, parameters)"
    raise UsageError("nothing that predicts", got=repr(subject)[:60], expected=expected)
