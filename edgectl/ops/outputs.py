"""What a command printed on many hosts: each distinct output once, with the hosts that gave it. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from edgectl.engine.outcome import HostOutcome, HostStatus
from edgectl.inventory.fold import abridged
from edgectl.ops.alike import same_output
from edgectl.ops.clusters.comparison import Comparison, as_data
from edgectl.ops.told import common_to
from edgectl.report import Line, Tone


@dataclass(frozen=True, slots=True)
class Output:
    """Hosts that ended alike and printed the same."""

    status: HostStatus
    rc: int | None
    text: str
    hosts: Sequence[str]

    @property
    def is_bad(self) -> bool:
        """Tell whether the command failed there."""
        return self.status is HostStatus.FAILED


def exec_data(host: HostOutcome) -> Mapping[str, Any]:
    """Return the data of one host in the report."""
    result = host.result_of("shell") or {}
    return {name: result[name] for name in ("rc", "stdout", "stderr") if name in result}


def by_output(hosts: Iterable[HostOutcome]) -> list[Output]:
    """Return hosts grouped by how the command ended and what it printed, the commonest first."""
    groups: dict[tuple[HostStatus, int | None, str], list[str]] = defaultdict(list)
    for host in hosts:
        said = exec_data(host)
        printed = "\n".join(part for part in (said.get("stdout", ""), said.get("stderr", "")) if part)
        text = printed or str((host.result_of("shell") or {}).get("msg", ""))
        groups[host.status, said.get("rc"), same_output(text)].append(host.host)
    found = [Output(status, rc, text, names) for (status, rc, text), names in groups.items()]
    return sorted(found, key=lambda output: -len(output.hosts))


def output_lines(outputs: Iterable[Output], comparison: Comparison) -> list[Line]:
    """Return each output below its hosts, and of a failure what the hosts have in common."""
    lines: list[Line] = []
    for output in outputs:
        count = f"  ({len(output.hosts):,})" if len(output.hosts) > 1 else ""
        ending = f"   rc {output.rc}" if output.rc else ""
        tone = Tone.BAD if output.is_bad else Tone.PLAIN
        lines.append(Line(f"{abridged(output.hosts)}{count}{ending}", tone))
        lines += [Line(f"  {line}") for line in output.text.splitlines()]
        lines += common_to(output.hosts, comparison) if output.is_bad else []
    return lines


def output_clusters(outputs: Iterable[Output], comparison: Comparison) -> list[dict[str, Any]]:
    """Return what the hosts of each failure have in common, for the report's `data.clusters`."""
    found = [(output, comparison.separation(output.hosts)) for output in outputs if output.is_bad]
    return [
        as_data(cluster, output.hosts, status=output.status.value, failed_task=None, reason=_reason(output))
        for output, cluster in found
        if cluster is not None
    ]


def _reason(output: Output) -> str:
    first = (output.text.splitlines() or [""])[0]
    return f"rc {output.rc}: {first}" if first else f"rc {output.rc}"
