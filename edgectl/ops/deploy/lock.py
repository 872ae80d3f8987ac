"""What a specification means, to the last digest: as a value, as a file beside it, and as the release's name. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import Field, StrictStr

from edgectl.catalog.models import ModelFacts, facts_from
from edgectl.complaints import validate
from edgectl.errors import InputError, Problem
from edgectl.ops.deploy.release import release_id
from edgectl.ops.deploy.spec import ServiceSpec
from edgectl.ops.deploy.spec_engine import Engine
from edgectl.ops.deploy.spec_sources import Contents, ModelFile
from edgectl.ops.deploy.spec_words import Strict
from edgectl.yaml_source import load

VERSION = 1
_HEADER = """\
# Written by `edgectl deploy lock`: every byte of this service by its digest. Keep it beside the specification.
"""


@dataclass(frozen=True, slots=True)
class Lock:
    """A specification all of whose names are digests, and what the model says of itself, where that is known.

    `sources` says for each set of contents ('' is the model, else the adapter) which commit its source was, and
    `image` how the specification calls the image.
    """

    spec: ServiceSpec
    facts: ModelFacts | None = None
    sources: Mapping[str, str] = field(default_factory=dict)
    image: str = ""

    @property
    def release(self) -> str:
        """The name of what this lock is: the same content is the same release."""
        return release_id(self.spec)


class LockedFile(Strict):
    """One file; `asked` is how the specification calls it, where that is not its `source`."""

    name: StrictStr
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    size: Annotated[int, Field(ge=0)] | None = None
    source: StrictStr
    asked: StrictStr = ""
    pieces: StrictStr = ""


class LockedContents(Strict):
    """The files of a model or an adapter, and where they were found."""

    name: StrictStr
    source: StrictStr = ""
    revision: StrictStr = ""
    include: list[StrictStr] = Field(default_factory=list)
    rank: int | None = None
    files: list[LockedFile]


class LockFile(Strict):
    """`NAME.lock.yaml`."""

    lock: int
    release: StrictStr
    service: StrictStr
    model: LockedContents
    lora: list[LockedContents] = Field(default_factory=list)
    engine: dict[str, Any]
    gpus: dict[str, Any] = Field(default_factory=dict)
    serve: dict[str, Any] = Field(default_factory=dict)
    secrets: list[StrictStr] = Field(default_factory=list)
    facts: dict[str, Any] | None = None


def lock_path(spec: Path) -> Path:
    """Return where a specification's lock lies."""
    return spec.with_name(f"{spec.stem}.lock.yaml")


def as_data(lock: Lock) -> dict[str, Any]:
    """Return a lock as plain data, in the order in which it is written; equal locks are equal data."""
    spec = lock.spec
    data = {
        "lock": VERSION,
        "release": lock.release,
        "service": spec.name,
        "model": _contents(spec.model, lock.sources.get("", "")),
        "lora": [
            {**_contents(one, lock.sources.get(one.name, "")), "rank": one.rank} for one in spec.model.lora
        ],
        "engine": {**_said(spec.engine), **({"asked": lock.image} if lock.image else {})},
        "gpus": _said(spec.gpus),
        "serve": _said(spec.serve),
        "secrets": sorted(spec.secrets),
        "facts": lock.facts.written() if lock.facts else None,
    }
    return {name: value for name, value in data.items() if value not in (None, [], {})}


def as_text(lock: Lock) -> str:
    """Return the file's text."""
    return _HEADER + yaml.safe_dump(as_data(lock), sort_keys=False, allow_unicode=True, width=110)


def _said(part: Strict) -> dict[str, Any]:
    """Return what somebody wrote of a part, without what is as it would be anyway."""
    said: dict[str, Any] = part.model_dump(mode="json", exclude_defaults=True)
    return {
        name: dict(sorted(value.items())) if isinstance(value, dict) else value
        for name, value in said.items()
    }


def _contents(contents: Contents, revision: str) -> dict[str, Any]:
    data = {
        "name": contents.name,
        "source": contents.source,
        "revision": revision,
        "include": contents.include if contents.source else [],
        "files": [_file(file) for file in contents.files],
    }
    return {name: value for name, value in data.items() if value not in ("", [])}


def _file(file: ModelFile) -> dict[str, Any]:
    data = {
        "name": file.file_name,
        "sha256": file.sha256,
        "size": file.size,
        "source": file.source,
        "asked": file.asked,
        "pieces": file.pieces,
    }
    return {name: value for name, value in data.items() if value not in (None, "")}


class StaleError(InputError):
    """The lock is not of this specification."""

    def __init__(self, service: str, said: str) -> None:
        super().__init__([Problem(said)], hint=f"edgectl deploy lock {service}")


def read_lock(path: Path) -> LockFile | None:
    """Return the lock file at a path, None where there is none. Raises `InputError` with what is wrong with it."""
    if not path.exists():
        return None
    document = load(path)
    if isinstance(document.value, dict) and document.value.get("lock") != VERSION:
        said = f"this lock is of version {document.value.get('lock')!r}, and {VERSION} is wanted"
        raise InputError([Problem(said, document.place(("lock",)))], hint="edgectl deploy lock")
    return validate(LockFile, document)


