"""Ansible's filters that Jinja2 itself lacks or means otherwise, by name.

Those that ask the controller's files (`fileglob`), need another library (`password_hash`) or open a vault are left out.
"""

from __future__ import annotations

from edgectl.remote.filters_of_lists import LIST_FILTERS
from edgectl.remote.filters_of_texts import TEXT_FILTERS
from edgectl.remote.lean import Any, Callable, Dict

_TRUE_WORDS = frozenset({"yes", "on", "true", "1", "y", "t"})


def _bool(value: Any) -> bool:
    return value if isinstance(value, bool) else str(value).strip().lower() in _TRUE_WORDS


def _mandatory(value: Any, msg: str = "") -> Any:
    if msg and type(value).__name__.endswith("Undefined"):
        raise ValueError(msg)
    str(value)  # an undefined value raises here, with its name
    return value


def _ternary(value: Any, when_true: Any, when_false: Any, when_none: Any = None) -> Any:
    if value is None and when_none is not None:
        return when_none
    return when_true if value else when_false


def _type_debug(value: Any) -> str:
    return type(value).__name__


FILTERS: Dict[str, Callable[..., Any]] = {
    "bool": _bool,
    "mandatory": _mandatory,
    "ternary": _ternary,
    "type_debug": _type_debug,
    **LIST_FILTERS,
    **TEXT_FILTERS,
}
# Filters that need a library beside Jinja2 at the host.
NEEDS_YAML = frozenset({"from_yaml", "from_yaml_all", "to_nice_yaml", "to_yaml"})
