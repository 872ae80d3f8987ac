"""A secret on this host's disk that outlives a boot: encrypted for this host alone where systemd can, else root's own.

With a TPM the key is in it and on the disk, else on the disk alone: then it protects a copy of the one file, as a
backup has it, and not the disk. No state of the boot is bound: an update of the firmware must not keep a site dark.
"""

from __future__ import annotations

import os
import shlex

from edgectl.remote import files
from edgectl.remote.lean import Optional, suppress
from edgectl.remote.ownership import Attributes
from edgectl.remote.proc import Proc

_TIMEOUT_S = 60.0


class Sealed:
    """One secret by its name, in a folder of root's own."""

    def __init__(self, folder: str, name: str, proc: Proc) -> None:
        self._folder = folder
        self._name = f"edgectl-{name}"
        self._encrypted = os.path.join(folder, f"{name}.cred")
        self._plain = os.path.join(folder, name)
        self._proc = proc

    def is_there(self) -> bool:
        """Tell whether it is kept, in either way."""
        return os.path.exists(self._encrypted) or os.path.exists(self._plain)

    def content(self) -> Optional[str]:
        """Return it, None where there is none, or none that this host can read."""
        if os.path.exists(self._encrypted):
            words = ["systemd-creds", "decrypt", f"--name={self._name}", self._encrypted, "-"]
            done = self._proc.run(words, timeout_s=_TIMEOUT_S)
            return done.stdout if done.rc == 0 else None
        raw = files.read(self._plain)
        return None if raw is None else raw.decode()

    def encrypt(self, content: str) -> bool:
        """Keep it so that this host alone reads it; tell whether that can be, as it was tried by reading it again."""
        self._make_folder()
        beside = f"{self._encrypted}.new"
        words = ["systemd-creds", "encrypt", f"--name={self._name}", "--tpm2-pcrs=", "-", beside]
        done = self._proc.run(words, stdin=content, timeout_s=_TIMEOUT_S)
        raw = files.read(beside) if done.rc == 0 else None
        with suppress(FileNotFoundError):
            os.unlink(beside)
        if raw is None:
            return False
        files.write_atomically(self._encrypted, raw, Attributes(mode="0600"))
        if self.content() != content:
            os.unlink(self._encrypted)
            return False
        self._remove(self._plain)
        return True

    def keep_plain(self, content: str) -> None:
        """Keep it readable for root."""
        self._make_folder()
        files.write_atomically(self._plain, content.encode(), Attributes(mode="0600"))
        self._remove(self._encrypted)

    def remove(self) -> None:
        """Let go of it."""
        self._remove(self._encrypted)
        self._remove(self._plain)

    def command(self, path: str) -> str:
        """Return the command that brings it to a path."""
        if os.path.exists(self._encrypted):
            words = ["systemd-creds", "decrypt", f"--name={self._name}", self._encrypted, path]
        else:
            words = ["install", "-m", "0600", self._plain, path]
        return " ".join(map(shlex.quote, words))

    def _make_folder(self) -> None:
        os.makedirs(self._folder, exist_ok=True)
        os.chmod(self._folder, 0o700)

    def _remove(self, path: str) -> None:
        with suppress(FileNotFoundError):
            os.unlink(path)
