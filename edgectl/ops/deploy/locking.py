"""`deploy lock`: names that may mean something else tomorrow become digests, beside the specification."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Flag
from pathlib import Path
from typing import Any

from edgectl.catalog.gguf import TruncatedError, read_header
from edgectl.catalog.models import ModelFacts, facts_of_config, facts_of_gguf
from edgectl.errors import ExitCode, InputError
from edgectl.ops.deploy import origins as ask
from edgectl.ops.deploy.lock import (
    Lock,
    StaleError,
    as_data,
    as_text,
    differences,
    lock_path,
    pinned,
    read_lock,
)
from edgectl.ops.deploy.origins import Origins
from edgectl.ops.deploy.registries import image_digest
from edgectl.ops.deploy.spec import ServiceSpec
from edgectl.ops.deploy.spec_sources import ModelFile
from edgectl.report import Line, Report, Tone

_CONFIG = "config.json"


@dataclass(frozen=True, slots=True)
class Locking:
    """A lock that was made, how the one before differs, and what of it was looked up now."""

    lock: Lock
    path: Path
    is_new: bool
    changes: Sequence[str] = ()
    asked: Sequence[str] = field(default_factory=tuple)


class Look(Flag):
    """What is looked up beside what the lock there does not know: every name AGAIN, the WHOLE of every file."""

    NEW = 0
    AGAIN = 1
    WHOLE = 2


def make_lock(spec: ServiceSpec, path: Path, origins: Origins, look: Look = Look.NEW) -> Locking:
    """Return the lock of a specification. Asks origins, and writes nothing."""
    before = read_lock(lock_path(path))
    kept = None
    if before is not None and Look.AGAIN not in look:
        try:
            kept = pinned(spec, before)
        except StaleError:
            kept = None
    asked: list[str] = []
    lock = kept or _resolved(spec, origins, asked)
    if Look.WHOLE in look:
        lock = _with_pieces(lock, origins, asked)
    if lock.facts is None:
        lock = replace(lock, facts=_facts(lock.spec.model.files, origins))
    now = as_data(lock)
    was = before.model_dump(mode="json", exclude_defaults=True) if before else None
    changes = () if was is None else tuple(differences(was, now))
    return Locking(lock, lock_path(path), was is None, changes, asked)


def _resolved(spec: ServiceSpec, origins: Origins, asked: list[str]) -> Lock:
    sources: dict[str, str] = {}

    def found(contents: Any, name: str) -> Any:
        if contents.source:
            asked.append(contents.source)
            whole = ask.whole(origins, contents.source, contents.include)
            if whole.revision:
                sources[name] = whole.revision
            return contents.model_copy(update={"files": list(whole.files)})
        return contents.model_copy(update={"files": [_file(one, origins, asked) for one in contents.files]})

    lora = [found(one, one.name) for one in spec.model.lora]
    model = found(spec.model, "").model_copy(update={"lora": lora})
    engine, image = spec.engine, ""
    if not engine.is_pinned:
        asked.append(engine.image)
        image = engine.image
        engine = engine.model_copy(update={"image": image_digest(origins, engine.image)})
    return Lock(spec.model_copy(update={"model": model, "engine": engine}), None, sources, image)


def _with_pieces(lock: Lock, origins: Origins, asked: list[str]) -> Lock:
    """Read every file that hosts fetch and that was not read yet."""

    def read(contents: Any) -> Any:
        files = [_read(one, origins, asked) for one in contents.files]
        return contents.model_copy(update={"files": files})

    model = read(lock.spec.model).model_copy(update={"lora": [read(one) for one in lock.spec.model.lora]})
    return replace(lock, spec=lock.spec.model_copy(update={"model": model}))


def _read(file: ModelFile, origins: Origins, asked: list[str]) -> ModelFile:
    if file.pieces or file.source.startswith("file://"):
        return file
    asked.append(file.source)
    return ask.read_whole(origins, file)


def _file(file: ModelFile, origins: Origins, asked: list[str]) -> ModelFile:
    if file.sha256 is None or file.source.startswith(("hf://", "s3://")):
        asked.append(file.source)
        found = ask.one(origins, file)
        if file.sha256 not in (None, found.sha256):
            raise InputError(
                f"{file.source} has the sha256 {found.sha256}, and the specification says {file.sha256}"
            )
        return found
    return file if file.size is not None else file.model_copy(update={"size": ask.size_of(origins, file)})


def _facts(files: Sequence[ModelFile], origins: Origins) -> ModelFacts | None:
    """Return what the model says of itself; None where no file of it is of a kind we read."""
    config = next((file for file in files if file.file_name == _CONFIG), None)
    if config is not None:
        return facts_of_config(json.loads(next(iter(ask.beginnings(origins, config)))))
    gguf = next((file for file in files if file.file_name.endswith(".gguf")), None)
    if gguf is None:
        return None
    for raw in ask.beginnings(origins, gguf):
        try:
            return facts_of_gguf(read_header(raw))
        except TruncatedError:
            continue
        except ValueError:
            break
    return None


def write_lock(made: Locking) -> None:
    """Write the lock beside the specification, whole or not at all."""
    beside = made.path.with_name(f".{made.path.name}.new")
    beside.write_text(as_text(made.lock), encoding="utf-8")
    beside.replace(made.path)


def lock_report(made: Locking, now: datetime) -> Report:
    """Tell which release the lock is, what was looked up, and what of it changed."""
    lock = made.lock
    files = lock.spec.model.files
    size = sum(file.size or 0 for file in files)
    head = f"{lock.spec.name}  {lock.release}   {len(files)} file{'s' if len(files) != 1 else ''}, {size / 1e9:.1f} GB"
    body = [Line(f"{head}   {made.path}")]
    body += [Line(f"  looked up  {name}", Tone.QUIET) for name in made.asked]
    body += [Line(f"  {change}", Tone.NOTICE) for change in made.changes]
    if not made.is_new and not made.changes:
        body.append(Line("  nothing changed; --update looks every name up again", Tone.QUIET))
    if lock.facts is None:
        body.append(Line("  the model has no config.json or GGUF header: no fit can be told", Tone.NOTICE))
    data = {
        "lock": as_data(lock),
        "path": str(made.path),
        "changes": list(made.changes),
        "asked": list(made.asked),
    }
    return Report("deploy lock", now, 0.0, ExitCode.DONE, data=data, body=body)
