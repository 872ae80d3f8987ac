"""Values that a journal must not hold, and that later tasks need: kept in memory, and for a runner that dies, on tmpfs.

They are gone after a reboot. What a continued job then lacks it says, in place of going on with a censored value.
"""

from __future__ import annotations

import os

from edgectl.remote.lean import Any, Dict, NamedTuple, Optional, suppress
from edgectl.remote.wire_json import dumps, loads


class Withheld(NamedTuple):
    """Stands for a value that is lost; whoever asks for it is told why."""

    reason: str


LOST = Withheld("was not written down, since it held a secret, and its runner is gone: start a new run")


class Keep:
    """The unredacted results of one job."""

    def __init__(self, run_folder: str, job: str) -> None:
        self._folder = os.path.join(run_folder, "secrets", job)

    def put(self, number: int, turn: int, result: Dict[str, Any]) -> None:
        """Keep a result; a host without a tmpfs for it does without."""
        with suppress(OSError):
            os.makedirs(self._folder, 0o700, exist_ok=True)
            fd = os.open(self._path(number, turn), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with open(fd, "w") as stream:
                stream.write(dumps(result, default=str))

    def get(self, number: int, turn: int) -> Optional[Dict[str, Any]]:
        """Return a result, or None where it is gone."""
        with suppress(OSError, ValueError), open(self._path(number, turn)) as stream:
            found = loads(stream.read())
            return found if isinstance(found, dict) else None
        return None

    def forget(self) -> None:
        """Remove all of them."""
        if os.path.isdir(self._folder):
            import shutil

            shutil.rmtree(self._folder, ignore_errors=True)

    def _path(self, number: int, turn: int) -> str:
        return os.path.join(self._folder, f"{number}.{turn}")
