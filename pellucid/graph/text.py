"""Graphs as text: what a person reads is what is stored, and it parses back to an equal graph.

One line a node, every node after its inputs::

    axes batch=32
    input x: float32[batch, 3]
    input w: float32[3]
    product: float32[batch] = contraction(x, w, labels="bi,i->b")
    two: float32[] = 2.0
    "the result": float32[batch] = multiply(product, two)
    output y = "the result"

Names that are not words joined by ``/`` or ``.`` are quoted as in JSON. Parameters are numbers, truth values, strings,
dtypes, named axes, and lists of them. Nothing in a text is ever executed.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from typing import Any

from pellucid.errors import GraphError, PellucidError, nearest
from pellucid.graph.builder import Builder
from pellucid.graph.graph import Graph, Node
from pellucid.graph.operation import REGISTRY, operation
from pellucid.graph.types import DTYPES, Axis, DType, Type, as_shape
from pellucid.graph.value import Value

_WHOLE = re.compile(r"[-+]?\d+")
_BARE = re.compile(r"[^\W\d]\w*(?:[/.]\w+)*")
_RESERVED = {"True", "False", "nan", "inf", *DTYPES}
_TOKEN = re.compile(
    r"""\s*(?:(?P<string>"(?:[^"\\]|\\.)*")
    |(?P<number>[-+]?(?:\d+\.?\d*(?:[eE][-+]?\d+)?|(?:inf|nan)(?![\w/.])))
    |(?P<name>[^\W\d]\w*(?:[/.]\w+)*)
    |(?P<mark>[\[\](),=:]))""",
    re.VERBOSE,
)
MAX_ELEMENTS = 2**31
"""The largest value that a text may describe, in elements; a longer one is taken for damage."""


def print_graph(graph: Graph) -> str:
    """Return the text of a graph."""
    axes = graph.axes
    lines = ["axes " + ", ".join(f"{name}={size}" for name, size in axes.items())] if axes else []
    for node in graph.nodes:
        typed = f"{_name(node.path)}: {_print(node.type)}"
        if node.op.name == "input":
            lines.append(f"input {typed}")
        elif node.op.name == "constant":
            lines.append(f"{typed} = {_print(dict(node.params)['value'])}")
        else:
            lines.append(f"{typed} = {print_call(node)}")
    lines += [f"output {_name(name)} = {_name(node.path)}" for name, node in graph.outputs.items()]
    return "\n".join(lines) + "\n"


def print_call(node: Node) -> str:
    """Return a node's operation with its inputs and parameters, as ``add(x, y)``."""
    arguments = [_name(source.path) for source in node.inputs]
    arguments += [f"{name}={_print(value)}" for name, value in node.params]
    return f"{node.op.name}({', '.join(arguments)})"


def _name(name: str) -> str:
    return name if _BARE.fullmatch(name) and name not in _RESERVED else json.dumps(name, ensure_ascii=False)


def _print(value: Any) -> str:
    if isinstance(value, Axis):
        return value.name
    if isinstance(value, tuple):
        return "[" + ", ".join(map(_print, value)) + "]"
    if isinstance(value, Type):
        return value.dtype.name + _print(value.shape)
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, (bool, int, float, DType)):
        return repr(value)
    raise GraphError("a parameter of this kind has no text", got=repr(value)[:80])


def parse(text: str) -> Graph:
    """Read a graph from its text.

    Raises
    ------
    GraphError
        With the line and column of what can not be read.

    Examples
    --------
    >>> import pellucid as pl
    >>> graph = pl.parse('''input x: float64[2]
    ... y: float64[2] = tanh(x)
    ... output y = y
    ... ''')
    >>> print(pl.compile(graph)(x=[0.0, 1.0])["y"])
    [0.         0.76159416]
    """
    if not isinstance(text, str):
        raise GraphError("not a text", where="parse", got=type(text).__name__, expected="str")
    reader = _Reader()
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        tokens = _Tokens(line, number)
        try:
            reader.read(tokens)
        except PellucidError as error:
            if error.where and error.where.startswith("line "):
                raise
            raise GraphError(str(error), where=tokens.place()) from None
    if not reader.outputs:
        raise GraphError("the text of a graph ends without an output", fix="It may have been cut; store it again.")
    return reader.builder.finish(reader.outputs, after="parsing")


