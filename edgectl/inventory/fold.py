"""Many names as few: `fra[1-3]-r1-n[01-04]`, and back.

A bracket holds numbers and ranges of numbers. Every number of a range is written as wide as the range's
first, so `[08-11]` is 08 09 10 11 and `[8-11]` is 8 9 10 11. Folding is exact: only what was given is named.
"""

from __future__ import annotations

import bisect
import itertools
import re
from collections.abc import Collection, Iterable, Iterator

# More than any fleet has hosts; beyond it somebody mistyped a range.
UNFOLD_LIMIT = 1_000_000

_NUMBER = re.compile("([0-9]+)")
_BRACKET = re.compile(r"\[([^\[\]]*)\]")
_SPAN = re.compile(r"([0-9]+)(?:-([0-9]+))?")


def natural_key(name: str) -> tuple[tuple[int, str] | str, ...]:
    """Return the key that sorts names as people count: `n2` before `n10`."""
    pieces = _NUMBER.split(name)
    return tuple((int(piece), piece) if index % 2 else piece for index, piece in enumerate(pieces))


def folded(names: Iterable[str]) -> str:
    """Return the names folded into one line, which is also a pattern that selects them."""
    return ",".join(fold(names))


def abridged(names: Collection[str], characters: int = 120) -> str:
    """Return the names folded; where that takes more characters, the first of them and how many more there are."""
    whole = folded(names)
    if len(whole) <= characters:
        return whole
    ordered = sorted(set(names), key=natural_key)
    # Folding the first names takes ever more room, but for the moment at which a gap between them closes.
    count = max(1, bisect.bisect(range(len(ordered)), characters, key=lambda k: len(folded(ordered[:k]))) - 1)
    return f"{folded(ordered[:count])} and {len(ordered) - count:,} more"


def fold(names: Iterable[str]) -> list[str]:
    """Return the names folded, in natural order; `unfold` of all lines gives the same names."""
    rows_by_shape: dict[tuple[str, ...], set[tuple[str, ...]]] = {}
    for name in names:
        pieces = _NUMBER.split(name)
        rows_by_shape.setdefault(tuple(pieces[::2]), set()).add(tuple(pieces[1::2]))
    lines = [
        "".join(itertools.chain.from_iterable(itertools.zip_longest(texts, row, fillvalue="")))
        for texts, rows in rows_by_shape.items()
        for row in _fold_rows(rows, len(texts) - 1)
    ]
    return sorted(lines, key=_line_key)


def unfold(text: str) -> Iterator[str]:
    """Yield the names that one folded name stands for; `ValueError` says what is wrong with a bracket."""
    pieces = _BRACKET.split(text)
    if any("[" in piece or "]" in piece for piece in pieces):
        raise ValueError(f"the brackets in '{text}' do not pair")
    choices = [numbers(piece) if index % 2 else [piece] for index, piece in enumerate(pieces)]
    count = 1
    for choice in choices:
        count *= len(choice)
    if count > UNFOLD_LIMIT:
        raise ValueError(f"'{text}' stands for {count:,} names; the limit is {UNFOLD_LIMIT:,}")
    return ("".join(parts) for parts in itertools.product(*choices))


def numbers(inside: str) -> list[str]:
    """Return the numbers that the inside of a bracket stands for: `01-03,7` gives 01 02 03 7."""
    found: list[str] = []
    for span in inside.split(","):
        match = _SPAN.fullmatch(span.strip())
        if match is None or ("-" not in inside and "," not in inside):
            raise ValueError(f"'[{inside}]' is not a range; write [1-4] or [1,3-5], or use a ~regex")
        first, last = match[1], match[2] or match[1]
        found.extend(_counted(first, last))
    return found


def _counted(first: str, last: str) -> list[str]:
    width, start, stop = len(first), int(first), int(last)
    if start > stop or str(stop).zfill(width) != last:
        raise ValueError(f"'[{first}-{last}]' does not count up; write [1-4] or [01-18]")
    if stop - start >= UNFOLD_LIMIT:
        raise ValueError(f"'[{first}-{last}]' holds more than {UNFOLD_LIMIT:,} numbers")
    return [str(number).zfill(width) for number in range(start, stop + 1)]


def _fold_rows(rows: set[tuple[str, ...]], columns: int) -> Iterable[tuple[str, ...]]:
    """Fold each column in turn, the last first: rows that differ in that column alone become one."""
    folded_rows: Iterable[tuple[str, ...]] = rows
    for column in reversed(range(columns)):
        merged: dict[tuple[str, ...], list[str]] = {}
        for row in folded_rows:
            merged.setdefault((*row[:column], *row[column + 1 :]), []).append(row[column])
        folded_rows = [(*key[:column], _bracket(values), *key[column:]) for key, values in merged.items()]
    return folded_rows


def _bracket(values: list[str]) -> str:
    if len(values) == 1:
        return values[0]
    return f"[{','.join(_spans(sorted(values, key=lambda value: (len(value), value))))}]"


def _spans(values: list[str]) -> Iterator[str]:
    first = last = values[0]
    for value in [*values[1:], ""]:
        if value != str(int(last) + 1).zfill(len(last)):
            yield first if first == last else f"{first}-{last}"
            first = value
        last = value


def _line_key(line: str) -> tuple[tuple[int, str] | str, ...]:
    """Sort a folded line where the first of its names belongs."""
    return natural_key(_BRACKET.sub(lambda match: re.split("[-,]", match[1])[0], line))
