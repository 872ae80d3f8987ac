"""A service's specification: which model, which engine, where. Strict, since people write it."""

from __future__ import annotations

import re
import urllib.parse
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    StrictStr,
    field_validator,
    model_validator,
)

from edgectl.complaints import validate
from edgectl.playbook.schema import RolloutSchema, Seconds
from edgectl.yaml_source import load

_NAME = re.compile(r"^[a-z][a-z0-9-]{0,40}$")
_FILE_NAME = re.compile(r"^[A-Za-z0-9_][A-Za-z0-9._+=-]*$")
_DIGEST = r"^[0-9a-f]{64}$"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ModelFile(_Strict):
    """One file of a model. `source` is https://…, http://… or file://… (beside the spec)."""

    source: StrictStr
    sha256: Annotated[str, Field(pattern=_DIGEST)]
    name: StrictStr = ""

    @field_validator("source")
    @classmethod
    def _known_scheme(cls, value: str) -> str:
        if not value.startswith(("https://", "http://", "file://")):
            raise ValueError(f"a source is https://…, http://… or file://…, not '{value}'")
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


def _last_part(source: str) -> str:
    if source.startswith("file://"):
        return source.rsplit("/", 1)[-1]
    return urllib.parse.unquote(urllib.parse.urlsplit(source).path).rsplit("/", 1)[-1]


class Model(_Strict):
    """The model: what clients call it, and its files."""

    name: StrictStr
    files: Annotated[list[ModelFile], Field(min_length=1)]

    @field_validator("files")
    @classmethod
    def _names_differ(cls, value: list[ModelFile]) -> list[ModelFile]:
        names = [file.file_name for file in value]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise ValueError(f"two files are called '{twice}': give one of them a 'name'")
        return value


def _scalar(value: Any) -> str | float | bool:
    if not isinstance(value, str | int | float):
        raise ValueError(f"a text, a number or true or false is wanted, not {value!r}")  # noqa: TRY004 - pydantic's word
    return value


class Engine(_Strict):
    """What serves it. `command` is the program on the node; `args` are passed as --name value."""

    kind: Literal["llama.cpp", "vllm"]
    command: StrictStr
    args: dict[str, Annotated[str | float | bool, PlainValidator(_scalar)]] = Field(default_factory=dict)
    environment: dict[str, str] = Field(default_factory=dict)


class Serve(_Strict):
    """Where it answers on each node."""

    port: Annotated[int, Field(ge=1, le=65535)] = 8000


class Smoke(_Strict):
    """What the service is asked before it may stay."""

    prompt: StrictStr = "Say hello."
    tokens: Annotated[int, Field(ge=1, le=512)] = 16


def _as_smoke(value: Any) -> Any:
    return {"prompt": value} if isinstance(value, str) else value


class Gates(_Strict):
    """What must hold on a node before the next one is touched."""

    ready: Seconds = 300.0
    smoke: Annotated[Smoke, BeforeValidator(_as_smoke)] = Smoke()


class ServiceSpec(_Strict):
    """`inventory/services/NAME.yaml`."""

    name: StrictStr
    model: Model
    engine: Engine
    place: StrictStr
    serve: Serve = Serve()
    gates: Gates = Gates()
    rollout: RolloutSchema = RolloutSchema(canary=1)
    keep: Annotated[int, Field(ge=1, le=20)] = 2

    @field_validator("name")
    @classmethod
    def _plain_name(cls, value: str) -> str:
        if not _NAME.match(value):
            raise ValueError(f"a service's name is small letters, digits and '-', not '{value}'")
        return value


def load_spec(path: Path) -> ServiceSpec:
    """Read a specification, or raise `InputError` with every complaint and its place."""
    return validate(ServiceSpec, load(path))
