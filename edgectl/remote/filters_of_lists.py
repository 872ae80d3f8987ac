"""Ansible's filters over lists and mappings."""

from __future__ import annotations

import itertools
import math
import random

from edgectl.remote.lean import Any, Callable, Dict, List, Optional, Tuple


def _merged_lists(first: List[Any], second: List[Any], how: str) -> List[Any]:
    if how == "keep":
        return first
    if how == "append":
        return first + second
    if how == "prepend":
        return second + first
    if how == "append_rp":
        return [item for item in first if item not in second] + second
    if how == "prepend_rp":
        return second + [item for item in first if item not in second]
    return second


def _combine(*given: Any, recursive: bool = False, list_merge: str = "replace") -> Dict[str, Any]:
    mappings = [one for item in given for one in (item if isinstance(item, list) else [item])]
    merged: Dict[str, Any] = {}
    for mapping in mappings:
        for key, value in dict(mapping).items():
            old = merged.get(key)
            if recursive and isinstance(value, dict) and isinstance(old, dict):
                merged[key] = _combine(old, value, recursive=True, list_merge=list_merge)
            elif isinstance(value, list) and isinstance(old, list):
                merged[key] = _merged_lists(old, value, list_merge)
            else:
                merged[key] = value
    return merged


def _dict2items(
    value: Dict[Any, Any], key_name: str = "key", value_name: str = "value"
) -> List[Dict[str, Any]]:
    return [{key_name: key, value_name: item} for key, item in value.items()]


def _items2dict(
    value: List[Dict[str, Any]], key_name: str = "key", value_name: str = "value"
) -> Dict[Any, Any]:
    return {item[key_name]: item[value_name] for item in value}


def _unique(values: Any, case_sensitive: bool = False, attribute: Optional[str] = None) -> List[Any]:
    found: List[Any] = []
    seen: List[Any] = []
    for value in values:
        mark = value if attribute is None else value[attribute]
        mark = mark.lower() if isinstance(mark, str) and not case_sensitive else mark
        if mark not in seen:
            seen.append(mark)
            found.append(value)
    return found


def _union(first: Any, second: Any) -> List[Any]:
    return _unique([*first, *second], case_sensitive=True)


def _intersect(first: Any, second: Any) -> List[Any]:
    others = list(second)
    return _unique([item for item in first if item in others], case_sensitive=True)


def _difference(first: Any, second: Any) -> List[Any]:
    others = list(second)
    return _unique([item for item in first if item not in others], case_sensitive=True)


def _symmetric_difference(first: Any, second: Any) -> List[Any]:
    one, other = list(first), list(second)
    both = _intersect(one, other)
    return [item for item in _union(one, other) if item not in both]


def _flatten(values: Any, levels: Optional[int] = None, skip_nulls: bool = True) -> List[Any]:
    found: List[Any] = []
    for value in values:
        if skip_nulls and value in (None, "None", "null"):
            continue
        if not isinstance(value, (list, tuple)) or levels == 0:
            found.append(value)
        else:
            found += _flatten(value, None if levels is None else levels - 1, skip_nulls)
    return found


def _extract(key: Any, container: Any, morekeys: Any = None) -> Any:
    value = container[key]
    for more in morekeys if isinstance(morekeys, list) else [morekeys]:
        value = value if more is None else value[more]
    return value


def _zip(*values: Any) -> List[List[Any]]:
    return [list(row) for row in zip(*values)]


def _zip_longest(*values: Any, fillvalue: Any = None) -> List[List[Any]]:
    return [list(row) for row in itertools.zip_longest(*values, fillvalue=fillvalue)]


def _product(*values: Any, repeat: int = 1) -> List[List[Any]]:
    return [list(row) for row in itertools.product(*values, repeat=repeat)]


def _combinations(values: Any, size: int) -> List[List[Any]]:
    return [list(row) for row in itertools.combinations(values, size)]


def _permutations(values: Any, size: Optional[int] = None) -> List[List[Any]]:
    return [list(row) for row in itertools.permutations(values, size)]


def _subelements(values: Any, path: Any, skip_missing: bool = False) -> List[List[Any]]:
    rows: List[List[Any]] = []
    for element in values.values() if isinstance(values, dict) else values:
        inner = element
        for key in path.split(".") if isinstance(path, str) else path:
            if key not in inner and skip_missing:
                inner = []
                break
            inner = inner[key]
        rows += [[element, item] for item in inner]
    return rows


def _rekey(values: Any, key: str, duplicates: str = "error") -> Dict[Any, Any]:
    found: Dict[Any, Any] = {}
    for item in values.values() if isinstance(values, dict) else values:
        if item[key] in found and duplicates != "overwrite":
            raise ValueError(f"'{item[key]}' is the {key} of two items")
        found[item[key]] = item
    return found


def _random(end: Any, start: int = 0, step: int = 1, seed: Any = None) -> Any:
    chance = random.Random(seed) if seed is not None else random.SystemRandom()  # noqa: S311 - a seed asks for it
    return chance.randrange(start, end, step) if isinstance(end, int) else chance.choice(end)


def _shuffle(values: Any, seed: Any = None) -> List[Any]:
    found = list(values)
    chance = random.Random(seed) if seed is not None else random.SystemRandom()  # noqa: S311 - a seed asks for it
    chance.shuffle(found)
    return found


def _log(value: float, base: float = math.e) -> float:
    return math.log10(value) if base == 10 else math.log(value, base)  # noqa: PLR2004 - more exact than by base


def _root(value: float, base: float = 2) -> float:
    return math.sqrt(value) if base == 2 else math.pow(value, 1.0 / base)  # noqa: PLR2004 - more exact


def _groupby(values: Any, attribute: str) -> List[Tuple[Any, List[Any]]]:
    def key(item: Any) -> Any:
        for part in attribute.split("."):
            item = item[part]
        return item

    return [(mark, list(rows)) for mark, rows in itertools.groupby(sorted(values, key=key), key)]


LIST_FILTERS: Dict[str, Callable[..., Any]] = {
    "combinations": _combinations,
    "combine": _combine,
    "dict2items": _dict2items,
    "difference": _difference,
    "extract": _extract,
    "flatten": _flatten,
    "groupby": _groupby,
    "intersect": _intersect,
    "items2dict": _items2dict,
    "log": _log,
    "permutations": _permutations,
    "pow": math.pow,
    "product": _product,
    "random": _random,
    "rekey_on_member": _rekey,
    "root": _root,
    "shuffle": _shuffle,
    "subelements": _subelements,
    "symmetric_difference": _symmetric_difference,
    "union": _union,
    "unique": _unique,
    "zip": _zip,
    "zip_longest": _zip_longest,
}
