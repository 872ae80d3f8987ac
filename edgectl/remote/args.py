"""Module arguments: declared as a frozen dataclass, coerced by Ansible's rules, the same on both sides.

The annotations are read as text and never evaluated, because `str | None` is not valid at run time in
Python 3.9. Known kinds: str, int, float, bool, Mode, dict, list, list[X], Literal['a', 'b'], Any and
`| None` behind each of them.
"""

from __future__ import annotations

from edgectl.remote.frozen import MISSING, fields
from edgectl.remote.frozen import field as declared
from edgectl.remote.lean import Any, Dict, List, Optional, Tuple

# An octal text such as "0644", or chmod's symbolic form such as "u+x".
Mode = str

_TRUE = frozenset({"yes", "on", "true", "1", "y", "t"})
_FALSE = frozenset({"no", "off", "false", "0", "n", "f"})
_OCTAL_DIGITS = frozenset("01234567")


class ArgumentError(ValueError):
    """An argument cannot be meant; `field` is the argument's name, or "" for all of them together."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


def arg(
    default: Any = MISSING,
    *,
    doc: str = "",
    aliases: Tuple[str, ...] = (),
    internal: bool = False,
    factory: Any = MISSING,
) -> Any:
    """Declare an argument. An `internal` one is filled in by the controller's compiler, never by a person."""
    metadata = {"doc": doc, "aliases": aliases, "internal": internal}
    if factory is not MISSING:
        return declared(default_factory=factory, metadata=metadata)
    return declared(default=default, metadata=metadata)


def build(kind: Any, given: Dict[str, Any], *, internal: bool = False) -> Any:
    """Return `kind(**given)` with every value coerced to its declared type.

    `internal` admits the arguments that only the controller's compiler may set. Raises `ArgumentError`.
    """
    known = {field.name: field for field in fields(kind)}
    values: Dict[str, Any] = {}
    for name, value in given.items():
        field = _field(known, name, internal=internal)
        if field.name in values:
            raise ArgumentError(name, f"'{name}' is given twice, it is another name of '{field.name}'")
        values[field.name] = coerce(name, value, str(field.type))
    for field in known.values():
        if field.name not in values and is_required(field):
            raise ArgumentError("", f"the argument '{field.name}' is missing")
    return _constructed(kind, values)


def _constructed(kind: Any, values: Dict[str, Any]) -> Any:
    try:
        return kind(**values)
    except ArgumentError:
        raise
    except ValueError as error:  # a cross-field rule in __post_init__
        raise ArgumentError("", str(error)) from None


def is_required(field: Any) -> bool:
    """Tell whether an argument has no default."""
    return field.default is MISSING and field.default_factory is MISSING


def public_names(kind: Any) -> List[str]:
    """Return every name a person may write, aliases included."""
    names: List[str] = []
    for field in fields(kind):
        if not field.metadata.get("internal"):
            names += [field.name, *field.metadata.get("aliases", ())]
    return names


def field_named(kind: Any, name: str) -> Optional[Any]:
    """Return the declared field behind a name or an alias."""
    for field in fields(kind):
        if name == field.name or name in field.metadata.get("aliases", ()):
            return field
    return None


def _field(known: Dict[str, Any], name: str, *, internal: bool) -> Any:
    for field in known.values():
        if name == field.name or name in field.metadata.get("aliases", ()):
            if field.metadata.get("internal") and not internal:
                break
            return field
    raise ArgumentError(name, f"unknown argument '{name}'")


def coerce(name: str, value: Any, annotation: str) -> Any:
    """Return `value` as `annotation` says, by Ansible's rules, or raise `ArgumentError`."""
    branches = [branch.strip() for branch in annotation.split(" | ")]
    if value is None:
        if "None" in branches or annotation == "Any":
            return None
        raise ArgumentError(name, f"'{name}' must be {_wanted(branches[0])}, not empty")
    kind = branches[0]
    if kind == "Any":
        return value
    if kind.startswith("Literal["):
        return _literal(name, value, kind)
    if kind.startswith(("list", "List")):
        return _list(name, value, kind)
    if kind.startswith(("dict", "Dict")):
        return _mapping(name, value)
    return _SCALARS[kind](name, value)


