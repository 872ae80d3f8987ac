"""Ansible's tests (`is …`) that Jinja2 itself lacks.

Those of files are left out: Ansible asks them of the controller, which is seldom what is meant; `stat` asks the host.
"""

from __future__ import annotations

import math
import re

from edgectl.remote.lean import Any, Callable, Dict, List

_NUMBERS = re.compile(r"(\d+|[a-z]+|\.)", re.IGNORECASE)
_SEMANTIC = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?")
_OPERATORS: Dict[str, Callable[[int], bool]] = {
    **dict.fromkeys(("==", "=", "eq"), lambda order: order == 0),
    **dict.fromkeys(("!=", "<>", "ne"), lambda order: order != 0),
    **dict.fromkeys((">", "gt"), lambda order: order > 0),
    **dict.fromkeys((">=", "ge"), lambda order: order >= 0),
    **dict.fromkeys(("<", "lt"), lambda order: order < 0),
    **dict.fromkeys(("<=", "le"), lambda order: order <= 0),
}


def _result(result: Any, test: str) -> Dict[str, Any]:
    if not isinstance(result, dict):
        raise TypeError(f"`is {test}` is asked of what a task registered, not of {result!r}")
    return result


def _failed(result: Any) -> bool:
    return bool(_result(result, "failed").get("failed", False))


def _succeeded(result: Any) -> bool:
    return not _failed(result)


def _changed(result: Any) -> bool:
    found = _result(result, "changed")
    if "changed" not in found and isinstance(found.get("results"), list):
        return any(one.get("changed") for one in found["results"])
    return bool(found.get("changed", False))


def _skipped(result: Any) -> bool:
    return bool(_result(result, "skipped").get("skipped", False))


def _regex(
    value: Any,
    pattern: str = "",
    ignorecase: bool = False,
    multiline: bool = False,
    match_type: str = "search",
) -> bool:
    flags = (re.IGNORECASE if ignorecase else 0) | (re.MULTILINE if multiline else 0)
    return getattr(re.compile(pattern, flags), match_type)(str(value)) is not None


def _match(value: Any, pattern: str = "", ignorecase: bool = False, multiline: bool = False) -> bool:
    return _regex(value, pattern, ignorecase, multiline, "match")


def _version(
    value: Any, version: Any, operator: str = "eq", strict: Any = None, version_type: Any = None
) -> bool:
    if operator not in _OPERATORS:
        raise ValueError(f"'{operator}' compares no versions; known: {', '.join(_OPERATORS)}")
    if version_type not in (None, "loose", "strict", "semver", "semantic"):
        raise ValueError(f"version_type '{version_type}' is not supported: use loose, strict or semver")
    semantic = version_type in ("semver", "semantic")
    parsed = _semantic if semantic else _strict if strict or version_type == "strict" else _loose
    one, other = parsed(str(value)), parsed(str(version))
    return _OPERATORS[operator]((one > other) - (one < other))


def _loose(text: str) -> List[Any]:
    parts = [part for part in _NUMBERS.split(text) if part and part != "."]
    return [int(part) if part.isdigit() else part for part in parts]


def _strict(text: str) -> List[Any]:
    match = re.fullmatch(r"(\d+)\.(\d+)(?:\.(\d+))?(?:([ab])(\d+))?", text)
    if match is None:
        raise ValueError(f"'{text}' is no strict version")
    before = (match[4], int(match[5])) if match[4] else ("z", 0)
    return [int(match[1]), int(match[2]), int(match[3] or 0), before]


def _semantic(text: str) -> List[Any]:
    match = _SEMANTIC.fullmatch(text)
    if match is None:
        raise ValueError(f"'{text}' is no semantic version")
    parts = (match[4] or "").split(".") if match[4] else []
    before = [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in parts]
    # A release is above all that came before it.
    return [int(match[1]), int(match[2]), int(match[3]), 0 if before else 1, before]


def _subset(value: Any, of: Any) -> bool:
    others = list(of)
    return all(item in others for item in value)


def _superset(value: Any, of: Any) -> bool:
    return _subset(of, value)


def _contains(value: Any, item: Any) -> bool:
    return item in value


def _truthy(value: Any, convert_bool: bool = False) -> bool:
    if convert_bool and isinstance(value, str) and value.lower() in ("no", "off", "false", "0", "n", "f"):
        return False
    return bool(value)


def _falsy(value: Any, convert_bool: bool = False) -> bool:
    return not _truthy(value, convert_bool)


def _is_absolute(value: str) -> bool:
    return value.startswith("/")


def _url(value: Any) -> bool:
    return re.match(r"[a-z][a-z0-9+.-]*://[^/]+", str(value), re.IGNORECASE) is not None


TESTS: Dict[str, Callable[..., bool]] = {
    **dict.fromkeys(("abs", "is_abs"), _is_absolute),
    **dict.fromkeys(("change", "changed"), _changed),
    **dict.fromkeys(("failed", "failure"), _failed),
    **dict.fromkeys(("isnan", "nan"), math.isnan),
    **dict.fromkeys(("issubset", "subset"), _subset),
    **dict.fromkeys(("issuperset", "superset"), _superset),
    **dict.fromkeys(("skip", "skipped"), _skipped),
    **dict.fromkeys(("succeeded", "success", "successful"), _succeeded),
    **dict.fromkeys(("version", "version_compare"), _version),
    "all": all,
    "any": any,
    "contains": _contains,
    "falsy": _falsy,
    "match": _match,
    "regex": _regex,
    "search": _regex,
    "truthy": _truthy,
    "url": _url,
}
