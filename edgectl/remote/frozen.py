"""Frozen dataclasses for code that travels: the part of `dataclasses` that we use, without what it imports.

`import dataclasses` brings `inspect`, `ast`, `dis` and `tokenize`, and each class is written as source, compiled and
given a signature: 12 of the 53 ms of CPU that a host needed to start the runner. Type checkers see the original, and
its own `replace` takes these, too.
"""

# ruff: noqa: ANN001, ANN002, ANN003, ANN201, ANN202, ANN204 - the types are the original's
from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dataclasses import MISSING, Field, dataclass, field, fields, replace
else:
    MISSING = object()

    class Field:
        """One field of a frozen dataclass; `type` is its annotation as text."""

        init = True
        _field_type = None  # not a ClassVar or InitVar, as the original's `replace` asks

        def __init__(self, default, default_factory, metadata):
            self.name = self.type = ""
            self.default = default
            self.default_factory = default_factory
            self.metadata = metadata

    def field(*, default=MISSING, default_factory=MISSING, metadata=None):
        """Declare a field with a default of its own, a factory of one, or metadata."""
        return Field(default, default_factory, metadata or {})

    def dataclass(*, frozen):
        """Return a decorator that makes a class of annotated names, and those of its bases, a frozen record."""
        if not frozen:
            raise TypeError("what travels is frozen")
        return _made

    def _made(kind):
        known = {}
        for base in reversed(kind.__mro__[1:]):
            known.update(base.__dict__.get("__dataclass_fields__", {}))
        known.update((name, _field(kind, name)) for name in vars(kind).get("__annotations__", ()))
        kind.__dataclass_fields__ = known
        kind.__init__ = _init
        kind.__setattr__ = kind.__delattr__ = _refuse
        kind.__eq__, kind.__hash__, kind.__repr__ = _eq, _hash, _repr
        return kind

    def _field(kind, name):
        given = kind.__dict__.get(name, MISSING)
        one = given if isinstance(given, Field) else Field(given, MISSING, {})
        one.name, one.type = name, kind.__annotations__[name]
        if one.default is not MISSING:
            setattr(kind, name, one.default)
        elif given is not MISSING:
            delattr(kind, name)
        return one

    def _init(self, *args, **given):
        known = self.__dataclass_fields__
        if len(args) > len(known):
            raise TypeError(f"{type(self).__name__} takes {len(known)} arguments, not {len(args)}")
        values = dict(zip(known, args))
        for name in given:
            if name not in known or name in values:
                why = "is given twice" if name in values else "is not known"
                raise TypeError(f"{type(self).__name__}: the argument '{name}' {why}")
        values.update(given)
        for name, one in known.items():
            if name not in values:
                values[name] = _default(self, one)
        for name in known:  # in one order, so that all instances share one set of keys
            object.__setattr__(self, name, values[name])
        if hasattr(self, "__post_init__"):
            self.__post_init__()

    def _default(self, one):
        if one.default is not MISSING:
            return one.default
        if one.default_factory is MISSING:
            raise TypeError(f"{type(self).__name__}: the argument '{one.name}' is missing")
        return one.default_factory()

    def _refuse(self, name, *_):
        raise AttributeError(f"{type(self).__name__} is frozen; cannot set '{name}'")

    def _eq(self, other):
        return self.__dict__ == other.__dict__ if type(self) is type(other) else NotImplemented

    def _hash(self):
        return hash(tuple(self.__dict__.values()))

    def _repr(self):
        inside = ", ".join(f"{name}={value!r}" for name, value in self.__dict__.items())
        return f"{type(self).__name__}({inside})"

    def fields(kind):
        """Return the fields of a class or of one of its instances, in order."""
        return tuple(kind.__dataclass_fields__.values())

    def replace(one, **changes):
        """Return a copy with some fields changed."""
        return type(one)(**{**one.__dict__, **changes})


__all__ = ["MISSING", "Field", "dataclass", "field", "fields", "replace"]
