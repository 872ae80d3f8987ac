"""`deploy fit`: told per kind of GPU: yes or no, by how much, and what would fit."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from edgectl.errors import ExitCode
from edgectl.inventory.fold import abridged
from edgectl.ops.deploy.fit import GIB, Fit, Need
from edgectl.ops.deploy.lock import Lock
from edgectl.ops.deploy.survey import Survey, said_of
from edgectl.report import HostEntry, Line, Report, Tone

_NAMES = 60


def fit_report(found: Survey, now: datetime) -> Report:
    """Tell whether a service fits each kind of GPU among the hosts; exit 6 where it fits none."""
    by_gpu: dict[str, list[str]] = defaultdict(list)
    for node in found.nodes:
        by_gpu[node.gpu].append(node.name)
    body = [Line(headline(found.lock, found.need)), *_unknown(found)]
    for gpu, names in sorted(by_gpu.items(), key=lambda pair: (-len(pair[1]), pair[0])):
        body += _lines(gpu, names, found.fits.get(gpu), found.need)
    if found.need.disk_bytes:
        body.append(
            Line(f"  disk   {found.demand.disk_bytes / 1e9:,.1f} GB must be free on a node", Tone.QUIET)
        )
    fits_somewhere = not found.fits or any(one.fits for one in found.fits.values())
    entries = tuple(_entry(node.name, node.pop, found.fits.get(node.gpu)) for node in found.nodes)
    code = ExitCode.DONE if fits_somewhere else ExitCode.STOPPED
    data = {"release": found.lock.release, "gpus": {gpu: as_data(one) for gpu, one in found.fits.items()}}
    return Report("deploy fit", now, 0.0, code, hosts=entries, data=data, body=body)


def headline(lock: Lock, need: Need) -> str:
    """Return a service in one line: what it is, on what, and how much it is to carry."""
    spec = lock.spec
    gpus = f"{need.gpus} GPU{'s' if need.gpus != 1 else ''}{f' slices {need.mig}' if need.mig else ''}"
    load = f", {need.length:,} tokens" if need.length else ""
    many = f", {need.requests:,} requests of {need.mean:,}" if need.requests else ""
    return f"{spec.name}  {lock.release}   {spec.model.name} on {spec.engine.kind}, {gpus}{load}{many}"


def _unknown(found: Survey) -> list[Line]:
    if found.need.model is not None or not found.need.gpus:
        return []
    said = "  nothing is known of the model's cache: only its weights are counted"
    return [Line(f"{said}   edgectl deploy lock {found.lock.spec.name}", Tone.NOTICE)]


def _lines(gpu: str, names: Sequence[str], found: Fit | None, need: Need) -> list[Line]:
    hosts = f"{len(names):,} host{'s' if len(names) != 1 else ''}  {abridged(names, _NAMES)}"
    if found is None or not need.gpus or not need.weights_bytes:
        what = _unjudged(found, need)
        return [Line(f"  {gpu or '?'}   {what}   {hosts}", Tone.QUIET)]
    tone = Tone.GOOD if found.fits else Tone.BAD
    what = "fits" if need.model is not None else "its weights fit"
    verdict = f"{what}, {found.spare_bytes / GIB:,.1f} GiB to spare" if found.fits else said_of(found)
    return [
        Line(f"  {gpu}   {verdict}   {hosts}", tone),
        Line(f"    {parts(found)}{_would(found)}", Tone.QUIET),
    ]


def _unjudged(found: Fit | None, need: Need) -> str:
    if not need.gpus:
        return "no GPU is asked for"
    return (
        "not judged: the inventory names no hardware" if found is None else "not judged: no file has a size"
    )


def parts(found: Fit) -> str:
    """Return what a GPU's memory goes to, in GiB."""
    beside = found.overhead
    return (
        f"{found.budget_bytes / GIB:,.1f} of {found.memory_bytes / GIB:,.1f} GiB: weights"
        f" {found.weights_bytes / GIB:,.1f}, cache {found.cache_bytes / GIB:,.1f}, beside"
        f" {beside.size_bytes / GIB:,.1f} ({beside.said})"
    )


def _would(found: Fit) -> str:
    many = f" or {found.requests:,} requests" if found.requests is not None else ""
    times = f", {found.times:.2f} times the longest" if found.times is not None else ""
    return f"; up to {found.length:,} tokens{many}{times}" if found.length else ""


def _entry(name: str, pop: str, found: Fit | None) -> HostEntry:
    if found is None:
        return HostEntry(name, pop, "skipped", "not judged")
    return HostEntry(name, pop, "ok" if found.fits else "failed", "" if found.fits else said_of(found))


def as_data(found: Fit) -> Mapping[str, Any]:
    """Return a fit as plain data."""
    return asdict(found)
