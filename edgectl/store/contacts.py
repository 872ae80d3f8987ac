"""What earlier looks at each host found: one row per host, whatever number of looks."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import UTC
from typing import Any

import sqlalchemy as sa

from edgectl.engine.contacts import Contact, Reach
from edgectl.store.database import reading, writing
from edgectl.store.host_rows import insert
from edgectl.store.rows import utc
from edgectl.store.tables import contacts as table

# Above this many names a query is longer than reading the whole table.
_NAMED = 500
_KNOWN = frozenset(reach.value for reach in Reach)


class SqlContacts:
    """The Contacts port on SQL."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def known(self, hosts: Collection[str]) -> Mapping[str, Contact]:
        """Return what is on record of these hosts."""
        query = sa.select(table)
        if len(hosts) <= _NAMED:
            query = query.where(table.c.host.in_(sorted(hosts)))
        wanted = frozenset(hosts)
        with reading(self._engine) as connection:
            rows = connection.execute(query).mappings()
            return {row["host"]: _contact(row) for row in rows if row["host"] in wanted}

    def keep(self, contacts: Iterable[Contact]) -> None:
        """Put contacts on record, all of them or none. Raises `MissingError` where the store refuses."""
        rows = [_row(contact) for contact in contacts]
        if not rows:
            return
        with writing(self._engine) as connection:
            statement = insert(connection.dialect.name, table)
            written = {name: statement.excluded[name] for name in rows[0]}
            connection.execute(statement.on_conflict_do_update(index_elements=["host"], set_=written), rows)


def _row(contact: Contact) -> dict[str, Any]:
    return {
        "host": contact.host,
        "reach": contact.reach.value,
        "since": contact.since.astimezone(UTC),
        "answered": contact.answered.astimezone(UTC) if contact.answered else None,
        "reason": contact.reason,
        "tcp_s": list(contact.tcp_s),
        "seconds": list(contact.seconds),
    }


def _contact(row: Mapping[Any, Any]) -> Contact:
    """Return a contact; a word of a newer edgectl that we do not know means that the host did not answer."""
    return Contact(
        host=row["host"],
        reach=Reach(row["reach"]) if row["reach"] in _KNOWN else Reach.DOWN,
        since=utc(row["since"]),
        answered=utc(row["answered"]) if row["answered"] else None,
        reason=row["reason"],
        tcp_s=tuple(row["tcp_s"]),
        seconds=tuple(row["seconds"]),
    )
