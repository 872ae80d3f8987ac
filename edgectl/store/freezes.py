"""Freezes of the fleet: who stopped all changing runs, why, and until when."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import sqlalchemy as sa

from edgectl.engine.records import Freeze
from edgectl.store.database import reading
from edgectl.store.rows import utc
from edgectl.store.tables import freezes


class SqlFreezes:
    """The Freezes port on SQL."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def add(self, freeze: Freeze) -> None:
        """Begin one."""
        values = {
            "reason": freeze.reason,
            "frozen_by": freeze.by,
            "since": freeze.since.astimezone(UTC),
            "until": freeze.until.astimezone(UTC) if freeze.until else None,
        }
        with self._engine.begin() as connection:
            connection.execute(sa.insert(freezes).values(values))

    def lift(self, by: str, at: datetime) -> int:
        """End all that are in force, and return how many."""
        with self._engine.begin() as connection:
            done = sa.update(freezes).where(_in_force(at)).values(lifted=at, lifted_by=by)
            return connection.execute(done).rowcount

    def in_force(self, at: datetime) -> Sequence[Freeze]:
        """Return those in force, the one that lasts longest first."""
        order = (freezes.c.until.is_(None).desc(), freezes.c.until.desc(), freezes.c.id)
        query = sa.select(freezes).where(_in_force(at)).order_by(*order)
        with reading(self._engine) as connection:
            return [
                Freeze(
                    reason=row["reason"],
                    by=row["frozen_by"],
                    since=utc(row["since"]),
                    until=utc(row["until"]) if row["until"] else None,
                )
                for row in connection.execute(query).mappings()
            ]


def _in_force(at: datetime) -> sa.ColumnElement[bool]:
    return freezes.c.lifted.is_(None) & (freezes.c.until.is_(None) | (freezes.c.until > at))
