"""Contractions: products of matrices, cut into tasks, panels of columns and tiles, with the epilogue of each line.

Every element of the result is one ascending chain of fused multiply-adds that begins at 0; where more than 1024 terms
are summed, chains of 1024 are added in ascending order. Tiles, tasks, threads and the processor's vector width change
nothing about that, and so no bit of the result.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from pellucid.executors.native.emit import Fn, V, vector
from pellucid.executors.native.target import Target, host
from pellucid.executors.native.tiles import LINE, SIZE, TYPES, Tile, fetch_ahead, require_tiles
from pellucid.executors.native.transposes import TYPES as TRANSPOSE_TYPES
from pellucid.executors.native.transposes import require_transpose

CHAIN = 1024
"""The most terms of one chain."""

_TASKS, _WORK, _ROWS = 16, 2_000_000, 24
"""Tasks that a product should have at least, if each then has so many multiply-adds and rows."""

_FAR, _OFTEN, _AHEAD = 1 << 19, 128, 64
"""Panels of B are copied where B has so many bytes and each panel is used for so many rows; so many rows ahead of the
copy memory is asked for what comes."""


@dataclass(frozen=True)
class Product:
    """One product C[rows, columns] = A[rows, depth] B[depth, columns].

    Attributes
    ----------
    element : {"float", "double"}
    rows, depth, columns : int
        Sizes. Rows and depth are the most there are where `rows_now` and `depth_now` say how many at run time.
    a, b : V
        Pointers to the operands.
    a_row_stride, a_k_stride : int
        Bytes from one row of A to the next, and from one contracted index to the next.
    b_k_stride, b_column_stride : int
        The same for B. Where columns are not contiguous, contracted indices have to be: B is then transposed panel by
        panel into `scratch`.
    scratch : V, optional
        Memory of the thread's own, of `scratch_bytes`, aligned to 64 bytes; needed where that is more than 0.
    rows_now, depth_now : V, optional
        Sizes at run time. All `rows` of A are there to be read, whatever is in those beyond `rows_now`.
    """

    element: str
    rows: int
    depth: int
    columns: int
    a: V
    a_row_stride: int
    a_k_stride: int
    b: V
    b_k_stride: int
    b_column_stride: int
    scratch: V | None = None
    rows_now: V | None = None
    depth_now: V | None = None

    @property
    def transposed(self) -> bool:
        """Whether B lies column by column."""
        return self.b_column_stride != SIZE[self.element] and self.columns > 1


TILE_BYTES = 2048
"""No tile that is used has larger sums."""

Epilogue = Callable[[V, V, V], None]
"""Called with row, first column and the sums of one line while the code of a contraction is written."""


@dataclass(frozen=True)
class _Cut:
    """So many parts of nearly one size: the first `extra` have `size + 1`, the others `size`."""

    parts: int
    size: int
    extra: int

    @classmethod
    def of(cls, total: int, most: int) -> _Cut:
        parts = -(-total // most)
        return cls(parts, *divmod(total, parts))

    def sizes(self) -> tuple[int, ...]:
        return (self.size, self.size + 1) if self.extra else (self.size,)


@dataclass(frozen=True)
class _Plan:
    """How a product is cut: panels of columns, of one width or two, each in tiles of rows; blocks of them are tasks."""

    panels: _Cut
    tiles: tuple[_Cut, ...]
    """For each width of panels how the rows are cut."""
    blocks: int
    tasks: int
    packed: bool
    """Whether a panel of B is brought together before it is used: transposed where that has to be, otherwise copied."""

    @property
    def tile_bytes(self) -> int:
        """The bytes of the sums of the largest tile: rounded, so that products of many sizes have the same code."""
        most = max(width * LINE * max(cut.sizes()) for width, cut in zip(self.widths, self.tiles, strict=True))
        return -(-most // TILE_BYTES) * TILE_BYTES

    @property
    def widths(self) -> tuple[int, ...]:
        """The lines of a panel: one number or two."""
        return self.panels.sizes()


def _plan(spec: Product, target: Target) -> _Plan | None:
    """Return how a product is cut, which is a matter of its sizes alone; None where nothing is to be done.

    Panels are cut into blocks of rows only where there are few panels and much to do.
    """
    if spec.rows == 0 or spec.columns == 0:
        return None
    panels = _Cut.of(-(-spec.columns * SIZE[spec.element] // LINE), target.lines(spec.rows))
    tiles = tuple(_Cut.of(spec.rows, target.rows(width * LINE // target.bytes)) for width in panels.sizes())
    work = spec.rows * spec.depth * panels.size * LINE // SIZE[spec.element]
    blocks = max(1, min(-(-_TASKS // panels.parts), work // _WORK, spec.rows // _ROWS))
    far = panels.parts > 1 and spec.depth * spec.b_k_stride >= _FAR and spec.rows // blocks >= _OFTEN
    return _Plan(panels, tiles, blocks, panels.parts * blocks, spec.transposed or far)


def tasks(spec: Product, target: Target | None = None) -> int:
    """Return into how many independent tasks a product is cut: a matter of its sizes alone."""
    plan = _plan(spec, target or host())
    return plan.tasks if plan else 0


def tiles(spec: Product, target: Target | None = None) -> list[Tile]:
    """Return the tiles that a product is made of."""
    plan = _plan(spec, target or host())
    if plan is None:
        return []
    alone = {1} if spec.rows_now is not None else set()  # a single row is what is predicted most often
    cuts = zip(plan.widths, plan.tiles, strict=True)
    return [Tile(spec.element, rows, width) for width, cut in cuts for rows in sorted({*cut.sizes(), *alone})]


def count_panels(spec: Product, target: Target | None = None) -> int:
    """Return into how many panels of columns a product is cut."""
    plan = _plan(spec, target or host())
    return plan.panels.parts if plan else 0


def tasks_now(spec: Product, columns: V, target: Target | None = None) -> V:
    """Write how many tasks there are where only so many columns are needed."""
    fn, plan = columns.fn, _plan(spec, target or host())
    if plan is None:
        return fn.i64(0)
    lanes = LINE // SIZE[spec.element]
    lines = fn.op("udiv", columns + (lanes - 1), fn.i64(lanes))
    panels = fn.op("udiv", lines + (plan.panels.size - 1), fn.i64(plan.panels.size))
    return fn.minimum(panels * plan.blocks, fn.i64(plan.tasks))


def scratch_bytes(spec: Product, target: Target | None = None) -> int:
    """Return how much memory of its own each thread needs for a product."""
    plan = _plan(spec, target or host())
    return _packed_bytes(spec, plan) + _sums_bytes(spec, plan) if plan else 0


def _packed_bytes(spec: Product, plan: _Plan) -> int:
    """Return the bytes of a panel of B that is brought together, for one chain."""
    return max(plan.widths) * LINE * min(CHAIN, spec.depth) if plan.packed else 0


def _sums_bytes(spec: Product, plan: _Plan) -> int:
    """Return the bytes of the sums of a whole task, that stay while its chains are added; none with one chain."""
    if spec.depth <= CHAIN:
        return 0
    pairs = zip(plan.widths, plan.tiles, strict=True)
    return max(width * LINE * -(-cut.parts // plan.blocks) * max(cut.sizes()) for width, cut in pairs)


def emit_contraction(
    fn: Fn, spec: Product, first: V | int, last: V | int, epilogue: Epilogue, target: Target | None = None
) -> None:
    """Write the tasks from `first` to before `last` of a product into a function.

    Parameters
    ----------
    epilogue : callable
        ``epilogue(row, column, value)`` is called once, to write what is done with each line of the result: `value`
        holds the sums of 16 floats or 8 doubles from `column` on (a multiple of that), of which those beyond the last
        column are garbage.
    """
    target = target or host()
    plan = _plan(spec, target)
    if plan is None:
        return
    if spec.transposed and spec.b_k_stride != SIZE[spec.element]:
        raise ValueError("the right operand of a contraction needs contiguous columns or contiguous contracted indices")
    if spec.scratch is None and scratch_bytes(spec, target):
        raise ValueError("this contraction needs scratch memory")
    require_tiles(tiles(spec, target), target)
    for tile in tiles(spec, target):
        fn.module.declare(tile.name(target), "void", *TYPES)
    writer = _Writer(fn, spec, epilogue, target, plan)
    with fn.loop(first, last) as task:
        writer.task(task.index)


Number = V | int
"""A number that may be known while the code is written."""


class _Writer:
    """Writes one contraction: once for all widths of panels and heights of tiles, which are chosen at run time."""

    def __init__(self, fn: Fn, spec: Product, epilogue: Epilogue, target: Target, plan: _Plan):
        self.fn, self.spec, self.epilogue, self.target, self.plan = fn, spec, epilogue, target, plan
        self.lanes = LINE // SIZE[spec.element]
        self.type = vector(spec.element, self.lanes)
        self.depth: Number = spec.depth_now if spec.depth_now is not None else spec.depth

    def task(self, task: V) -> None:
        """Write one task: a block of rows of a panel of columns."""
        fn, plan, blocks = self.fn, self.plan, self.plan.blocks
        panel = fn.op("udiv", task, fn.i64(blocks)) if blocks > 1 else task
        self.line, self.wide = _part(panel, plan.panels.size, plan.panels.extra)
        self.width, parts = self.of_width(plan.widths), self.of_width([cut.parts for cut in plan.tiles])
        self.size = self.of_width([cut.size for cut in plan.tiles])
        self.extra = self.of_width([cut.extra for cut in plan.tiles])
        self.stride = self.width * LINE
        begin: Number = 0
        end: Number = parts
        if blocks > 1:
            block = task - panel * blocks
            begin = fn.op("udiv", block * parts, fn.i64(blocks))
            end = fn.op("udiv", (block + 1) * parts, fn.i64(blocks))
        if self.spec.depth > CHAIN:
            self.chains(begin, end)
        else:
            self.chain(begin, end)

    def of_width(self, numbers: Sequence[int]) -> Number:
        """Return the number that belongs to this panel's width."""
        if len(set(numbers)) == 1:
            return numbers[0]
        assert self.wide is not None
        return self.fn.select(self.wide, self.fn.i64(numbers[1]), self.fn.i64(numbers[0]))

    def value(self, number: Number) -> V:
        return number if isinstance(number, V) else self.fn.i64(number)

    def smaller(self, a: Number, b: Number) -> V:
        return self.fn.select(self.value(a) < b, self.value(a), self.value(b))

    def chain(self, begin: Number, end: Number) -> None:
        """Write the tiles of a task where every sum is one chain; they pass through memory of one tile's size."""
        sums = self.fn.scratch(self.plan.tile_bytes)
        b = self.right(0, self.depth)
        with self.tiles(begin, end) as (start, rows, longer):
            self.sum(start, longer, b, 0, self.depth, sums)
            self.finish(start, rows, sums)

    def chains(self, begin: Number, end: Number) -> None:
        """Write the tiles of a task where chains are added; all sums stay in memory until the last one."""
        fn = self.fn
        assert self.spec.scratch is not None
        base = fn.at(self.spec.scratch, _packed_bytes(self.spec, self.plan))
        sums = fn.scratch(self.plan.tile_bytes)
        origin, _ = _part(self.value(begin), self.size, self.extra)
        count = fn.op("udiv", self.value(self.depth) + (CHAIN - 1), fn.i64(CHAIN))
        count = fn.select(count < 1, fn.i64(1), count)  # no term at all gives zeros
        with fn.loop(0, count) as chain:
            k = chain.index * CHAIN
            depth = self.smaller(self.depth - k, CHAIN)
            b = self.right(k, depth)
            with self.tiles(begin, end) as (start, rows, longer):
                self.sum(start, longer, b, k, depth, sums)
                self.add(rows, sums, fn.at(base, (start - origin) * self.stride), chain.index)
        with self.tiles(begin, end) as (start, rows, _):
            self.finish(start, rows, fn.at(base, (start - origin) * self.stride))

    @contextmanager
    def tiles(self, begin: Number, end: Number) -> Iterator[tuple[V, Number, V | None]]:
        """Write a loop over tiles: the first row of each, how many of its rows count, and whether it has one more."""
        fn = self.fn
        with fn.loop(begin, end) as tile:
            start, longer = _part(tile.index, self.size, self.extra)
            rows = self.size if longer is None else self.size + fn.cast("zext", longer, "i64")
            if self.spec.rows_now is None:
                yield start, rows, longer
                return
            rest = self.spec.rows_now - start
            with fn.when(rest > 0):
                yield start, self.smaller(rest, rows), longer

    def right(self, k: Number, depth: Number) -> tuple[V, Number]:
        """Return the right operand of a panel from k on and its stride, after bringing it together if need be."""
        fn, spec = self.fn, self.spec
        if not spec.transposed:
            source = fn.at(fn.at(spec.b, self.line * LINE), k * spec.b_k_stride)
            return self.copy(source, depth) if self.plan.packed else (source, spec.b_k_stride)
        assert spec.scratch is not None
        column = self.line * self.lanes
        columns = self.smaller(spec.columns - column, self.width * self.lanes)
        source = fn.at(fn.at(spec.b, column * spec.b_column_stride), k * spec.b_k_stride)
        name = fn.module.declare(require_transpose(spec.b_k_stride, self.target), "void", *TRANSPOSE_TYPES)
        operands = (source, spec.b_column_stride, spec.scratch, self.stride, columns, depth)
        fn.call(name, "void", *map(self.value, operands))
        return spec.scratch, self.stride

    def copy(self, source: V, depth: Number) -> tuple[V, Number]:
        """Write the copying of a panel: its rows are far apart, and are used often enough."""
        fn, spec = self.fn, self.spec
        assert spec.scratch is not None
        with fn.loop(0, depth) as row:
            taken, into = fn.at(source, row.index * spec.b_k_stride), fn.at(spec.scratch, row.index * self.stride)
            later = fn.at(taken, _AHEAD * spec.b_k_stride)
            with fn.loop(0, self.width) as at:
                fetch_ahead(fn.at(later, at.index * LINE))
                fn.store(fn.load(self.type, fn.at(taken, at.index * LINE)), fn.at(into, at.index * LINE))
        return spec.scratch, self.stride

    def sum(self, start: V, longer: V | None, b: tuple[V, Number], k: Number, depth: Number, sums: V) -> None:
        """Write the call of the tile that is as wide and as high as it has to be."""
        fn, spec = self.fn, self.spec
        fitting = []
        for width, cut in zip(self.plan.widths, self.plan.tiles, strict=True):
            found = [V(fn, "ptr", "@" + Tile(spec.element, rows, width).name(self.target)) for rows in cut.sizes()]
            fitting.append(found[0] if longer is None or len(found) == 1 else fn.select(longer, found[1], found[0]))
        if spec.rows_now is not None:
            single = fn.compare("eq", spec.rows_now, 1)
            for place, width in enumerate(self.plan.widths):
                one = V(fn, "ptr", "@" + Tile(spec.element, 1, width).name(self.target))
                fitting[place] = fn.select(single, one, fitting[place])
        tile = fitting[0] if self.wide is None else fn.select(self.wide, fitting[1], fitting[0])
        a = fn.at(fn.at(spec.a, start * spec.a_row_stride), k * spec.a_k_stride)
        operands = map(self.value, (a, spec.a_row_stride, spec.a_k_stride, *b, depth, sums))
        fn.line(f"call void {tile.name}({', '.join(map(repr, operands))})")

    def add(self, rows: Number, sums: V, total: V, chain: V) -> None:
        """Write what adds the sums of a tile's chains to those of the chains before; the first has none before it."""
        fn = self.fn
        with fn.loop(0, rows * self.stride, LINE) as place:
            value, into = fn.load(self.type, fn.at(sums, place.index)), fn.at(total, place.index)
            fn.store(fn.select(chain > 0, fn.load(self.type, into) + value, value), into)

    def finish(self, start: V, rows: Number, sums: V) -> None:
        """Write the epilogue of the lines of one tile."""
        fn = self.fn
        with fn.loop(0, rows) as row:
            line = fn.at(sums, row.index * self.stride)
            with fn.loop(0, self.width) as at:
                value = fn.load(self.type, fn.at(line, at.index * LINE))
                self.epilogue(start + row.index, (self.line + at.index) * self.lanes, value)


def _part(index: V, size: Number, extra: Number) -> tuple[V, V | None]:
    """Return where a part begins, and whether it is one of those that have one more, if there are any."""
    fn = index.fn
    if isinstance(extra, int) and extra == 0:
        return index * size, None
    longer = index < extra
    return index * size + fn.select(longer, index, extra if isinstance(extra, V) else fn.i64(extra)), longer
