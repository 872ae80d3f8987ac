"""What placement needs to know of every host, from the inventory, the catalogue and the store; no host is contacted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from edgectl.catalog.hardware import Catalog, GpuModel
from edgectl.catalog.rules_model import Severity
from edgectl.catalog.slices import slices
from edgectl.engine.lifecycle import Passage
from edgectl.engine.service_records import Claim, ServiceChange, Turn
from edgectl.inventory.model import Kind
from edgectl.inventory.pattern import select_names
from edgectl.ops.deploy.devices import Devices, Wanted, held_by
from edgectl.ops.deploy.fit import MIB, Fit, Need, disk_needed, fit, need_of, overhead
from edgectl.ops.deploy.lock import Lock
from edgectl.ops.deploy.placement import Demand, Node
from edgectl.ops.deploy.release import engine_digest, model_digest
from edgectl.ops.services import Services

_GPU_ROLE = "gpu"
_TENANT = "tenant"
_DISK = "models_disk_gb"


@dataclass(frozen=True, slots=True)
class Survey:
    """Every host that matches or serves it, what is asked of one, and how it fits each GPU there, by its name."""

    lock: Lock
    need: Need
    nodes: Sequence[Node]
    demand: Demand
    fits: Mapping[str, Fit]


def survey(services: Services, lock: Lock, catalog: Catalog) -> Survey:
    """Look at every host that a service might be placed on."""
    spec, need = lock.spec, need_of(lock)
    serving = services.deployed.serving()
    here = {one.host: one.release for one in serving if one.service == spec.name and one.release}
    kinds = services.fleet.kinds
    matched = [
        name for name in select_names(services.fleet, spec.place.pattern) if kinds[name].role == _GPU_ROLE
    ]
    names = [*matched, *sorted(here.keys() - set(matched) & kinds.keys())]
    look = _Look(
        catalog=catalog,
        mig=need.mig,
        stages=services.lifecycles.current(names),
        sick=_sick(services, names),
        taken=_taken(services, serving, spec.name),
        gpus=_gpus_held(services, serving),
        service=spec.name,
        here=here,
        drained=frozenset(
            one.host for one in serving if one.service == spec.name and one.turn is Turn.DRAINED
        ),
        matched=frozenset(matched),
    )
    nodes = [look.node(name, kinds[name]) for name in names if name in kinds]
    fits = _fits(services, lock, need, {node.gpu for node in nodes}, catalog)
    demand = Demand(
        service=spec.name,
        place=spec.place,
        skus=spec.gpus.sku,
        count=need.gpus,
        unfit={gpu: said_of(one) for gpu, one in fits.items() if not one.fits},
        disk_bytes=disk_needed(need),
        wanted=Wanted(need.gpus, spec.gpus.uuid, need.mig),
    )
    return Survey(lock, need, nodes, demand, fits)


@dataclass(frozen=True, slots=True)
class _Look:
    catalog: Catalog
    mig: str
    stages: Mapping[str, Passage]
    sick: Mapping[str, str]
    taken: Mapping[str, Claim]
    gpus: Mapping[str, Mapping[str, Sequence[str]]]
    service: str
    here: Mapping[str, str]
    drained: frozenset[str]
    matched: frozenset[str]

    def node(self, name: str, kind: Kind) -> Node:
        hardware = self.catalog.by_name.get(kind.hardware)
        gpu = hardware.gpu if hardware else None
        taken = self.taken.get(name, Claim())
        stage = self.stages.get(name)
        disk = kind.labels.get(_DISK, "")
        return Node(
            name=name,
            pop=kind.pop.name,
            metro=kind.pop.metro,
            region=kind.pop.region,
            country=kind.pop.country,
            tenant=kind.labels.get(_TENANT, ""),
            gpu=gpu.name if gpu else "",
            free=_free(gpu, hardware.gpu_count, self.mig, taken) if gpu and hardware else None,
            stage=stage.stage if stage else None,
            sick=self.sick.get(name, "" if name in self.matched else "is not of the specification's pattern"),
            serves=self.here.get(name, ""),
            drained=name in self.drained,
            disk_bytes=int(disk) * 10**9 - taken.disk_bytes if disk.isdigit() else None,
            devices=self._devices(name, hardware.gpu_count if gpu and hardware else None),
        )

    def _devices(self, name: str, total: int | None) -> Devices:
        held = self.gpus.get(name)
        if held is None:
            return Devices(total)
        others = frozenset(one for service, gpus in held.items() if service != self.service for one in gpus)
        return Devices(total, others, held.get(self.service, ()))


def _free(gpu: GpuModel, count: int, mig: str, taken: Claim) -> int:
    """Return the GPUs that no other service has, or the slices that they give."""
    each, _ = slices(mig, gpu.memory_mib)
    return max(0, count - taken.gpus) * each


def _sick(services: Services, names: Sequence[str]) -> dict[str, str]:
    """Return the hosts with a critical finding in force, and which."""
    found: dict[str, set[str]] = defaultdict(set)
    for host, states in services.health.past(names).states.items():
        for state in states:
            if state.is_in_force and state.severity is Severity.CRITICAL:
                found[host].add(state.finding)
    return {
        host: f"has a critical finding: {', '.join(sorted(findings))}" for host, findings in found.items()
    }


def _taken(services: Services, serving: Iterable[ServiceChange], own: str) -> dict[str, Claim]:
    """Return what other services have of each host; slices count as the GPUs that they are of."""
    claims = {(one.service, one.release): one.claim for one in services.deployed.releases()}
    taken: dict[str, Claim] = {}
    for change in serving:
        if change.service == own or not change.release or change.turn is Turn.REMOVED:
            continue
        claim = claims.get((change.service, change.release), Claim(gpus=1))
        before = taken.get(change.host, Claim())
        taken[change.host] = Claim(before.gpus + claim.gpus, disk_bytes=before.disk_bytes + claim.disk_bytes)
    return taken


def _gpus_held(
    services: Services, serving: Iterable[ServiceChange]
) -> Mapping[str, Mapping[str, Sequence[str]]]:
    """Return by host and service which GPUs are held."""
    claims = {(one.service, one.release): one.claim for one in services.deployed.releases()}
    held: dict[str, dict[str, Sequence[str]]] = defaultdict(dict)
    for change in serving:
        if change.release and change.turn is not Turn.REMOVED:
            claim = claims.get((change.service, change.release), Claim(gpus=1))
            held[change.host][change.service] = held_by(change.gpus, claim)
    return held


def _fits(
    services: Services, lock: Lock, need: Need, gpus: Iterable[str], catalog: Catalog
) -> dict[str, Fit]:
    starts = services.deployed.starts(model_digest(lock.spec), engine_digest(lock.spec))
    models = {hardware.gpu.name: hardware.gpu for hardware in catalog.by_name.values() if hardware.gpu}
    found = {}
    for name in sorted(set(gpus) & models.keys()):
        _, memory_mib = slices(need.mig, models[name].memory_mib)
        found[name] = fit(need, memory_mib * MIB, overhead(starts, name, need.mig))
    return found


def said_of(found: Fit) -> str:
    """Say why it does not fit a GPU, and what would."""
    gib = -found.spare_bytes / 2**30
    would = f"; {found.length:,} tokens would fit" if found.length else ""
    return f"lacks {gib:.1f} GiB on each GPU{would}"


def claim_of(need: Need) -> Claim:
    """Return what one replica takes of its host, for the record."""
    return Claim(need.gpus, need.share, need.mig, need.disk_bytes)
