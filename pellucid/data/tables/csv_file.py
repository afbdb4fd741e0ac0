"""Read a CSV file: the header here, the rows by pyarrow."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from pellucid.data.tables.columns import NUMBER, Column, shorten
from pellucid.data.tables.csv_columns import CsvColumn
from pellucid.data.tables.csv_scan import (
    Record,
    cells_of,
    diagnose,
    is_open,
    line_of_record,
    lines_in,
    next_record,
    records,
    unquote,
    wrong_bytes,
)
from pellucid.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa

DELIMITERS = (",", ";", "\t")
BLOCK = 1 << 20
HEADER_LIMIT = 64 << 20
LONGEST_NAME = 1000
SENTINEL = "\x01"

SIGNATURES = {
    b"\x1f\x8b": "gzip-compressed data",
    b"PK\x03\x04": "a ZIP archive or an Excel workbook",
    b"BZh": "bzip2-compressed data",
    b"\xfd7zXZ\x00": "xz-compressed data",
    b"\x28\xb5\x2f\xfd": "Zstandard-compressed data",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook",
    b"PAR1": "a Parquet file",
    b"ARROW1": "an Arrow file",
    b"\x89PNG": "a picture",
    b"%PDF": "a PDF document",
    b"\xff\xfe": "UTF-16 text",
    b"\xfe\xff": "UTF-16 text",
}


@dataclass(frozen=True)
class CsvSource:
    """Where the rows of a CSV file are: behind `start` bytes, from this line on, with this delimiter."""

    path: str
    delimiter: str
    start: int
    line: int

    def line_of(self, row: int) -> int | None:
        """Return the line of the file on which a row (from 0) begins, exact also behind quoted ends of line."""
        return line_of_record(self.path, self.start, self.line, self.delimiter, row)


def read_csv(path: str, delimiter: str | None = None) -> tuple[tuple[Column, ...], CsvSource]:
    """Read all columns of a CSV file and say where its rows are.

    Raises
    ------
    DataError
        Where the file is no CSV in UTF-8 with a header of different names and rows of one length.
    """
    with Path(path).open("rb") as file:
        names, source = read_header(path, file, delimiter)
        size = Path(path).stat().st_size
    # A block has the cells of some rows even where there are very many columns; every one of them costs time.
    block, largest, diagnosed = min(max(BLOCK, len(names) << 14), 64 * BLOCK), min(size, (1 << 31) - 1), False
    while True:
        try:
            columns = _read_columns(names, source, block)
            break
        except _Unreadable as error:
            too_long = "straddl" in str(error) and block < largest  # a row is longer than the block
            # Blocks of 16 MiB hold any row but one with a huge cell or an unclosed quote, and which of them it is
            # should be known before memory is taken for it.
            wrong = None
            if not too_long or (block >= 16 * BLOCK and not diagnosed):
                wrong, diagnosed = diagnose(path, source.start, source.line, source.delimiter, names), True
            if wrong or not too_long:
                raise wrong or DataError(
                    "the file cannot be read as CSV", where=path, got=" ".join(str(error).split())[:300]
                ) from None
            block = min(16 * block, largest)
    if len(columns[0].values) == 0:
        raise DataError("the file has a header but no rows", where=path, expected="at least one row")
    return columns, source


def _read_columns(names: tuple[str, ...], source: CsvSource, block: int) -> tuple[Column, ...]:
    """Read the file, and once more those columns that turn out to be text behind cells that are none."""
    columns = _read_some(dict(enumerate(names)), False, len(names), source, block)
    late = {place: names[place] for place, column in columns.items() if column is None}
    if late:
        columns |= _read_some(late, True, len(names), source, block)
    return tuple(column for column in columns.values() if column is not None)


def _read_some(
    chosen: dict[int, str], text: bool, width: int, source: CsvSource, block: int
) -> dict[int, Column | None]:
    readers: dict[int, CsvColumn] = {}
    for batch in _blocks(list(chosen), width, source, block):
        if not readers:
            rows = batch.num_rows * (Path(source.path).stat().st_size // block + 1)
            readers = {place: CsvColumn(name, rows, text) for place, name in chosen.items()}
        for reader, cells in zip(readers.values(), batch.columns, strict=True):
            reader.add(cells)
    return {place: reader.finish() for place, reader in readers.items()}


class _Unreadable(Exception):
    """What pyarrow said of a file that it could not read."""


class _Watched(io.RawIOBase):
    """The rows of a file and a last row of our own, which an unclosed quote would swallow. NUL bytes are noted."""

    def __init__(self, file: BinaryIO, last: bytes):
        self.file, self.last, self.nul = file, last, False

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        data = self.file.read(size)
        self.nul = self.nul or b"\0" in data
        if not data:
            data, self.last = (self.last, b"") if size < 0 else (self.last[:size], self.last[size:])
        return data


def _blocks(chosen: list[int], width: int, source: CsvSource, block: int) -> Iterator[pa.RecordBatch]:
    """Give these of so many columns as text, block by block."""
    import pyarrow as pa
    from pyarrow import csv

    last = b"\n" + source.delimiter.join([SENTINEL] * width).encode()
    keys = [str(number) for number in range(width)]
    # After an error, pyarrow's thread that reads ahead may still be at work: every attempt has a file of its own.
    with Path(source.path).open("rb") as file:
        file.seek(source.start)
        watched = _Watched(file, last)
        held = None  # the last block ends with a row of ours
        try:
            for batch in csv.open_csv(
                watched,
                csv.ReadOptions(column_names=keys, block_size=max(block, len(last) + 1), use_threads=block <= BLOCK),
                csv.ParseOptions(delimiter=source.delimiter, newlines_in_values=True),
                csv.ConvertOptions(
                    column_types=dict.fromkeys(keys, pa.string()),
                    include_columns=[keys[place] for place in chosen],
                    strings_can_be_null=False,
                ),
            ):
                if watched.nul:
                    break
                if held is not None:
                    yield held
                held = batch if batch.num_rows else held
        except (pa.ArrowException, ValueError) as error:
            raise _Unreadable(str(error)) from None
    if watched.nul:
        raise _Unreadable("NUL byte")
    if held is None or any(column[-1].as_py() != SENTINEL for column in held.columns):
        raise _Unreadable("unclosed quote")
    yield held.slice(0, held.num_rows - 1)


def read_header(path: str, file: BinaryIO, delimiter: str | None = None) -> tuple[tuple[str, ...], CsvSource]:
    """Read the names in the first line that is not empty, and find the delimiter.

    Spaces around names are dropped. The delimiter is the one of comma, semicolon and tab that gives header and first
    row the same number of cells, or else the most cells in the header.
    """
    head = file.read(1 << 16)
    if not head.strip():
        raise DataError("the file is empty", where=path, expected="a header and rows")
    for signature, what in SIGNATURES.items():
        if head.startswith(signature):
            raise DataError("the file is no CSV text, whatever its name says", where=path, got=what, fix=_way_out(what))
    bom = 3 if head.startswith(b"\xef\xbb\xbf") else 0
    if delimiter is None:
        delimiter = _sniff(head, bom)
    while (header := next_record(head, bom, 1, delimiter)) and header.end >= len(head):
        more = file.read(max(len(head), 1))
        if not more:
            break
        if len(head) > HEADER_LIMIT:
            raise DataError("the first line does not end", where=path, got=f"over {HEADER_LIMIT >> 20} MiB in it")
        head += more
    if header is None:
        raise DataError("the file is empty", where=path, expected="a header and rows")
    return _names(path, header, delimiter), CsvSource(
        path, delimiter, header.end, header.line + lines_in(header.data) + 1
    )


def _way_out(what: str) -> str:
    if "compressed" in what or "ZIP" in what:
        return "Decompress it, or export the sheet as CSV."
    return "Name it .parquet." if "Parquet" in what else "Export the table as CSV in UTF-8."


def _sniff(head: bytes, start: int) -> str:
    found = []
    for delimiter in DELIMITERS:
        header, *rows = [
            len(cells_of(record.data, delimiter))
            for record, _ in zip(records(head, start, 1, delimiter), range(2), strict=False)
        ] or [1]
        found.append((header > 1 and header in rows, header))
    return DELIMITERS[max(range(len(DELIMITERS)), key=lambda number: (*found[number], -number))]


def _names(path: str, header: Record, delimiter: str) -> tuple[str, ...]:
    wrong = wrong_bytes(path, header.data, header.line)
    if wrong:
        raise wrong
    where = f"{path}:{header.line}"
    cells = cells_of(header.data, delimiter)
    if is_open(cells[-1]):
        raise DataError(f"a quote is opened in name {len(cells)} of the header and never closed", where=where)
    names = tuple(unquote(cell).decode().strip() for cell in cells)
    if len(names) > 1 and all(re.match(NUMBER, name) for name in names) and any("." in name for name in names):
        raise DataError(
            "the first line holds numbers, not names", where=where, fix="Put a line with the columns' names first."
        )
    seen: dict[str, int] = {}
    for number, name in enumerate(names, 1):
        if not name:
            raise DataError(
                f"column {number} has no name in the header",
                where=where,
                fix="Give it one. If it only numbers the rows (pandas writes such a column), write with index=False.",
            )
        if len(name) > LONGEST_NAME:
            raise DataError(
                f"column {number} has a name of {len(name)} letters",
                where=where,
                got=shorten(name),
                expected=f"at most {LONGEST_NAME}",
                fix="Is a quote or an end of line missing?",
            )
        if name in seen:
            raise DataError(
                f"two columns have the name {shorten(name)}",
                where=where,
                got=f"columns {seen[name]} and {number}",
                expected="different names in the first line",
            )
        seen[name] = number
    return names
