from __future__ import annotations

from pathlib import Path
from typing import Annotated

import pytest
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from edgectl.complaints import did_you_mean, validate
from edgectl.errors import InputError
from edgectl.yaml_source import parse


def _even(number: int) -> int:
    if number % 2:
        raise ValueError(f"{number} is odd")
    return number


class Part(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")

    name: str
    size: Annotated[int, AfterValidator(_even)] = 0


class Whole(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")

    parts: dict[str, Part] = {}
    listed: list[Part] = []
    either: int | Part | None = None
    count: int = Field(default=1, ge=1)
    ratio: float = 1.0


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("prats: {}\n", ["1:1   unknown key 'prats'; did you mean 'parts'?"]),
        ("zzz: {}\n", ["1:1   unknown key 'zzz'; known: count, either, listed, parts, ratio"]),
        ("parts: {a: {nam: x}}\n", ["1:9   the key 'name' is missing",
                                    "1:13   unknown key 'nam'; did you mean 'name'?"]),
        ("listed:\n  - {name: x, siez: 2}\n", ["2:15   unknown key 'siez'; did you mean 'size'?"]),
        ("parts: {a: {name: 7}}\n", ["1:13   'parts.a.name': text is wanted; write \"7\" in quotes"]),
        ("parts: {a: {name: NO}}\n", ["1:13   'parts.a.name': text is wanted; write \"NO\" in quotes"]),
        ("parts: {a: {name: [x]}}\n", ["1:13   'parts.a.name': text is wanted"]),
        ("parts: {a: {name: x, size: 3}}\n", ["1:22   'parts.a.size': 3 is odd"]),
        ("parts: {a: 3}\n", ["1:9   'parts.a': a mapping is wanted, not 3"]),
        ("parts: []\n", ["1:1   'parts': a mapping is wanted, not []"]),
        ("- a\n", ["1:1   a mapping is wanted, not ['a']"]),
        ('count: "3"\n', ["1:1   'count': a number is wanted; write 3 without quotes"]),
        ("count: x\n", ["1:1   'count': input should be a valid integer, not 'x'"]),
        ("count: 0\n", ["1:1   'count': input should be greater than or equal to 1, not 0"]),
        ('ratio: "2"\n', ["1:1   'ratio': a number is wanted; write 2 without quotes"]),
        ("count: 0\nprats: 1\n", ["1:1   'count': input should be greater than or equal to 1, not 0",
                                  "2:1   unknown key 'prats'; did you mean 'parts'?"]),
    ],
)  # fmt: skip
def test_a_complaint_has_its_place_and_says_what_to_write(text: str, told: list[str]) -> None:
    document = parse(text, Path("f.yaml"))

    with pytest.raises(InputError) as caught:
        validate(Whole, document)

    assert [str(problem).removeprefix("f.yaml:") for problem in caught.value.problems] == told


def test_what_is_sound_becomes_the_model() -> None:
    document = parse("parts: {a: {name: x, size: 2}}\n", Path("f.yaml"))

    assert validate(Whole, document).parts == {"a": Part(name="x", size=2)}


def test_a_part_of_a_document_is_validated_at_its_place() -> None:
    document = parse("deep:\n  - {name: x, siez: 2}\n", Path("f.yaml"))

    with pytest.raises(InputError) as caught:
        validate(Part, document, document.value["deep"][0], ("deep", 0))

    assert str(caught.value) == "f.yaml:2:15   unknown key 'siez'; did you mean 'size'?"


def test_an_empty_mapping_is_validated_and_not_taken_for_the_whole_document() -> None:
    document = parse("deep: {}\n", Path("f.yaml"))

    with pytest.raises(InputError) as caught:
        validate(Part, document, document.value["deep"], ("deep",))

    assert str(caught.value) == "f.yaml:1:1   the key 'name' is missing"


def test_a_null_that_somebody_wrote_is_not_taken_for_the_whole_document_either() -> None:
    document = parse("name: x\ndeep: ~\n", Path("f.yaml"))

    with pytest.raises(InputError) as caught:
        validate(Part, document, document.value["deep"], ("deep",))

    assert str(caught.value) == "f.yaml:2:1   a mapping is wanted, not None"


def test_a_choice_of_thousands_is_not_listed() -> None:
    assert did_you_mean("zzz", [f"name{number}" for number in range(4000)]) == ""
    assert did_you_mean("zzz", ["b", "a"]) == "; known: a, b"
    assert did_you_mean("zzz", []) == ""
