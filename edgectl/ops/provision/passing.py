"""What provisioning means for the lives of its hosts, put on record as it happens, with the certificates they show."""

from __future__ import annotations

from collections.abc import Iterable

from edgectl.engine.lifecycle import Passage, Stage
from edgectl.engine.outcome import HostOutcome, HostStatus, RunOutcome
from edgectl.errors import InputError
from edgectl.inventory.fold import abridged
from edgectl.ops.provision.cohort import certified_of
from edgectl.ops.provision.plan import changes_of
from edgectl.ops.services import Services

_CLOSED = (Stage.QUARANTINED, Stage.RETIRED)
_WELL = (HostStatus.OK, HostStatus.CHANGED)


def refuse_closed(services: Services, names: Iterable[str]) -> None:
    """Raise `InputError` where a host must not be touched any more, or not before a person says so."""
    known = services.lifecycles.current(list(names))
    for stage in _CLOSED:
        closed = [name for name, passage in known.items() if passage.stage is stage]
        if closed:
            because = known[closed[0]].reason
            said = f"{abridged(closed)} is {stage.value}{f': {because}' if because else ''}"
            raise InputError(said, hint="edgectl provision status; leave it out with ':!', or mark it")


def begun(services: Services, run: str, names: Iterable[str]) -> None:
    """Put on record that hosts are being worked on."""
    _record(services, run, ((name, Stage.PROVISIONING, "") for name in names))


def ended(services: Services, outcome: RunOutcome) -> None:
    """Put on record how they came out; one that was not reached stays where it was."""
    known = services.lifecycles.current([host.host for host in outcome.hosts])
    found = [
        (host.host, *_came_out(host))
        for host in outcome.hosts
        if host.status is HostStatus.FAILED or _is_news(host, known.get(host.host))
    ]
    _record(services, outcome.run, found)
    kinds = {name: host.hardware for name, host in services.fleet.kinds.items()}
    services.certificates.record(certified_of(outcome.hosts, kinds, outcome.run, services.clock.now()))


def _is_news(host: HostOutcome, passage: Passage | None) -> bool:
    """Tell whether a host that is well came to something: a node in service that needed nothing stays in service."""
    if host.status not in _WELL:
        return False
    before = passage.stage if passage else None
    return bool(changes_of(host)) or before in (None, Stage.PROVISIONING, Stage.FAILED, Stage.ACCEPTING)


def _came_out(host: HostOutcome) -> tuple[Stage, str]:
    if host.status is HostStatus.FAILED:
        return Stage.FAILED, f"{host.failed_task}: {host.reason}" if host.failed_task else host.reason
    return Stage.ACCEPTED, ""


def _record(services: Services, run: str, found: Iterable[tuple[str, Stage, str]]) -> None:
    now = services.clock.now()
    services.lifecycles.record(
        Passage(host, stage, now, services.started_by, reason, run) for host, stage, reason in found
    )
