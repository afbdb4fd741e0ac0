"""Functions that programs have in common: compiled once in a process.

Networks that differ in how many units they have differ in numbers: bounds of loops, strides, which tile is called.
Taken out of a function and read from a table, they leave a text that is the same for many networks. So a program's own
code is little more than a list of calls, with a table of numbers for each.

Reading numbers costs the smallest networks a few hundredths of their time. So a kernel is compiled with its numbers in
it where one of its form comes for the first time, and without them once the same form comes with other numbers:
whoever trains one architecture gets code that is made for it, and whoever tries many has them compiled in a fraction
of the time. What comes out is the same to the bit.
"""

from __future__ import annotations

import hashlib
import weakref
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pellucid.executors.compiling import COMPILING
from pellucid.executors.native.emit import Fn, Module, element_of, lanes_of
from pellucid.executors.native.engine import Code, new_module, publish
from pellucid.executors.native.sizes import Size, symbols_in, take_out
from pellucid.executors.native.target import Target

KERNEL = "kernel_"
"""How the names of kernels begin."""
MOST_SIZES = 96
"""A function with more numbers than this was written out for its sizes, and keeps them."""
KEPT = 1024
"""How many functions are kept that no program uses."""
REMEMBERED = 1 << 14
"""Of how many forms it is remembered that one was compiled with its numbers in it."""

_ALIVE: weakref.WeakValueDictionary[str, Code] = weakref.WeakValueDictionary()
_RECENT: OrderedDict[str, Code] = OrderedDict()
_SEEN: OrderedDict[str, None] = OrderedDict()


@dataclass(frozen=True)
class Piece:
    """A function that other modules call.

    Attributes
    ----------
    name : str
        Made of its text, so that equal functions have the same.
    text : str
        From its parameters on.
    sizes : tuple of Size
        What its table holds; its last argument is where that is.
    """

    name: str
    text: str
    sizes: tuple[Size, ...] = ()


@dataclass(frozen=True)
class Form:
    """A function as it is, and with its numbers taken out; None where it can not be had so, or need not be."""

    whole: Piece | None
    open: Piece | None

    def choose(self) -> Piece:
        """Return the piece to use: one that is there, or else to be compiled. COMPILING is held."""
        if self.open is None or (self.whole is not None and self.whole.name in _ALIVE):
            assert self.whole is not None
            return self.whole
        if self.whole is None or self.open.name in _ALIVE or self.open.name in _SEEN:
            return self.open
        return self.whole


def compile_module(module: Module, target: Target) -> Code:
    """Compile a program's module; functions that other programs have had are taken from there."""
    own = {name for name, fn in module.functions.items() if fn.result != "void" or _calls_kernels(fn)}
    forms = {name: _form(fn) for name, fn in module.functions.items() if name not in own}
    with COMPILING:
        pieces = {name: form.choose() for name, form in forms.items()}
        _remember(form.open.name for form in forms.values() if form.open is not None)
        parts = _require(module, pieces.values(), target)
        rest = _rest(module, own, pieces)
        looping = any(" = phi " in text for text in rest.written)
        # Calls, one after the other, are as quick without LLVM's trouble, which takes most of the time.
        code = Code(rest, target, simplified=looping, effort=2 if looping else 0)
    code.parts = parts
    return code


def _calls_kernels(fn: Fn) -> bool:
    return any(f"@{KERNEL}" in line for line in fn.lines)


def _form(fn: Fn) -> Form:
    """Return what a function may be compiled as: one that calls others of its module has their names taken out."""
    entry, lines = ([line for line in part if line[:3] != "  ;"] for part in (fn.entry, fn.lines))
    taken, opened = take_out([*entry, *lines], fn.module.functions)
    if not taken:
        return Form(_piece(fn, entry, lines), None)
    without = _piece(fn, opened[: len(entry)], opened[len(entry) :], taken)
    if any(size.text[1:] in fn.module.functions for size in taken if size.type == "ptr"):
        return Form(None, without)
    whole = _piece(fn, entry, lines)
    if len(taken) > MOST_SIZES:
        return Form(whole, None)
    return Form(whole if fn.name.startswith(KERNEL) else None, without)


