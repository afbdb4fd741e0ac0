"""What a study is about: it is written when the study begins, and stays."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pellucid.tuning.study.texts import from_json, to_json


def now() -> str:
    """Return the time in UTC, to the millisecond, as ISO 8601 writes it.

    Examples
    --------
    >>> now()
    '20...T...+00:00'
    """
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")


@dataclass(frozen=True)
class StudyRecord:
    """What is searched, how, and by which measure.

    Attributes
    ----------
    space : str
        The search space as TOML.
    metric : str
    higher_is_better : bool
    sampler, pruner : str
    seed : int
    members : tuple of str
        What each training of a trial is: ``fold 1``, ``fold 2``, ...
    settings : mapping
        What else makes the study what it is: text, numbers, truth values, None, and lists and mappings of them.
    versions : mapping
        Of the libraries that began it, by name.
    created : str
        When, in UTC, as ISO 8601 writes it.

    Raises
    ------
    UsageError
        Where settings are more than plain data.

    Examples
    --------
    >>> record = StudyRecord('rate = "log_uniform(1e-4, 1e-1)"', "log_loss", members=("fold 1", "fold 2"))
    >>> record.sampler, record.seed, len(record.members)
    ('random', 0, 2)
    """

    space: str
    metric: str
    higher_is_better: bool = False
    sampler: str = "random"
    pruner: str = "halving"
    seed: int = 0
    members: tuple[str, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    created: str = field(default_factory=now)

    def __post_init__(self) -> None:
        for name in ("settings", "versions"):  # as they come back from a file, so that records can be compared
            object.__setattr__(self, name, from_json(to_json(dict(getattr(self, name)), name)))
        object.__setattr__(self, "members", tuple(self.members))
