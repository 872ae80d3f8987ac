"""Install one .deb file, with what it needs from the package sources."""

from __future__ import annotations

import os
import tempfile

from edgectl.remote import files
from edgectl.remote.context import TaskContext
from edgectl.remote.lean import Any
from edgectl.remote.result import TaskResult, failed
from edgectl.remote.tasks._apt_get import AptGet
from edgectl.remote.tasks._dpkg import read_installed

_OK = 200


def install(deb: str, apt: AptGet, context: TaskContext) -> TaskResult:
    """Bring the file's package to the file's version; a URL is fetched first."""
    if "://" not in deb:
        return _install(os.path.abspath(files.expanded(deb)), apt, context)
    from edgectl.remote.tasks import _http

    with tempfile.TemporaryDirectory(prefix="edgectl-") as folder:
        path = os.path.join(folder, os.path.basename(deb.partition("?")[0]) or "package.deb")
        problem = _fetched(_http.Request(deb), path)
        return (
            failed(f"cannot fetch {_http.masked(deb)}: {problem}")
            if problem
            else _install(path, apt, context)
        )


def _fetched(request: Any, path: str) -> str:
    """Fetch a URL to a new file; return why not, or an empty text."""
    from edgectl.remote.tasks import _http

    with _http.opened(request) as answer, open(path, "wb") as stream:
        if answer.problem or answer.status != _OK:
            return answer.problem or answer.msg
        return answer.copy_to(stream.write)


def _install(path: str, apt: AptGet, context: TaskContext) -> TaskResult:
    if not os.path.isfile(path):
        return failed(f"there is no file {path} at this host: copy it there first, or give its URL")
    fields = context.proc.query(["dpkg-deb", "-f", path, "Package", "Version", "Architecture"])
    if fields.rc != 0:
        return failed(f"{path} is no Debian package: {fields.stderr.strip()}")
    field = {
        key: value.strip() for key, _, value in (line.partition(":") for line in fields.stdout.splitlines())
    }
    name, version = field["Package"], field["Version"]
    installed = read_installed(context.proc)
    if isinstance(installed, str):
        return failed(installed)
    if installed.version(name) == version:
        return TaskResult()
    done = apt.run("install", path, simulate=context.check)
    values = {"stdout": done.stdout, "stderr": done.stderr}
    if done.rc != 0:
        return failed(f"'apt-get install {path}' failed: {done.stderr.strip()}", rc=done.rc, **values)
    again = read_installed(context.proc)
    if not context.check and (isinstance(again, str) or again.version(name) != version):
        return failed(f"apt-get ended well, and {name} {version} is still not installed", **values)
    return TaskResult(changed=True, values=values)