class _Reader:
    """What has been read so far."""

    def __init__(self) -> None:
        self.builder = Builder()
        self.axes: dict[str, Axis] = {}
        self.values: dict[str, Value] = {}
        self.outputs: dict[str, Value] = {}

    def read(self, tokens: _Tokens) -> None:
        word = tokens.next("name", "string")
        if word == "axes" and tokens.peek() != ":":
            for name, size in self.pairs(tokens):
                if type(size) is not int or not 0 <= size <= MAX_ELEMENTS:
                    raise tokens.error("an axis needs a size", str(size), back=1)
                if name in self.axes:
                    raise tokens.error("this axis stands twice", name, back=3)
                self.axes[name] = Axis(size, name)
        elif word == "input" and tokens.peek() != ":":
            name = tokens.next("name", "string")
            tokens.expect(":")
            self.values[name] = self.builder.input(name, self.type(tokens))
        elif word == "output" and tokens.peek() != ":":
            name = tokens.next("name", "string")
            tokens.expect("=")
            if name in self.outputs:
                raise tokens.error("this output stands twice", name, back=2)
            self.outputs[name] = self.value(tokens)
        else:
            self.node(word, tokens)
        tokens.end()

    def node(self, path: str, tokens: _Tokens) -> None:
        tokens.expect(":")
        stated = self.type(tokens)
        tokens.expect("=")
        if path in self.values:
            raise tokens.error("this path stands twice", path, back=tokens.position)
        if tokens.peek_kind() == "name" and tokens.peek() not in ("True", "False", "inf", "nan"):
            value = self.call(path, tokens)
        else:
            literal = self.literal(tokens)
            params = {"dtype": stated.dtype, "value": literal}
            value = self.builder.add(operation("constant"), (), params, path)
        if repr(value.type) != repr(stated):
            raise tokens.error("the type stated is not the type computed", f"{stated}, computed {value.type}")
        self.values[path] = value

    def call(self, path: str, tokens: _Tokens) -> Value:
        name = tokens.next("name")
        if name not in REGISTRY:
            raise tokens.error(f"no operation is called {name!r}", name, nearest(name, REGISTRY), back=1)
        op = REGISTRY[name]
        if op.name in ("input", "constant"):
            raise tokens.error("not an operation to be called", op.name, back=1)
        tokens.expect("(")
        inputs: list[Value] = []
        params: dict[str, Any] = {}
        while tokens.peek() != ")":
            if tokens.peek(1) == "=":
                name = tokens.next("name")
                tokens.expect("=")
                if name in params:
                    raise tokens.error("this parameter stands twice", name, back=2)
                params[name] = self.literal(tokens)
            else:
                inputs.append(self.value(tokens))
            if tokens.peek() != ")":
                tokens.expect(",")
        tokens.expect(")")
        return self.builder.add(op, tuple(inputs), params, path)

    def value(self, tokens: _Tokens) -> Value:
        name = tokens.next("name", "string")
        if name not in self.values:
            raise tokens.error(f"no node {name!r} stands above", name, nearest(name, self.values), back=1)
        return self.values[name]

    def type(self, tokens: _Tokens) -> Type:
        name = tokens.next("name")
        if name not in DTYPES:
            raise tokens.error("no such dtype", name, nearest(name, DTYPES), back=1)
        shape = self.literal(tokens)
        if not isinstance(shape, tuple):
            raise tokens.error("a shape is a list of sizes", str(shape))
        result = Type(DTYPES[name], as_shape(shape))
        if result.size > MAX_ELEMENTS:
            raise tokens.error("a value is too large to be true", repr(result))
        return result

    def pairs(self, tokens: _Tokens) -> Iterator[tuple[str, Any]]:
        while True:
            name = tokens.next("name")
            tokens.expect("=")
            yield name, self.literal(tokens)
            if tokens.peek() is None:
                return
            tokens.expect(",")

    def literal(self, tokens: _Tokens, depth: int = 0) -> Any:
        kind, text = tokens.peek_kind(), tokens.peek()
        if text == "[":
            if depth > 16:
                raise tokens.error("lists are nested too deeply", "[")
            return tuple(self.items(tokens, depth + 1))
        if kind == "string":
            return tokens.next("string")
        if kind == "number":
            word = tokens.next("number")
            if len(word) > 24 and _WHOLE.fullmatch(word):
                raise tokens.error("a whole number is too long", word, back=1)
            return int(word) if _WHOLE.fullmatch(word) else float(word)
        word = tokens.next("name")
        known = {"True": True, "False": False, "inf": math.inf, "nan": math.nan, **DTYPES, **self.axes}
        if word not in known:
            raise tokens.error("not a value", word, nearest(word, known), back=1)
        return known[word]

    def items(self, tokens: _Tokens, depth: int) -> Iterator[Any]:
        tokens.expect("[")
        while tokens.peek() != "]":
            yield self.literal(tokens, depth)
            if tokens.peek() != "]":
                tokens.expect(",")
        tokens.expect("]")


class _Tokens:
    """The words of one line."""

    def __init__(self, line: str, number: int):
        self.line, self.number, self.position = line, number, 0
        self.found: list[tuple[str, str, int]] = []
        at, end = 0, len(line.rstrip())
        while at < end:
            match = _TOKEN.match(line, at)
            if match is None:
                raise GraphError(
                    "can not read this", where=f"line {number}, column {at + 1}", got=repr(line[at : at + 20])
                )
            kind = str(match.lastgroup)
            self.found.append((kind, match.group(kind), match.start(kind) + 1))
            at = match.end()

    def peek(self, ahead: int = 0) -> str | None:
        at = self.position + ahead
        return self.found[at][1] if at < len(self.found) else None

    def peek_kind(self) -> str | None:
        return self.found[self.position][0] if self.position < len(self.found) else None

    def next(self, *kinds: str) -> str:
        if self.peek_kind() not in kinds:
            raise self.error(f"expected a {' or '.join(kinds)}", self.peek() or "the end of the line")
        kind, text, _ = self.found[self.position]
        if kind == "string":
            try:
                text = json.loads(text)
            except ValueError:
                raise self.error("not a string", text) from None
        self.position += 1
        return text

    def expect(self, mark: str) -> None:
        if self.peek() != mark:
            raise self.error(f"expected {mark!r}", self.peek() or "the end of the line")
        self.position += 1

    def end(self) -> None:
        if self.peek() is not None:
            raise self.error("expected the end of the line", str(self.peek()))

    def place(self, back: int = 0) -> str:
        """Return where the next word stands, or the one `back` words before; at the end of the line, the last."""
        at = min(self.position - back, len(self.found) - 1)
        return f"line {self.number}, column {self.found[at][2] if self.found else 1}"

    def error(self, what: str, got: str, fix: str | None = None, back: int = 0) -> GraphError:
        return GraphError(what, where=self.place(back), got=repr(got)[:80], fix=fix)
