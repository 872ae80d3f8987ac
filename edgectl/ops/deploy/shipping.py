"""Weights go ahead of the swap: to every host at once, one copy per PoP over the wide line."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from edgectl.engine.executor import Plan
from edgectl.engine.outcome import HostOutcome, HostStatus, RunOutcome
from edgectl.engine.policy import Rollout
from edgectl.engine.ports import HostWork
from edgectl.inventory.fold import abridged
from edgectl.inventory.loader import window_of
from edgectl.inventory.model import Host
from edgectl.ops.deploy.made_secrets import MadeSecrets, made_logins
from edgectl.ops.deploy.spec import ServiceSpec
from edgectl.ops.rollout import Pace, Request, carry_out, prepare
from edgectl.ops.services import Services
from edgectl.playbook.compile import Options
from edgectl.playbook.loader import load_playbook
from edgectl.report import Line, Tone

PLAYBOOK = "weights.yaml"
MODULE = "weights"
_PORT = 18_790
_TOKEN_BYTES = 24
_LEAST_S = 60.0  # that a window has to have left for a host to begin


@dataclass(frozen=True, slots=True)
class Shipment:
    """The files of a release and the hosts that need them; `files` have name, sha256 and url each."""

    spec: ServiceSpec
    files: Sequence[Mapping[str, Any]]
    hosts: Sequence[Host]

    def request(self, options: Options) -> Request:
        """Return the run that brings them there."""
        return Request(
            command="deploy weights",
            select=",".join(host.name for host in self.hosts),
            options=options,
            host_vars=self._host_vars(),
            arguments={"service": self.spec.name},
            policy=Rollout(windowed=self.spec.weights.window != "", duration_s=_LEAST_S),
        )

    def _host_vars(self) -> Mapping[str, Mapping[str, Any]]:
        before: dict[str, list[str]] = defaultdict(list)
        found = {}
        bare = [without_pieces(file) for file in self.files]
        for host in self.hosts:
            found[host.name] = {
                "service": self.spec.name,
                # The others ask their neighbours, who tell them the marks as well.
                "files": bare if before[host.pop.name] else list(self.files),
                "listen": relay_of(host),
                "neighbours": list(before[host.pop.name]),
                "bandwidth": self.spec.weights.bandwidth or 0.0,
            }
            before[host.pop.name].append(relay_of(host))
        return found


def without_pieces(file: Mapping[str, Any]) -> dict[str, Any]:
    """Return a file without the marks of its pieces."""
    return {name: value for name, value in file.items() if name != "pieces"}


def relay_of(host: Host) -> str:
    """Return where a host gives its neighbours what it has: on `rack_address` and `relay_port`, where it has such."""
    return f"{host.vars.get('rack_address', host.address)}:{host.vars.get('relay_port', _PORT)}"


def ship(services: Services, shipment: Shipment, pace: Pace) -> RunOutcome | None:
    """Bring the files to every PoP where one is missing; None where none is.

    A host that fails here is not given up: it is asked again before its swap, and counts there.
    """
    token = {"relay_token": services.random_bytes(_TOKEN_BYTES).hex()}
    made = MadeSecrets(services.secrets, token | made_logins(services, shipment.spec))
    quiet = replace(services, observers=(), resuming="", secrets=made)
    looked = _carried_out(quiet, shipment, Options(check=True), pace)
    complete = {host.host for host in looked.hosts if host.status is HostStatus.OK}
    lacking = {host.pop.name for host in shipment.hosts if host.name not in complete}
    if not lacking:
        return None
    hosts = [host for host in shipment.hosts if host.pop.name in lacking]
    loud = replace(quiet, observers=services.observers)
    return _carried_out(loud, replace(shipment, hosts=hosts), Options(), pace)


def _carried_out(services: Services, shipment: Shipment, options: Options, pace: Pace) -> RunOutcome:
    playbook = load_playbook(services.playbooks / PLAYBOOK)
    prepared = prepare(services, playbook, replace(shipment.request(options), pace=pace))
    return carry_out(services, replace(prepared, plan=in_window(prepared.plan, shipment.spec)))


def in_window(plan: Plan, spec: ServiceSpec) -> Plan:
    """Return a plan whose hosts have the window that the specification names, where it names hours of its own. Pure."""
    if isinstance(spec.weights.window, str):
        return plan
    window = window_of(spec.weights.window)

    def moved(work: HostWork) -> HostWork:
        return replace(work, host=replace(work.host, pop=replace(work.host.pop, window=window)))

    return replace(plan, stages=[[moved(work) for work in stage] for stage in plan.stages])


def shipped_lines(hosts: Sequence[Host], outcome: RunOutcome) -> list[Line]:
    """Tell how many bytes went where, PoPs folded together, and who has not got them."""
    pops = {host.name: host.pop.name for host in hosts}
    done = outcome.finished()
    wide = sum(_bytes(host, "from_origin") for host in done)
    near = sum(_bytes(host, "from_neighbours") for host in done)
    served = {pops[host.host] for host in done}
    lines = [
        Line(
            f"  weights   {len(served)} PoPs, {len(done)} hosts   {wide / 1e6:,.0f} MB over the wide line,"
            f" {near / 1e6:,.0f} MB between neighbours   {outcome.seconds:,.0f} s",
            Tone.GOOD,
        )
    ]
    left = [host for host in outcome.hosts if host not in done]
    if left:
        said = f"  weights   not yet at {abridged([host.host for host in left])}: {left[0].reason or left[0].status}"
        lines.append(Line(said, Tone.NOTICE))
    return lines


def _bytes(host: HostOutcome, name: str) -> int:
    return int((host.result_of(MODULE) or {}).get(name, 0))
