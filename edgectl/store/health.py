"""The fleet's health over time: a row per card, per card and week, per finding that stands, and per change."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from edgectl.engine.health_records import (
    CardPlace,
    CardRecord,
    Forgotten,
    HealthChange,
    HealthKept,
    HealthPast,
    HealthState,
    Snooze,
    WeekRecord,
)
from edgectl.store import health_rows as as_rows
from edgectl.store.database import reading, writing
from edgectl.store.health_rows import stamp
from edgectl.store.host_rows import insert
from edgectl.store.tables import (
    health_cards,
    health_changes,
    health_places,
    health_snoozes,
    health_states,
    health_weeks,
)

# Above this many names a query is longer than reading the whole table.
_NAMED = 500
_BATCH = 2_000


class SqlHealthHistory:
    """The HealthHistory port on SQL."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def past(self, hosts: Collection[str]) -> HealthPast:
        """Return what is on record of these hosts."""
        with reading(self._engine) as connection:
            return _past(connection, health_cards.c.host, health_states.c.host, hosts)

    def of_cards(self, cards: Collection[str]) -> HealthPast:
        """Return what is on record of these cards, wherever they are."""
        with reading(self._engine) as connection:
            return _past(connection, health_cards.c.card, health_states.c.subject, cards)

    def weeks(self, cards: Collection[str], first: int, last: int) -> Mapping[str, Sequence[WeekRecord]]:
        """Return the weeks `first` to `last` of these cards, in their order."""
        table = health_weeks
        wanted = frozenset(cards)
        found: dict[str, list[WeekRecord]] = defaultdict(list)
        if not wanted:
            return found
        query = sa.select(table.c.card, table.c.week, table.c.days).where(
            _weeks_between(first, last),
            table.c.card.between(min(wanted), max(wanted)),
        )
        if len(wanted) <= _NAMED:
            query = query.where(table.c.card.in_(sorted(wanted)))
        with reading(self._engine) as connection:
            for card, week, days in connection.execute(query.order_by(table.c.week)):
                if card in wanted:
                    found[card].append(WeekRecord(card, week, days))
        return found

    def keep(self, kept: HealthKept) -> None:
        """Put what a run found on record, all of it or nothing."""
        with writing(self._engine) as connection:
            _upsert(connection, health_cards, map(as_rows.card_row, kept.cards))
            _upsert(connection, health_places, map(as_rows.place_row, kept.places))
            _upsert(connection, health_weeks, map(as_rows.week_row, kept.weeks))
            _upsert(connection, health_states, map(as_rows.state_row, kept.states))
            _forget_states(connection, kept.gone)
            for batch in _batches(map(as_rows.change_row, kept.changes)):
                connection.execute(sa.insert(health_changes), batch)

    def changes(self, hosts: Collection[str], since: datetime) -> Sequence[HealthChange]:
        """Return what changed at these hosts, the latest first."""
        table = health_changes
        query = sa.select(table).where(table.c.at >= stamp(since))
        if len(hosts) <= _NAMED:
            query = query.where(table.c.host.in_(sorted(hosts)))
        wanted = frozenset(hosts)
        with reading(self._engine) as connection:
            rows = connection.execute(query.order_by(table.c.at.desc(), table.c.id.desc())).mappings()
            return [as_rows.health_change(row) for row in rows if row["host"] in wanted]

    def places(self, cards: Collection[str]) -> Sequence[CardPlace]:
        """Return where these cards have been, the latest place first."""
        table, found = health_places, list[CardPlace]()
        columns = (table.c.card, table.c.since, table.c.host, table.c.slot)
        with reading(self._engine) as connection:
            for named in _batches(sorted(cards), _NAMED):
                rows = connection.execute(sa.select(*columns).where(table.c.card.in_(named)))
                found += [as_rows.card_place(row) for row in rows]
        return sorted(found, key=lambda place: (place.since, place.card), reverse=True)

    def failures(self, since: datetime) -> Mapping[str, int]:
        """Return at how many looks critical findings came into force, by host."""
        table = health_changes
        query = (
            sa.select(table.c.host, sa.func.count(table.c.at.distinct()))
            .where(
                table.c.at >= stamp(since),
                table.c.severity == "critical",
                table.c.turn.in_(["entered", "worsened"]),
            )
            .group_by(table.c.host)
        )
        with reading(self._engine) as connection:
            return {row[0]: row[1] for row in connection.execute(query)}

    def snooze(self, snooze: Snooze) -> None:
        """Begin a snooze."""
        with writing(self._engine) as connection:
            connection.execute(sa.insert(health_snoozes).values(as_rows.snooze_row(snooze)))

    def unsnooze(self, hosts: str, finding: str, by: str, at: datetime) -> int:
        """End the snoozes of exactly this pattern and finding, and return how many were in force."""
        table = health_snoozes
        mine = _in_force(at) & (table.c.hosts == hosts) & (table.c.finding == finding)
        with writing(self._engine) as connection:
            done = sa.update(table).where(mine).values(lifted=stamp(at), lifted_by=by)
            return connection.execute(done).rowcount

    def snoozes(self, at: datetime) -> Sequence[Snooze]:
        """Return the snoozes in force, the one that ends first first."""
        table = health_snoozes
        query = sa.select(table).where(_in_force(at)).order_by(table.c.until, table.c.id)
        with reading(self._engine) as connection:
            return [as_rows.snooze_of(row) for row in connection.execute(query).mappings()]

    def prune(self, looks_before: datetime, changes_before: datetime) -> Forgotten:
        """Forget looks and changes of before, and cards that nobody has seen since."""
        week = looks_before.date().toordinal() // 7
        old_cards = health_cards.c.seen < stamp(looks_before)
        with writing(self._engine) as connection:
            gone = sa.select(health_cards.c.card).where(old_cards)
            connection.execute(sa.delete(health_places).where(health_places.c.card.in_(gone)))
            weeks = connection.execute(sa.delete(health_weeks).where(health_weeks.c.week < week)).rowcount
            cards = connection.execute(sa.delete(health_cards).where(old_cards)).rowcount
            old = health_changes.c.at < stamp(changes_before)
            changes = connection.execute(sa.delete(health_changes).where(old)).rowcount
            _forget_old(connection, looks_before, changes_before)
        return Forgotten(weeks, cards, changes)


