"""From IR to machine code: parsing, a few passes, and the functions' addresses."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any

from llvmlite import binding as llvm

from pellucid.executors.compiling import COMPILING
from pellucid.executors.native.emit import Module
from pellucid.executors.native.target import Target, host

# LLVM's global context is not safe for threads, so that all work on it is done while COMPILING is held. The lock that
# llvmlite takes for each single call is taken for forks too: programs may be dropped by other threads at any time.
_CALLING: Any = getattr(llvm.ffi.lib, "_lock", nullcontext())


def _before_fork() -> None:
    COMPILING.acquire()
    _CALLING.__enter__()


def _after_fork() -> None:
    _CALLING.__exit__(None, None, None)
    COMPILING.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork, after_in_child=_after_fork)


def new_module(name: str, target: Target | None = None) -> Module:
    """Return an empty module for a processor, the host by default."""
    target = target or host()
    machine = target.machine()
    return Module(name, target.triple, str(machine.target_data), target.attributes)


class Code:
    """Machine code of a module, freed when it is closed or dropped."""

    def __init__(self, module: Module, target: Target | None = None, simplified: bool = True, effort: int = 2):
        self.target = target or host()
        self.parts: Sequence[Code] = ()
        """Code that this one calls, and that has to stay for as long as it does."""
        with COMPILING:
            machine = self.target.machine(effort)
            parsed = llvm.parse_assembly(module.text())
            parsed.verify()
            if simplified:
                _simplify(parsed, machine)
            self._engine: llvm.ExecutionEngine | None = llvm.create_mcjit_compiler(parsed, machine)
            self._engine.finalize_object()

    def address(self, name: str) -> int:
        """Return the address of a function."""
        if self._engine is None:
            raise RuntimeError("the code was closed")
        found = self._engine.get_function_address(name)
        if not found:
            raise RuntimeError(f"no function {name} in the generated code")
        return found

    def function(self, name: str, *types: type, result: type | None = None) -> Any:
        """Return a function that Python can call; other threads run while it does."""
        found: Any = ctypes.CFUNCTYPE(result, *types)(self.address(name))
        found.code = self  # keeps the code in memory
        return found

    def close(self) -> None:
        """Free the code; its functions may not be called any more."""
        with COMPILING:
            if self._engine is not None:
                self._engine.close()
                self._engine = None


def assembly(module: Module, target: Target | None = None, simplified: bool = True) -> str:
    """Return the assembly that a module becomes, for reading and for processors other than this."""
    target = target or host()
    with COMPILING:
        machine = target.machine()
        parsed = llvm.parse_assembly(module.text())
        parsed.verify()
        if simplified:
            _simplify(parsed, machine)
        return machine.emit_assembly(parsed)


def publish(code: Code, names: Sequence[str]) -> None:
    """Let modules that are compiled later call functions of this code, which must never be closed."""
    for name in names:
        llvm.add_symbol(name, code.address(name))


def _simplify(parsed: llvm.ModuleRef, machine: llvm.TargetMachine) -> None:
    """Run the few passes that pay: inlining, and combining instructions. The full pipeline takes four times as long."""
    builder = llvm.create_pass_builder(machine, llvm.create_pipeline_tuning_options(speed_level=1))
    passes = llvm.create_new_module_pass_manager()
    passes.add_always_inliner_pass()
    passes.add_instruction_combine_pass()
    passes.run(parsed, builder)
