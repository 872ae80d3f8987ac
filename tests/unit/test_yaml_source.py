from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from edgectl.errors import ExitCode, InputError, Place
from edgectl.yaml_source import load, parse
from edgectl.yaml_values import DEPTH_LIMIT

PATH = Path("f.yaml")

REFUSED = [
    ("a: [\n", "2:1", "this is not YAML: did not find expected node content (while parsing a flow node)"),
    ("a:\n\tb: 1\n", "2:1", "this is not YAML: a tab; YAML indents with spaces"),
    ("a:\n  b: 1\n\tc: 2\n", "3:1", "this is not YAML: a tab; YAML indents with spaces"),
    ('a: "x\ty" : z\n', "1:10", "this is not YAML: mapping values are not allowed in this context"),
    ("", "1:1", "the file is empty; write at least one key, or remove the file"),
    ("# nothing\n", "1:1", "the file is empty; write at least one key, or remove the file"),
    ("a: 1\nb: 2\na: 3\n", "3:1", "the key 'a' appears twice (first in line 1); keep one"),
    ("x: {a: 1, 'a': 2}\n", "1:11", "the key 'a' appears twice (first in line 1); keep one"),
    (
        "a: 1\n---\nb: 2\n",
        "2:1",
        "this is not YAML: but found another document (expected a single document in the stream)",
    ),
    ("a: &a [*a]\n", "1:4", "aliases here unfold without end; write the values out"),
    ("a: b\nc: \x00\n", "2:4", "this is not YAML: the character #x00 is not allowed in text"),
    ("ü: b\nö: ä\x07\n", "2:5", "this is not YAML: the character #x07 is not allowed in text"),
    ("? [a]\n: 1\n", "1:3", "a key must be a plain word"),
    ("y: {<<: 5}\n", "1:9", "'<<' takes a mapping or a list of mappings"),
    (
        "a: !vault x\n",
        "1:4",
        "the tag '!vault' is not supported; write a plain value",
    ),
    (
        "a: !!python/object/apply:os.system [ls]\n",
        "1:4",
        "the tag 'tag:yaml.org,2002:python/object/apply:os.system' is not supported; write a plain value",
    ),
    ("[" * 100_000, "1:61", "this is nested deeper than 60 levels"),
    ("- " * 100_000, "1:121", "this is nested deeper than 60 levels"),
]

READ = [
    ("a: 1\nb: 2.5\nc: yes\nd: ~\ne: x\n", {"a": 1, "b": 2.5, "c": True, "d": None, "e": "x"}),
    ("1: a\ntrue: b\n", {"1": "a", "true": "b"}),
    ("a: 2026-01-01\nb: =\n", {"a": "2026-01-01", "b": "="}),
    ("a: " + "9" * 6000, {"a": "9" * 6000}),
    ("\ufeffa: 1\n", {"a": 1}),
    ("x: &x {a: 1, b: 2}\ny: {<<: *x, b: 3}\n", {"x": {"a": 1, "b": 2}, "y": {"a": 1, "b": 3}}),
    ("x: &x {a: 1}\ny: &y {a: 2, b: 2}\nz: {<<: [*x, *y]}\n", {"z": {"a": 1, "b": 2}}),
    ("- a\n- [b]\n", ["a", ["b"]]),
    ("hello\n", "hello"),
    ("[" * DEPTH_LIMIT + "]" * DEPTH_LIMIT, None),
]


@pytest.mark.parametrize(("text", "place", "message"), REFUSED)
def test_what_cannot_be_read_is_told_with_its_place(text: str, place: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        parse(text, PATH)

    assert str(caught.value) == f"f.yaml:{place}   {message}"
    assert caught.value.exit_code is ExitCode.INPUT


@pytest.mark.parametrize(("text", "value"), READ)
def test_values_are_plain_and_keys_are_text(text: str, value: Any, tmp_path: Path) -> None:
    path = tmp_path / "f.yaml"
    path.write_text(text, encoding="utf-8")

    read = load(path).value

    if isinstance(value, dict):
        assert {key: read[key] for key in value} == value
    elif value is not None:
        assert read == value


def test_a_file_is_refused_by_what_it_is(tmp_path: Path) -> None:
    latin = tmp_path / "latin.yaml"
    latin.write_bytes(b"a: 1\nb: \xfc\n")
    large = tmp_path / "large.yaml"
    with large.open("wb") as file:
        file.truncate(50 * 2**20)

    for path, told in (
        (latin, f"{latin}:2:4   byte 0xfc is not UTF-8; save the file as UTF-8"),
        (large, f"{large}:1:1   the file is larger than 16 MiB; split it or name another"),
        (tmp_path / "no.yaml", f"{tmp_path}/no.yaml:1:1   there is no such file"),
        (tmp_path, f"{tmp_path}:1:1   cannot read: Is a directory"),
    ):
        with pytest.raises(InputError) as caught:
            load(path)
        assert str(caught.value) == told


@pytest.mark.parametrize(
    ("steps", "line", "column"),
    [
        ((), 1, 1),
        (("a",), 1, 1),
        (("a", "b"), 2, 3),
        (("a", "b", 1), 2, 10),
        (("a", "b", 7), 2, 3),
        (("a", "missing", "deeper"), 1, 1),
        (("k39",), 42, 1),
    ],
)
def test_a_place_is_the_key_or_the_last_thing_that_exists(
    steps: tuple[str | int, ...], line: int, column: int
) -> None:
    document = parse("a:\n  b: [x, y]\n" + "".join(f"k{number}: 1\n" for number in range(60)), PATH)

    assert document.place(steps) == Place(PATH, line, column)


def test_a_scalar_is_known_as_it_was_written() -> None:
    document = parse("country: NO\nrev: 1.10\nlist: [a]\n", PATH)

    assert [document.written([key]) for key in ("country", "rev", "list")] == ["NO", "1.10", ""]
