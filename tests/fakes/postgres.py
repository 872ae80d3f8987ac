"""A PostgreSQL of the tests' own: a throwaway cluster on a unix socket, with a new schema for whoever asks."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

_USER = "nobody"
_NUMBERS = itertools.count(1)


def missing() -> str:
    """Return how to get what is needed, or an empty text where it is all there."""
    return "" if _programs() else "needs PostgreSQL's initdb: apt-get install postgresql"


def _programs() -> Path | None:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    on_path = shutil.which("initdb")
    return found[-1].parent if found else Path(on_path).parent if on_path else None


@contextmanager
def cluster() -> Iterator[str]:
    """Yield the URL of a cluster that lives as long as the block; it refuses to be run by root."""
    programs = _programs()
    assert programs is not None
    # A socket's path has 107 bytes, which pytest's own folders may exceed.
    folder = Path(tempfile.mkdtemp(prefix="edgectl-pg-", dir="/tmp"))
    user = _USER if os.geteuid() == 0 else None
    if user:
        shutil.chown(folder, user)
    data = folder / "data"
    run = ["-D", str(data)]
    options = f"-c listen_addresses='' -c unix_socket_directories={folder} -c fsync=off"
    try:
        _run([programs / "initdb", *run, "-U", "edgectl", "-A", "trust", "--no-sync"], user)
        _run([programs / "pg_ctl", *run, "-w", "-l", folder / "log", "-o", options, "start"], user)
        try:
            yield f"postgresql+psycopg://edgectl@/postgres?host={folder}"
        finally:
            _run([programs / "pg_ctl", *run, "-w", "-m", "immediate", "stop"], user)
    finally:
        shutil.rmtree(folder)


def _run(command: list[str | Path], user: str | None) -> None:
    done = subprocess.run(
        command, user=user, cwd="/", stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def new_schema(url: str) -> str:
    """Return the URL of an empty schema of a cluster."""
    name = f"t{next(_NUMBERS)}"
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        connection.execute(sa.text(f"CREATE SCHEMA {name}"))
    engine.dispose()
    return f"{url}&options=-csearch_path%3D{name}"
