"""The real store, in memory, for tests that are about something else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from edgectl.store.database import open_database
from edgectl.store.freezes import SqlFreezes
from edgectl.store.history import History


@contextmanager
def an_empty_store() -> Iterator[tuple[History, SqlFreezes]]:
    engine = open_database("sqlite:///:memory:")
    try:
        yield History(engine), SqlFreezes(engine)
    finally:
        engine.dispose()
