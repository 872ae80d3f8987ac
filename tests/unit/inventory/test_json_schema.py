from __future__ import annotations

import json
import re
from typing import Any

from edgectl.inventory.json_schema import json_schema


def _parts(schema: Any) -> list[dict[str, Any]]:
    if isinstance(schema, dict):
        return [schema, *(part for value in schema.values() for part in _parts(value))]
    return [part for value in schema for part in _parts(value)] if isinstance(schema, list) else []


def test_the_schema_is_json_and_says_which_draft() -> None:
    schema = json.loads(json.dumps(json_schema()))

    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert set(schema["properties"]) == {"defaults", "groups", "racks", "pops"}


def test_nothing_unknown_is_let_through_anywhere() -> None:
    objects = [part for part in _parts(json_schema()) if part.get("type") == "object"]

    assert objects
    assert all(part["additionalProperties"] is False for part in objects)


def test_every_reference_leads_somewhere_and_every_pattern_compiles() -> None:
    schema = json_schema()

    references = [part["$ref"] for part in _parts(schema) if isinstance(part.get("$ref"), str)]
    patterns = [part["pattern"] for part in _parts(schema) if isinstance(part.get("pattern"), str)]
    assert {name.removeprefix("#/$defs/") for name in references} <= set(schema["$defs"])
    assert all(re.compile(pattern) for pattern in patterns)


def test_a_group_may_be_text_alone() -> None:
    group = json_schema()["$defs"]["GroupSpec"]

    assert {"type": "string"} in group["anyOf"]
