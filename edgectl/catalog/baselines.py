"""What a kind of hardware is to run: exact versions, kernel parameters and settings, by name and date."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from edgectl.complaints import validate
from edgectl.errors import InputError, Problem
from edgectl.yaml_source import Document, load

Profile = Literal["pcie", "nvswitch", "rack"]
# What works with a driver of exactly its own version, or not at all.
_NEEDED: Mapping[Profile, str] = {"nvswitch": "nvidia-fabricmanager", "rack": "nvidia-imex"}


@dataclass(frozen=True, slots=True)
class Baseline:
    """One file of the inventory's `baselines/`; `variables` are what playbooks see of it, as `baseline`.

    `digest` is of the file's bytes: two controllers mean the same baseline where it is the same.
    """

    name: str
    hardware: tuple[str, ...]
    profile: Profile
    driver: str
    digest: str
    variables: Mapping[str, Any]
    path: Path


def _exact(versions: dict[str, str]) -> dict[str, str]:
    for name, version in versions.items():
        if not version or set(version) & set("*<>= "):
            raise ValueError(f"'{name}' must have one exact version, not '{version}'")
    return versions


Versions = Annotated[dict[str, str], AfterValidator(_exact)]


class _Written(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class _Kernel(_Written):
    parameters: list[str] = Field(default_factory=list)
    settings: dict[str, str] = Field(default_factory=dict)


class _Driver(_Written):
    version: str
    packages: Versions
    open: bool = True


class _Stack(_Written):
    packages: Versions = Field(default_factory=dict)
    services: list[str] = Field(default_factory=list)


class _Gpu(_Written):
    power_limit_w: int | None = Field(default=None, gt=0)
    ecc: bool | None = None
    mig: list[str] | None = None


class _Image(_Written):
    url: str = Field(min_length=1)
    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    config: str | None = None


class _Dpu(_Written):
    packages: Versions = Field(default_factory=dict)
    origin: str | None = None
    services: list[str] = Field(default_factory=lambda: ["rshim"])
    mode: Literal["dpu", "nic"] = "dpu"
    image: _Image | None = None
    firmware: str | None = None


class _Acceptance(_Written):
    diag_level: int | None = Field(default=None, ge=1, le=4)
    mandatory: list[str] = Field(default_factory=list)
    cuda: bool = True
    peers: bool = False
    burn_in_s: int | None = Field(default=None, ge=1, le=7200)


class _File(_Written):
    baseline: str = Field(min_length=1)
    hardware: list[str] = Field(min_length=1)
    profile: Profile
    systems: list[str] = Field(min_length=1)
    origin: str | None = None
    kernel: _Kernel = _Kernel()
    driver: _Driver
    gpu: _Gpu | None = None
    dpu: _Dpu | None = None
    fabric: _Stack = _Stack()
    imex: _Stack = _Stack()
    runtime: _Stack = _Stack()
    telemetry: _Stack = _Stack()
    acceptance: _Acceptance = _Acceptance()


def load_baselines(folders: Sequence[Path], known_hardware: frozenset[str]) -> Mapping[str, Baseline]:
    """Return each hardware's baseline, from the first folder that has one for it.

    Raises `InputError` with everything that is wrong in any file, and where two files of a folder are for the same
    hardware.
    """
    found: dict[str, Baseline] = {}
    problems: list[Problem] = []
    for folder in folders:
        here: dict[str, Baseline] = {}
        for path in sorted(folder.glob("*.yaml")):
            try:
                document = load(path)
                baseline = _baseline(document, path)
            except InputError as error:
                problems += error.problems
                continue
            for number, name in enumerate(baseline.hardware):
                place = document.place(("hardware", number))
                if name not in known_hardware:
                    problems.append(Problem(f"unknown hardware '{name}'", place))
                elif name in here:
                    problems.append(
                        Problem(f"'{name}' has a baseline already: {here[name].path.name}", place)
                    )
                here.setdefault(name, baseline)
        found = {**here, **found}
    if problems:
        raise InputError(problems)
    return found


def _baseline(document: Document, path: Path) -> Baseline:
    file = validate(_File, document)
    apart = [
        Problem(
            f"{name} is {version}, the driver {file.driver.version}: they work together or not at all",
            document.place(("driver", "packages", name)),
        )
        for name, version in file.driver.packages.items()
        if upstream(version) != file.driver.version
    ]
    missing = _NEEDED.get(file.profile, "")
    if missing and missing not in file.driver.packages:
        said = f"{file.profile} needs '{missing}' in driver.packages, so that it changes with the driver"
        apart.append(Problem(said, document.place(("driver", "packages"))))
    if file.dpu and file.dpu.image and file.dpu.mode == "nic":
        said = "a card in NIC mode takes no image: a push never ends"
        apart.append(Problem(said, document.place(("dpu", "image"))))
    if apart:
        raise InputError(apart)
    variables = {**file.model_dump(), "name": file.baseline, "digest": document.digest}
    return Baseline(
        file.baseline,
        tuple(file.hardware),
        file.profile,
        file.driver.version,
        document.digest,
        variables,
        path,
    )


def upstream(version: str) -> str:
    """Return a Debian version without its epoch and revision: 580.105.08 for 1:580.105.08-0ubuntu1."""
    return version.partition(":")[2 if ":" in version else 0].rpartition("-")[0] or version
