"""Functions under construction, with loops and branches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from pellucid.executors.native.emit.instructions import Instructions
from pellucid.executors.native.emit.value import V


class Loop:
    """A loop under construction: its index, and the values that go from round to round."""

    def __init__(self, index: V, values: list[V]):
        self.index, self.values = index, values
        self.following: list[V] | None = None

    def next(self, *values: V) -> None:
        """Say what the carried values are in the next round."""
        self.following = list(values)


class Exit:
    """The way out of a loop that is written by :meth:`Fn.forever`."""

    def __init__(self, fn: Fn, round: V, head: str, after: str):
        self.fn, self.round, self.head, self.after = fn, round, head, after
        self.restarts: list[str] = []

    def __call__(self, condition: V) -> None:
        """Leave the loop where a condition holds."""
        on = self.fn.fresh("on")
        self.fn.line(f"br i1 {condition.name}, label %{self.after}, label %{on}")
        self.fn.begin(on)

    def again(self) -> None:
        """Begin the next round at once."""
        self.fn.line(f"br label %{self.head}")
        self.restarts.append(self.fn.block)
        self.fn.begin(self.fn.fresh("dead"))


class Fn(Instructions):
    """A function under construction: its instructions, and its loops and branches."""

    def begin(self, block: str) -> None:
        """Write the label of a block: what follows is in it."""
        self.lines.append(f"{block}:")
        self.block = block

    @contextmanager
    def loop(self, start: V | int, stop: V | int, step: V | int = 1, carried: Sequence[V] = ()) -> Iterator[Loop]:
        """Write a loop over ``range(start, stop, step)``, step > 0, that may have no round at all.

        After it, ``loop.values`` are the carried values of the last round, those it started from where there was none.
        """
        first, end, by = (x if isinstance(x, V) else self.i64(x) for x in (start, stop, step))
        sure = isinstance(start, int) and isinstance(stop, int) and start < stop
        before, head, after = self.block, self.fresh("loop"), self.fresh("after")
        if sure:
            self.line(f"br label %{head}")
        else:
            some = self.compare("lt", first, end)
            self.line(f"br i1 {some.name}, label %{head}, label %{after}")
        self.begin(head)
        index = V(self, "i64", f"%{self.fresh('i')}")
        values = [V(self, value.type, f"%{self.fresh('c')}") for value in carried]
        place = len(self.lines)
        self.lines += [""] * (1 + len(values))
        found = Loop(index, values)
        yield found
        following = found.following if found.following is not None else []
        if len(following) != len(values):
            raise ValueError("a loop has to say what all carried values are in the next round")
        forward = index + by
        self.lines[place] = f"  {index.name} = phi i64 [ {first.name}, %{before} ], [ {forward.name}, %{self.block} ]"
        for at, (value, initial, last) in enumerate(zip(values, carried, following, strict=True), 1):
            self.lines[place + at] = (
                f"  {value.name} = phi {value.type} [ {initial.name}, %{before} ], [ {last.name}, %{self.block} ]"
            )
        more = self.compare("lt", forward, end)
        self.line(f"br i1 {more.name}, label %{head}, label %{after}")
        latch = self.block
        self.begin(after)
        found.values = []
        for initial, last in zip(carried, following, strict=True):
            if sure:
                found.values.append(last)
            else:
                text = f"phi {last.type} [ {initial.name}, %{before} ], [ {last.name}, %{latch} ]"
                found.values.append(self.emit(last.type, text))

    @contextmanager
    def when(self, condition: V) -> Iterator[None]:
        """Write what is done only where a condition (one truth value) holds."""
        inside, after = self.fresh("then"), self.fresh("after")
        self.line(f"br i1 {condition.name}, label %{inside}, label %{after}")
        self.begin(inside)
        yield
        self.line(f"br label %{after}")
        self.begin(after)

    @contextmanager
    def forever(self) -> Iterator[Exit]:
        """Write a loop that ends where ``exit(condition)`` holds; ``exit.round`` counts its rounds.

        ``exit.again()`` begins the next round, and the count, anew.
        """
        before, head, after = self.block, self.fresh("round"), self.fresh("after")
        self.line(f"br label %{head}")
        self.begin(head)
        index = V(self, "i64", f"%{self.fresh('r')}")
        place = len(self.lines)
        self.lines.append("")
        found = Exit(self, index, head, after)
        yield found
        forward = index + 1
        self.line(f"br label %{head}")
        sources = [f"[ 0, %{before} ]", f"[ {forward.name}, %{self.block} ]", *(f"[ 0, %{b} ]" for b in found.restarts)]
        self.lines[place] = f"  {index.name} = phi i64 {', '.join(sources)}"
        self.begin(after)

    def leave(self, value: V | None = None) -> None:
        """Return from the function in the middle of it, inside of :meth:`when`."""
        self.ret(value)
        self.begin(self.fresh("dead"))

    def ret(self, value: V | None = None) -> None:
        self.line("ret void" if value is None else f"ret {value.type} {value.name}")
