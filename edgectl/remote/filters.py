"""Ansible's filters and tests that Jinja2 itself lacks."""

from __future__ import annotations

import base64
import json
import os
import re
import shlex

from edgectl.remote.lean import Any, Callable, Dict, List

_TRUE_WORDS = frozenset({"yes", "on", "true", "1", "y", "t"})


def _bool(value: Any) -> bool:
    return value if isinstance(value, bool) else str(value).strip().lower() in _TRUE_WORDS


def _combine(first: Dict[str, Any], *others: Dict[str, Any], recursive: bool = False) -> Dict[str, Any]:
    merged = dict(first)
    for other in others:
        for key, value in other.items():
            both = recursive and isinstance(value, dict) and isinstance(merged.get(key), dict)
            merged[key] = _combine(merged[key], value, recursive=True) if both else value
    return merged


def _mandatory(value: Any) -> Any:
    str(value)  # an undefined value raises here, with its name
    return value


def _ternary(value: Any, when_true: Any, when_false: Any) -> Any:
    return when_true if value else when_false


def _regex_replace(value: Any, pattern: str = "", replacement: str = "") -> str:
    return re.sub(pattern, replacement, str(value))


def _b64encode(value: str) -> str:
    return base64.b64encode(value.encode()).decode()


def _b64decode(value: str) -> str:
    return base64.b64decode(value).decode()


def _to_json(value: Any) -> str:
    return json.dumps(value)


def _to_nice_json(value: Any, indent: int = 4) -> str:
    return json.dumps(value, indent=indent, sort_keys=True)


def _dict2items(
    value: Dict[Any, Any], key_name: str = "key", value_name: str = "value"
) -> List[Dict[str, Any]]:
    return [{key_name: key, value_name: item} for key, item in value.items()]


def _items2dict(
    value: List[Dict[str, Any]], key_name: str = "key", value_name: str = "value"
) -> Dict[Any, Any]:
    return {item[key_name]: item[value_name] for item in value}


FILTERS: Dict[str, Callable[..., Any]] = {
    "b64decode": _b64decode,
    "b64encode": _b64encode,
    "basename": os.path.basename,
    "bool": _bool,
    "combine": _combine,
    "dict2items": _dict2items,
    "dirname": os.path.dirname,
    "from_json": json.loads,
    "items2dict": _items2dict,
    "mandatory": _mandatory,
    "quote": shlex.quote,
    "regex_replace": _regex_replace,
    "ternary": _ternary,
    "to_json": _to_json,
    "to_nice_json": _to_nice_json,
}


def _failed(result: Any) -> bool:
    return bool(result.get("failed", False))


def _succeeded(result: Any) -> bool:
    return not _failed(result)


def _changed(result: Any) -> bool:
    return bool(result.get("changed", False))


def _skipped(result: Any) -> bool:
    return bool(result.get("skipped", False))


def _match(value: Any, pattern: str) -> bool:
    return re.match(pattern, str(value)) is not None


def _search(value: Any, pattern: str) -> bool:
    return re.search(pattern, str(value)) is not None


TESTS: Dict[str, Callable[..., bool]] = {
    "changed": _changed,
    "failed": _failed,
    "match": _match,
    "search": _search,
    "skipped": _skipped,
    "succeeded": _succeeded,
    "success": _succeeded,
}
