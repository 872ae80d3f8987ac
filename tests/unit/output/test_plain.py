"""What goes to a pipe is, letter for letter, what a terminal without colours would show."""

from __future__ import annotations

from io import StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgectl.output.plain import is_plain, write_plain
from edgectl.output.table import render_lines
from edgectl.report import Line, Table

ASCII = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=12)
TABLES = st.integers(1, 4).flatmap(
    lambda width: st.builds(
        Table,
        st.lists(st.sampled_from(["host", ">rows", "a longer name", ">n"]), min_size=width, max_size=width),
        st.lists(st.lists(ASCII, min_size=width, max_size=width), max_size=4),
    )
)
LINES = st.builds(Line, st.text(st.characters(min_codepoint=9, max_codepoint=255), max_size=30))


@given(st.lists(TABLES | LINES, max_size=4))
def test_both_ways_write_the_same(parts: list[Table | Line]) -> None:
    by_rich, by_us = StringIO(), StringIO()
    render_lines(parts, by_rich, color=False)
    write_plain(parts, by_us)

    assert is_plain(parts)
    assert by_us.getvalue() == by_rich.getvalue()


@pytest.mark.parametrize("cell", ["größe", "two\nlines", "a\ttab"])
def test_what_needs_more_than_counting_letters_is_left_to_rich(cell: str) -> None:
    assert not is_plain([Table(["name"], [[cell]])])
