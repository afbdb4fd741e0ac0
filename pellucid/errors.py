"""Every error that Pellucid raises: what went wrong, where, what was found, what was expected, and the way out."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any


class PellucidError(Exception):
    """A mistake that the user can mend, told in one line.

    Parameters
    ----------
    what : str
        What went wrong, as a short statement.
    where : str, optional
        The place: a node's path, a parameter's name, or ``file:line:column``.
    got, expected : str, optional
        What was found there, and what would have been right.
    fix : str, optional
        What to do about it, as an imperative sentence.

    Examples
    --------
    >>> print(PellucidError("shapes do not broadcast", where="add", got="[2] and [3]", fix="Reshape one of them."))
    add: shapes do not broadcast: got [2] and [3]. Reshape one of them.
    """

    def __init__(
        self,
        what: str,
        *,
        where: str | None = None,
        got: str | None = None,
        expected: str | None = None,
        fix: str | None = None,
    ):
        got = " ".join(got.split()) if got is not None else None  # one line, whatever is quoted
        self.what, self.where, self.got, self.expected, self.fix = what, where, got, expected, fix
        facts = [f"got {got}" if got is not None else "", f"expected {expected}" if expected is not None else ""]
        told = ", ".join(fact for fact in facts if fact)
        message = (f"{where}: " if where else "") + what + (f": {told}" if told else "")
        message = message.rstrip(".") + "." + (f" {fix}" if fix else "")
        super().__init__("\\n".join(message.splitlines()))  # names of columns may hold ends of line

    def at(self, place: str) -> PellucidError:
        """Return the same error with a place before the one that it names."""
        where = f"{place}, {self.where}" if self.where else place
        return type(self)(self.what, where=where, got=self.got, expected=self.expected, fix=self.fix)


class GraphError(PellucidError, ValueError):
    """A graph, its text, or a value on it is not well formed."""


class ShapeError(GraphError):
    """Shapes or dtypes of an operation's operands do not fit it."""


class DeclarationError(PellucidError, TypeError):
    """An operation, layer, loss or optimizer is declared incompletely or twice."""


class DataError(PellucidError, ValueError):
    """A table, a column or an array cannot be used as it is."""


class ModelError(PellucidError, ValueError):
    """A model folder or a checkpoint cannot be trusted or does not fit."""


class UsageError(PellucidError, ValueError):
    """A setting has a name or a value that does not exist or does not fit the others."""


class ProcessorError(PellucidError, RuntimeError):
    """This processor lacks what machine code needs."""


class TrainingError(PellucidError, ArithmeticError):
    """Training met a value that it cannot go on with.

    Attributes
    ----------
    fit : Fit or None
        What was learned before, with the best parameters so far.
    origin : Origin or None
        The node that made the value, those that passed it on, its operands, the examples, the usual cause.
    """

    fit: Any = None
    origin: Any = None


_SHOWN = 16
_LONGEST = 48


def nearest(word: str, known: Iterable[str]) -> str:
    """Say what `word` may have meant: the nearest of the known words, and which are known, some of them if many.

    Examples
    --------
    >>> nearest("sigmiod", ["sigmoid", "tanh"])
    "Did you mean 'sigmoid'? Known: sigmoid, tanh."
    >>> nearest("Y", ["x", "y"])
    "Did you mean 'y'? Known: x, y."
    """
    names = sorted({name if len(name) <= _LONGEST else name[: _LONGEST - 3] + "..." for name in known})
    by_lower = {name.lower(): name for name in reversed(names)}
    close = difflib.get_close_matches(word, names, n=1, cutoff=0.6) or [
        by_lower[lower] for lower in difflib.get_close_matches(word.lower(), by_lower, n=1, cutoff=0.6)
    ]
    shown = names if len(names) <= _SHOWN else [*names[: _SHOWN - 2], f"... ({len(names)} in all)"]
    listed = f"Known: {', '.join(shown)}." if names else "None are known."
    return (f"Did you mean {close[0]!r}? " if close else "") + listed
