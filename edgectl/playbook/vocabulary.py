"""What playbooks can say, told from the code that reads and runs them: modules, their arguments, the JSON Schema."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import MISSING, dataclass
from typing import Any

from edgectl.complaints import did_you_mean
from edgectl.errors import InputError
from edgectl.remote import registry

_REPEATS = {
    "reads": "reads only: it may be done again at any time, and a run of nothing else leaves no journal",
    "idempotent": "done again, it changes nothing more: it is repeated where a runner was cut off",
    "once": "never done twice: cut off in the middle, it is `unknown`",
}


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument of a module; `default` is as YAML has it, None where it must be given."""

    name: str
    kind: str
    default: str | None
    doc: str
    aliases: Sequence[str]


@dataclass(frozen=True, slots=True)
class ModuleDoc:
    """What a person should know of a module before he writes it down."""

    name: str
    summary: str
    arguments: Sequence[Argument]
    free_form: str  # the argument that a bare text stands for, or ''
    takes_any: bool  # its arguments are names of the writer's own
    repeat: str
    results: str  # what it returns beside what every task does


def module_docs() -> list[ModuleDoc]:
    """Return every module by name."""
    return [module_doc(name) for name in sorted({*registry.MODULES, *registry.OWN})]


def module_doc(name: str) -> ModuleDoc:
    """Return one module. Raises `InputError` with the nearest name there is."""
    known = {*registry.MODULES, *registry.OWN}
    if name not in known:
        raise InputError(
            f"there is no module '{name}'{did_you_mean(name, known, listed=False)}",
            hint="edgectl docs",
        )
    module = registry.load(name)
    takes_any = bool(getattr(module, "FREE_KEYS", False))
    return ModuleDoc(
        name=name,
        summary=re.split(r"(?<=[.?:])\s*\n|\n\n", (module.__doc__ or "").strip())[0].replace("\n", " "),
        arguments=[] if takes_any else list(_arguments(module.Args)),
        free_form=getattr(module, "FREE_FORM", "") or "",
        takes_any=takes_any,
        repeat=_REPEATS[getattr(module, "REPEAT", "once")],
        results=" ".join((module.run.__doc__ or "").split()),
    )


def _arguments(kind: Any) -> Iterator[Argument]:
    for field in kind.__dataclass_fields__.values():
        if not field.metadata.get("internal"):
            yield Argument(
                field.name,
                str(field.type).replace(" | None", "").replace("Literal", "one of "),
                _default(field),
                field.metadata.get("doc", ""),
                field.metadata.get("aliases", ()),
            )


def _default(field: Any) -> str | None:
    value = field.default_factory() if _is_given(field.default_factory) else field.default
    if not _is_given(value):
        return None
    if isinstance(value, bool):
        return str(value).lower()
    return "none" if value is None else str(value) or "''"


def _is_given(value: Any) -> bool:
    """Tell a value from the marks for none: the library's, and that of the code that travels."""
    from edgectl.remote import frozen

    return value is not MISSING and value is not frozen.MISSING


def example(doc: ModuleDoc) -> str:
    """Return a task that gives what must be given."""
    needed = [argument for argument in doc.arguments if argument.default is None]
    if doc.takes_any:
        return f"- {doc.name}: {{name: value}}"
    if doc.free_form:
        return f"- {doc.name}: …"
    if not needed:
        return f"- {doc.name}: {{}}"
    return f"- {doc.name}: {{{', '.join(f'{one.name}: …' for one in needed)}}}"