def _piece(fn: Fn, entry: Sequence[str], lines: Sequence[str], sizes: Sequence[Size] = ()) -> Piece:
    parameters = [*fn.parameters, *([("ptr noalias readonly", "sizes")] if sizes else [])]
    loads = [line for number, size in enumerate(sizes) for line in _load(number, size)]
    head = f"({_listed(parameters)}) nounwind noinline{' #0' if fn.module.attributes else ''} {{"
    text = "\n".join([head, "entry:", *loads, *entry, "  br label %body", "body:", *lines, "}"])
    key = hashlib.blake2b(f"{fn.module.attributes}\n{text}".encode(), digest_size=16).hexdigest()
    return Piece(f"pellucid_piece_{key}", text, tuple(sizes))


def _load(number: int, size: Size) -> list[str]:
    """Return the lines that read what was taken out from the table."""
    element, name = element_of(size.type), f"%s{number}"
    one = name if element == size.type else f"%one{number}"
    lines = [
        f"  %at{number} = getelementptr i8, ptr %sizes, i64 {8 * number}",
        f"  {one} = load {element}, ptr %at{number}, align 8",
    ]
    if one != name:
        many = f"%many{number} = insertelement {size.type} poison, {element} {one}, i32 0"
        mask = f"<{lanes_of(size.type)} x i32> zeroinitializer"
        lines += [f"  {many}", f"  {name} = shufflevector {size.type} %many{number}, {size.type} poison, {mask}"]
    return lines


def _require(module: Module, pieces: Iterable[Piece], target: Target) -> list[Code]:
    """Return the code of pieces; those that are not there yet are compiled together."""
    wanted = {piece.name: piece for piece in pieces}
    found = {name: _ALIVE[name] for name in wanted if name in _ALIVE}
    missing = [piece for name, piece in wanted.items() if name not in found]
    if missing:
        new = new_module("pieces", target)
        called = {name for piece in missing for name in symbols_in(piece.text)}
        new.declared = {name: line for name, line in module.declared.items() if name in called}
        new.written = [f"define void @{piece.name}{piece.text}" for piece in missing]
        code = Code(new, target)
        publish(code, [piece.name for piece in missing])
        found |= dict.fromkeys((piece.name for piece in missing), code)
    for name, code in found.items():
        _ALIVE[name] = _RECENT[name] = code
        _RECENT.move_to_end(name)
    while len(_RECENT) > KEPT:
        _RECENT.popitem(last=False)
    return list({id(code): code for code in found.values()}.values())


def _remember(names: Iterable[str]) -> None:
    _SEEN.update(dict.fromkeys(names))
    while len(_SEEN) > REMEMBERED:
        _SEEN.popitem(last=False)


def _rest(module: Module, own: set[str], pieces: Mapping[str, Piece]) -> Module:
    """Return what is the program's own: the functions that call kernels, tables, and ways to the other pieces."""
    rest = Module(module.name, module.triple, module.layout, module.attributes)
    rest.declared = dict(module.declared)
    for name, piece in pieces.items():
        types = [type.split(" ")[0] for type, _ in module.functions[name].parameters]
        rest.declare(piece.name, "void", *types, *(["ptr"] if piece.sizes else []))
        if piece.sizes:
            told = ", ".join(size.word for size in piece.sizes)
            rest.globals.append(f"@sizes_{name} = internal constant [{len(piece.sizes)} x i64] [{told}], align 8")
    for name, fn in module.functions.items():
        if name in own:
            rest.written.append("\n".join(_directed(line, pieces) for line in fn.text().split("\n")))
        elif not name.startswith(KERNEL):
            rest.written.append(_way(fn, pieces[name]))
    return rest


def _directed(line: str, pieces: Mapping[str, Piece]) -> str:
    """Return a line with a call of a kernel as one of its piece."""
    start = f"  call void @{KERNEL}"
    if not line.startswith(start):
        return line
    name, given = line.removeprefix("  call void @").removesuffix(")").split("(", 1)
    return _call(name, given, pieces[name])


def _call(name: str, given: str, piece: Piece) -> str:
    table = f", ptr @sizes_{name}" if piece.sizes else ""
    return f"  call void @{piece.name}({given}{table})"


def _way(fn: Fn, piece: Piece) -> str:
    """Return a function of the name and with the parameters of another one, which calls that one's piece."""
    given = ", ".join(f"{type.split(' ')[0]} %{name}" for type, name in fn.parameters)
    word = "internal " if fn.internal else ""
    head = f"define {word}void @{fn.name}({_listed(fn.parameters)}) nounwind{' #0' if fn.module.attributes else ''} {{"
    return "\n".join([head, _call(fn.name, given, piece), "  ret void", "}"])


def _listed(parameters: Iterable[tuple[str, str]]) -> str:
    return ", ".join(f"{type} %{name}" for type, name in parameters)
