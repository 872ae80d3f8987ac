"""Each kind of source, asked for what a name stands for: files with their digests, or an image's digest."""

from __future__ import annotations

import fnmatch
import hashlib
import json
import re
import urllib.parse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edgectl.clock import Clock
from edgectl.engine.web import Content, Page, Web
from edgectl.errors import InputError
from edgectl.ops.deploy.spec_logins import login_for
from edgectl.ops.deploy.spec_sources import HubName, ModelFile, hub_name
from edgectl.remote.tasks._logins import Login, headers

SUMS = "SHA256SUMS"
_OK, _NONE = 200, 404
_FORBIDDEN = (401, 403)
_SUM = re.compile(r"^([0-9a-f]{64}) [ *](?:\./)?(.+)$")


@dataclass(frozen=True, slots=True)
class Origins:
    """Where names are looked up, and with which login by the beginning of a name. `hub`, `s3` replace public ones."""

    web: Web
    folder: Path  # where file:// sources lie
    clock: Clock
    hub: str = "https://huggingface.co"
    s3: str = ""
    logins: Mapping[str, Login] = field(default_factory=dict)

    def headers(self, source: str, method: str = "GET") -> dict[str, str]:
        """Return what a source is asked with."""
        name = login_for(self.logins, source)
        if not name:
            return {}
        return headers(self.logins[name], method, self.address(source), self.clock.now().timestamp())

    def address(self, source: str) -> str:
        """Return the URL of a source; whole repositories have none."""
        if source.startswith("s3://"):
            return self._object(source)
        return source

    def _object(self, source: str) -> str:
        bucket, _, key = source.removeprefix("s3://").partition("/")
        name = login_for(self.logins, source)
        place = f"s3.{self.logins[name].region}" if name else "s3"
        base = f"{self.s3.rstrip('/')}/{bucket}" if self.s3 else f"https://{bucket}.{place}.amazonaws.com"
        return f"{base}/{urllib.parse.quote(key)}"

    def name_of(self, file: ModelFile) -> str:
        """Return how a specification would call a file that was found."""
        if file.source.startswith(f"{self.hub}/"):
            return f"hf://{file.source.removeprefix(self.hub).lstrip('/')}"
        return file.asked or file.source


@dataclass(frozen=True, slots=True)
class Found:
    """What a source stands for; `revision` is the commit, where the source has such."""

    files: Sequence[ModelFile]
    revision: str = ""


def whole(origins: Origins, source: str, include: Sequence[str]) -> Found:
    """Return the files of a repository or a folder that the globs name. Raises `InputError` where there are none."""
    found = (
        _hub(origins, source, include) if source.startswith("hf://") else _folder(origins, source, include)
    )
    if not found.files:
        raise InputError(f"{source} has no file that is one of {', '.join(include)}")
    return found


def _hub(origins: Origins, source: str, include: Sequence[str]) -> Found:
    name = hub_name(source)
    answer = _hub_answer(origins, name)
    commit = str(answer["sha"])
    listed = [one for one in answer["siblings"] if _wanted(one["rfilename"], include)]
    files = [_hub_file(origins, name, commit, one) for one in listed]
    return Found(sorted(files, key=lambda file: file.file_name), commit)


def _hub_answer(origins: Origins, name: HubName) -> Mapping[str, Any]:
    revision = urllib.parse.quote(name.revision, safe="")
    url = f"{origins.hub}/api/models/{name.repository}/revision/{revision}?blobs=true"
    page = origins.web.get(url, origins.headers(f"hf://{name.repository}"))
    if page.status != _OK:
        raise InputError(
            f"the hub has no {name.repository}@{name.revision} for us (it answers {page.status})",
            hint="is it spelled so? a gated model needs HF_TOKEN, or a login"
            if page.status in (*_FORBIDDEN, _NONE)
            else "",
        )
    answer: Mapping[str, Any] = json.loads(page.body)
    return answer


def _hub_file(origins: Origins, name: HubName, commit: str, listed: Mapping[str, Any]) -> ModelFile:
    path = str(listed["rfilename"])
    url = f"{origins.hub}/{name.repository}/resolve/{commit}/{urllib.parse.quote(path)}"
    large = listed.get("lfs")
    if large:
        content = Content(large["sha256"], int(large["size"]))
    else:  # a small file, which git alone names: by another digest than ours
        page = origins.web.get(url, origins.headers(f"hf://{name.repository}"))
        _refuse_other_blob(url, page, str(listed.get("blobId", "")))
        content = Content(hashlib.sha256(page.body).hexdigest(), len(page.body))
    return ModelFile(source=url, sha256=content.sha256, size=content.size, name=path.rpartition("/")[2])


