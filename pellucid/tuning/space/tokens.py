"""The words and signs of the search space's grammar."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

from pellucid.errors import UsageError
from pellucid.tuning.space.names import PART, QUOTED
from pellucid.tuning.space.values import Value, finite

LONGEST_TEXT = 65_536
"""Letters of one entry, at most."""

_TOKEN = re.compile(
    rf"""(?P<number>[-+]?(?:\d[\d_]*(?:\.[\d_]*)?|\.\d[\d_]*)(?:[eE][-+]?\d+)?(?![\w.])
    |[-+]?(?:[iI][nN][fF](?:[iI][nN][iI][tT][yY])?|[nN][aA][nN])(?![\w.(-]))
    |(?P<word>{PART}(?:\.{PART})*)
    |(?P<text>'[^']*')
    |(?P<mark>==|!=|<=|>=|[<>=()\[\],])""",
    re.VERBOSE,
)
_QUOTED = re.compile(QUOTED)
_BLANK = re.compile(r"\s*")
_LONGEST_NUMBER = 400


@dataclass(frozen=True)
class Token:
    """A piece of a text: a ``number``, a ``word``, a ``text`` in quotes, a ``mark``, or the ``end``."""

    kind: str
    text: str
    place: int

    def value(self, where: str | None) -> Value:
        """Return the number, or what stands between the quotes."""
        if self.kind == "word":
            return self.text
        if self.kind == "text":
            return self.text[1:-1] if self.text.startswith("'") else json.loads(self.text, strict=False)
        if len(self.text) > _LONGEST_NUMBER:
            raise UsageError("too long a number", where=where, got=f"{len(self.text)} digits")
        try:
            return int(self.text)
        except ValueError:
            pass
        try:
            number = float(self.text)
        except ValueError:
            raise UsageError("not a number", where=where, got=self.text) from None
        return finite(number, where)


def tokens_of(text: str, where: str | None) -> Iterator[Token]:
    """Yield the tokens of a text, the end last.

    Raises
    ------
    UsageError
        Where something in it is none.
    """
    if len(text) > LONGEST_TEXT:
        expected = f"at most {LONGEST_TEXT}"
        raise UsageError("too long a text", where=where, got=f"{len(text)} letters", expected=expected)
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise UsageError("text that is not Unicode", where=where, got=shorten(ascii(text))) from None
    place = _end(_BLANK, text, 0)
    while place < len(text):
        found = _TOKEN.match(text, place)
        if found is None:
            raise _unknown(text, place, where)
        kind = found.lastgroup or "mark"
        if _QUOTED.fullmatch(found[0]):
            kind = "text"
            _check_quoted(found[0], where)
        yield Token(kind, found[0], place)
        place = _end(_BLANK, text, found.end())
    yield Token("end", "", len(text))


def _end(pattern: re.Pattern[str], text: str, place: int) -> int:
    found = pattern.match(text, place)
    return found.end() if found else place


def _check_quoted(quoted: str, where: str | None) -> None:
    try:
        json.loads(quoted, strict=False)
    except ValueError:
        got, expected = shorten(quoted), r"escapes such as \" and \n, and \\ for \ itself"
        raise UsageError("unknown escape in a text", where=where, got=got, expected=expected) from None


def _unknown(text: str, place: int, where: str | None) -> UsageError:
    rest = text[place:]
    if rest[0] in "\"'":
        return UsageError("a quote without an end", where=where, got=shorten(rest), fix=f"End the text with {rest[0]}")
    number = re.match(r"[-+.]?\d[\w.]*", rest)
    if number:
        fix = 'Put text in quotes, such as "2x".'
        return UsageError("neither a number nor a word", where=where, got=shorten(number[0]), fix=fix)
    got = f"{rest[0]!r} at letter {place + 1} of {shorten(text)}"
    return UsageError("unknown sign", where=where, got=got, fix="Put text that holds such signs in quotes.")


def shorten(text: str) -> str:
    """Return the beginning of a long text, on one line."""
    line = " ".join(text.split())
    return line if len(line) <= 60 else line[:57] + "..."
