"""The JSON Schema of playbooks, for editors that complete and check while one writes; made of what reads them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from edgectl.playbook.schema import (
    AroundSchema,
    BlockSchema,
    ImportSchema,
    PlaySchema,
    RoleSchema,
    TaskKeywords,
)
from edgectl.playbook.tasks import PREFIXES
from edgectl.playbook.vocabulary import Argument, ModuleDoc, module_docs

_TASKS = {"type": "array", "items": {"$ref": "#/$defs/Task"}}
_OF_TASKS = ("pre_tasks", "tasks", "post_tasks", "handlers", "block", "rescue", "always")
_TEMPLATE = {"type": "string", "pattern": r"\{[{%]"}
_KINDS: Mapping[str, Any] = {
    "str": {"type": ["string", "number", "boolean"]},
    "int": {"type": ["integer", "string"]},
    "float": {"type": ["number", "string"]},
    "bool": {"type": ["boolean", "string", "integer"]},
    "Mode": {"type": ["string", "integer"]},
    "dict": {"type": "object"},
}


def json_schema() -> dict[str, Any]:
    """Return the schema (draft 2020-12) that a playbook fulfils, with every module and its arguments."""
    docs = module_docs()
    found: dict[str, Any] = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "edgectl playbook",
        "type": "array",
        "items": {"anyOf": [{"$ref": "#/$defs/Play"}, {"$ref": "#/$defs/Import"}]},
        "$defs": {
            "Play": _of(PlaySchema),
            "Import": _of(ImportSchema),
            "Task": {"anyOf": [{"$ref": f"#/$defs/{name}"} for name in ("Block", "Include", "Action")]},
            "Block": _of(BlockSchema),
            "Include": _include(),
            "Action": _action(docs),
            **{f"module_{doc.name}": _module(doc) for doc in docs},
        },
    }
    found["$defs"]["Play"]["properties"]["roles"] = {"type": "array", "items": _role()}
    return found


def _of(model: type[BaseModel]) -> dict[str, Any]:
    """Return a model's schema with nothing to look up elsewhere, its lists of tasks as such."""
    raw = model.model_json_schema()
    parts = raw.pop("$defs", {})
    schema: dict[str, Any] = _tidied(raw, parts)
    for name in _OF_TASKS:
        if name in schema["properties"]:
            schema["properties"][name] = _TASKS
    return schema


def _tidied(part: Any, parts: Mapping[str, Any]) -> Any:
    """Put what is referred to in its place, and leave out the titles that say a key's name again."""
    if isinstance(part, list):
        return [_tidied(one, parts) for one in part]
    if not isinstance(part, dict):
        return part
    if "$ref" in part:
        return _tidied(parts[part["$ref"].rpartition("/")[2]], parts)
    kept = {key: value for key, value in part.items() if key != "title" or isinstance(value, dict)}
    return {key: _tidied(value, parts) for key, value in kept.items() if key != "default"}


def _include() -> dict[str, Any]:
    schema = _of(AroundSchema)
    name = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
    file = {"anyOf": [{"type": "string"}, {"type": "object", "properties": {"file": {"type": "string"}}}]}
    kinds = {"import_tasks": file, "include_tasks": file, "import_role": name, "include_role": name}
    return _one_of(schema, kinds)


def _role() -> dict[str, Any]:
    # Any other key of an entry is a variable of the role's.
    return {"anyOf": [{"type": "string"}, _of(RoleSchema) | {"additionalProperties": True}]}


def _action(docs: list[ModuleDoc]) -> dict[str, Any]:
    return _one_of(_of(TaskKeywords), {doc.name: {"$ref": f"#/$defs/module_{doc.name}"} for doc in docs})


def _one_of(schema: dict[str, Any], keys: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema of a mapping that has one of these keys, which Ansible's full names stand for as well."""
    both = {f"{prefix}{name}": part for name, part in keys.items() for prefix in ("", *PREFIXES)}
    schema["properties"] |= both
    schema["anyOf"] = [{"required": [name]} for name in both]
    return schema


def _module(doc: ModuleDoc) -> dict[str, Any]:
    """Return the schema of a module's arguments; a bare text is `key=value` words or what the module says."""
    if doc.takes_any:
        return {"type": "object", "description": doc.summary}
    properties = {name: _argument(one) for one in doc.arguments for name in (one.name, *one.aliases)}
    mapping = {"type": "object", "properties": properties, "additionalProperties": False}
    return {"description": doc.summary, "anyOf": [mapping, {"type": ["string", "null"]}]}


def _argument(one: Argument) -> dict[str, Any]:
    return {"description": one.doc, "anyOf": [_kind(one.kind), _TEMPLATE, {"type": "null"}]}


def _kind(kind: str) -> dict[str, Any]:
    """Return what an argument of a declared kind may be, before it is read by Ansible's lenient rules."""
    if kind.startswith("one of "):
        return {"enum": re.findall(r"[\'\"]([^\'\"]*)[\'\"]", kind)}
    if kind.startswith(("list", "List")):
        return {"type": ["array", "string"]}
    return dict(_KINDS.get(kind, {}))
