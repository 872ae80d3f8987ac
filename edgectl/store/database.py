"""A store URL becomes a migrated database: SQLite by default, PostgreSQL by URL."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
import tenacity

from edgectl.errors import MissingError

HEAD = "0009"
_BUSY_TIMEOUT_MS = 10_000
_PRIVATE_FILE = 0o600
# How a database lets one migrate while others wait; the lock goes with the transaction.
_LOCKS = {"sqlite": "BEGIN IMMEDIATE", "postgresql": "SELECT pg_advisory_xact_lock(6133742)"}


def open_database(url: str) -> sa.Engine:
    """Connect and bring the schema up to date. Raises `MissingError` where that cannot be done."""
    try:
        engine = sa.create_engine(url)
        if engine.dialect.name == "sqlite":
            _prepare_sqlite(engine)
        with engine.begin() as connection:
            if _revision(connection) != HEAD:
                _bring_up_to_date(connection, url)
    except (sa.exc.SQLAlchemyError, OSError, ImportError) as error:
        said = str(error).splitlines()[0]
        hint = "check --state (EDGECTL_STATE): sqlite:///PATH or postgresql+psycopg://…"
        raise MissingError(f"cannot open the state store {_shown(url)}: {said}", hint=hint) from None
    return engine


@contextmanager
def reading(engine: sa.Engine) -> Iterator[sa.Connection]:
    """Yield a connection to read from. Raises `MissingError` where the store does not answer any more."""
    try:
        with engine.connect() as connection:
            yield connection
    except sa.exc.SQLAlchemyError as error:
        said = str(error).splitlines()[0]
        raise MissingError(f"cannot read the state store {_shown(str(engine.url))}: {said}") from None


@contextmanager
def writing(engine: sa.Engine) -> Iterator[sa.Connection]:
    """Yield a connection whose work is done whole or not at all. Raises `MissingError` where the store refuses."""
    try:
        with engine.begin() as connection:
            yield connection
    except sa.exc.SQLAlchemyError as error:
        said = str(error).splitlines()[0]
        raise MissingError(f"cannot write to the state store {_shown(str(engine.url))}: {said}") from None


def _prepare_sqlite(engine: sa.Engine) -> None:
    if engine.url.database and engine.url.database != ":memory:":
        path = Path(engine.url.database)
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            path.touch(_PRIVATE_FILE)  # how runs were asked for, and what hosts said, is for its owner

    def on_connect(connection: Any, _record: Any) -> None:
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout={_BUSY_TIMEOUT_MS}")
        _until_free(cursor, "PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=NORMAL")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.close()

    sa.event.listen(engine, "connect", on_connect)


def _until_free(cursor: Any, pragma: str) -> None:
    """SQLite does not wait for its busy timeout where the change to WAL finds the file locked."""
    attempts = tenacity.Retrying(
        retry=tenacity.retry_if_exception_type(sqlite3.OperationalError),
        stop=tenacity.stop_after_delay(_BUSY_TIMEOUT_MS / 1000),
        wait=tenacity.wait_random(0.01, 0.05),
        reraise=True,
    )
    attempts(cursor.execute, pragma)


def _revision(connection: sa.Connection) -> str | None:
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()


def _bring_up_to_date(connection: sa.Connection, url: str) -> None:
    """Migrate, as the only one: whoever waited for the lock finds the work done."""
    connection.exec_driver_sql(_LOCKS.get(connection.dialect.name, "SELECT 1"))
    revision = _revision(connection)
    if revision is not None and revision > HEAD:
        said = f"a newer edgectl wrote it (schema {revision}, this one knows {HEAD})"
        raise MissingError(f"cannot open the state store {_shown(url)}: {said}", hint="upgrade edgectl")
    if revision != HEAD:
        migrate(connection)


def migrate(connection: sa.Connection, revision: str = "head") -> None:
    """Bring the schema up to a revision."""
    # Alembic takes 0.15 s to import; a store that is up to date never pays for it.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def _shown(url: str) -> str:
    try:
        return sa.engine.make_url(url).render_as_string(hide_password=True)
    except sa.exc.ArgumentError:
        return "given"
