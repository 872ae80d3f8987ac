"""What a replica on each hardware carries: its measured tokens per second where they can be compared, else its GPUs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from edgectl.engine.bench_records import BenchRecord
from edgectl.engine.policy import Measure
from edgectl.engine.service_records import ServiceChange
from edgectl.ops.bench.judging import BASELINE_AGE
from edgectl.ops.services import Services

_FIGURE = "output_tokens_per_s"
_UNIT = "tokens/s"
Named = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Capacity:
    """In what a floor is counted, None for GPUs; `said` tells it, and why it is GPUs."""

    measure: Measure | None
    said: str


IN_GPUS = Capacity(None, "GPUs")


def capacity_of(services: Services, lock: Mapping[str, Any], hosts: Collection[str]) -> Capacity:
    """Return what the hosts of a service carry, by what was measured of a lock's model and engine on their hardware."""
    kinds = services.fleet.kinds
    wanted = {kinds[host].hardware for host in hosts}
    if "" in wanted:
        return Capacity(None, "GPUs: the inventory does not name the hardware of every host")
    served = _served(services, lock)
    since = services.clock.now() - BASELINE_AGE
    records = services.bench.of_subjects(list(served), since) if served else ()
    fitting = [one for one in records if _counts(one, lock["model"]["name"], served[one.subject])]
    return judged(fitting, {host: kinds[host].hardware for host in served if host in kinds}, wanted)


def judged(records: Sequence[BenchRecord], hardware: Mapping[str, str], wanted: Collection[str]) -> Capacity:
    """Return the capacity by the load that was measured on all hardware that is wanted, the most often. Pure."""
    by_load: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for one in records:
        by_load[one.shape][hardware.get(one.subject, "")].append(one.figures[_FIGURE])
    whole = [found for found in by_load.values() if set(wanted) <= found.keys()]
    if not whole:
        known = {name for found in by_load.values() for name in found}
        lacking = ", ".join(sorted(set(wanted) - known))
        return Capacity(
            None,
            f"GPUs: {f'nothing is measured on {lacking}' if lacking else 'no load is measured on all hardware'}",
        )
    best = max(whole, key=lambda found: sum(len(found[name]) for name in wanted))
    figures = {name: max(1, round(median(best[name]))) for name in sorted(wanted)}
    count = sum(len(best[name]) for name in wanted)
    each = ", ".join(f"{name} {figure:,}" for name, figure in figures.items())
    return Capacity(
        Measure(figures, _UNIT), f"measured {_UNIT}: {each} ({count} measurement{'s' if count != 1 else ''})"
    )


def _counts(record: BenchRecord, model: str, times: Sequence[tuple[Any, bool]]) -> bool:
    """Tell whether a measurement is of this model and engine: of what was in force there when it was made."""
    in_force = [is_same for at, is_same in times if at <= record.at]
    is_same = bool(in_force) and in_force[-1]
    return is_same and record.is_trusted and record.model == model and record.figures.get(_FIGURE, 0.0) > 0


def _served(services: Services, lock: Mapping[str, Any]) -> dict[str, list[tuple[Any, bool]]]:
    """Return by host since when which release was in force there: whether it is of the same model and engine."""
    wanted, service = _named(lock), lock["service"]
    same = {one.release: _named(one.lock) == wanted for one in services.deployed.releases(service)}
    times: dict[str, list[tuple[Any, bool]]] = defaultdict(list)
    changes: Sequence[ServiceChange] = services.deployed.changes(service)
    for change in changes:
        times[change.host].append((change.at, same.get(change.release, False)))
    return times


def _named(lock: Mapping[str, Any]) -> Named:
    """Return what names a lock's model and engine: the files' digests, and the image or the program."""
    engine = lock.get("engine", {})
    program = engine.get("image") or f"{engine.get('kind')}:{engine.get('command', '')}"
    return (tuple(sorted(_digests(lock.get("model", {})))), program)


def _digests(contents: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    return ((file.get("name", ""), file.get("sha256", "")) for file in contents.get("files", ()))
