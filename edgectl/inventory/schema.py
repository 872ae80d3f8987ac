"""The shape of inventory files, as people write them: strict, and nothing unknown is let through."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any

from annotated_types import GroupedMetadata
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, GetJsonSchemaHandler, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from edgectl.inventory.model import PopState, Weekday
from edgectl.inventory.terms import KEYS

# Patterns read these as what every host has: role=gpu.
RESERVED_LABELS = frozenset({*KEYS, "state"})
_HOST_NAME = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.-]{0,251}[A-Za-z0-9_])?")
# Its type and its base64; a comment may follow.
_KEY_WORDS = 2


def _address(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        pass
    if re.fullmatch(r"[0-9.]+", text) or not _HOST_NAME.fullmatch(text):
        raise ValueError(f"{text!r} is neither an IP address nor a host name")
    return text


def _network(text: str) -> str:
    try:
        ipaddress.ip_network(text)
    except ValueError as error:
        raise ValueError(f"{error}; write a network as 10.20.1.0/24") from None
    return text


@dataclass(frozen=True, slots=True)
class _Matching(GroupedMetadata):
    """Text of one form: `wanted` is the sentence for who wrote another."""

    pattern: str
    wanted: str

    def __iter__(self) -> Iterator[object]:
        yield AfterValidator(self._check)
        yield Field(json_schema_extra={"pattern": f"^{self.pattern}$"})

    def _check(self, text: str) -> str:
        if not re.fullmatch(self.pattern, text):
            raise ValueError(f"{self.wanted}, not {text!r}")
        return text


def _label_name(text: str) -> str:
    if text in RESERVED_LABELS:
        raise ValueError(f"a label cannot be called {text!r}; every host has that in itself")
    return text


def _host_key(text: str) -> str:
    if len(text.split()) < _KEY_WORDS:
        raise ValueError("a host key is its type and its base64, as 'ssh-ed25519 AAAA…'")
    return text


Name = Annotated[str, _Matching(r"[A-Za-z0-9][A-Za-z0-9._-]*", "a name is letters, digits, '.', '_' and '-'")]
Address = Annotated[str, AfterValidator(_address)]
Network = Annotated[str, AfterValidator(_network)]
LabelName = Annotated[Name, AfterValidator(_label_name)]
VarName = Annotated[str, _Matching("[A-Za-z_][A-Za-z0-9_]*", "a variable's name is letters, digits and '_'")]
Metro = Annotated[str, _Matching("[A-Z]{3}", "a metro is an IATA code as FRA")]
Country = Annotated[str, _Matching("[A-Z]{2}", "a country is an ISO 3166 code as DE")]
TimeOfDay = Annotated[str, _Matching("([01][0-9]|2[0-3]):[0-5][0-9]", 'a time is written as "01:30"')]
NamePattern = Annotated[
    str,
    _Matching(
        r"([A-Za-z0-9._-]|\{pop\}|\{rack\})*\{node(:0[1-9])?\}([A-Za-z0-9._-]|\{pop\}|\{rack\})*",
        'a name pattern holds {node} once, as "{pop}-{rack}-n{node:02}"',
    ),
]
HostKey = Annotated[str, AfterValidator(_host_key)]
Port = Annotated[int, Field(ge=1, le=65535)]
Labels = dict[LabelName, str]
Vars = dict[VarName, Any]


class Written(BaseModel):
    """Base of everything a person writes here: no unknown keys, no `"22"` for 22."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class BastionSpec(Written):
    """The SSH host to go through."""

    address: Address
    user: str
    port: Port = 22
    key: str | None = None


class SshSpec(Written):
    """How to log in; `bastion: null` undoes a bastion set further out."""

    user: str | None = None
    port: Port | None = None
    key: str | None = None
    bastion: BastionSpec | None = None


class Layer(Written):
    """What may be set at every level, weakest first: defaults, group, PoP, rack, host."""

    vars: Vars = Field(default_factory=dict)
    ssh: SshSpec = Field(default_factory=SshSpec)


class GroupSpec(Layer):
    """A named pattern; written as text alone where it sets nothing."""

    hosts: str

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, value: Any) -> Any:
        if not isinstance(value, str | dict):
            raise ValueError("a group is a pattern as text, or a mapping with the key 'hosts'")  # noqa: TRY004
        return {"hosts": value} if isinstance(value, str) else value

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Tell editors that the text alone will do."""
        return {"anyOf": [{"type": "string"}, handler(core)]}


class TemplateSpec(Layer):
    """A rack as it is bought: its nodes, their names and hardware, and the DPUs in each node.

    Addresses are counted from the rack's network, each node followed by its own DPUs: with `first_address: 2`
    (address 1 is the gateway's) and one DPU per node, n01 has address 2, n01-dpu0 3, n02 4 and so on.
    """

    nodes: Annotated[int, Field(ge=1, le=1000)]
    name: NamePattern = "{pop}-{rack}-n{node:02}"
    role: Name = "gpu"
    hardware: Name
    dpus: Annotated[int, Field(ge=0, le=16)] = 0
    dpu_hardware: Name = "bluefield-3"
    first_address: Annotated[int, Field(ge=1)] = 2
    labels: Labels = Field(default_factory=dict)


class RackSpec(Layer):
    """One rack of a PoP: a template and the network its hosts' addresses are counted from."""

    template: Name
    addresses: Network
    nodes: Annotated[int, Field(ge=1, le=1000)] | None = None
    labels: Labels = Field(default_factory=dict)


class HostSpec(Layer):
    """One host written out, or what differs at one host of a rack."""

    address: Address | None = None
    role: Name | None = None
    hardware: Name | None = None
    rack: Name | None = None
    labels: Labels = Field(default_factory=dict)
    host_key: HostKey | None = None


class WindowSpec(Written):
    """When the PoP may be worked on, in its own time zone."""

    days: Annotated[list[Annotated[Weekday, Field(strict=False)]], Field(min_length=1)]
    start: TimeOfDay
    hours: Annotated[float, Field(gt=0, le=24)]


class PopSpec(Layer):
    """One point of presence."""

    metro: Metro = ""
    region: str = ""
    country: Country = ""
    tz: str = "UTC"
    state: Annotated[PopState, Field(strict=False)] = PopState.LIVE
    window: WindowSpec | None = None
    labels: Labels = Field(default_factory=dict)
    racks: dict[Name, RackSpec] = Field(default_factory=dict)
    hosts: dict[Name, HostSpec] = Field(default_factory=dict)


class InventoryFile(Written):
    """One file of an inventory; any of the sections, which files of a folder add up."""

    defaults: Layer = Field(default_factory=Layer)
    groups: dict[Name, GroupSpec] = Field(default_factory=dict)
    racks: dict[Name, TemplateSpec] = Field(default_factory=dict)
    pops: dict[Name, PopSpec] = Field(default_factory=dict)
