"""What a manufacturer asks for when a card is returned: collected, secrets taken out, packed with digests."""

from __future__ import annotations

import base64
import binascii
import gzip
import hashlib
import io
import json
import re
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from edgectl.engine.outcome import HostOutcome, TaskRecord

READINGS = "readings"
BUG_REPORT = "nvidia-bug-report.log.gz"
_PACKED = ("nvidia-smi.xml", "kernel.log", "kernel-since-boot.log", "lspci.txt", "dmidecode.txt")
# Forms in which programs print what nobody else may have: NAME=value, bearer tokens, keys by their makers' prefixes.
_SECRETS = (
    re.compile(
        r"(?i)\b([\w-]*(?:password|passwd|secret|token|api[_-]?key)[\w-]*)(\s*[=:]\s*)(\"[^\"]*\"|'[^']*'|\S+)"
    ),
    re.compile(r"(?i)\b(bearer)(\s+)([\w.~+/=-]{8,})"),
)
_KEYS = re.compile(
    r"\b(?:hf_[A-Za-z0-9]{20,}|sk-[A-Za-z0-9_-]{20,}|AKIA[A-Z0-9]{16}|gh[pousr]_[A-Za-z0-9]{30,}|nvapi-[\w-]{20,})"
)


@dataclass(frozen=True, slots=True)
class Bundle:
    """The files of one host's evidence, as one archive; `missing` are parts that the host could not give."""

    archive: bytes
    digests: Mapping[str, str]
    missing: Sequence[str]

    @property
    def sha256(self) -> str:
        """Return the archive's digest."""
        return hashlib.sha256(self.archive).hexdigest()


def bundle_of(
    host: HostOutcome, health: Mapping[str, Any], history: Mapping[str, Any], at: datetime
) -> Bundle:
    """Return the evidence that a host's outcome of `evidence.yaml` has; `health` and `history` are of the report."""
    parts = dict(_parts(host))
    parts["health.json"] = _json(health)
    parts["history.json"] = _json(history)
    parts["summary.txt"] = _summary(host, health, history, at).encode()
    files = {name: _redacted(name, content) for name, content in sorted(parts.items())}
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    listed = "".join(f"{digest}  {name}\n" for name, digest in digests.items())
    archive = _archive(host.host, {**files, "SHA256SUMS": listed.encode()}, at)
    missing = [name for name in _PACKED if name not in files]
    return Bundle(archive, digests, missing)


def redacted(text: str) -> str:
    """Return a text without what looks like a secret; its name stays."""
    for pattern in _SECRETS:
        text = pattern.sub(r"\1\2[redacted]", text)
    return _KEYS.sub("[redacted]", text)


def _parts(host: HostOutcome) -> Iterator[tuple[str, bytes]]:
    for task in host.tasks:
        content = _content(task)
        if content:
            yield task.name, content


def _content(task: TaskRecord) -> bytes:
    try:
        if task.name in _PACKED:
            return gzip.decompress(base64.b64decode(str(task.result.get("stdout", ""))))
        if task.name == BUG_REPORT:
            return base64.b64decode(str(task.result.get("content", "")))
    except (OSError, EOFError, binascii.Error):
        return b""
    return _json(task.result) if task.name == READINGS else b""


def _redacted(name: str, content: bytes) -> bytes:
    if not name.endswith(".gz"):
        return redacted(content.decode("utf-8", "replace")).encode()
    try:
        return gzip.compress(redacted(gzip.decompress(content).decode("utf-8", "replace")).encode(), mtime=0)
    except (OSError, EOFError):
        return b""


def _json(value: Any) -> bytes:
    return (json.dumps(value, indent=1, sort_keys=True, default=str) + "\n").encode()


def _summary(host: HostOutcome, health: Mapping[str, Any], history: Mapping[str, Any], at: datetime) -> str:
    """Return the one page that a person at the manufacturer's reads.

    A card that is gone has the name and serial that were on record at its place.
    """
    on_record = {
        card["slot"]: card for card in sorted(history.get("cards", ()), key=lambda card: str(card["seen"]))
    }
    lines = [
        f"{host.host} at {host.pop}, {at:%Y-%m-%d %H:%M:%S %Z}",
        f"driver {health.get('driver_version')}",
        "",
    ]
    shown = {gpu.get("pci_bus_id"): gpu for gpu in health.get("gpus", ())}
    slots = sorted({*shown, *on_record} - {None})
    lines += [_card(slot, shown.get(slot), on_record.get(slot, {})) for slot in slots]
    lines += ["", "findings"]
    lines += [
        f"  {found['severity']:<9} {found['id']:<22} {found['gpu'] or 'node'}  {found['rule']}"
        for found in health.get("findings", ())
    ]
    return "\n".join(lines) + "\n"


def _card(slot: str, gpu: Mapping[str, Any] | None, record: Mapping[str, Any]) -> str:
    """Return one card's line: how it is, and what it is by its own word or else by the record's."""
    state = gpu["state"] if gpu is not None else "gone"
    known = gpu or {}
    name, serial = (known.get(reading) or record.get(reading) for reading in ("name", "serial"))
    uuid = known.get("uuid") or record.get("gpu")
    return f"GPU {slot}  {state:<4}  {name or 'name unknown'}  serial {serial or 'unknown'}  {uuid or 'UUID unknown'}"


def _archive(host: str, files: Mapping[str, bytes], at: datetime) -> bytes:
    """Return a tar, compressed: the same files give the same bytes."""
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(f"{host}/{name}")
            member.size, member.mtime, member.mode = len(content), int(at.timestamp()), 0o600
            archive.addfile(member, io.BytesIO(content))
    return gzip.compress(tar.getvalue(), mtime=0)
