"""Holds of services: one row each, taken and renewed in one transaction, whose token only ever grows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from edgectl.engine.holds import Hold
from edgectl.store.database import reading, writing
from edgectl.store.host_rows import insert
from edgectl.store.process import has_ended, this_process
from edgectl.store.rows import utc
from edgectl.store.tables import service_holds as table


class SqlHolds:
    """The Holds port on SQL."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def take(self, wanted: Hold) -> Hold:
        """Return the hold that is in force then: the wanted one with its token, or somebody else's."""
        wanted = replace(wanted, process=this_process())
        with writing(self._engine) as connection:
            nobody = replace(wanted, token=0, key="", process="", until=wanted.since)
            first = insert(connection.dialect.name, table).values(_row(nobody))
            connection.execute(first.on_conflict_do_nothing())
            before = _hold(_locked(connection, wanted.service))
            if not _gives_way(before, wanted):
                return before
            since = before.since if before.key == wanted.key else wanted.since
            taken = replace(wanted, token=before.token + 1, since=since)
            connection.execute(sa.update(table).where(_same(before)).values(_row(taken)))
            return taken

    def renew(self, hold: Hold) -> bool:
        """Put the hold's `until` and `key` into force; False where it is not in force any more."""
        values = {"until": hold.until.astimezone(UTC), "key": hold.key}
        with writing(self._engine) as connection:
            return connection.execute(sa.update(table).where(_same(hold)).values(values)).rowcount == 1

    def give_back(self, hold: Hold) -> None:
        """End a hold; one that somebody else has by now is left alone."""
        with writing(self._engine) as connection:
            connection.execute(
                sa.update(table).where(_same(hold)).values(until=hold.since.astimezone(UTC), key="")
            )

    def in_force(self, at: datetime) -> Sequence[Hold]:
        """Return every hold that is not over, by service."""
        query = sa.select(table).where(table.c.until > at.astimezone(UTC)).order_by(table.c.service)
        with reading(self._engine) as connection:
            return [_hold(row) for row in connection.execute(query).mappings()]


def is_in_force(connection: sa.Connection, hold: Hold) -> bool:
    """Tell within a transaction whether nobody took the service over, and keep it so until its end."""
    return bool(_locked(connection, hold.service)["token"] == hold.token)


def _locked(connection: sa.Connection, service: str) -> Mapping[Any, Any]:
    """Return a service's row, which nobody else can change before this transaction ends.

    It is written to first: SQLite has no lock on rows, and lets a transaction that has read before it writes fail
    where another wrote meanwhile.
    """
    connection.execute(sa.update(table).where(table.c.service == service).values(token=table.c.token))
    return connection.execute(sa.select(table).where(table.c.service == service)).mappings().one()


def _gives_way(before: Hold, wanted: Hold) -> bool:
    return before.until <= wanted.since or before.key == wanted.key or has_ended(before.process)


def _same(hold: Hold) -> sa.ColumnElement[bool]:
    return (table.c.service == hold.service) & (table.c.token == hold.token)


def _row(hold: Hold) -> dict[str, Any]:
    return {
        "service": hold.service,
        "token": hold.token,
        "key": hold.key,
        "holder": hold.holder,
        "process": hold.process,
        "command": hold.command,
        "since": hold.since.astimezone(UTC),
        "until": hold.until.astimezone(UTC),
    }


def _hold(row: Mapping[Any, Any]) -> Hold:
    return Hold(
        row["service"],
        row["key"],
        row["holder"],
        row["command"],
        utc(row["since"]),
        utc(row["until"]),
        row["token"],
        row["process"],
    )
