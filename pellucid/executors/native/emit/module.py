"""Modules: functions and what they need, as text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pellucid.executors.native.emit.function import Fn


class Module:
    """Functions and what they need, as text."""

    def __init__(self, name: str = "pellucid", triple: str = "", layout: str = "", attributes: str = ""):
        self.name, self.triple, self.layout = name, triple, layout
        self.attributes = attributes
        """Attributes of all functions, such as ``"target-features"="..."``."""
        self.functions: dict[str, Fn] = {}
        self.declared: dict[str, str] = {}
        self.globals: list[str] = []
        self.written: list[str] = []
        """Functions that are there as text already."""

    def function(self, name: str, parameters: Sequence[tuple[str, str]], result: str = "void", **more: Any) -> Fn:
        """Begin a function; `parameters` are pairs of type (with attributes, such as ``ptr noalias``) and name."""
        found = Fn(self, name, parameters, result, **more)
        self.functions[name] = found
        return found

    def declare(self, name: str, result: str, *types: str) -> str:
        """Declare a function from elsewhere and return its name."""
        self.declared.setdefault(name, f"declare {result} @{name}({', '.join(types)})")
        return name

    def text(self) -> str:
        head = [f'; ModuleID = "{self.name}"']
        head += [f'target datalayout = "{self.layout}"'] if self.layout else []
        head += [f'target triple = "{self.triple}"'] if self.triple else []
        declared = [line for name, line in self.declared.items() if name not in self.functions]
        tail = [f"attributes #0 = {{ {self.attributes} }}"] if self.attributes else []
        functions = [*self.written, *(fn.text() for fn in self.functions.values())]
        return "\n".join([*head, *self.globals, *declared, *functions, *tail]) + "\n"
