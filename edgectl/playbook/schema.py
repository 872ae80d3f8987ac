"""The shape of playbook YAML, and what to write in place of the keywords we lack."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictStr

_DURATION = re.compile(r"^(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)?$")
_UNIT_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, None: 1.0}
_PERCENT = re.compile(r"^(\d+(?:\.\d+)?)\s*%$")
_TRUTH = {"yes": True, "true": True, "on": True, "no": False, "false": False, "off": False}


def seconds(value: Any) -> float:
    """Parse a duration: a number of seconds, or a text such as `90s`, `5m`, `2h`."""
    match = _DURATION.match(str(value)) if not isinstance(value, bool) else None
    if match is None:
        raise ValueError(f"a duration such as 90s, 5m or 2h is wanted, not {value!r}")
    return float(match.group(1)) * _UNIT_S[match.group(2)]


def share(value: Any) -> float:
    """Parse a number of hosts (an int stays one) or a share of them: `25%` is 0.25."""
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    match = _PERCENT.match(str(value))
    if match is None:
        raise ValueError(f"a number of hosts or a share such as 25% is wanted, not {value!r}")
    return float(match.group(1)) / 100


def _as_list(value: Any) -> Any:
    return value if isinstance(value, list) else [value]


def _as_words(value: Any) -> Any:
    if isinstance(value, str):
        return [word.strip() for word in value.split(",") if word.strip()]
    return value


def _as_truth(value: Any) -> Any:
    return _TRUTH.get(value.lower(), value) if isinstance(value, str) else value


# What may be written, and so stands in the JSON Schema, is more than what it is read as.
_Text = int | float | str
_Texts = str | list[str]
_Holds = bool | str | list[bool | str]
_YesNo = bool | str
Seconds = Annotated[float, BeforeValidator(seconds, json_schema_input_type=_Text)]
Share = Annotated[int | float, BeforeValidator(share, json_schema_input_type=_Text)]
Conditions = Annotated[list[bool | str], BeforeValidator(_as_list, json_schema_input_type=_Holds)]
Words = Annotated[list[StrictStr], BeforeValidator(_as_words, json_schema_input_type=_Texts)]
Names = Annotated[list[StrictStr], BeforeValidator(_as_list, json_schema_input_type=_Texts)]
Truth = Annotated[bool, BeforeValidator(_as_truth, json_schema_input_type=_YesNo)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class LimitSchema(_Strict):
    """How many hosts may end badly: of the fleet, and of each failure domain."""

    fleet: Share | None = None
    domain: Share | None = None


def _limit(value: Any) -> Any:
    """Read a lone share as one of the whole fleet."""
    if value is None or isinstance(value, dict):
        return value or LimitSchema()
    return LimitSchema.model_construct(fleet=share(value))


def _gate(value: Any) -> Any:
    """Read `health`, or a mapping with a command; the result is a mapping, empty for `health`."""
    if value is None or value == "health":
        return None if value is None else {}
    if isinstance(value, dict) and value.keys() == {"command"} and isinstance(value["command"], str):
        return value
    raise ValueError(f"`health` or `{{command: …}}` is wanted, not {value!r}")


LimitOf = Annotated[LimitSchema, BeforeValidator(_limit, json_schema_input_type=_Text | LimitSchema | None)]
GateOf = Annotated[
    dict[str, str] | None, BeforeValidator(_gate, json_schema_input_type=str | dict[str, str] | None)
]


class RolloutSchema(_Strict):
    """`rollout:` of a play."""

    canary: int = Field(default=0, ge=0)
    waves: list[Share] = Field(default_factory=lambda: [1.0])
    spread: Literal["", "pop", "metro", "region", "rack"] = ""
    max_out: Share | None = None
    min: int = Field(default=0, ge=0)
    max_failed: LimitOf = LimitSchema()
    max_unreachable: LimitOf = LimitSchema()
    max_unknown: LimitOf = LimitSchema()
    soak: Seconds = 0.0
    gate: GateOf = None
    window: Literal["", "site"] = ""
    duration: Seconds | None = None


class ConfirmSchema(_Strict):
    """`confirm:` of a task: by when a fresh login must come through, and what else takes the change back."""

    within: Seconds
    undo: StrictStr = ""


def _as_confirm(value: Any) -> Any:
    return value if isinstance(value, dict) else {"within": value}


class LoopControlSchema(_Strict):
    """`loop_control:` of a task."""

    loop_var: StrictStr = "item"
    index_var: StrictStr | None = None
    label: Any = None


class PlaySchema(_Strict):
    """A play, its tasks not yet looked into."""

    name: StrictStr = ""
    hosts: Names
    vars: dict[str, Any] = Field(default_factory=dict)
    vars_files: Names = Field(default_factory=list)
    environment: dict[str, Any] = Field(default_factory=dict)
    become: Truth = False
    become_user: StrictStr | None = None
    become_method: StrictStr = "sudo"
    gather_facts: Truth | None = None
    pre_tasks: list[Any] = Field(default_factory=list)
    tasks: list[Any] = Field(default_factory=list)
    post_tasks: list[Any] = Field(default_factory=list)
    handlers: list[Any] = Field(default_factory=list)
    roles: list[Any] = Field(default_factory=list)
    tags: Words = Field(default_factory=list)
    rollout: RolloutSchema | None = None
    timeout: Seconds | None = None
    secrets: dict[str, dict[str, str]] = Field(default_factory=dict)


class ImportSchema(_Strict):
    """A playbook in a playbook: its plays stand here."""

    import_playbook: StrictStr
    name: StrictStr = ""
    vars: dict[str, Any] = Field(default_factory=dict)
    tags: Words = Field(default_factory=list)


class TaskKeywords(_Strict):
    """The keywords of a task, its module taken out."""

    name: StrictStr = ""
    args: dict[str, Any] = Field(default_factory=dict)
    vars: dict[str, Any] = Field(default_factory=dict)
    when: Conditions = Field(default_factory=list)
    loop: Any = None
    with_items: Any = None
    with_list: Any = None
    with_dict: Any = None
    loop_control: LoopControlSchema = LoopControlSchema()
    register_: StrictStr | None = Field(default=None, alias="register")
    notify: Names = Field(default_factory=list)
    listen: Names = Field(default_factory=list)
    tags: Words = Field(default_factory=list)
    environment: dict[str, Any] = Field(default_factory=dict)
    become: Truth | None = None
    become_user: StrictStr | None = None
    ignore_errors: Annotated[bool | str, BeforeValidator(_as_truth)] = False
    failed_when: Conditions | None = None
    changed_when: Conditions | None = None
    until: Conditions | None = None
    retries: int | None = Field(default=None, ge=0)
    delay: Seconds = 5.0
    check_mode: Truth | None = None
    diff: Truth | None = None
    no_log: Truth = False
    timeout: Seconds | None = None
    confirm: (
        Annotated[ConfirmSchema, BeforeValidator(_as_confirm, json_schema_input_type=_Text | ConfirmSchema)]
        | None
    ) = None


class AroundSchema(_Strict):
    """What is said once for several tasks: those of a file, a role or a block."""

    name: StrictStr = ""
    vars: dict[str, Any] = Field(default_factory=dict)
    when: Conditions = Field(default_factory=list)
    notify: Names = Field(default_factory=list)
    tags: Words = Field(default_factory=list)
    environment: dict[str, Any] = Field(default_factory=dict)
    become: Truth | None = None
    become_user: StrictStr | None = None
    ignore_errors: Annotated[bool | str | None, BeforeValidator(_as_truth)] = None
    check_mode: Truth | None = None
    diff: Truth | None = None
    no_log: Truth | None = None
    timeout: Seconds | None = None


class BlockSchema(AroundSchema):
    """Tasks that share keywords, what is done where one of them fails, and what is done in any case."""

    block: list[Any]
    rescue: list[Any] = Field(default_factory=list)
    always: list[Any] = Field(default_factory=list)


class RoleSchema(AroundSchema):
    """An entry of a play's `roles`."""

    role: StrictStr


