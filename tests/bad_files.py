"""Makers of files that no one should have to read, and of the good ones that they are made from."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import json
import lzma
import math
import random
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

COLOURS = ("red", "green", "blue")
ROWS = 60


def good_columns(rows: int = ROWS) -> dict[str, list]:
    """Return columns of every kind: numbers, truth values, a category, dates, and two targets."""
    chance = np.random.default_rng(7)
    size, colour = chance.normal(size=rows), [COLOURS[row % 3] for row in range(rows)]
    days = np.datetime64("2024-01-30") + np.arange(rows) * np.timedelta64(11, "D")
    return {
        "size": size.round(3).tolist(),
        "weight": chance.integers(1, 90, rows).tolist(),
        "ripe": [bool(row % 2) for row in range(rows)],
        "colour": colour,
        "picked": [str(day) for day in days],
        "kind": [("ale", "bock", "cask")[(row + row // 7) % 3] for row in range(rows)],
        "price": (3 * size + [COLOURS.index(word) for word in colour] + 1).round(3).tolist(),
    }


def as_csv(columns: dict[str, list], delimiter: str = ",") -> str:
    """Write columns as CSV; cells have to be such as need no quotes."""
    cells = [[str(value).lower() if isinstance(value, bool) else str(value) for value in c] for c in columns.values()]
    return "".join(delimiter.join(row) + "\n" for row in ([*columns], *zip(*cells, strict=True)))


GOOD = as_csv(good_columns())


def put_in(line: int, column: str, cell: str, text: str = GOOD) -> str:
    """Return a CSV text with another cell; the header is line 1."""
    lines = text.splitlines()
    cells = lines[line - 1].split(",")
    cells[lines[0].split(",").index(column)] = cell
    lines[line - 1] = ",".join(cells)
    return "\n".join(lines) + "\n"


def without(*names: str) -> str:
    """Return the good table without some columns."""
    return as_csv({name: cells for name, cells in good_columns().items() if name not in names})


def table_of(rows: int = 30, **columns: object) -> str:
    """Write a CSV of numbers ``x`` and more columns: a value for all rows, or a function of the row."""
    made = {"x": [round(row * 7.3 % 5, 2) + 0.25 for row in range(rows)]}
    made |= {name: [cell(row) if callable(cell) else cell for row in range(rows)] for name, cell in columns.items()}
    return as_csv(made)


def as_parquet(table: pa.Table) -> bytes:
    """Return the bytes of a Parquet file."""
    file = io.BytesIO()
    pq.write_table(table, file)
    return file.getvalue()


def good_parquet() -> bytes:
    """Return the good table as Parquet."""
    return as_parquet(pa.table(good_columns()))


def flip(content: bytes, place: int, bit: int = 0) -> bytes:
    """Return bytes with one bit changed."""
    place %= len(content)
    return content[:place] + bytes([content[place] ^ 1 << bit]) + content[place + 1 :]


def zipped(name: str, content: bytes) -> bytes:
    """Return a ZIP archive of one file."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return file.getvalue()


def pictured() -> bytes:
    """Return a PNG."""
    from matplotlib.figure import Figure

    file = io.BytesIO()
    Figure(figsize=(0.5, 0.5)).savefig(file, format="png")
    return file.getvalue()


def printed() -> bytes:
    """Return a PDF."""
    from matplotlib.figure import Figure

    file = io.BytesIO()
    Figure(figsize=(0.5, 0.5)).savefig(file, format="pdf")
    return file.getvalue()


def arrowed() -> bytes:
    """Return a file of Arrow."""
    table, file = pa.table(good_columns()), io.BytesIO()
    with pa.ipc.new_file(file, table.schema) as writer:
        writer.write_table(table)
    return file.getvalue()


def array_file() -> bytes:
    """Return a file of NumPy."""
    file = io.BytesIO()
    np.save(file, np.arange(6.0))
    return file.getvalue()


def boundless_parquet() -> bytes:
    """Return a Parquet file whose last bytes claim a description of 4 GB."""
    return good_parquet()[:-8] + b"\xff\xff\xff\xff" + b"PAR1"


def compressed() -> dict[str, bytes]:
    """Return the good table as archives and compressed files, by the words that tell what they are."""
    data = GOOD.encode()
    return {
        "gzip": gzip.compress(data, mtime=0),
        "ZIP": zipped("t.csv", data),
        "Excel": zipped("xl/workbook.xml", b"<workbook/>"),
        "bzip2": bz2.compress(data),
        "xz": lzma.compress(data),
    }


def wide(columns: int, rows: int = 12) -> bytes:
    """Return a CSV of very many columns of numbers, and a last one called y."""
    chance = np.random.default_rng(3)
    head = ",".join(f"c{number}" for number in range(columns - 1)) + ",y\n"
    cells = (chance.integers(0, 90, columns).astype(str) for _ in range(rows))
    return (head + "".join(",".join(row) + "\n" for row in cells)).encode()


