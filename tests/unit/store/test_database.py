from __future__ import annotations

import multiprocessing
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from edgectl.errors import ExitCode, MissingError
from edgectl.store.database import HEAD, open_database
from edgectl.store.tables import METADATA


def test_a_new_store_is_made_with_its_folder_and_opened_again(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/a/b/state.db"

    for _ in range(2):
        with open_database(url).connect() as connection:
            assert connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar() == HEAD


def test_a_new_store_is_private(tmp_path: Path) -> None:
    with open_database(f"sqlite:///{tmp_path}/state.db").begin() as connection:
        connection.execute(sa.text("DELETE FROM runs"))
        modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}

    assert modes == dict.fromkeys(["state.db", "state.db-wal", "state.db-shm"], 0o600)


def test_the_migrations_build_the_tables_that_the_code_uses(tmp_path: Path) -> None:
    with open_database(f"sqlite:///{tmp_path}/state.db").connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []


def _open(url: str, together: Barrier) -> None:
    together.wait()
    open_database(url)


def test_processes_that_open_a_new_store_together_all_succeed(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/state.db"
    spawn = multiprocessing.get_context("spawn")
    together = spawn.Barrier(4, timeout=60)
    processes = [spawn.Process(target=_open, args=(url, together)) for _ in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)

    assert [process.exitcode for process in processes] == [0] * 4


REFUSED = [
    ("sqlite:////proc/nowhere/state.db", "No such file"),
    ("sqlite:////dev/null/state.db", "File exists"),
    ("gopher://state", "Can't load plugin"),
    ("state.db", "Could not parse"),
    ("", "Could not parse"),
    ("postgresql+nothing://x", "Can't load plugin"),
]


@pytest.mark.parametrize(("url", "said"), REFUSED)
def test_a_store_that_cannot_be_opened_says_why_and_what_to_check(url: str, said: str) -> None:
    with pytest.raises(MissingError) as caught:
        open_database(url)

    assert caught.value.exit_code is ExitCode.MISSING
    assert said in caught.value.message
    assert "EDGECTL_STATE" in caught.value.hint


def test_a_password_in_the_url_is_not_shown() -> None:
    with pytest.raises(MissingError) as caught:
        open_database("postgresql+nothing://me:s3cret@db/edgectl")

    assert "s3cret" not in caught.value.message


def test_a_file_that_is_no_store_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    path.write_text("my notes\n" * 200)

    with pytest.raises(MissingError, match="not a database"):
        open_database(f"sqlite:///{path}")
    assert path.read_text().startswith("my notes")


def test_a_store_of_a_newer_edgectl_is_refused_and_left_alone(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/state.db"
    with open_database(url).begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))

    with pytest.raises(MissingError, match="a newer edgectl wrote it"):
        open_database(url)
    with sa.create_engine(url).connect() as connection:
        assert connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar() == "9999"
