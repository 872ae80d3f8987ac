"""What engines said of their memory in a run becomes what the next fit expects."""

from __future__ import annotations

from edgectl.catalog.hardware import Catalog
from edgectl.engine.outcome import RunOutcome
from edgectl.ops.deploy.engine_says import starts_of
from edgectl.ops.deploy.planning import Planned
from edgectl.ops.deploy.recording import result_at
from edgectl.ops.services import Services


def learn(services: Services, planned: Planned, catalog: Catalog, outcome: RunOutcome) -> None:
    """Put on record what each engine that was started took of its GPUs, as far as it said so."""
    by_name = {hardware.gpu.name: hardware.gpu for hardware in catalog.by_name.values() if hardware.gpu}
    gpus = {node.name: by_name[node.gpu] for node in planned.survey.nodes if node.gpu in by_name}
    logs = {host.host: result_at(host).get("memory_said", ()) for host in outcome.finished()}
    survey = planned.survey
    services.deployed.keep_starts(starts_of(survey.lock, survey.need, gpus, logs, services.clock.now()))
