"""What depends on the processor: vector width, registers, tiles, features, and how subnormals are flushed.

This is the one file of the code generator that knows processors by name.
"""

from __future__ import annotations

import functools
import platform
from dataclasses import dataclass

from llvmlite import binding as llvm

from pellucid.errors import ProcessorError
from pellucid.executors.native.emit import Fn, V

LANES = 16
"""Lanes of all vectors outside of the tiles of contractions. LLVM splits them where registers are smaller, so that
results do not depend on the processor's."""


_WIDE = ("avx512", "avx10", "evex512", "amx")
"""How the features begin that mean or imply registers of 512 bits."""


@dataclass(frozen=True)
class Target:
    """A processor to generate code for.

    Attributes
    ----------
    triple, cpu, features : str
        As LLVM names them.
    bytes : int
        The width of a vector register.
    registers : int
        How many of them there are.
    """

    triple: str
    cpu: str
    features: str
    bytes: int
    registers: int

    @property
    def family(self) -> str:
        return self.triple.split("-")[0]

    def machine(self, effort: int = 2) -> llvm.TargetMachine:
        """Return LLVM's code generator for it, which takes so much trouble: 0 to 3."""
        _initialize()
        return llvm.Target.from_triple(self.triple).create_target_machine(
            cpu=self.cpu, features=self.features, opt=effort, reloc="pic", codemodel="jitdefault"
        )

    def lanes(self, element: str) -> int:
        """Return how many floats or doubles a register holds."""
        return self.bytes // {"float": 4, "double": 8}[element]

    def rows(self, vectors: int) -> int:
        """Return the most rows that a contraction's tile may have that is so many registers wide.

        The tile's sums, one row of the right operand and one number of the left one have to fit the registers.
        """
        return max(1, min(16, (self.registers - vectors - 1) // vectors))

    def lines(self, rows: int) -> int:
        """Return the most lines of 64 bytes that a contraction's tile is wide where there are so many rows.

        Few rows need wide tiles: with less than eight sums at once each waits for the one before.
        """
        lines, vectors = (4 if self.bytes == 64 else 1), 64 // self.bytes
        while lines * vectors * rows < 8:
            lines *= 2
        return lines

    @property
    def attributes(self) -> str:
        """Attributes of every function: what code may be generated for it."""
        width = f' "prefer-vector-width"="{8 * self.bytes}" "min-legal-vector-width"="{8 * self.bytes}"'
        return f'"target-cpu"="{self.cpu}" "target-features"="{self.features}"' + (
            width if self.family == "x86_64" else ""
        )


@functools.cache
def _initialize() -> None:
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    llvm.initialize_native_asmparser()


@functools.cache
def host() -> Target:
    """Return the processor that this program runs on.

    Raises
    ------
    ProcessorError
        Where it lacks what the generated code needs.
    """
    _initialize()
    found = {name for name, there in llvm.get_host_cpu_features().items() if there}
    return choose(llvm.get_process_triple(), llvm.get_host_cpu_name(), frozenset(found))


def choose(triple: str, cpu: str, features: frozenset[str]) -> Target:
    """Return a target for a processor of these features, or say what it lacks."""
    family = triple.split("-")[0].lower()
    if family in ("x86_64", "amd64"):
        missing = [name for name in ("avx2", "fma") if name not in features]
        if missing:
            raise _unfit(f"without {' and '.join(missing)}", "an x86-64 processor with AVX2 and FMA, or an AArch64 one")
        wide = {"avx512f", "avx512dq", "avx512vl", "avx512bw"} <= features
        used = features if wide else {name for name in features if not name.startswith(_WIDE)}
        told = ",".join(f"+{name}" for name in sorted(used))
        return Target(triple, cpu if wide else "haswell", told, 64 if wide else 32, 32 if wide else 16)
    if family in ("aarch64", "arm64"):
        return Target(triple, cpu, ",".join(f"+{name}" for name in sorted(features | {"neon"})), 16, 32)
    raise _unfit(family or platform.machine(), "an x86-64 processor with AVX2 and FMA, or an AArch64 one")


def _unfit(got: str, expected: str) -> ProcessorError:
    return ProcessorError(
        "the native executor can not generate code for this processor",
        got=got,
        expected=expected,
        fix='Pass executor="interpret" (--executor interpret), which runs everywhere.',
    )


def without_subnormals(fn: Fn, target: Target) -> V:
    """Write code that makes the thread flush subnormals to zero from here on; return the state to restore."""
    if target.family in ("x86_64", "amd64"):
        slot = fn.scratch(8)
        store = fn.module.declare("llvm.x86.sse.stmxcsr", "void", "ptr")
        load = fn.module.declare("llvm.x86.sse.ldmxcsr", "void", "ptr")
        fn.call(store, "void", slot)
        before = fn.load("i32", slot)
        fn.store(before | 0x8040, slot)  # flush to zero, and subnormals are zero
        fn.call(load, "void", slot)
        return before
    name = fn.module.declare("llvm.aarch64.get.fpcr", "i64")
    before = fn.call(name, "i64")
    fn.call(fn.module.declare("llvm.aarch64.set.fpcr", "void", "i64"), "void", before | (1 << 24))
    return before


def restore_subnormals(fn: Fn, target: Target, before: V) -> None:
    """Write code that brings back the state that :func:`without_subnormals` returned."""
    if target.family in ("x86_64", "amd64"):
        slot = fn.scratch(8)
        fn.store(before, slot)
        fn.call(fn.module.declare("llvm.x86.sse.ldmxcsr", "void", "ptr"), "void", slot)
    else:
        fn.call(fn.module.declare("llvm.aarch64.set.fpcr", "void", "i64"), "void", before)


def relax(fn: Fn, target: Target) -> None:
    """Write the instruction that tells the processor that this thread waits for another."""
    if target.family in ("x86_64", "amd64"):
        fn.call(fn.module.declare("llvm.x86.sse2.pause", "void"), "void")
    else:
        word = fn.module.declare("llvm.aarch64.hint", "void", "i32")
        fn.call(word, "void", fn.const(1, "i32"))
