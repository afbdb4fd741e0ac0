"""The tables of a study's file."""

from __future__ import annotations

import sqlite3

APPLICATION = 0x50454C53
"""Which program the file belongs to, as SQLite's header tells it: PELS."""

SCHEMA = 1
"""Which form the tables have."""

TABLES = {
    "study": """\
CREATE TABLE study (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  space TEXT NOT NULL,
  metric TEXT NOT NULL,
  higher_is_better INTEGER NOT NULL,
  sampler TEXT NOT NULL,
  pruner TEXT NOT NULL,
  seed TEXT NOT NULL,
  members TEXT NOT NULL,
  settings TEXT NOT NULL,
  versions TEXT NOT NULL,
  created TEXT NOT NULL,
  checksum INTEGER NOT NULL
)""",
    "trials": """\
CREATE TABLE trials (
  number INTEGER PRIMARY KEY,
  bracket INTEGER NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('waiting', 'finished', 'pruned', 'failed')),
  parameters TEXT NOT NULL,
  value,
  error TEXT,
  ended TEXT,
  checksum INTEGER NOT NULL
)""",
    "members": """\
CREATE TABLE members (
  trial INTEGER NOT NULL REFERENCES trials (number),
  member INTEGER NOT NULL,
  value NOT NULL,
  epochs INTEGER NOT NULL,
  best_epoch INTEGER NOT NULL,
  seconds NOT NULL,
  curve TEXT NOT NULL,
  PRIMARY KEY (trial, member)
) WITHOUT ROWID""",
    "sessions": """\
CREATE TABLE sessions (
  id INTEGER PRIMARY KEY,
  began TEXT NOT NULL,
  ended TEXT,
  facts TEXT NOT NULL,
  checksum INTEGER NOT NULL
)""",
}


def make_tables(connection: sqlite3.Connection) -> None:
    """Make the tables of a new study."""
    # A pragma takes no parameters; these are numbers of this module.
    connection.execute(f"PRAGMA application_id = {APPLICATION:d}")
    connection.execute(f"PRAGMA user_version = {SCHEMA:d}")
    for table in TABLES.values():
        connection.execute(table)


def has_tables(connection: sqlite3.Connection) -> bool:
    """Say whether the file has just the tables of this schema."""
    found = connection.execute("SELECT name, sql FROM sqlite_master WHERE name NOT GLOB 'sqlite_*'").fetchall()
    return dict(found) == TABLES and len(found) == len(TABLES)
