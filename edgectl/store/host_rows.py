"""The row of a host in a run: made where there is none, and only the named columns of it written."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite

from edgectl.engine.outcome import HostOutcome, HostStatus
from edgectl.store.rows import outcome_row
from edgectl.store.tables import hosts

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql


def insert(dialect: str, table: sa.Table) -> sqlite.Insert | postgresql.Insert:
    """Return an INSERT that knows `ON CONFLICT`, in the words of this kind of database."""
    if dialect == "sqlite":
        return sqlite.insert(table)
    from sqlalchemy.dialects import postgresql

    return postgresql.insert(table)


def upsert(connection: sa.Connection, run: str, host: HostOutcome | str, more: Mapping[str, Any]) -> None:
    """Write how a host ended, or only the columns `more`, whoever else may be writing the same row."""
    if isinstance(host, str):
        written, empty = dict(more), outcome_row(HostOutcome(host, "", HostStatus.UNKNOWN))
    else:
        written, empty = outcome_row(host) | dict(more), {}
    statement = _upserting(connection.dialect.name, tuple(written))
    connection.execute(statement, {"run": run, **empty, **written})


@cache
def _upserting(dialect: str, written: tuple[str, ...]) -> sa.Executable:
    """Return the statement for these columns; to build it costs four times what it costs to execute it."""
    statement = insert(dialect, hosts)
    same = {name: statement.excluded[name] for name in written}
    return statement.on_conflict_do_update(index_elements=["run", "host"], set_=same)
