"""What must hold on a wave's hosts before the next wave: the rollout's own gate, then a measurement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from edgectl.inventory.model import Host
from edgectl.ops.bench.gate import gate_nodes
from edgectl.ops.bench.judging import Manner
from edgectl.ops.bench.profiles import quick
from edgectl.ops.bench.run import OnNodes
from edgectl.ops.bench.verdict import Verdict
from edgectl.ops.bench.workload import Workload
from edgectl.ops.deploy.release import key_of
from edgectl.ops.deploy.spec import ServiceSpec
from edgectl.ops.deploy.spec_care import BenchGate
from edgectl.ops.gates import gate_of
from edgectl.ops.rollout import Prepared
from edgectl.ops.services import Services

# Quick is a few short repeats; full has as many as the bench gate itself has by default, and goes on while it is open.
_REPEATS = {"quick": (2, 5), "full": (5, 10)}
_SEED = 1


class WaveGate:
    """Asked after each wave; `is_open` tells whether the last answer was that it cannot be told."""

    def __init__(self, services: Services, spec: ServiceSpec, prepared: Prepared) -> None:
        self._services = replace(services, observers=(), resuming="")
        self._spec = spec
        self._own = gate_of(services, prepared)
        self._wave = 0
        self.is_open = False

    @property
    def asks(self) -> bool:
        """Tell whether there is anything that a wave has to pass."""
        return self._own is not None or self._spec.gates.bench is not None

    def __call__(self, hosts: Sequence[Host]) -> str:
        """Return why the wave is not good enough, or an empty text."""
        self._wave += 1
        own = self._own(hosts) if self._own else ""
        bench = self._spec.gates.bench
        if own or bench is None or (bench.waves and self._wave not in bench.waves):
            return own
        return self._measured(bench, hosts)

    def _measured(self, bench: BenchGate, hosts: Sequence[Host]) -> str:
        nodes = OnNodes(",".join(host.name for host in hosts), port=self._spec.serve.port)
        manner = replace(manner_of(bench, self._spec.model.name), api_key=_key(self._spec))
        report = gate_nodes(self._services, nodes, bench.baseline, manner)
        verdict = Verdict(str(report.data["verdict"]))
        self.is_open = verdict is Verdict.INCONCLUSIVE
        said = f"the bench gate of wave {self._wave} is {verdict}"
        return "" if verdict is Verdict.PASS else f"{said}: edgectl runs show {report.run}"


def _key(spec: ServiceSpec) -> Mapping[str, str] | None:
    name = key_of(spec)
    return spec.secrets[name].provider if name else None


def manner_of(bench: BenchGate, model: str) -> Manner:
    """Return how a wave is measured, and by how much each figure may be worse."""
    allowed = {"ttft.p50": float(bench.ttft), "tokens": float(bench.throughput)}
    repeats, at_most = _REPEATS[bench.profile]
    return Manner(quick(Workload(model=model, seed=_SEED)), allowed, repeats, at_most)
