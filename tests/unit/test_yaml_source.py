from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

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
    ("a: &a [x]\n*a : 1\n", "1:4", "a key must be a plain word"),
    ("a: *b\n", "1:4", "this is not YAML: found undefined alias"),
    ("a: &x 1\nb: &x [2]\n", "2:4", "the anchor '&x' appears twice; rename one"),
    ("a: <<\n", "1:4", "the tag 'tag:yaml.org,2002:merge' is not supported; write a plain value"),
    ("a: !set {x: 1}\n", "1:4", "the tag '!set' is not supported; write a plain value"),
    ("a: &a {b: {c: *a}}\n", "1:4", "aliases here unfold without end; write the values out"),
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
    ("[" * 900, "1:61", "this is nested deeper than 60 levels"),
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
    (
        "x: &x {l: [1, {m: 2}]}\ny: {<<: *x}\nz: [*x]\n",
        {"y": {"l": [1, {"m": 2}]}, "z": [{"l": [1, {"m": 2}]}]},
    ),
    ("x: &x key\n*x : 1\n", {"x": "key", "key": 1}),
    (
        '"<<": {a: 1}\nn: "1"\nt: !!str 1\ni: !!int "7"\nb: !!bool maybe\n',
        {"<<": {"a": 1}, "n": "1", "t": "1", "i": 7, "b": "maybe"},
    ),
    (
        "a: 1:30\nb: 0x1f\nc: 1_000\nd: .inf\ne: NO\n",
        {"a": 90, "b": 31, "c": 1000, "d": float("inf"), "e": False},
    ),
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


PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(st.characters(codec="utf-8", exclude_categories=["C"])),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.from_regex("[a-z]{1,6}", fullmatch=True), inner)
    ),
    max_leaves=30,
)


@settings(max_examples=200, deadline=None)
@given(
    value=st.dictionaries(st.from_regex("[a-z]{1,6}", fullmatch=True), PLAIN, min_size=1),
    flow=st.sampled_from([None, True, False]),
)
def test_what_is_read_is_what_was_written_and_stands_where_it_is_said(
    value: dict[str, Any], flow: bool | None
) -> None:
    text = yaml.safe_dump(value, allow_unicode=True, default_flow_style=flow, sort_keys=False, width=40)

    document = parse(text, PATH)

    assert document.value == value
    lines = text.split("\n")
    for steps in _keys(value):
        place = document.place(steps)
        written = lines[place.line - 1][place.column - 1 :]
        assert written.lstrip("'\"").startswith(str(steps[-1])), (steps, place)


def _keys(value: Any, steps: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Yield the steps to every key of every mapping."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield (*steps, key)
            yield from _keys(inner, (*steps, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _keys(inner, (*steps, index))


def test_an_alias_is_a_copy_of_its_own() -> None:
    read = parse("a: &a {l: [1]}\nb: *a\n", PATH).value

    read["b"]["l"].append(2)

    assert read == {"a": {"l": [1]}, "b": {"l": [1, 2]}}


def test_what_an_alias_brings_stands_where_it_was_written() -> None:
    document = parse("a: &a\n  l: [x, y]\nb:\n  c: *a\nd: [*a]\n", PATH)

    assert document.place(("b", "c")) == Place(PATH, 4, 3)
    assert document.place(("b", "c", "l", 1)) == Place(PATH, 2, 10)
    assert document.place(("d", 0)) == Place(PATH, 1, 4)


def test_no_depth_of_nesting_is_more_than_a_complaint() -> None:
    """libyaml may have a limit of its own, and then it is the first to say so."""
    with pytest.raises(InputError, match="nest"):
        parse("[" * 100_000, PATH)
