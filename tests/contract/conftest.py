"""One store per test, on each database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.stores import Store
from tests.fakes import postgres as postgres_cluster


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    if postgres_cluster.missing():
        pytest.skip(postgres_cluster.missing())
    pytest.importorskip("psycopg", reason="needs psycopg: pip install 'edgectl[postgres]'")
    with postgres_cluster.cluster() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path}/deep/state.db"
    else:
        url = postgres_cluster.new_schema(request.getfixturevalue("postgres"))
    opened = Store(url)
    yield opened
    opened.close()
