"""`bench compare`, and `bench gate` of a URL: is one server slower than another, or than it was?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from edgectl.engine.bench_records import BenchRecord
from edgectl.engine.outcome import exit_code
from edgectl.errors import ExitCode, InputError
from edgectl.ops.bench.across import bench_data
from edgectl.ops.bench.baseline import Subject, kin_baseline, own_baseline
from edgectl.ops.bench.identity import shape_of
from edgectl.ops.bench.judged_lines import (
    judgement_checks,
    judgement_data,
    judgement_lines,
    judgement_metrics,
    judgement_section,
)
from edgectl.ops.bench.measured import Measured
from edgectl.ops.bench.result_files import is_files, sides_of_files
from edgectl.ops.bench.sides import side_of_measured, sides_of_run
from edgectl.ops.bench.turns import Asked, Turn, in_turns, measure, repeats
from edgectl.ops.bench.verdict import EXIT_CODES, Judgement, Side, Verdict, judge
from edgectl.ops.bench.workload import Workload
from edgectl.ops.services import Services
from edgectl.report import Report

AUTO = "auto"
# How far back a baseline is looked for, which is as long as the store keeps one.
BASELINE_AGE = timedelta(days=180)


@dataclass(frozen=True, slots=True)
class Manner:
    """How servers are compared: the load, so many repeats, more of them up to `at_most` while it cannot be told."""

    workload: Workload
    allowed: Mapping[str, float]
    repeats: int
    at_most: int
    api_key: Mapping[str, str] | None = None

    def wants_more(self, judgement: Judgement, done: int) -> bool:
        """Tell whether more repeats may decide it."""
        is_open = judgement.verdict is Verdict.INCONCLUSIVE and not judgement.reasons
        return is_open and 0 < done <= self.at_most - self.repeats


def is_url(word: str) -> bool:
    """Tell whether a side is a server to be measured now."""
    return word.startswith(("http://", "https://"))


def compare(services: Services, command: str, before: str, after: str, manner: Manner) -> Report:
    """Compare two sides, each a URL, files or a run; two URLs are measured in turns. Raises `InputError`."""
    started, began = services.clock.now(), services.clock.monotonic()
    words = (before, after)
    known = {word: _on_record(services, word, after) for word in words if word != AUTO and not is_url(word)}
    made: tuple[list[Measured], list[Measured]] = ([], [])
    run = ""
    while True:
        if any(map(is_url, words)):
            run = _measure_more(services, command, words, made, manner)
        later = _side(after, made[1], known)
        earlier = _baseline(services, after, made[1]) if before == AUTO else _side(before, made[0], known)
        judgement = judge(earlier, later, manner.allowed, is_in_turns=all(map(is_url, words)))
        if not manner.wants_more(judgement, max(map(len, made))):
            break
    return Report(
        command=command,
        started=started,
        seconds=services.clock.monotonic() - began,
        exit_code=EXIT_CODES[judgement.verdict],
        run=run,
        data={"gate": judgement_data(earlier, later, judgement), **bench_data(made[1])},
        body=judgement_lines(earlier, later, judgement),
        checks=judgement_checks(after, judgement),
        metrics=judgement_metrics(after, judgement),
        sections=[judgement_section(judgement)],
    )


def sides_on_record(services: Services, word: str) -> dict[str, Side]:
    """Return what files or a run hold, by host or URL. Raises `InputError`."""
    return sides_of_files(word) if is_files(word) else sides_of_run(services.bench, word)


def _on_record(services: Services, word: str, subject: str) -> Side:
    """Return what is on record of a server, or of the one that is on record. Raises `InputError`."""
    sides = sides_on_record(services, word)
    if len(sides) > 1 and subject not in sides:
        message = f"{word} holds {len(sides)} servers: name one, as {word}#{min(sides)}"
        raise InputError(message)
    return sides.get(subject) or next(iter(sides.values()))


def _side(word: str, made: Sequence[Measured], known: Mapping[str, Side]) -> Side:
    return known[word] if word in known else side_of_measured(word, made)


def _baseline(services: Services, url: str, made: Sequence[Measured]) -> Side:
    records: Sequence[BenchRecord] = services.bench.of_subjects([url], services.clock.now() - BASELINE_AGE)
    subject = Subject(url, shape_of(made[0]), made[0].model)
    return own_baseline(subject, records) or kin_baseline(subject, ())


def _measure_more(
    services: Services,
    command: str,
    words: tuple[str, str],
    made: tuple[list[Measured], list[Measured]],
    manner: Manner,
) -> str:
    """Measure each URL `repeats` times more, put it on record, and return the run. Raises `InputError`."""
    seed = manner.workload.seed + sum(map(len, made))
    first, second = (Turn(word, subject=word, side=side) for side, word in enumerate(words))
    if all(map(is_url, words)):
        turns = in_turns(first, second, seed, manner.repeats, len(made[0]))
    else:
        turns = repeats(first if is_url(words[0]) else second, seed, manner.repeats)
    seen = measure(services, Asked(command, manner.workload, turns, api_key=manner.api_key))
    services.bench.keep(seen.records())
    if exit_code(seen.outcome) == ExitCode.INTERRUPTED:
        raise KeyboardInterrupt
    here = seen.outcome.hosts[0]
    found = seen.measured[here.host]
    if len(found) < len(turns):
        raise InputError(f"{turns[len(found)].url} cannot be measured: {here.reason}")
    for turn, one in zip(turns, found, strict=True):
        made[turn.side].append(one)
    return seen.outcome.run
