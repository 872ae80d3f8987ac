"""A file that others read while it is written: they see the old one or the new one, never a part."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from edgectl.errors import MissingError

# node_exporter and whoever else collects it is another user.
_READABLE = 0o644


@contextmanager
def written_whole(path: Path) -> Iterator[IO[str]]:
    """Yield a stream whose content takes the place of `path` at the end; where that fails `path` stays as it is.

    Raises `MissingError` where the folder cannot be written.
    """
    try:
        # Not `*.prom` until it is whole, so that no collector takes it.
        fd, beside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:
        raise MissingError(f"cannot write {path}: {str(error.strerror).lower()}") from None
    try:
        with os.fdopen(fd, "w", encoding="utf-8") as stream:
            yield stream
            stream.flush()
            os.fchmod(fd, _READABLE)
            os.fsync(fd)
        Path(beside).replace(path)
    except OSError as error:
        raise MissingError(f"cannot write {path}: {str(error.strerror).lower()}") from None
    finally:
        with suppress(FileNotFoundError):
            Path(beside).unlink()
