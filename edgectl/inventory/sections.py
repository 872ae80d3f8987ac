"""The files of an inventory, read, validated and added up; complaints are collected."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

from pydantic import ValidationError

from edgectl.complaints import validate
from edgectl.errors import InputError, Place, Problem
from edgectl.inventory.schema import GroupSpec, InventoryFile, Layer, PopSpec, TemplateSpec, Written
from edgectl.yaml_source import Document, load
from edgectl.yaml_values import Mark

Spec = TypeVar("Spec", bound=Written)
Spec_co = TypeVar("Spec_co", bound=Written, covariant=True)
Part = TypeVar("Part", bound=Written)


@dataclass(frozen=True, slots=True)
class Entry(Generic[Spec_co]):
    """One thing a file describes, and where."""

    spec: Spec_co
    document: Document
    mark: Mark

    def place(self, *steps: str | int) -> Place:
        """Return where the value at `steps` inside this entry was written."""
        return self.document.place(steps, self.mark)

    def within(self, spec: Part, *steps: str | int) -> Entry[Part]:
        """Return a part of this entry as an entry of its own."""
        return Entry(spec, self.document, self.document.follow(steps, self.mark))


@dataclass(slots=True)
class Sections:
    """What all files say together. `is_whole` is false when a file or an entry had to be left out.

    `digests` are of the files that were read.
    """

    defaults: list[Entry[Layer]] = field(default_factory=list)
    groups: dict[str, Entry[GroupSpec]] = field(default_factory=dict)
    templates: dict[str, Entry[TemplateSpec]] = field(default_factory=dict)
    pops: dict[str, Entry[PopSpec]] = field(default_factory=dict)
    digests: dict[Path, str] = field(default_factory=dict)
    is_whole: bool = True


def read(source: Path, problems: list[Problem]) -> Sections:
    """Read the files of `source`, which is a folder or one file."""
    sections = Sections()
    for path in _files(source, problems):
        try:
            document = load(path)
        except InputError as error:
            sections.is_whole = False
            problems.extend(error.problems)
        else:
            sections.digests[path] = document.digest
            _take(document, sections, problems)
    return sections


def _take(document: Document, sections: Sections, problems: list[Problem]) -> None:
    try:
        _add(validate(InventoryFile, document), document, sections, problems)
    except InputError as error:
        sections.is_whole = False
        problems.extend(error.problems)
        _add_what_is_sound(document, sections, problems)


def _files(source: Path, problems: list[Problem]) -> list[Path]:
    if not source.is_dir():
        return [source]
    problems.extend(
        Problem(f"this file would not be read; call it {path.stem}.yaml", Place(path))
        for path in (*source.glob("*.yml"), *source.glob("pops/*.yml"))
    )
    files = sorted([*source.glob("*.yaml"), *source.glob("pops/*.yaml")])
    if not files and not problems:
        message = "no *.yaml and no pops/*.yaml in this folder"
        raise InputError([Problem(message, Place(source))], hint="edgectl inventory generate --pops 12")
    return files


def _add(file: InventoryFile, document: Document, sections: Sections, problems: list[Problem]) -> None:
    if "defaults" in file.model_fields_set:
        sections.defaults.append(Entry(file.defaults, document, document.follow(("defaults",))))
    problems.extend(_join(sections.groups, file.groups, document, ("groups", "group")))
    problems.extend(_join(sections.templates, file.racks, document, ("racks", "rack template")))
    problems.extend(_join(sections.pops, file.pops, document, ("pops", "PoP")))


def _join(
    known: dict[str, Entry[Spec]], specs: Mapping[str, Spec], document: Document, words: tuple[str, str]
) -> Iterator[Problem]:
    section, kind = words
    for name, spec in specs.items():
        entry = Entry(spec, document, document.follow((section, name)))
        first = known.setdefault(name, entry)
        if first is not entry:
            yield twice(f"{kind} {name}", entry.place(), first.place())


def twice(what: str, place: Place, first: Place) -> Problem:
    """Return the complaint that something of which there is one stands in two places."""
    where = f"line {first.line}" if first.path == place.path else f"{first.path.name}:{first.line}"
    return Problem(f"{what} appears twice (first at {where}); keep one", place)


def _add_what_is_sound(document: Document, sections: Sections, problems: list[Problem]) -> None:
    """Keep the sound entries of a file with errors, so that what is wrong between entries is told as well."""
    for section in document.value if isinstance(document.value, dict) else ():
        for name, value in _entries(document.value[section]):
            sound = _sound({section: {name: value}})
            if sound:
                _add(sound, document, sections, problems)


def _entries(section: Any) -> Iterator[tuple[str, Any]]:
    yield from section.items() if isinstance(section, dict) else ()


def _sound(value: Mapping[str, Any]) -> InventoryFile | None:
    try:
        return InventoryFile.model_validate(value)
    except ValidationError:
        return None