TASK_KEYWORDS = frozenset(field.alias or name for name, field in TaskKeywords.model_fields.items())

# What operators write for Ansible and we do not have: what to do instead.
INSTEAD: Mapping[str, str] = {
    "action": "write the module's own name as the key, such as `copy:`",
    "any_errors_fatal": "use `rollout: {max_failed: 0}`",
    "async": "a task already survives a lost line; set `timeout`",
    "become_flags": "leave it out",
    "collections": "leave it out; edgectl's modules need none",
    "connection": "edgectl always uses SSH; leave it out",
    "debugger": "leave it out",
    "delegate_facts": "write a play of its own for that host",
    "delegate_to": "write a play of its own for that host",
    "force_handlers": "leave it out; a failed host's handlers stay pending",
    "ignore_unreachable": "use `rollout: {max_unreachable: …}`",
    "module_defaults": "write the arguments at each task",
    "local_action": "run it before edgectl, or write a play of its own for a host",
    "max_fail_percentage": "use `rollout: {max_failed: 10%}`",
    "order": "use `rollout: {spread: …}`; leave it out",
    "poll": "a task already survives a lost line; leave it out",
    "port": "set `ssh.port` in the inventory",
    "remote_user": "set `ssh.user` in the inventory",
    "run_once": "write a play of its own for one host",
    "serial": "use `rollout: {waves: […]}`",
    "strategy": "hosts never wait for each other; leave it out",
    "vars_prompt": "pass the value with `-e`, or name a provider under `secrets`",
    "throttle": "use `rollout: {max_out: …}`",
    "with_fileglob": "use `loop` with the names written out",
    "with_file": "use `loop` with the names written out",
    "with_first_found": "name the file",
    "with_indexed_items": "use `loop` and `loop_control: {index_var: …}`",
    "with_nested": "use `loop` with the combinations written out",
    "with_subelements": "use `loop` over the inner list",
    "with_together": "use `loop` over a list of mappings",
    "with_sequence": 'use `loop: "{{ range(1, 5) | list }}"`',
}

# Modules that operators know from Ansible and we do not have: what to do instead.
INSTEAD_OF_MODULES: Mapping[str, str] = {
    "add_host": "write the host into the inventory",
    "apt_key": "place the key with `get_url` below /etc/apt/keyrings",
    "async_status": "a task already survives a lost line; leave it out",
    "git": "use `command: git`, guarded by `creates`",
    "group_by": "name a group in the inventory",
    "include_vars": "use the play's `vars_files`",
    "pip": "use `command: pip`, guarded by `creates`",
    "raw": "use `shell`; edgectl needs Python at the host anyway",
    "set_stats": "read the report (-o json)",
    "synchronize": "use `copy`; large files come with `get_url`",
    "yum": "use `package` or `dnf`",
}
