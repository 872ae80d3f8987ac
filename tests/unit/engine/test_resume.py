"""Which hosts a run goes on with, under which names, and what makes it another run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest

from edgectl.engine.outcome import HostOutcome, HostStatus
from edgectl.engine.records import HostRecord, JobRecord, Manifest, PlannedJob
from edgectl.engine.resume import (
    as_begun,
    differences,
    ended_well,
    job_digest,
    next_attempts,
    plan_digest,
    to_follow,
    with_attempts,
)
from edgectl.remote.job import Job
from tests.fakes.clock import START
from tests.fakes.fleet import a_job, a_task

S = HostStatus


def a_record(status: HostStatus, *jobs: JobRecord, ended: bool = True, begun: bool = True) -> HostRecord:
    outcome = HostOutcome("n01", "fra1", status)
    return HostRecord(outcome, START if begun else None, START if ended else None, jobs)


# How a host is on record → taken over, followed, and the attempts of its stages that are not the first.
CASES = {
    "ended well": (a_record(S.CHANGED, JobRecord(0, ended="changed")), True, False, {}),
    "ended with nothing to do": (a_record(S.OK, JobRecord(0, ended="ok")), True, False, {}),
    "failed, says its journal": (a_record(S.FAILED, JobRecord(0, ended="failed")), False, False, {0: 1}),
    "failed again": (a_record(S.FAILED, JobRecord(0, 1, ended="failed")), False, False, {0: 2}),
    "failed in its second stage": (
        a_record(S.FAILED, JobRecord(0, ended="ok"), JobRecord(1, ended="failed")),
        False,
        False,
        {1: 1},
    ),
    "failed before its journal could say so": (a_record(S.FAILED, JobRecord(0)), False, False, {}),
    "begun, no end": (a_record(S.UNKNOWN, JobRecord(0), ended=False), False, True, {}),
    "begun again, no end": (a_record(S.UNKNOWN, JobRecord(0, 1), ended=False), False, True, {0: 1}),
    "cut off in a task": (a_record(S.UNKNOWN, JobRecord(0, ended="unknown")), False, False, {}),
    "unreachable": (a_record(S.UNREACHABLE, JobRecord(0)), False, False, {}),
    "busy": (a_record(S.BUSY, JobRecord(0)), False, False, {}),
    "between two stages": (a_record(S.NOT_RUN, JobRecord(0, ended="ok")), False, False, {}),
    "never begun": (a_record(S.NOT_RUN, begun=False), False, False, {}),
    "of an older edgectl": (a_record(S.UNKNOWN, begun=False, ended=False), False, False, {}),
}


@pytest.mark.parametrize(("record", "is_over", "is_open", "attempts"), CASES.values(), ids=CASES)
def test_a_host_goes_on_as_its_record_says(
    record: HostRecord, is_over: bool, is_open: bool, attempts: Mapping[int, int]
) -> None:
    planned = {"n01": tuple(PlannedJob(stage) for stage in range(max(1, len(record.jobs))))}
    assert list(ended_well([record], planned)) == (["n01"] if is_over else [])
    assert to_follow([record]) == ({"n01": tuple(record.jobs)} if is_open else {})
    assert next_attempts([record]) == {("n01", stage): number for stage, number in attempts.items()}


def test_a_host_of_which_only_the_first_plays_are_on_record_is_contacted_again() -> None:
    record = a_record(S.CHANGED, JobRecord(0, ended="changed"))

    assert ended_well([record], {"n01": (PlannedJob(0), PlannedJob(1))}) == {}


@pytest.mark.parametrize(
    ("record", "now", "then"),
    [
        (a_record(S.UNKNOWN, JobRecord(0), ended=False), S.UNREACHABLE, S.UNKNOWN),
        (a_record(S.UNKNOWN, JobRecord(0), ended=False), S.NOT_RUN, S.UNKNOWN),
        (a_record(S.UNKNOWN, JobRecord(0), ended=False), S.FAILED, S.FAILED),
        (a_record(S.UNKNOWN, JobRecord(0), ended=False), S.CHANGED, S.CHANGED),
        (a_record(S.UNREACHABLE, JobRecord(0)), S.UNREACHABLE, S.UNREACHABLE),
        (None, S.UNREACHABLE, S.UNREACHABLE),
    ],
)
def test_a_host_that_was_begun_and_is_out_of_reach_is_unknown(
    record: HostRecord | None, now: HostStatus, then: HostStatus
) -> None:
    assert as_begun(HostOutcome("n01", "fra1", now, "no route"), record).status is then


def a_manifest(jobs: Mapping[str, Sequence[str]], playbook: str = "p") -> Manifest:
    planned = {
        host: tuple(PlannedJob(stage, digest * 64) for stage, digest in enumerate(digests))
        for host, digests in jobs.items()
    }
    return Manifest(planned, plan_digest(planned), playbook)


THEN = a_manifest({"n01": "ab", "n02": "a", "n03": "a"})
OTHER = {
    "the same": (THEN, ()),
    "the same in another order": (a_manifest({"n03": "a", "n02": "a", "n01": "ab"}), ()),
    "the same from a playbook with another comment": (
        a_manifest({"n01": "ab", "n02": "a", "n03": "a"}, "q"),
        (),
    ),
    "a host less": (a_manifest({"n01": "ab", "n02": "a"}), ("n03 left the plan",)),
    "a host more": (
        a_manifest({"n01": "ab", "n02": "a", "n03": "a", "n04": "a"}),
        ("n04 came into it",),
    ),
    "other jobs": (
        a_manifest({"n01": "ab", "n02": "c", "n03": "c"}, "q"),
        ("n[02-03] would get another job", "the playbook was sha256 p…, and is q…"),
    ),
    "a stage less": (a_manifest({"n01": "a", "n02": "a", "n03": "a"}), ("n01 would get another job",)),
}


@pytest.mark.parametrize(("now", "said"), OTHER.values(), ids=OTHER)
def test_another_plan_is_told_by_what_differs(now: Manifest, said: tuple[str, ...]) -> None:
    assert differences(THEN, now) == said


def test_a_run_of_which_no_plan_is_known_differs_in_nothing() -> None:
    assert differences(Manifest({}), THEN) == ()


JOB = a_job([a_task(args={"cmd": "true"})], blobs={"d1": "packed"})
SAME = {
    "elsewhere": replace(JOB, plays=a_job([a_task(args={"cmd": "true"}, place="/other/p.yaml:3:5")]).plays),
    "with other secrets": replace(JOB, secrets={"token": "t"}),
    "for somebody else": replace(JOB, started_by="ci"),
    "in another attempt": replace(JOB, attempt=2),
    "packed otherwise": replace(JOB, blobs={"d1": "packed better"}),
}


@pytest.mark.parametrize("job", SAME.values(), ids=SAME)
def test_a_job_is_the_same(job: Job) -> None:
    assert job_digest(job) == job_digest(JOB)


@pytest.mark.parametrize(
    "job",
    [replace(JOB, stage=1), replace(JOB, blobs={"d2": "packed"}), a_job([a_task(args={"cmd": "false"})])],
)
def test_a_job_is_another(job: Job) -> None:
    assert job_digest(job) != job_digest(JOB)


def test_each_attempt_has_a_name_of_its_own_at_the_host() -> None:
    names = [replace(JOB, stage=stage, attempt=attempt).id for stage in (0, 1) for attempt in (0, 1, 2)]

    assert names == ["R1", "R1.0r1", "R1.0r2", "R1.1", "R1.1r1", "R1.1r2"]


def test_attempts_go_to_the_stages_they_are_of() -> None:
    going_on = with_attempts(THEN, {("n01", 1): 2})

    assert [job.attempt for job in going_on.jobs["n01"]] == [0, 2]
    assert plan_digest(going_on.jobs) == THEN.digest