def _refuse_other_blob(url: str, page: Page, blob: str) -> None:
    git = hashlib.sha1(b"blob %d\0" % len(page.body) + page.body, usedforsecurity=False).hexdigest()
    if page.status != _OK or (blob and git != blob):
        raise InputError(f"{url}: the bytes are not those that the hub lists ({page.status}, {git})")


def _wanted(path: str, include: Sequence[str]) -> bool:
    """Tell whether a file is wanted: engines read one folder, so what lies deeper is taken only where it is named."""
    return any(fnmatch.fnmatchcase(path, glob) for glob in include) and (
        "/" not in path or any("/" in glob for glob in include)
    )


def _folder(origins: Origins, source: str, include: Sequence[str]) -> Found:
    listing = _read(origins, source + SUMS)
    files = []
    for line in listing.decode("utf-8", "replace").splitlines():
        match = _SUM.match(line.strip())
        if match and _wanted(match[2], include):
            name = match[2]
            size = _size(origins, source + name)
            files.append(
                ModelFile(
                    source=origins.address(source + name),
                    sha256=match[1],
                    size=size,
                    name=name.rpartition("/")[2],
                    asked=source + name if source.startswith("s3://") else "",
                )
            )
    return Found(files)


def _read(origins: Origins, source: str) -> bytes:
    if source.startswith("file://"):
        try:
            return _local(origins, source).read_bytes()
        except OSError as error:
            raise InputError(f"cannot read {_local(origins, source)}: {error.strerror}") from None
    page = origins.web.get(origins.address(source), origins.headers(source))
    if page.status != _OK:
        raise InputError(
            f"{source}: the server answers {page.status}",
            hint=f"a folder lists its files in {SUMS}: sha256sum * > {SUMS}" if source.endswith(SUMS) else "",
        )
    return page.body


def _local(origins: Origins, source: str) -> Path:
    return origins.folder / source.removeprefix("file://")


def _size(origins: Origins, source: str) -> int | None:
    if source.startswith("file://"):
        path = _local(origins, source)
        return path.stat().st_size if path.exists() else None
    return origins.web.size(origins.address(source), origins.headers(source, "HEAD"))


def size_of(origins: Origins, file: ModelFile) -> int | None:
    """Return how large a file is whose digest is known, None where its origin does not say."""
    return _size(origins, file.source)


def one(origins: Origins, file: ModelFile) -> ModelFile:
    """Return one file with its digest: as the hub lists it, else by reading it once."""
    if file.source.startswith("hf://"):
        return _hub_one(origins, file)
    address = origins.address(file.source)
    if file.source.startswith("file://"):
        raw = _read(origins, file.source)
        content = Content(hashlib.sha256(raw).hexdigest(), len(raw))
    else:
        content = origins.web.digest(address, origins.headers(file.source))
    asked = file.source if address != file.source else ""
    return file.model_copy(
        update=_content(content) | {"source": address, "asked": asked, "name": file.file_name}
    )


def _content(content: Content) -> dict[str, Any]:
    return {"sha256": content.sha256, "size": content.size, "pieces": content.pieces}


def read_whole(origins: Origins, file: ModelFile) -> ModelFile:
    """Return a file with the marks of its pieces, read once at its origin; `InputError` where its bytes are others."""
    content = origins.web.digest(file.source, origins.headers(origins.name_of(file)))
    if content.sha256 != file.sha256:
        raise InputError(f"{file.source}: its bytes have the sha256 {content.sha256}, wanted {file.sha256}")
    return file.model_copy(update=_content(content))


def _hub_one(origins: Origins, file: ModelFile) -> ModelFile:
    name = hub_name(file.source)
    answer = _hub_answer(origins, name)
    listed = next((one for one in answer["siblings"] if one["rfilename"] == name.path), None)
    if listed is None:
        raise InputError(f"{name.repository}@{name.revision} has no file {name.path}")
    found = _hub_file(origins, name, str(answer["sha"]), listed)
    return found.model_copy(update={"asked": file.source, "name": file.file_name})


def beginnings(origins: Origins, file: ModelFile) -> Iterator[bytes]:
    """Yield ever more of a file's beginning, at last 64 MiB: the header of a model ends somewhere within."""
    for count in (2**20, 2**23, 2**26):
        if file.source.startswith("file://"):
            with _local(origins, file.source).open("rb") as stream:
                yield stream.read(count)
        else:
            yield origins.web.beginning(file.source, count, origins.headers(origins.name_of(file)))
