"""The grammar of search spaces: ``uniform(0, 0.5) if network.layers >= 1``. Nothing in a text is ever executed.

::

    entry        = (distribution | value) [ "if" condition ]
    distribution = "uniform" "(" number "," number ")"
                 | "log_uniform" "(" number "," number ")"
                 | "integer" "(" whole "," whole [ "," ("log" | "step" "=" whole) ] ")"
                 | "choice" "(" value { "," value } ")"
    condition    = comparison { "and" comparison }
    comparison   = name ("==" | "!=" | "<" | "<=" | ">" | ">=") value | name "in" list
    value        = number | word | text in quotes | "true" | "false" | "none" | list
    list         = "[" [ value { "," value } ] "]"
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from pellucid.errors import UsageError, nearest
from pellucid.tuning.space.conditions import ORDERS, SIGNS, Comparison, Condition
from pellucid.tuning.space.distribution import Distribution
from pellucid.tuning.space.distributions import choice, integer, log_uniform, uniform
from pellucid.tuning.space.names import join_name, split_name
from pellucid.tuning.space.tokens import Token, shorten, tokens_of
from pellucid.tuning.space.values import CONSTANTS, RESERVED, Value, is_number, plain_value, tell_value

DISTRIBUTIONS: dict[str, Callable[..., Distribution]] = {
    "uniform": uniform,
    "log_uniform": log_uniform,
    "integer": integer,
    "choice": choice,
}
MOST_COMPARISONS = 100


class Entry(NamedTuple):
    """What is said of one name: a distribution or a constant, and where it takes part."""

    content: Distribution | Value
    condition: Condition | None


def parse_entry(text: str, where: str | None = None) -> Entry:
    """Return what a text of the grammar says.

    Raises
    ------
    UsageError
        Where it is not well formed.

    Examples
    --------
    >>> entry = parse_entry("uniform(0, 0.5) if network.layers >= 1")
    >>> entry.content, str(entry.condition)
    (uniform(0, 0.5), 'network.layers >= 1')
    >>> parse_entry("unifrom(0, 1)")
    Traceback (most recent call last):
        ...
    pellucid.errors.UsageError: there is no distribution unifrom. Did you mean 'uniform'? Known: choice, integer,
    log_uniform, uniform.
    """
    parser = _Parser(text, where)
    content = parser.content()
    condition = parser.condition() if parser.taken("if") else None
    parser.end("'if' and a condition" if condition is None else "'and'")
    return Entry(content, condition)


def parse_distribution(text: str, where: str | None = None) -> Distribution:
    """Return the distribution that a text stands for; see `parse_entry`.

    Examples
    --------
    >>> parse_distribution("choice(relu, none)").values()
    ('relu', None)
    """
    content, condition = parse_entry(text, where)
    if not isinstance(content, Distribution) or condition is not None:
        raise UsageError("not a distribution", where=where, got=shorten(text), expected="such as uniform(0, 0.5)")
    return content


def parse_condition(text: str, where: str | None = None) -> Condition:
    """Return the condition that a text stands for, with or without the word ``if``; see `parse_entry`."""
    parser = _Parser(text, where)
    parser.taken("if")
    condition = parser.condition()
    parser.end("'and'")
    return condition


class _Parser:
    """Reads a text from left to right."""

    def __init__(self, text: str, where: str | None):
        self.text, self.where = text, where
        self.tokens = list(tokens_of(text, where))
        self.place = 0

    @property
    def token(self) -> Token:
        return self.tokens[self.place]

    def taken(self, text: str) -> bool:
        """Go past the next token if it is this sign or word."""
        found = self.token.text == text and self.token.kind in ("mark", "word")
        self.place += found
        return found

    def take(self, text: str, expected: str) -> None:
        if not self.taken(text):
            raise self.unexpected(expected)

    def unexpected(self, expected: str, fix: str | None = None) -> UsageError:
        if self.token.kind == "end":
            got = f"its end after {shorten(self.text)}" if self.text.strip() else "nothing"
        else:
            got = f"{shorten(self.token.text)} at letter {self.token.place + 1} of {shorten(self.text)}"
        return UsageError("not the grammar of search spaces", where=self.where, got=got, expected=expected, fix=fix)

    def end(self, expected: str) -> None:
        if self.token.kind == "end":
            return
        fix = None
        before, here = self.tokens[self.place - 1], self.token
        if here.text == "or":
            fix = "There is no 'or'; a list of values stands behind 'in'."
        elif before.kind == here.kind == "word":
            fix = 'Put text with blanks in quotes, such as "a b".'
        raise self.unexpected(f"{expected}, or the end", fix)

    def content(self) -> Distribution | Value:
        following = self.tokens[min(self.place + 1, len(self.tokens) - 1)]
        if self.token.kind == "word" and (following.text, following.kind) == ("(", "mark"):
            return self.distribution()
        return self.value("a distribution such as uniform(0, 0.5), or a value")

    def distribution(self) -> Distribution:
        name = self.token.text
        if name not in DISTRIBUTIONS:
            raise UsageError(
                f"there is no distribution {shorten(name)}", where=self.where, fix=nearest(name[:60], DISTRIBUTIONS)
            )
        self.place += 2
        arguments: list[Any] = []
        named: dict[str, Any] = {}
        while not self.taken(")"):
            if arguments:
                self.take(",", "',' or ')'")
            if name == "integer" and len(arguments) == 2 and not named:
                named = self.last_of_integer()
            elif len(arguments) == 2 and name != "choice":
                raise self.unexpected("')'")
            else:
                arguments.append(self.value("a value" if name == "choice" else "a number"))
            if named:
                self.take(")", "')'")
                break
        return self.checked(name, arguments, named)

    def last_of_integer(self) -> dict[str, Any]:
        if self.taken("log"):
            return {"log": True}
        if self.taken("step"):
            self.take("=", "'=' and a whole number")
            return {"step": self.value("a whole number")}
        raise self.unexpected("'log' or 'step=' and a whole number")

    def checked(self, name: str, arguments: list[Any], named: dict[str, Any]) -> Distribution:
        if name != "choice":
            if len(arguments) != 2:
                told = f"{len(arguments)} number{'s' * (len(arguments) != 1)}"
                raise UsageError(f"{name} takes two limits", where=self.where, got=told, expected=f"{name}(LOW, HIGH)")
            for argument in arguments:
                if not is_number(argument):
                    raise UsageError("not a number", where=self._inside(name), got=tell_value(argument))
        make = DISTRIBUTIONS[name]
        try:
            return make(*arguments, **named)
        except UsageError as error:
            raise (error.at(self.where) if self.where else error) from None

    def _inside(self, name: str) -> str:
        return f"{self.where}, {name}" if self.where else name

    def value(self, expected: str, inner: bool = False) -> Value:
        token = self.token
        if not inner and self.taken("["):
            return plain_value(self.items("]"), self.where)
        if token.kind == "word":
            if token.text in CONSTANTS:
                self.place += 1
                return CONSTANTS[token.text]
            if token.text in RESERVED:
                raise self.unexpected(expected, f'As a text it stands in quotes: "{token.text}".')
            if '"' in token.text:
                raise self.unexpected(expected)
        elif token.kind not in ("number", "text"):
            fix = "A list holds no lists." if inner and token.text == "[" else None
            raise self.unexpected(expected, fix)
        self.place += 1
        return plain_value(token.value(self.where), self.where)

    def items(self, end: str, inner: bool = True) -> list[Value]:
        found: list[Value] = []
        while not self.taken(end):
            if found:
                self.take(",", f"',' or '{end}'")
            found.append(self.value("a value", inner))
        return found

    def condition(self) -> Condition:
        comparisons = [self.comparison()]
        while self.taken("and"):
            comparisons.append(self.comparison())
        if len(comparisons) > MOST_COMPARISONS:
            got = f"{len(comparisons)} comparisons"
            raise UsageError("too long a condition", where=self.where, got=got, expected=f"at most {MOST_COMPARISONS}")
        return Condition(tuple(dict.fromkeys(comparisons)))

    def comparison(self) -> Comparison:
        if self.token.kind not in ("word", "text") or self.token.text in RESERVED:
            raise self.unexpected("the name of a setting")
        try:
            name = join_name(split_name(self.token.text))
        except UsageError as error:
            raise (error.at(self.where) if self.where else error) from None
        self.place += 1
        sign = self.token.text if self.token.kind in ("mark", "word") else ""
        if sign not in SIGNS:
            fix = "Equality is written ==." if sign == "=" else None
            raise self.unexpected(f"one of {' '.join(SIGNS)} behind {shorten(name)}", fix)
        self.place += 1
        return Comparison(name, sign, self.operand(sign))

    def operand(self, sign: str) -> Value:
        if sign != "in":
            value = self.value("a value")
            if sign in ORDERS and not is_number(value):
                what = f"only numbers are compared by {sign}"
                raise UsageError(what, where=self.where, got=tell_value(value), fix="Take ==, != or in.")
            return value
        if self.taken("["):
            found = self.items("]", inner=False)
        elif self.taken("("):
            found = self.items(")", inner=False)
        else:
            raise self.unexpected("a list such as [adam, sgd]")
        if not found:
            raise UsageError("an empty list behind 'in'", where=self.where, got=shorten(self.text))
        return tuple(found)