def locked(spec: ServiceSpec, path: Path) -> Lock:
    """Return what a specification means by the lock beside it, or by itself where it needs none.

    Raises `InputError` where it needs one that is not there, or is of another specification.
    """
    file = read_lock(lock_path(path))
    name = path.stem
    if file is None:
        if spec.is_pinned:
            return Lock(spec)
        document = load(path)
        problems = [Problem(said, document.place(steps)) for steps, said in _open_names(spec)]
        raise InputError(problems, hint=f"edgectl deploy lock {name}")
    lock = pinned(spec, file)
    written = file.model_dump(mode="json", exclude_defaults=True)
    # Its release is not compared: another edgectl may render other units of the same bytes.
    differing = list(differences(written | {"release": lock.release}, as_data(lock)))
    if differing:
        what = "; ".join(differing[:3])
        said = f"{lock_path(path)} is not of this {path.name}: {what} (lock → spec)"
        raise StaleError(name, said)
    return lock


def on_hosts(lock: Lock, pattern: str | None) -> Lock:
    """Return a lock that is asked about other hosts than its specification names."""
    if pattern is None:
        return lock
    where = lock.spec.place.model_copy(update={"pattern": pattern})
    return replace(lock, spec=lock.spec.model_copy(update={"place": where}))


def _open_names(spec: ServiceSpec) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Yield the places of names that may mean something else tomorrow, and what they are."""
    if not spec.engine.is_pinned:
        said = f"{spec.engine.image} is a tag, which may be another image tomorrow; a digest is wanted"
        yield ("engine", "image"), said
    adapters = [(("model", "lora", number), one) for number, one in enumerate(spec.model.lora)]
    for steps, contents in [(("model",), spec.model), *adapters]:
        if contents.source:
            yield (*steps, "source"), f"{contents.source} may be other files tomorrow; digests are wanted"
        for number, file in enumerate(contents.files):
            if file.sha256 is None:
                yield (
                    (*steps, "files", number),
                    f"{file.source} may be another file tomorrow; a 'sha256' is wanted",
                )


def pinned(spec: ServiceSpec, file: LockFile) -> Lock:
    """Return a specification with the digests that a lock has for its names. Raises `StaleError` for one it lacks."""
    adapters = {one.name: one for one in file.lora}
    lora = [_pin(one, adapters.get(one.name), file) for one in spec.model.lora]
    model = _pin(spec.model, file.model, file).model_copy(update={"lora": lora})
    engine, image = _pin_image(spec.engine, file)
    sources = {"": file.model.revision} | {one.name: one.revision for one in file.lora}
    return Lock(
        spec.model_copy(update={"model": model, "engine": engine}),
        facts_from(file.facts) if file.facts else None,
        {name: revision for name, revision in sources.items() if revision},
        image,
    )


def _pin(contents: Any, found: LockedContents | None, file: LockFile) -> Any:
    if contents.source:
        if found is None or (found.source, found.include) != (contents.source, contents.include):
            raise StaleError(file.service, f"the lock of '{file.service}' does not know {contents.source}")
        files = [_model_file(one) for one in found.files]
    else:
        known = {(one.asked or one.source, one.name): one for one in (found.files if found else [])}
        files = [_pin_file(one, known.get((one.source, one.file_name)), file) for one in contents.files]
    return contents.model_copy(update={"files": files})


def _pin_file(file: ModelFile, found: LockedFile | None, lock: LockFile) -> ModelFile:
    if found is not None and file.sha256 in (None, found.sha256):
        return _model_file(found)
    if file.sha256 is None:
        raise StaleError(lock.service, f"the lock of '{lock.service}' does not know {file.source}")
    return file


def _model_file(found: LockedFile) -> ModelFile:
    return ModelFile(
        source=found.source,
        sha256=found.sha256,
        name=found.name,
        size=found.size,
        asked=found.asked,
        pieces=found.pieces,
    )


def _pin_image(engine: Engine, file: LockFile) -> tuple[Engine, str]:
    if engine.is_pinned:
        return engine, ""
    if file.engine.get("asked") != engine.image:
        raise StaleError(file.service, f"the lock of '{file.service}' does not know the image {engine.image}")
    return engine.model_copy(update={"image": file.engine["image"]}), engine.image


def differences(before: Any, after: Any, at: str = "") -> Iterator[str]:
    """Yield what differs between two locks, a line each: the place, what was there, what is there now."""
    before, after = _comparable(before, after), _comparable(after, before)
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for name in sorted({*before, *after}):
            yield from differences(before.get(name), after.get(name), f"{at}.{name}" if at else str(name))
    elif _is_named(before) and _is_named(after):
        yield from differences(_by_name(before), _by_name(after), at)
    elif before != after:
        yield f"{at}: {_shown(before)} → {_shown(after)}"


def _comparable(value: Any, other: Any) -> Any:
    """Read what is not there as empty where the other side has parts, so that each part is named."""
    return {} if value is None and isinstance(other, Mapping) else value


def _is_named(value: Any) -> bool:
    return (
        isinstance(value, list)
        and bool(value)
        and all(isinstance(one, Mapping) and "name" in one for one in value)
    )


def _by_name(value: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {str(one["name"]): one for one in value}


def _shown(value: Any) -> str:
    text = "nothing" if value is None else str(value)
    return text if len(text) <= 40 else text[:37] + "…"  # noqa: PLR2004 - one line of a terminal
