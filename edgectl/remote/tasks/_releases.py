"""The releases of one service on disk: a folder each, `current` and `previous` as links."""

from __future__ import annotations

import json
import os
import shutil

from edgectl.remote import files
from edgectl.remote.context import HostPaths
from edgectl.remote.lean import Any, Optional, suppress
from edgectl.remote.tasks.blob import path_of

_DESCRIPTION = "release.json"
_LEFT = "rolled-back"
_DRAINED = "drained"
STAYS_DRAINED = "is drained, and stays so until deploy undrain brings it back"
_ADAPTERS = "adapters"


class Releases:
    """`releases/<service>/<release>/{release.json,model/}`; model files are hard links into the blob store.

    Adapters lie in `releases/<service>/adapters/<name>-<digest>/`: an engine that goes on from one release to the next
    reads them from there again whenever it likes.
    """

    def __init__(self, paths: HostPaths, service: str) -> None:
        self._home = os.path.join(paths.state, "releases", service)
        self._blobs = paths.blobs
        self._paths = paths

    def folder(self, release: str) -> str:
        """Return a release's folder."""
        return os.path.join(self._home, release)

    @property
    def adapters(self) -> str:
        """Return the folder of the service's adapters."""
        return os.path.join(self._home, _ADAPTERS)

    def filled(self, text: str, release: str) -> str:
        """Return a text with its folders' names in their places."""
        return text.replace("{release}", self.folder(release)).replace("{adapters}", self.adapters)

    def current(self) -> str | None:
        """Return the release in force, None where there is none."""
        return self._link("current")

    def since(self) -> float:
        """Return when the release in force came there, in seconds of the wall clock; 0 where there is none."""
        try:
            return os.lstat(os.path.join(self._home, "current")).st_mtime
        except OSError:
            return 0.0

    def previous(self) -> str | None:
        """Return the release that was in force before, None where there is none to go back to."""
        return self._link("previous")

    def left(self) -> str | None:
        """Return the release that the host was rolled back from, None where that is not how it came to its own."""
        raw = files.read(os.path.join(self._home, _LEFT))
        return None if raw is None else raw.decode()

    def is_drained(self) -> bool:
        """Tell whether somebody took this host out of the service."""
        return os.path.exists(os.path.join(self._home, _DRAINED))

    def keep_drained(self) -> None:
        """Write down that somebody takes it out: no deployment takes it back."""
        files.write_atomically(os.path.join(self._home, _DRAINED), b"")

    def take_back(self) -> None:
        """Let deployments have it again."""
        with suppress(FileNotFoundError):
            os.unlink(os.path.join(self._home, _DRAINED))

    def _link(self, name: str) -> str | None:
        try:
            return os.readlink(os.path.join(self._home, name))
        except OSError:
            return None

    def described(self, release: str) -> dict[str, Any]:
        """Return what a release was laid out with, empty where that is gone."""
        raw = files.read(os.path.join(self.folder(release), _DESCRIPTION))
        return {} if raw is None else dict(json.loads(raw))

    def gpus(self, release: Optional[str]) -> list[str]:
        """Return the GPUs that a release was given, by number or UUID; none where it was not said."""
        return [] if release is None else list(self.described(release).get("gpus") or ())

    def clash(self, gpus: list[str]) -> str:
        """Return which of these GPUs another service of this host has, or an empty text."""
        above, own = os.path.split(self._home)
        for service in sorted(set(os.listdir(above)) - {own}) if os.path.isdir(above) else []:
            other = Releases(self._paths, service)
            both = sorted(set(gpus) & set(other.gpus(other.current())))
            if both:
                return (
                    f"the service {service} has GPU {both[0]} here: edgectl deploy reconcile, then try again"
                )
        return ""

    def _place(self, release: str, entry: dict[str, Any]) -> str:
        folder = entry.get("folder", "model")
        above = self._home if folder.startswith(f"{_ADAPTERS}/") else self.folder(release)
        return os.path.join(above, folder, entry["name"])

    def is_laid_out(self, release: str, model_files: list[dict[str, Any]]) -> bool:
        """Tell whether the release's files are the blob store's own: a blob fetched anew is another file."""
        pairs = [(self._place(release, one), path_of(self._blobs, one["sha256"])) for one in model_files]
        return all(os.path.exists(a) and os.path.exists(b) and os.path.samefile(a, b) for a, b in pairs)

    def lay_out(self, release: str, model_files: list[dict[str, Any]], description: str) -> str:
        """Build the release's folder; return which file the blob store lacks, or an empty text."""
        for entry in model_files:
            blob = path_of(self._blobs, entry["sha256"])
            if not os.path.exists(blob):
                return f"the blob store has no {entry['name']} ({entry['sha256'][:12]}…)"
            place = self._place(release, entry)
            os.makedirs(os.path.dirname(place), exist_ok=True)
            if not (os.path.exists(place) and os.path.samefile(place, blob)):
                files.link_atomically(place, blob, hard=True)
        files.write_atomically(os.path.join(self.folder(release), _DESCRIPTION), description.encode())
        return ""

    def make_current(self, release: str) -> None:
        """Point `current` at a release, and `previous` at the one before."""
        before = self.current()
        if before == release:
            return
        if before is not None:
            files.link_atomically(os.path.join(self._home, "previous"), before)
        files.link_atomically(os.path.join(self._home, "current"), release)
        with suppress(FileNotFoundError):
            os.unlink(os.path.join(self._home, _LEFT))

    def go_back(self) -> None:
        """Make the previous release the current one; there is none before it, so that going back twice is once."""
        previous = self.previous()
        if previous is None:
            return
        current = self.current()
        if current is not None and current != previous:
            files.write_atomically(os.path.join(self._home, _LEFT), current.encode())
        files.link_atomically(os.path.join(self._home, "current"), previous)
        os.unlink(os.path.join(self._home, "previous"))

    def beyond(self, keep: int) -> list[str]:
        """Return the oldest releases beyond `keep`; never the current or the previous one."""
        if not os.path.isdir(self._home):
            return []
        kept = {self.current(), self.previous()} - {None}
        folders = [entry for entry in os.scandir(self._home) if entry.is_dir(follow_symlinks=False)]
        others = [entry for entry in folders if entry.name not in {*kept, _ADAPTERS}]
        others.sort(key=lambda entry: entry.stat().st_mtime, reverse=True)
        return [entry.name for entry in others[max(0, keep - len(kept) + 1) :]]

    def prune(self, keep: int) -> None:
        """Remove the oldest releases beyond `keep`."""
        for name in self.beyond(keep):
            shutil.rmtree(self.folder(name))
        for folder in self._unused_adapters():
            shutil.rmtree(folder)

    def _unused_adapters(self) -> list[str]:
        """Return the folders of adapters that no release has any more."""
        if not os.path.isdir(self.adapters):
            return []
        releases = [entry.name for entry in os.scandir(self._home) if entry.is_dir()]
        used = {one.get("folder") for name in releases for one in self.described(name).get("files", [])}
        return [
            os.path.join(self.adapters, name)
            for name in os.listdir(self.adapters)
            if f"{_ADAPTERS}/{name}" not in used
        ]