def write_with_large_cell(path: Path, quoted: bool, closed: bool = True, megabytes: int = 100) -> None:
    """Write a CSV whose row on line 4 has a cell of so many million letters."""
    quote = b'"' if quoted else b""
    with open(path, "wb") as file:
        file.write(b"x,y,note\n1.5,2.5,a\n2.5,1.5,b\n3.5,3.5," + quote)
        for _ in range(megabytes):
            file.write(b"a" * 1_000_000)
        file.write((quote if closed else b"") + b"\n")
        file.writelines(b"%d.25,%d.5,%s\n" % (row, row * 7 % 11, b"ab"[row % 2 : row % 2 + 1]) for row in range(30))


def head_of(entries: object) -> bytes:
    """Return the head of a safetensors file that says this."""
    text = json.dumps(entries).encode()
    return len(text).to_bytes(8, "little") + text


def walk(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Yield every file and folder below a folder, with its content."""
    for path in sorted(folder.rglob("*")):
        content = b"" if path.is_dir() or not path.exists() or path.is_fifo() else path.read_bytes()
        yield str(path.relative_to(folder)), content


# -- damaged models --------------------------------------------------------------------------------------------------


def signed(record: bytes, **changes: object) -> bytes:
    """Return a ``model.json`` with other fields, and the digest that belongs to them."""
    fields = {**json.loads(record), **changes}
    fields.pop("digest")
    plain = json.dumps(fields, sort_keys=True, separators=(",", ":"))
    return json.dumps({**fields, "digest": hashlib.sha256(plain.encode()).hexdigest()}).encode()


def claiming_shape(*shape: int) -> bytes:
    """Return a safetensors file whose one array claims a shape that it does not have."""
    return head_of({"dense_1/bias": {"dtype": "F32", "shape": shape, "data_offsets": [0, 4 * math.prod(shape)]}})


# -- mutations -------------------------------------------------------------------------------------------------------

PIECES = (
    *(
        b'"',
        b'""',
        b",",
        b";",
        b"\t",
        b"\n",
        b"\r",
        b"\r\n",
        b"\n\n",
        b"\0",
        b"\x01",
        b"\xff",
        b"\xc3",
        b"\xed\xa0\x80",
    ),
    *(b"\xef\xbb\xbf", b"\xff\xfe", "é".encode(), "\u202e".encode(), "\U0001f600".encode(), b"\x1b[2J", b"\x85"),
    *(b"inf", b"nan", b"NA", b"-", b"1e999", b"1e308", b"-0", b"0x1F", b"9" * 40, b"true", b"2024-02-30", b"None"),
    *(b"[", b"]", b"{", b"}", b"=", b"#", b"'", b'"""', b":", b"null", b"1e400", b"\\u0000", b"\\ud800", b"a.b.c = 1"),
)


def mutate(content: bytes, seed: str) -> bytes:
    """Return bytes with one to four changes, always the same ones for a seed."""
    chance, data = random.Random(seed), content
    for _ in range(chance.randint(1, 4)):
        data = chance.choice(MUTATIONS)(data, chance, chance.randrange(len(data) + 1))
    return data


def _change(data: bytes, chance: random.Random, place: int) -> bytes:
    return data[:place] + bytes([chance.randrange(256)]) + data[place + 1 :]


def _flip(data: bytes, chance: random.Random, place: int) -> bytes:
    return flip(data, place, chance.randrange(8)) if data else data


def _delete(data: bytes, chance: random.Random, place: int) -> bytes:
    return data[:place] + data[place + chance.randint(1, 40) :]


def _insert(data: bytes, chance: random.Random, place: int) -> bytes:
    return data[:place] + chance.choice(PIECES) * chance.choice((1, 1, 1, 3)) + data[place:]


def _replace(data: bytes, chance: random.Random, place: int) -> bytes:
    piece = chance.choice(PIECES)
    return data[:place] + piece + data[place + len(piece) :]


def _repeat(data: bytes, chance: random.Random, place: int) -> bytes:
    return data[:place] + data[place : place + chance.randint(1, 60)] * chance.choice((2, 3)) + data[place:]


def _cut(data: bytes, chance: random.Random, place: int) -> bytes:
    return data[:place] if chance.random() < 0.7 else data[place:]


def _swap_lines(data: bytes, chance: random.Random, place: int) -> bytes:
    lines = data.split(b"\n")
    first, second = chance.randrange(len(lines)), chance.randrange(len(lines))
    lines[first], lines[second] = lines[second], lines[first]
    return b"\n".join(lines)


def _respell(data: bytes, chance: random.Random, place: int) -> bytes:
    old, new = chance.choice(
        ((b",", b";"), (b",", b"\t"), (b"\n", b"\r\n"), (b"\n", b"\r"), (b'"', b"'"), (b".", b","))
    )
    return data.replace(old, new) if chance.random() < 0.5 else data[:place] + data[place:].replace(old, new)


MUTATIONS = (_change, _flip, _delete, _insert, _insert, _replace, _repeat, _cut, _swap_lines, _respell)


def half(row):
    """Return a number that is not whole, by its row."""
    return row % 7 + 0.5
