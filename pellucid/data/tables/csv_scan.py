"""Where things are in a CSV file: its records with their lines, and what is wrong with a file that cannot be read.

Reading is pyarrow's work. This slower pass over the bytes follows the same dialect and runs only to locate
something for a message.
"""

from __future__ import annotations

import mmap
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from pellucid.data.tables.columns import shorten
from pellucid.errors import DataError

NEWLINE = re.compile(rb"\r\n?|\n")


@dataclass(frozen=True)
class Record:
    """One record of a CSV file: its bytes without the end of line, and the line on which it begins, from 1."""

    line: int
    data: bytes
    end: int  # where the next record begins


@lru_cache
def _patterns(delimiter: str) -> tuple[re.Pattern[bytes], re.Pattern[bytes]]:
    # A quote counts at the start of a cell only; what follows the closing quote is taken literally.
    separator = re.escape(delimiter.encode())
    cell = rb'(?:"(?:[^"]++|"")*+(?:"|\Z)|(?!"))[^\r\n' + separator + rb"]*+"
    return re.compile(cell), re.compile(rb"(?:" + cell + separator + rb")*+" + cell)


def next_record(data: bytes | mmap.mmap, start: int, line: int, delimiter: str) -> Record | None:
    """Return the first record from `start` on, empty lines passed over, or None at the end of the data."""
    size = len(data)
    while start < size and data[start] in b"\r\n":
        newline = NEWLINE.match(data, start)
        start, line = (newline.end() if newline else size), line + 1
    if start >= size:
        return None
    record = _patterns(delimiter)[1].match(data, start)
    end = record.end() if record else size
    newline = NEWLINE.match(data, end)
    return Record(line, data[start:end], newline.end() if newline else size)


def records(data: bytes | mmap.mmap, start: int, line: int, delimiter: str) -> Iterator[Record]:
    """Yield the records from `start` on, which lies on this line."""
    while record := next_record(data, start, line, delimiter):
        yield record
        start, line = record.end, record.line + lines_in(record.data) + 1


def lines_in(data: bytes) -> int:
    """Return the number of ends of line in the data."""
    return len(NEWLINE.findall(data)) if b"\n" in data or b"\r" in data else 0


def cells_of(record: bytes, delimiter: str) -> list[bytes]:
    """Return the cells of a record as they are written, quotes and all."""
    if b'"' not in record:
        return record.split(delimiter.encode())
    cells, start = [], 0
    while start <= len(record):
        cell = _patterns(delimiter)[0].match(record, start)
        end = cell.end() if cell else len(record)
        cells.append(record[start:end])
        start = end + 1
    return cells


def unquote(cell: bytes) -> bytes:
    """Return what a cell says: without its quotes, doubled ones made single."""
    if not cell.startswith(b'"'):
        return cell
    close = re.match(rb'"((?:[^"]++|"")*+)"?', cell)
    assert close is not None
    return close[1].replace(b'""', b'"') + cell[close.end() :]


def is_open(cell: bytes) -> bool:
    """Whether a cell begins with a quote that is never closed."""
    return re.match(rb'"(?:[^"]++|"")*+\Z', cell) is not None


@contextmanager
def opened(path: str) -> Iterator[mmap.mmap]:
    """Give the bytes of a file that is not empty without reading all of it into memory."""
    with Path(path).open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        yield data


def line_of_record(path: str, start: int, line: int, delimiter: str, number: int) -> int | None:
    """Return the line on which the record of this number (from 0, counted from `start`) begins."""
    try:
        with opened(path) as data:
            for count, record in enumerate(records(data, start, line, delimiter)):
                if count == number:
                    return record.line
    except (OSError, ValueError):  # the file has gone since it was read
        pass
    return None


def diagnose(path: str, start: int, line: int, delimiter: str, names: tuple[str, ...]) -> DataError | None:
    """Say what is first wrong with the records of a CSV file: bytes, quotes, or the number of cells."""
    try:
        with opened(path) as data:
            for record in records(data, start, line, delimiter):
                wrong = wrong_bytes(path, record.data, record.line) or _wrong_record(path, record, delimiter, names)
                if wrong:
                    return wrong
    except (OSError, ValueError):  # the file has gone since it was read
        pass
    return None


def wrong_bytes(path: str, data: bytes, line: int) -> DataError | None:
    """Say where data that begin on this line hold a NUL byte or are not UTF-8."""
    nul = data.find(b"\0")
    if nul >= 0:
        return DataError(
            "a NUL byte: this is no text file, or a damaged one",
            where=_at(path, data, nul, line),
            fix="Export the table as CSV in UTF-8.",
        )
    try:
        data.decode()
    except UnicodeDecodeError as error:
        return DataError(
            "the text is not UTF-8",
            where=_at(path, data, error.start, line),
            got=f"byte 0x{data[error.start]:02X}",
            expected="UTF-8",
            fix="Save the file as UTF-8 (from Windows-1252: iconv -f WINDOWS-1252 -t UTF-8).",
        )
    return None


def _at(path: str, data: bytes, position: int, line: int) -> str:
    before = data[:position]
    newlines = list(NEWLINE.finditer(before))
    begin = newlines[-1].end() if newlines else 0
    return f"{path}:{line + len(newlines)}:{position - begin + 1}"


def _wrong_record(path: str, record: Record, delimiter: str, names: tuple[str, ...]) -> DataError | None:
    if b'"' not in record.data and record.data.count(delimiter.encode()) + 1 == len(names):
        return None
    cells = cells_of(record.data, delimiter)
    if is_open(cells[-1]):
        line = record.line + sum(map(lines_in, cells[:-1]))
        column = f" (column {shorten(names[len(cells) - 1])})" if len(cells) <= len(names) else ""
        return DataError(
            f"a quote is opened in cell {len(cells)}{column} and never closed",
            where=f"{path}:{line}",
            fix='Close it with ", or write a quote inside quotes twice.',
        )
    if len(cells) == len(names):
        return None
    last = record.line + lines_in(record.data)
    return DataError(
        "the row has too few cells" if len(cells) < len(names) else "the row has too many cells",
        where=f"{path}:{record.line}",
        got=_count(len(cells)),
        expected=f"{len(names)} as in the header",
        fix=_way_out(record.line, last, len(cells) < len(names)),
    )


def _way_out(first: int, last: int, few: bool) -> str:
    if last > first:
        return f"The row runs to line {last}, because a quoted cell does: is a quote missing?"
    return "Leave a missing cell empty." if few else "A cell that holds the delimiter must stand in quotes."


def _count(cells: int) -> str:
    return f"{cells} cell" + ("s" if cells != 1 else "")