def _past(
    connection: sa.Connection,
    of_cards: sa.Column[Any],
    of_states: sa.Column[Any],
    wanted: Collection[str],
) -> HealthPast:
    """Return cards and states whose column is one of `wanted`."""
    cards: dict[str, list[CardRecord]] = defaultdict(list)
    for row in _rows(connection, health_cards, of_cards, wanted):
        record = as_rows.card_record(row)
        cards[record.host].append(record)
    states: dict[str, list[HealthState]] = defaultdict(list)
    for row in _rows(connection, health_states, of_states, wanted):
        state = as_rows.health_state(row)
        states[state.host].append(state)
    return HealthPast(dict(cards), dict(states))


def _rows(
    connection: sa.Connection, table: sa.Table, column: sa.Column[Any], wanted: Collection[str]
) -> Iterator[Any]:
    if len(wanted) <= _NAMED:
        yield from connection.execute(sa.select(table).where(column.in_(sorted(wanted))))
        return
    names, position = frozenset(wanted), list(table.c).index(column)
    for row in connection.execute(sa.select(table)):
        if row[position] in names:
            yield row


def _weeks_between(first: int, last: int) -> sa.ColumnElement[bool]:
    """Return a condition: each week by itself is a stretch of the key; a range would be read whole for a few cards."""
    week = health_weeks.c.week
    if last - first < _NAMED:
        return week.in_(range(first, last + 1))
    return week.between(first, last)


def _upsert(connection: sa.Connection, table: sa.Table, rows: Iterable[dict[str, Any]]) -> None:
    """Write rows in place of those with the same key."""
    statement = insert(connection.dialect.name, table)
    keys = [column.name for column in table.primary_key]
    written = {column.name: statement.excluded[column.name] for column in table.c if column.name not in keys}
    whole = statement.on_conflict_do_update(index_elements=keys, set_=written)
    for batch in _batches(rows):
        connection.execute(whole, batch)


def _forget_states(connection: sa.Connection, gone: Iterable[tuple[str, str]]) -> None:
    table = health_states
    same = (table.c.subject == sa.bindparam("of")) & (table.c.finding == sa.bindparam("named"))
    for batch in _batches({"of": subject, "named": finding} for subject, finding in gone):
        connection.execute(sa.delete(table).where(same), batch)


def _forget_old(connection: sa.Connection, looks_before: datetime, changes_before: datetime) -> None:
    """Forget states that nobody judged for so long, and snoozes that are over."""
    states, snoozes = health_states, health_snoozes
    connection.execute(sa.delete(states).where(states.c.seen < stamp(looks_before)))
    connection.execute(sa.delete(snoozes).where(snoozes.c.until < stamp(changes_before)))


def _batches(rows: Iterable[Any], size: int = _BATCH) -> Iterator[list[Any]]:
    left = iter(rows)
    while batch := list(itertools.islice(left, size)):
        yield batch


def _in_force(at: datetime) -> sa.ColumnElement[bool]:
    return health_snoozes.c.lifted.is_(None) & (health_snoozes.c.until > stamp(at))