def _literal(name: str, value: Any, kind: str) -> Any:
    choices = tuple(word.strip(" '\"") for word in kind[len("Literal[") : -1].split(","))
    if isinstance(value, bool):  # YAML reads yes and no as booleans where the choice is a word
        value = next((word for word in ("yes", "no") if word in choices and (word == "yes") == value), value)
    if str(value) in choices:
        return str(value)
    raise ArgumentError(name, f"'{name}' must be one of {', '.join(choices)}, not {value!r}")


def _list(name: str, value: Any, kind: str) -> List[Any]:
    """Return a list; a bare text is split at commas, unless its elements may be anything (expressions)."""
    inner = kind[kind.index("[") + 1 : -1] if "[" in kind else "Any"
    if isinstance(value, str) and inner == "Any":
        value = [value]
    elif isinstance(value, str):
        value = [part.strip() for part in value.split(",")] if value else []
    elif isinstance(value, (int, float, dict)):
        value = [value]
    if not isinstance(value, list):
        raise ArgumentError(name, f"'{name}' must be a list, not {value!r}")
    return [coerce(name, item, inner) for item in value]


def _mapping(name: str, value: Any) -> Dict[str, Any]:
    if isinstance(value, dict):
        return value
    if isinstance(value, str) and value.lstrip().startswith("{"):
        value = _json(value)
        if isinstance(value, dict):
            return value
    elif isinstance(value, str):
        return words(value.replace(",", " "))
    raise ArgumentError(name, f"'{name}' must be a mapping, not {value!r}")


def _json(text: str) -> Any:
    import json

    try:
        return json.loads(text)
    except ValueError:
        return text


def _text(name: str, value: Any) -> str:
    if isinstance(value, (dict, list)):
        raise ArgumentError(name, f"'{name}' must be a text, not a {type(value).__name__}")
    return str(value)


def _integer(name: str, value: Any) -> int:
    whole = not isinstance(value, bool) and not (isinstance(value, float) and not value.is_integer())
    try:
        return int(value if whole else "no whole number")
    except (TypeError, ValueError):
        raise ArgumentError(name, f"'{name}' must be a whole number, not {value!r}") from None


def _number(name: str, value: Any) -> float:
    try:
        return float("no number" if isinstance(value, bool) else value)
    except (TypeError, ValueError):
        raise ArgumentError(name, f"'{name}' must be a number, not {value!r}") from None


def _truth(name: str, value: Any) -> bool:
    word = str(value).lower()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise ArgumentError(name, f"'{name}' must be yes or no, not {value!r}")


def _mode(name: str, value: Any) -> str:
    """Return a file mode as text.

    YAML 1.1 reads an unquoted 0644 as the number 420, which is the mode that was meant; an unquoted 644 is
    the number 644, which is the mode 01204. Ansible takes both at their word, and so do we.
    """
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        raise ArgumentError(name, f"'{name}' must be a file mode such as \"0644\", not {value!r}")
    if isinstance(value, int):
        return f"{value:04o}"
    if (
        value == "preserve"
        or (value and set(value) <= _OCTAL_DIGITS)
        or "=" in value
        or "+" in value
        or "-" in value
    ):
        return value
    raise ArgumentError(name, f'\'{name}\' must be a file mode such as "0644" or "u+x", not {value!r}')


_SCALARS = {"str": _text, "int": _integer, "float": _number, "bool": _truth, "Mode": _mode}


def _wanted(kind: str) -> str:
    plain = {"str": "a text", "int": "a whole number", "float": "a number", "bool": "yes or no"}
    return plain.get(kind, "given")


def words(text: str) -> Dict[str, str]:
    """Parse Ansible's `key=value key="two words"` form."""
    import shlex

    found: Dict[str, str] = {}
    for word in shlex.split(text):
        name, equals, value = word.partition("=")
        if not equals:
            raise ArgumentError("", f"'{word}' is not of the form key=value")
        found[name] = value
    return found
