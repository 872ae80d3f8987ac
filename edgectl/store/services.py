"""Services in the store: releases, what each host came to serve, and what engines took when they started."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC
from typing import Any

import sqlalchemy as sa

from edgectl.engine.holds import Hold
from edgectl.engine.service_records import Claim, EngineStart, ReleaseRecord, ServiceChange, Turn
from edgectl.errors import BusyError
from edgectl.store.database import reading, writing
from edgectl.store.holds import is_in_force
from edgectl.store.rows import utc
from edgectl.store.tables import engine_starts, service_changes, service_releases

_CHANGES, _RELEASES, _STARTS = service_changes.c, service_releases.c, engine_starts.c
# More starts than this say nothing new about what an engine takes.
_LATEST_STARTS = 200


class SqlServiceHistory:
    """The ServiceHistory port on SQL."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def record(self, changes: Sequence[ServiceChange], hold: Hold | None = None) -> None:
        """Put changes on record, all or none. Raises `BusyError` where the hold they were made under is over."""
        with writing(self._engine) as connection:
            if hold is not None and not is_in_force(connection, hold):
                raise BusyError(
                    f"'{hold.service}' was taken over by somebody else; what was done is not on record",
                    hint="edgectl deploy reconcile",
                )
            if changes:
                connection.execute(sa.insert(service_changes), [_change_row(one) for one in changes])

    def serving(self, service: str | None = None) -> Sequence[ServiceChange]:
        """Return the latest change of each service on each host, by service and host."""
        latest = sa.select(sa.func.max(_CHANGES.id)).group_by(_CHANGES.service, _CHANGES.host)
        if service is not None:
            latest = latest.where(_CHANGES.service == service)
        query = sa.select(service_changes).where(_CHANGES.id.in_(latest))
        return self._changes(query.order_by(_CHANGES.service, _CHANGES.host))

    def changes(self, service: str, hosts: Collection[str] | None = None) -> Sequence[ServiceChange]:
        """Return every change of a service, oldest first."""
        query = sa.select(service_changes).where(_CHANGES.service == service)
        found = self._changes(query.order_by(_CHANGES.id))
        return found if hosts is None else [one for one in found if one.host in hosts]

    def _changes(self, query: sa.Select[Any]) -> list[ServiceChange]:
        with reading(self._engine) as connection:
            return [_change(row) for row in connection.execute(query).mappings()]

    def keep_release(self, release: ReleaseRecord) -> None:
        """Put a release on record; one that is there already stays as it is."""
        same = (_RELEASES.service == release.service) & (_RELEASES.release == release.release)
        with writing(self._engine) as connection:
            if connection.execute(sa.select(_RELEASES.release).where(same)).first() is None:
                connection.execute(sa.insert(service_releases).values(_release_row(release)))

    def releases(self, service: str | None = None) -> Sequence[ReleaseRecord]:
        """Return the releases on record, oldest first."""
        query = sa.select(service_releases).order_by(_RELEASES.at, _RELEASES.release)
        if service is not None:
            query = query.where(_RELEASES.service == service)
        with reading(self._engine) as connection:
            return [_release(row) for row in connection.execute(query).mappings()]

    def keep_starts(self, starts: Sequence[EngineStart]) -> None:
        """Put what engines took on record."""
        rows = [{**asdict(start), "at": start.at.astimezone(UTC)} for start in starts]
        if rows:
            with writing(self._engine) as connection:
                connection.execute(sa.insert(engine_starts), rows)

    def starts(self, model: str, engine: str) -> Sequence[EngineStart]:
        """Return what an engine took with a model, newest first."""
        same = (_STARTS.model == model) & (_STARTS.engine == engine)
        query = sa.select(engine_starts).where(same).order_by(_STARTS.id.desc()).limit(_LATEST_STARTS)
        with reading(self._engine) as connection:
            rows = [dict(row) for row in connection.execute(query).mappings()]
        return [
            EngineStart(**{**{name: row[name] for name in row if name != "id"}, "at": utc(row["at"])})
            for row in rows
        ]


def _change_row(change: ServiceChange) -> dict[str, Any]:
    row = asdict(change) | {"at": change.at.astimezone(UTC), "turn": change.turn.value}
    row["changed_by"] = row.pop("by")
    row["gpus"] = ",".join(change.gpus)
    return row


def _change(row: Mapping[Any, Any]) -> ServiceChange:
    return ServiceChange(
        row["service"],
        row["host"],
        row["release"],
        Turn(row["turn"]),
        utc(row["at"]),
        row["changed_by"],
        row["tried"],
        row["run"],
        row["reason"],
        tuple(row["gpus"].split(",")) if row["gpus"] else (),
    )


def _release_row(release: ReleaseRecord) -> dict[str, Any]:
    return {
        "service": release.service,
        "release": release.release,
        "at": release.at.astimezone(UTC),
        "kept_by": release.by,
        "lock": dict(release.lock),
        "claim": asdict(release.claim),
    }


def _release(row: Mapping[Any, Any]) -> ReleaseRecord:
    return ReleaseRecord(
        row["release"], row["service"], utc(row["at"]), row["kept_by"], row["lock"], Claim(**row["claim"])
    )
