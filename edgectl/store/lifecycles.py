"""Stages of hosts: rows are only ever added, and the latest of a host is where it is."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC
from typing import Any

import sqlalchemy as sa

from edgectl.engine.lifecycle import Passage, Stage, may_follow
from edgectl.store.database import reading, writing
from edgectl.store.rows import utc
from edgectl.store.tables import passages as table

# Above this many names a query is longer than reading the whole table.
_NAMED = 500


class SqlLifecycles:
    """The Lifecycles port on SQL."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def current(self, hosts: Collection[str]) -> Mapping[str, Passage]:
        """Return the latest passage of each of these hosts that has one."""
        with reading(self._engine) as connection:
            return _current(connection, frozenset(hosts))

    def of(self, host: str) -> Sequence[Passage]:
        """Return a host's passages, oldest first."""
        query = sa.select(table).where(table.c.host == host).order_by(table.c.id)
        with reading(self._engine) as connection:
            return [_passage(row) for row in connection.execute(query).mappings()]

    def record(self, passages: Iterable[Passage], *, by_hand: bool = False) -> Sequence[Passage]:
        """Put passages on record that may be, and return those that may not; one to where a host is changes nothing."""
        asked = list(passages)
        refused: list[Passage] = []
        if not asked:
            return refused
        with writing(self._engine) as connection:
            now = dict(_current(connection, frozenset(passage.host for passage in asked)))
            rows = []
            for passage in asked:
                before = now[passage.host].stage if passage.host in now else None
                if not may_follow(before, passage.stage, by_hand=by_hand):
                    refused.append(passage)
                elif before is not passage.stage:
                    rows.append(_row(passage))
                    now[passage.host] = passage
            if rows:
                connection.execute(sa.insert(table), rows)
        return refused


def _current(connection: sa.Connection, hosts: frozenset[str]) -> dict[str, Passage]:
    latest = sa.select(sa.func.max(table.c.id)).group_by(table.c.host)
    if len(hosts) <= _NAMED:
        latest = latest.where(table.c.host.in_(sorted(hosts)))
    query = sa.select(table).where(table.c.id.in_(latest))
    return {
        row["host"]: _passage(row) for row in connection.execute(query).mappings() if row["host"] in hosts
    }


def _row(passage: Passage) -> dict[str, Any]:
    return {
        "host": passage.host,
        "stage": passage.stage.value,
        "at": passage.at.astimezone(UTC),
        "passed_by": passage.by,
        "reason": passage.reason,
        "run": passage.run,
    }


def _passage(row: Mapping[Any, Any]) -> Passage:
    return Passage(
        row["host"], Stage(row["stage"]), utc(row["at"]), row["passed_by"], row["reason"], row["run"]
    )
