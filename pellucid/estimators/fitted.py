"""What every fitted estimator has, however it learned: a model that can be saved, and pickles without programs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from pellucid.model.folder import save_model
from pellucid.model.model import Model


class FittedModel(BaseEstimator):
    """A part of an estimator that has a model once it is fitted, and reads sparse matrices."""

    model_: Model

    def save(self, folder: str | Path) -> None:
        """Write the model to a folder, which ``pellucid predict`` and ``pl.load_model`` read.

        Raises
        ------
        ModelError
            Where the folder cannot be written.
        """
        check_is_fitted(self)
        save_model(self.model_, folder)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    def __getstate__(self) -> dict[str, Any]:
        """Return what a pickle or a copy holds: no compiled programs."""
        state = dict(super().__getstate__())
        if "model_" in state:
            state["model_"] = replace(state["model_"])  # the same arrays, and no programs
        return state
