"""Acceptance certificates: rows are only ever added, one per node and number in its chain."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from edgectl.engine.certificates import Certified
from edgectl.store.database import reading, writing
from edgectl.store.rows import utc
from edgectl.store.tables import certificates as table


class SqlCertificates:
    """The Certificates port on SQL."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def record(self, certified: Iterable[Certified]) -> None:
        """Keep them; one that is known already is not kept twice."""
        asked = {(one.host, one.digest): one for one in certified}
        if not asked:
            return
        with writing(self._engine) as connection:
            query = sa.select(table.c.host, table.c.digest).where(
                table.c.digest.in_([digest for _, digest in asked])
            )
            known = {(host, digest) for host, digest in connection.execute(query)}
            rows = [_row(one) for key, one in asked.items() if key not in known]
            if rows:
                connection.execute(sa.insert(table), rows)

    def of(self, host: str) -> Sequence[Certified]:
        """Return a host's certificates, oldest first."""
        query = sa.select(table).where(table.c.host == host).order_by(table.c.id)
        with reading(self._engine) as connection:
            return [_certified(row) for row in connection.execute(query).mappings()]

    def newest(self, kinds: Collection[str], before: datetime) -> Sequence[Certified]:
        """Return the newest certificate from before a moment of each host of these kinds of hardware."""
        latest = (
            sa.select(sa.func.max(table.c.id))
            .where(table.c.hardware.in_(sorted(kinds)), table.c.at < before.astimezone(UTC))
            .group_by(table.c.host)
        )
        query = sa.select(table).where(table.c.id.in_(latest))
        with reading(self._engine) as connection:
            return [_certified(row) for row in connection.execute(query).mappings()]


def _row(one: Certified) -> dict[str, Any]:
    return {
        "host": one.host,
        "hardware": one.hardware,
        "number": one.number,
        "digest": one.digest,
        "at": one.at.astimezone(UTC),
        "run": one.run,
        "content": dict(one.content),
    }


def _certified(row: Mapping[Any, Any]) -> Certified:
    return Certified(
        row["host"],
        row["hardware"],
        row["number"],
        row["digest"],
        utc(row["at"]),
        row["run"],
        row["content"],
    )
