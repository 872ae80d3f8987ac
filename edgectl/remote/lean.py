"""Names of the standard library that every job needs, without what their modules import.

`typing`, `contextlib`, `signal`, `functools` and `importlib` bring `re`, `enum`, `collections` and `types` along: a
third of the CPU that a host needed to start the runner. Type checkers see the originals.
"""

# ruff: noqa: ANN001, ANN002, ANN003, ANN201, ANN202, ANN204 - the types are the originals'
from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from contextlib import suppress
    from importlib import import_module
    from signal import SIG_DFL, SIG_IGN, SIGHUP, SIGKILL, SIGPIPE, SIGTERM, SIGXFSZ
    from signal import signal as on_signal
    from typing import (
        IO,
        Any,
        Callable,
        Dict,
        FrozenSet,
        Iterable,
        Iterator,
        List,
        Literal,
        NamedTuple,
        NoReturn,
        Optional,
        Sequence,
        Set,
        Tuple,
        Type,
        Union,
    )
else:
    import sys
    from _collections import _tuplegetter
    from _signal import SIG_DFL, SIG_IGN, SIGHUP, SIGKILL, SIGPIPE, SIGTERM, SIGXFSZ
    from _signal import signal as on_signal

    class _Word:
        """Stands for a type: annotations are never evaluated, and aliases need only survive being written."""

        def __getitem__(self, _):
            return self

        __or__ = __ror__ = __getitem__

    Any = Callable = Dict = FrozenSet = IO = Iterable = Iterator = List = Literal = NoReturn = _Word()
    Optional = Sequence = Set = Tuple = Type = Union = Any

    class _Fields(type):
        """Makes a class of annotated names a tuple with those fields."""

        def __new__(cls, name, bases, space):
            names = tuple(space.get("__annotations__", ()))
            space["_field_defaults"] = {one: space[one] for one in names if one in space}
            space.update((one, _tuplegetter(at, None)) for at, one in enumerate(names))
            return type.__new__(cls, name, bases, {**space, "_fields": names, "__slots__": ()})

    class NamedTuple(tuple, metaclass=_Fields):  # noqa: SLOT001 - `_Fields` says it
        """What `typing.NamedTuple` makes, but for a signature of its own: all classes share one constructor."""

        def __new__(cls, *given, **named):  # noqa: D102 - the class says it
            names = cls._fields
            if not named and len(given) == len(names):
                return tuple.__new__(cls, given)
            values = dict(zip(names, given))
            if len(given) > len(names) or values.keys() & named.keys() or named.keys() - set(names):
                raise TypeError(f"{cls.__name__} takes {', '.join(names)}, not {given!r} and {named!r}")
            values = {**cls._field_defaults, **values, **named}
            missing = [name for name in names if name not in values]
            if missing:
                raise TypeError(f"{cls.__name__} wants {', '.join(missing)}, too")
            return tuple.__new__(cls, [values[name] for name in names])

        def _asdict(self):
            return dict(zip(self._fields, self))

        def _replace(self, **changes):
            return type(self)(**{**self._asdict(), **changes})

        def __getnewargs__(self):
            return tuple(self)

        def __repr__(self):
            inside = ", ".join(f"{name}={value!r}" for name, value in zip(self._fields, self))
            return f"{type(self).__name__}({inside})"

    class suppress:  # noqa: N801 - the original's name
        """Go on behind the block when it raises one of these."""

        def __init__(self, *kinds):
            self._kinds = kinds

        def __enter__(self):
            return None

        def __exit__(self, kind, _error, _where):
            return kind is not None and issubclass(kind, self._kinds)

    def import_module(name):
        """Import a module by its full name."""
        __import__(name)
        return sys.modules[name]


__all__ = [
    "IO",
    "SIGHUP",
    "SIGKILL",
    "SIGPIPE",
    "SIGTERM",
    "SIGXFSZ",
    "SIG_DFL",
    "SIG_IGN",
    "Any",
    "Callable",
    "Dict",
    "FrozenSet",
    "Iterable",
    "Iterator",
    "List",
    "Literal",
    "NamedTuple",
    "NoReturn",
    "Optional",
    "Sequence",
    "Set",
    "Tuple",
    "Type",
    "Union",
    "import_module",
    "on_signal",
    "suppress",
]
