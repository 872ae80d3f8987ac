"""The JSON Schema of inventory files, for editors that complete and check while one writes."""

from __future__ import annotations

from typing import Any

from edgectl.inventory.schema import InventoryFile

_TITLE = "edgectl inventory file"


def json_schema() -> dict[str, Any]:
    """Return the schema (draft 2020-12) that one file of an inventory fulfils."""
    schema = InventoryFile.model_json_schema()
    _close(schema)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": _TITLE}


def _close(schema: Any) -> None:
    """Refuse names that fit no pattern, as the loader does; pydantic leaves such mappings open."""
    if isinstance(schema, dict):
        if "patternProperties" in schema:
            schema["additionalProperties"] = False
        for part in schema.values():
            _close(part)
    elif isinstance(schema, list):
        for part in schema:
            _close(part)
