"""Where a model's files come from: named one by one, or a repository whose files `deploy lock` finds."""

from __future__ import annotations

import re
import urllib.parse
from typing import Annotated, Self

from pydantic import Field, StrictStr, field_validator, model_validator

from edgectl.ops.deploy.spec_words import Strict

_FILE_NAME = re.compile(r"^[A-Za-z0-9_][A-Za-z0-9._+=-]*$")
_DIGEST = r"^[0-9a-f]{64}$"
_FILE_SCHEMES = ("https://", "http://", "file://", "hf://", "s3://")
_HF = re.compile(
    r"^hf://(?P<repository>[\w.-]+/[\w.-]+)(?:@(?P<revision>[^/@\s]+))?(?:/(?P<path>[^\s@]+))?$", re.ASCII
)
_COMMIT = re.compile(r"^[0-9a-f]{40}$")


class ModelFile(Strict):
    """One file of a model. A `source` on this machine, file://…, lies beside the spec.

    Without a `sha256` the file is mutable, and `deploy lock` finds out what it is. `size` is in bytes; `asked` is
    what a locked file is called where its source is said in other words; `pieces` are marks of its parts, by which
    damage on the way is found (`remote.tasks._pieces`).
    """

    source: StrictStr
    sha256: Annotated[str, Field(pattern=_DIGEST)] | None = None
    name: StrictStr = ""
    size: Annotated[int, Field(ge=0)] | None = None
    asked: StrictStr = ""
    pieces: StrictStr = ""

    @field_validator("source")
    @classmethod
    def _known_scheme(cls, value: str) -> str:
        if not value.startswith(_FILE_SCHEMES):
            raise ValueError(
                f"a source is https://…, http://… or file://…, hf://OWNER/NAME@REVISION/FILE or s3://…,"
                f" not '{value}'"
            )
        if value.startswith("hf://") and not hub_name(value).path:
            raise ValueError(f"'{value}' names a whole repository; that is the model's own 'source'")
        return value

    @property
    def file_name(self) -> str:
        """The file's name on the node."""
        return self.name or _last_part(self.source)

    @model_validator(mode="after")
    def _plain_name(self) -> Self:
        if not _FILE_NAME.match(self.file_name):
            raise ValueError(f"'{self.file_name}' is no plain file name: give the file a 'name'")
        return self


class HubName(Strict):
    """A repository of a model hub, what revision of it, and the file in it, or ''."""

    repository: str
    revision: str
    path: str

    @property
    def is_pinned(self) -> bool:
        """Tell whether the revision is a commit, which never changes."""
        return _COMMIT.match(self.revision) is not None


def hub_name(source: str) -> HubName:
    """Take hf://OWNER/NAME@REVISION/FILE apart; the revision is `main` where none is said. Raises ValueError."""
    match = _HF.match(source)
    if match is None:
        raise ValueError(f"'{source}' is not hf://OWNER/NAME[@REVISION][/FILE]")
    return HubName(
        repository=match["repository"], revision=match["revision"] or "main", path=match["path"] or ""
    )


def _last_part(source: str) -> str:
    if source.startswith("file://"):
        return source.rsplit("/", 1)[-1]
    return urllib.parse.unquote(urllib.parse.urlsplit(source).path).rsplit("/", 1)[-1]


class Contents(Strict):
    """Files that belong together: a `source` that holds them, or each of them by name.

    A `source` is hf://OWNER/NAME@REVISION, or a folder whose files its SHA256SUMS lists: https://…/, s3://…/ or
    file://…/. `include` are the globs of the files that are wanted of it.
    """

    name: StrictStr
    source: StrictStr = ""
    include: list[StrictStr] = Field(default=["*"], min_length=1)
    files: list[ModelFile] = Field(default_factory=list)

    @field_validator("source")
    @classmethod
    def _a_whole(cls, value: str) -> str:
        if value.startswith("hf://"):
            if hub_name(value).path:
                raise ValueError(f"'{value}' names one file; list it under 'files'")
        elif value and not (value.startswith(_FILE_SCHEMES) and value.endswith("/")):
            raise ValueError(
                f"a model's source is hf://OWNER/NAME@REVISION or a folder (https://…/, s3://…/, file://…/),"
                f" not '{value}'; one file goes under 'files'"
            )
        return value

    @field_validator("files")
    @classmethod
    def _names_differ(cls, value: list[ModelFile]) -> list[ModelFile]:
        names = [file.file_name for file in value]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise ValueError(f"two files are called '{twice}': give one of them a 'name'")
        return value

    @model_validator(mode="after")
    def _has_content(self) -> Self:
        if bool(self.source) == bool(self.files):
            raise ValueError("name either a 'source' that holds the files, or the 'files'")
        return self

    @property
    def is_pinned(self) -> bool:
        """Tell whether every file is there by its digest, so that no lock is needed."""
        return bool(self.files) and all(file.sha256 for file in self.files)


class Lora(Contents):
    """A LoRA adapter; clients ask for it by its name."""

    rank: Annotated[int, Field(ge=1, le=512)] = 16

    @field_validator("name")
    @classmethod
    def _plain_adapter(cls, value: str) -> str:
        if not _FILE_NAME.match(value):
            raise ValueError(f"an adapter's name is letters, digits, '.', '_' and '-', not '{value}'")
        return value


class Model(Contents):
    """The model: what clients call it, its files, and the adapters that are served with it."""

    lora: list[Lora] = Field(default_factory=list)

    @model_validator(mode="after")
    def _adapters_differ(self) -> Self:
        names = [self.name, *(one.name for one in self.lora)]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise ValueError(
                f"clients could not tell which one '{twice}' is: give each adapter a name of its own"
            )
        return self
