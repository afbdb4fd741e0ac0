"""Functions that generated programs share: compiled once in a process, when they are first needed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pellucid.executors.compiling import COMPILING
from pellucid.executors.native.emit import Module
from pellucid.executors.native.engine import Code, new_module, publish
from pellucid.executors.native.target import Target, host

_READY: dict[str, Code] = {}
"""By the name of a module, or of a function that was compiled alone; never freed, as programs hold addresses in it."""


def require_functions(writers: Mapping[str, Callable[[Module], object]], target: Target) -> None:
    """Compile those of the named functions that are not there yet, for processors of the host's family only."""
    if target.family != host().family or all(name in _READY for name in writers):
        return
    with COMPILING:
        missing = {name: write for name, write in writers.items() if name not in _READY}
        if not missing:
            return
        module = new_module("tiles", target)
        for write in missing.values():
            write(module)
        code = Code(module, target, simplified=False)
        publish(code, list(missing))
        _READY.update(dict.fromkeys(missing, code))


@dataclass(frozen=True)
class Library:
    """A module of functions that other modules call by name.

    Attributes
    ----------
    name : str
        The module's name, which no other library has.
    write : function of a module and its target
        Writes the functions.
    """

    name: str
    write: Callable[[Module, Target], None]

    def module(self, target: Target | None = None) -> Module:
        """Return the functions as IR for a processor, the host by default."""
        target = target or host()
        module = new_module(self.name, target)
        self.write(module, target)
        return module

    def require(self) -> Code:
        """Make sure that later modules can call the functions, and return their code. Any thread may ask."""
        found = _READY.get(self.name)
        if found is not None:
            return found
        with COMPILING:
            if self.name not in _READY:
                module = self.module()
                code = Code(module)
                publish(code, [fn.name for fn in module.functions.values() if not fn.internal])
                _READY[self.name] = code
            return _READY[self.name]
