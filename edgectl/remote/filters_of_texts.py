"""Ansible's filters that read and write texts: expressions, encodings, JSON, YAML, paths, times and sizes."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import shlex
import time

from edgectl.remote.lean import Any, Callable, Dict, List, import_module

# The namespace under which Ansible makes UUIDs of texts, so that ours are the same.
_ANSIBLE_UUIDS = "361E6D51-FAEC-444A-9079-341386DA8E2E"
_SIZES = "YZEPTGMKB"


def _flags(ignorecase: bool, multiline: bool) -> int:
    return (re.IGNORECASE if ignorecase else 0) | (re.MULTILINE if multiline else 0)


def _regex_replace(
    value: Any,
    pattern: str = "",
    replacement: str = "",
    ignorecase: bool = False,
    multiline: bool = False,
    count: int = 0,
) -> str:
    return re.compile(pattern, _flags(ignorecase, multiline)).sub(replacement, str(value), count=count)


def _regex_search(
    value: Any, pattern: str, *groups: str, ignorecase: bool = False, multiline: bool = False
) -> Any:
    match = re.search(pattern, str(value), _flags(ignorecase, multiline))
    if match is None or not groups:
        return match[0] if match else None
    return [match[_group(group)] for group in groups]


def _group(written: str) -> Any:
    r"""Read `\g<name>` and `\1`."""
    named = re.fullmatch(r"\\g<(\w+)>", written)
    numbered = re.fullmatch(r"\\(\d+)", written)
    if named:
        return named[1]
    if numbered:
        return int(numbered[1])
    raise ValueError(f"{written!r} is no group: write \\1 or \\g<name>")


def _regex_findall(value: str, pattern: str, multiline: bool = False, ignorecase: bool = False) -> List[Any]:
    found = re.findall(pattern, value, _flags(ignorecase, multiline))
    return [list(one) if isinstance(one, tuple) else one for one in found]


def _regex_escape(value: str, re_type: str = "python") -> str:
    if re_type == "python":
        return re.escape(value)
    return re.sub(r"([].[^$*\\])", r"\\\1", value)


def _b64encode(value: str, encoding: str = "utf-8") -> str:
    return base64.b64encode(str(value).encode(encoding)).decode()


def _b64decode(value: str, encoding: str = "utf-8") -> str:
    return base64.b64decode(value).decode(encoding)


def _to_json(value: Any, **how: Any) -> str:
    return json.dumps(value, **{"sort_keys": False, **how})


def _to_nice_json(value: Any, indent: int = 4, sort_keys: bool = True, **how: Any) -> str:
    return json.dumps(value, indent=indent, sort_keys=sort_keys, separators=(",", ": "), **how)


def _yaml() -> Any:
    """Import the library that travels only with templates that use it."""
    return import_module("yaml")


def _from_yaml(value: Any) -> Any:
    return _yaml().safe_load(value) if isinstance(value, str) else value


def _from_yaml_all(value: Any) -> Any:
    return list(_yaml().safe_load_all(value)) if isinstance(value, str) else value


def _to_yaml(value: Any, default_flow_style: Any = None, **how: Any) -> str:
    written = _yaml().safe_dump(value, allow_unicode=True, default_flow_style=default_flow_style, **how)
    return str(written).removesuffix("...\n")


def _to_nice_yaml(value: Any, indent: int = 4, sort_keys: bool = True, **how: Any) -> str:
    return _to_yaml(value, default_flow_style=False, indent=indent, sort_keys=sort_keys, **how)


def _hash(value: Any, hashtype: str = "sha1") -> str:
    made = hashlib.new(hashtype, usedforsecurity=False)
    made.update(str(value).encode())
    return made.hexdigest()


def _md5(value: Any) -> str:
    return _hash(value, "md5")


def _to_uuid(value: str, namespace: str = _ANSIBLE_UUIDS) -> str:
    uuid = import_module("uuid")
    return str(uuid.uuid5(uuid.UUID(str(namespace)), str(value)))


def _split(value: str, separator: Any = None, maxsplit: int = -1) -> List[str]:
    return value.split(separator, maxsplit)


def _path_join(value: Any) -> str:
    return str(value) if isinstance(value, str) else os.path.join(*value)


def _splitext(value: str) -> List[str]:
    return list(os.path.splitext(value))


def _relpath(value: str, start: str) -> str:
    return os.path.relpath(value, start)


def _commonpath(values: List[str]) -> str:
    return os.path.commonpath(values)


def _urldecode(value: str) -> str:
    return str(import_module("urllib.parse").unquote_plus(value))


def _urlsplit(value: str, query: str = "") -> Any:
    parts = import_module("urllib.parse").urlsplit(value)
    names = ("fragment", "hostname", "netloc", "password", "path", "port", "query", "scheme", "username")
    found = {name: getattr(parts, name) for name in names}
    if query and query not in found:
        raise ValueError(f"a URL has no '{query}'; known: {', '.join(names)}")
    return found[query] if query else found


def _strftime(pattern: str, second: Any = None, utc: bool = False) -> str:
    moment = None if second is None else float(second)
    return time.strftime(pattern, time.gmtime(moment) if utc else time.localtime(moment))


def _to_datetime(value: str, pattern: str = "%Y-%m-%d %H:%M:%S") -> Any:
    return import_module("datetime").datetime.strptime(value, pattern)


def _human_readable(size: float, isbits: bool = False, unit: Any = None) -> str:
    limits = [(letter, 1024 ** (len(_SIZES) - 1 - place)) for place, letter in enumerate(_SIZES)]
    word = "bits" if isbits else "Bytes"
    for letter, limit in limits:
        if (unit is None and size >= limit) or (unit is not None and str(unit).upper() == letter):
            name = word if letter == "B" else f"{letter}{'b' if isbits else 'B'}"
            return f"{size / limit:.2f} {name}"
    return f"{size:.2f} {word}"


def _human_to_bytes(value: Any, default_unit: Any = None, isbits: bool = False) -> int:
    del isbits  # decides only which of `b` and `B` may be written
    match = re.fullmatch(r"\s*([\d.]+)\s*([A-Za-z]?)[A-Za-z]*\s*", str(value))
    if match is None:
        raise ValueError(f"{value!r} is no size: write a number and a unit, such as 10 MB")
    letter = (match[2] or str(default_unit or "B"))[0].upper()
    if letter not in _SIZES:
        raise ValueError(f"{value!r} is in no unit of {', '.join(reversed(_SIZES))}")
    factor: int = 1024 ** (len(_SIZES) - 1 - _SIZES.index(letter))
    return round(float(match[1]) * factor)


TEXT_FILTERS: Dict[str, Callable[..., Any]] = {
    "b64decode": _b64decode,
    "b64encode": _b64encode,
    "basename": os.path.basename,
    "checksum": _hash,
    "commonpath": _commonpath,
    "dirname": os.path.dirname,
    "expanduser": os.path.expanduser,
    "expandvars": os.path.expandvars,
    "from_json": json.loads,
    "from_yaml": _from_yaml,
    "from_yaml_all": _from_yaml_all,
    "hash": _hash,
    "human_readable": _human_readable,
    "human_to_bytes": _human_to_bytes,
    "md5": _md5,
    "normpath": os.path.normpath,
    "path_join": _path_join,
    "quote": shlex.quote,
    "realpath": os.path.realpath,
    "regex_escape": _regex_escape,
    "regex_findall": _regex_findall,
    "regex_replace": _regex_replace,
    "regex_search": _regex_search,
    "relpath": _relpath,
    "sha1": _hash,
    "split": _split,
    "splitext": _splitext,
    "strftime": _strftime,
    "to_datetime": _to_datetime,
    "to_json": _to_json,
    "to_nice_json": _to_nice_json,
    "to_nice_yaml": _to_nice_yaml,
    "to_uuid": _to_uuid,
    "to_yaml": _to_yaml,
    "urldecode": _urldecode,
    "urlsplit": _urlsplit,
}
