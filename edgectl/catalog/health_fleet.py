"""How a fleet judges itself, from `health_fleet.yaml`: cards against peers, and many findings with one cause."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from importlib import resources
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from edgectl.catalog.quantities import complaint
from edgectl.catalog.rules_model import Severity
from edgectl.complaints import validate
from edgectl.yaml_source import load


@dataclass(frozen=True, slots=True)
class Metric:
    """A reading that is compared among peers; `differs_by` in its unit, `is_worse_high` which side is bad."""

    reading: str
    finding: str
    is_worse_high: bool
    differs_by: float
    unit: str
    by_load: bool
    says: str
    action: str


@dataclass(frozen=True, slots=True)
class OutlierRules:
    """When a card differs from its peers, and in which places peers are looked for, the narrowest first."""

    robust_z: float
    least_peers: int
    widths: Sequence[str]
    metrics: Sequence[Metric]

    def metric(self, finding: str) -> Metric | None:
        """Return the metric that a finding is about."""
        return next((metric for metric in self.metrics if metric.finding == finding), None)


@dataclass(frozen=True, slots=True)
class Family:
    """Findings that one cause brings about together; `suspects` says by factor what to look at, in their order."""

    name: str
    findings: Sequence[str]
    suspects: Mapping[str, str]
    needs: str = ""
    severity: Severity | None = None
    least_hosts: int | None = None

    def has(self, finding: str) -> bool:
        """Tell whether a finding belongs to it."""
        return any(fnmatchcase(finding, pattern) for pattern in self.findings)


@dataclass(frozen=True, slots=True)
class IncidentRules:
    """When many findings are one incident."""

    share: float
    least_hosts: int
    by_chance: float
    families: Sequence[Family]
    suspects: Mapping[str, str]
    everywhere: str


@dataclass(frozen=True, slots=True)
class Drift:
    """A daily figure whose drift is told, over so many days and by so much (in its unit) at least."""

    figure: str
    least_days: int
    least_change: float
    unit: str
    says: str


@dataclass(frozen=True, slots=True)
class TrendRules:
    """What is told of a card's weeks, and of a host's failures in them."""

    window_days: int
    drifts: Sequence[Drift]
    spares_days: int
    spares_steps: int
    lemon_failures: int


@dataclass(frozen=True, slots=True)
class FleetRules:
    """All of it."""

    outliers: OutlierRules
    incidents: IncidentRules
    trends: TrendRules


class _Written(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


# What a difference in a unit can be.
_QUANTITIES = {
    "°C": "difference_c",
    "W": "power_w",
    "lanes": "pcie_lanes",
    "rows": "count",
    "errors a day": "per_day",
    "replays a day": "per_day",
}
_Unit = Literal["°C", "W", "lanes", "rows", "errors a day", "replays a day"]


def _must_be_possible(value: float, unit: _Unit) -> None:
    said = complaint(_QUANTITIES[unit], value)
    if said:
        raise ValueError(said)


class _Metric(_Written):
    finding: str = Field(pattern="^outlier-")
    worse: Literal["high", "low"]
    differs_by: float
    unit: _Unit
    by_load: bool
    says: str
    action: str

    @model_validator(mode="after")
    def _is_possible(self) -> _Metric:
        _must_be_possible(self.differs_by, self.unit)
        return self


class _Outliers(_Written):
    robust_z: float = Field(ge=1)
    least_peers: int = Field(ge=3)
    widths: list[Literal["rack", "pop", "metro", "country", "region", "fleet"]] = Field(min_length=1)
    metrics: dict[str, _Metric]


class _Family(_Written):
    findings: list[str] = Field(min_length=1)
    suspects: dict[str, str] = Field(min_length=1)
    needs: str = ""
    severity: Literal["warning", "critical"] | None = None
    least_hosts: int | None = Field(default=None, ge=2)

    @model_validator(mode="after")
    def _has_what_it_needs(self) -> _Family:
        if self.needs and self.needs not in self.findings:
            raise ValueError(f"'needs' ({self.needs}) is none of its findings")
        return self


class _Incidents(_Written):
    share: float = Field(gt=0, lt=1)
    least_hosts: int = Field(ge=2)
    by_chance: float = Field(gt=0, lt=1)
    families: dict[str, _Family]
    suspects: dict[str, str]
    everywhere: str


class _Drift(_Written):
    least_days: int = Field(ge=3)
    least_change: float
    unit: _Unit
    says: str

    @model_validator(mode="after")
    def _is_possible(self) -> _Drift:
        _must_be_possible(self.least_change, self.unit)
        return self


class _Spares(_Written):
    least_days: int = Field(ge=3)
    least_steps: int = Field(ge=1, le=4)


class _Trends(_Written):
    window_days: int = Field(ge=7, le=90)
    metrics: dict[str, _Drift]
    spares: _Spares
    lemon_failures: int = Field(ge=2)


class _File(_Written):
    outliers: _Outliers
    trends: _Trends
    incidents: _Incidents


def load_fleet_rules(path: Path | None = None) -> FleetRules:
    """Return the rules of `path`, by default those that come with edgectl."""
    shipped = Path(str(resources.files("edgectl.catalog").joinpath("health_fleet.yaml")))
    file = validate(_File, load(path or shipped))
    return FleetRules(_outliers(file.outliers), _incidents(file.incidents), _trends(file.trends))


def _trends(written: _Trends) -> TrendRules:
    drifts = [
        Drift(figure, drift.least_days, drift.least_change, drift.unit, drift.says)
        for figure, drift in written.metrics.items()
    ]
    return TrendRules(
        window_days=written.window_days,
        drifts=drifts,
        spares_days=written.spares.least_days,
        spares_steps=written.spares.least_steps,
        lemon_failures=written.lemon_failures,
    )


def _outliers(written: _Outliers) -> OutlierRules:
    metrics = [
        Metric(
            reading=reading,
            finding=metric.finding,
            is_worse_high=metric.worse == "high",
            differs_by=metric.differs_by,
            unit=metric.unit,
            by_load=metric.by_load,
            says=metric.says,
            action=metric.action,
        )
        for reading, metric in written.metrics.items()
    ]
    return OutlierRules(written.robust_z, written.least_peers, written.widths, metrics)


def _incidents(written: _Incidents) -> IncidentRules:
    families = [
        Family(
            name=name,
            findings=family.findings,
            suspects=family.suspects,
            needs=family.needs,
            severity=Severity(family.severity) if family.severity else None,
            least_hosts=family.least_hosts,
        )
        for name, family in written.families.items()
    ]
    return IncidentRules(
        share=written.share,
        least_hosts=written.least_hosts,
        by_chance=written.by_chance,
        families=families,
        suspects=written.suspects,
        everywhere=written.everywhere,
    )
