"""What is wrong with input, in as many lines as a person reads: a thousand alike are told as one and a number."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from edgectl.errors import Problem

# So many fit on a screen and are told one by one.
_TOLD = 40
_OF_A_KIND = 3
_KINDS = 12
# What makes complaints about one mistake differ: what somebody wrote, names, numbers.
_PARTICULAR = re.compile(r"'[^']*'|\S*[0-9]\S*")


def told(problems: Sequence[Problem]) -> list[str]:
    """Return the lines that tell problems: each of them where they are few, else by their kinds."""
    if len(problems) <= _TOLD:
        return [str(problem) for problem in problems]
    kinds: dict[str, list[Problem]] = {}
    for problem in problems:
        kinds.setdefault(_PARTICULAR.sub("…", problem.message), []).append(problem)
    return list(_folded(list(kinds.values())))


def _folded(kinds: Sequence[Sequence[Problem]]) -> Iterator[str]:
    for alike in kinds[:_KINDS]:
        yield from (str(problem) for problem in alike[:_OF_A_KIND])
        more = alike[_OF_A_KIND:]
        if more:
            yield f"  and {len(more):,} more like it{_where(more)}"
    rest = sum(map(len, kinds[_KINDS:]))
    if rest:
        yield f"and {rest:,} problems of {len(kinds) - _KINDS:,} other kinds"
    yield "all of them: -o json"


def _where(problems: Sequence[Problem]) -> str:
    places = [problem.place for problem in problems if problem.place]
    if not places:
        return ""
    files = len({place.path for place in places})
    return f", in {files:,} files, the last at {places[-1]}" if files > 1 else f", the last at {places[-1]}"
