"""A deployment that could begin: the specification checked, its hosts placed, its files read. Contacts no host."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from edgectl.catalog.hardware import load_catalog
from edgectl.errors import InputError, Place, Problem, StoppedError
from edgectl.inventory.model import Host
from edgectl.inventory.pattern import select
from edgectl.ops.deploy.care import how_to_swap, rollout_of
from edgectl.ops.deploy.lock import locked
from edgectl.ops.deploy.neighbours import neighbours
from edgectl.ops.deploy.placement import Decision
from edgectl.ops.deploy.planning import Planned, plan_placement
from edgectl.ops.deploy.release import files_of, logins_of, release_id, release_vars
from edgectl.ops.deploy.shipping import Shipment, without_pieces
from edgectl.ops.deploy.spec import ServiceSpec, load_spec
from edgectl.ops.deploy.spec_care import Swap
from edgectl.ops.deploy.spec_sources import ModelFile
from edgectl.ops.rollout import Request
from edgectl.ops.services import Services
from edgectl.playbook.compile import Options
from edgectl.playbook.sources import SourceError, read
from edgectl.yaml_source import load


@dataclass(frozen=True, slots=True)
class Deployment:
    """A specification that was checked, with the hosts it goes to and the files that travel.

    `passed_over` says of hosts that a limit names and the plan does not why they are not served.
    """

    planned: Planned
    path: Path
    hosts: Sequence[Host]
    carried: Mapping[str, bytes]
    near: Mapping[str, Sequence[str]]  # by host: the addresses of those that serve while it cannot
    policy_place: Place | None = None
    passed_over: Mapping[str, str] = field(default_factory=dict)

    @property
    def spec(self) -> ServiceSpec:
        """What was asked for, every name of it a digest."""
        return self.planned.survey.lock.spec

    @property
    def shipment(self) -> Shipment:
        """What goes ahead: the files that do not come with the job itself."""
        return Shipment(self.spec, [file for file in _weights(self.spec) if "url" in file], self.hosts)

    def request(self, options: Options) -> Request:
        """Return the run that puts it into force."""
        decisions = {one.node.name: one for one in self.planned.placement.decisions}
        how = {name: self._how(one.node.gpu) for name, one in decisions.items()}
        replaces = any(how[host.name] is Swap.REPLACE for host in self.hosts)
        policy = rollout_of(self.spec, replaces=replaces, measure=self.planned.capacity.measure)
        return Request(
            command="deploy apply",
            select=",".join(host.name for host in self.hosts),
            options=options,
            host_vars={
                host.name: self._vars(host, decisions[host.name], how[host.name]) for host in self.hosts
            },
            arguments={"spec": str(self.path), "release": release_id(self.spec)},
            carried=self.carried,
            policy=replace(policy, proves_last=True),
            policy_place=self.policy_place,
        )

    def _how(self, gpu: str) -> Swap:
        return how_to_swap(self.spec, self.planned.survey.need, is_known=bool(gpu))

    def _vars(self, host: Host, decision: Decision, how: Swap) -> dict[str, Any]:
        near, gpu = self.near[host.name], decision.node.gpu
        return {
            **release_vars(self.spec, host.address, near, gpu, how, decision.gpus),
            "weights": [without_pieces(file) for file in _weights(self.spec)],
        }


def load_deployment(services: Services, path: Path, limit: str | None) -> Deployment:
    """Read and check a specification, its files and its placement. Contacts no host.

    A run that is continued goes to the hosts that it was begun with, whatever became of them since. A limit says
    which hosts of the plan are acted on; it plans nothing anew, for the hosts beyond it count as replicas all the
    same. Raises `StoppedError` where no host may serve it, with what speaks against most of them.
    """
    planned = plan_placement(services, locked(load_spec(path), path), load_catalog())
    begun = _begun_with(services, planned)
    if not planned.hosts and not begun:
        raise StoppedError(
            f"no host may serve {planned.release}: {objection(planned)}", hint="edgectl deploy plan"
        )
    spec = planned.survey.lock.spec
    allowed = {host.name for host in select(services.fleet, limit or spec.place.pattern)}
    wanted = {*planned.hosts, *begun}
    serving = [services.fleet.hosts[name] for name in services.fleet.kinds if name in wanted]
    local = [file for file in files_of(spec) if file.source.startswith("file://")]
    carried = {str(file.sha256): _local_file(path, file) for file in local}
    hosts = [host for host in serving if host.name in (begun or allowed)]
    passed_over = _passed_over(planned, allowed) if limit and not begun else {}
    if not hosts:
        said = f"'{limit}' names no host that is to serve {spec.name}: {_most_said(passed_over)}"
        raise InputError(said, hint=f"edgectl deploy plan {path.stem}")
    place = load(path).place(("rollout",))
    return Deployment(planned, path, hosts, carried, neighbours(serving), place, passed_over)


def _passed_over(planned: Planned, named: Collection[str]) -> Mapping[str, str]:
    """Return why hosts that a limit names are not of the plan; those beyond the pattern where it names no other."""
    said = {one.node.name: one.why for one in planned.placement.decisions if one.node.name in named}
    beyond = f"is not of '{planned.survey.demand.place.pattern}'"
    whys = said or dict.fromkeys(sorted(named), beyond)
    return {host: why for host, why in whys.items() if host not in set(planned.hosts)}


def _begun_with(services: Services, planned: Planned) -> Sequence[str]:
    """Return the hosts of the run that is continued, as far as they were looked at; none for a new run."""
    manifest = services.history.manifest(services.resuming) if services.resuming else None
    looked_at = {node.name for node in planned.survey.nodes}
    return [name for name in manifest.jobs if name in looked_at] if manifest else ()


def objection(planned: Planned) -> str:
    """Return what speaks against most of the hosts. Pure."""
    return _most_said({one.node.name: one.why for one in planned.placement.decisions})


def _most_said(whys: Mapping[str, str]) -> str:
    (why, count), *_ = Counter(whys.values()).most_common(1) or [("nothing is selected", 0)]
    return f"{count} of {len(whys)}: {why}"


def _local_file(spec: Path, file: ModelFile) -> bytes:
    path = spec.parent / file.source.removeprefix("file://")
    try:
        content = read(path)
    except SourceError as error:
        raise InputError(str(error)) from None
    digest = hashlib.sha256(content).hexdigest()
    if digest != file.sha256:
        message = f"{path} has the sha256 {digest}, and {spec} says {file.sha256}"
        raise InputError([Problem(message)], hint="write the right digest, or bring back the right file")
    return content


def _weights(spec: ServiceSpec) -> list[dict[str, Any]]:
    """Return the files as hosts are told of them."""
    return [_weight(file, login) for file, login in logins_of(spec)]


def _weight(file: ModelFile, login: str) -> dict[str, Any]:
    where = {} if file.source.startswith("file://") else {"url": file.source}
    known = {"size": file.size, "pieces": file.pieces, "login": login}
    return {"name": file.file_name, "sha256": file.sha256, **where} | {
        name: value for name, value in known.items() if value
    }
