"""How troubles and outputs are told: folded, bounded, each with what its hosts have in common."""

from __future__ import annotations

from collections.abc import Sequence

from edgectl.engine.outcome import HostOutcome, HostStatus, TaskRecord, TaskStatus
from edgectl.ops.clusters.comparison import NO_COMPARISON, Comparison
from edgectl.ops.outputs import by_output, output_clusters, output_lines
from edgectl.ops.told import clusters, trouble
from edgectl.report import Tone
from tests.fakes.fleet import hosts_of


def _comparison(bad: HostStatus, reason: str) -> tuple[Comparison, list[HostOutcome]]:
    """Return two PoPs of which one is in trouble."""
    hosts = hosts_of({"gru1": 12, "fra1": 88})
    outcomes = [
        HostOutcome(host.name, host.pop.name, bad, reason, "t", hint="look there")
        if host.pop.name == "gru1"
        else HostOutcome(host.name, host.pop.name, HostStatus.OK)
        for host in hosts
    ]
    return Comparison(hosts, outcomes), outcomes


def test_what_the_hosts_of_a_trouble_have_in_common_stands_below_it() -> None:
    comparison, outcomes = _comparison(HostStatus.FAILED, "no space")

    assert [line.text for line in trouble(outcomes, comparison)] == [
        "  failed       gru1-n[01-12]  (12)   t: no space",
        "               all of these are in pop gru1; of those that went well none",
        "               try: look there",
    ]
    (cluster,) = clusters(outcomes, comparison)
    assert (cluster["status"], cluster["failed_task"], cluster["reason"]) == ("failed", "t", "no space")
    assert (cluster["attribute"], cluster["value"], cluster["hosts"]) == ("pop", "gru1", "gru1-n[01-12]")


def test_without_a_comparison_nothing_is_claimed() -> None:
    _, outcomes = _comparison(HostStatus.FAILED, "no space")

    assert len(trouble(outcomes)) == 2
    assert clusters(outcomes, NO_COMPARISON) == []


def test_each_distinct_trouble_is_compared_by_itself() -> None:
    comparison, outcomes = _comparison(HostStatus.UNREACHABLE, "no route")
    others = [HostOutcome("fra1-n99", "fra1", HostStatus.FAILED, "x")]

    assert [cluster["status"] for cluster in clusters([*others, *outcomes], comparison)] == ["unreachable"]


def test_names_that_do_not_fold_are_cut_short_and_counted() -> None:
    scattered = [
        f"{letter * 3}1-n{number}" for letter in "abcdefghijklmnopqrstuvwxyz" for number in (1, 3, 7)
    ]
    (line,) = trouble(HostOutcome(name, "p", HostStatus.FAILED, "x") for name in scattered)

    assert len(line.text) < 260
    assert "aaa1-n[1,3,7],bbb1-n[1,3,7]" in line.text
    assert " more  (78)   x" in line.text


def _ran(name: str, pop: str, rc: int, stdout: str) -> HostOutcome:
    status = HostStatus.FAILED if rc else HostStatus.CHANGED
    task = TaskRecord("c", "shell", TaskStatus.CHANGED, 0.1, {"rc": rc, "stdout": stdout, "stderr": ""})
    return HostOutcome(name, pop, status, tasks=(task,))


def _exec() -> tuple[Comparison, Sequence[HostOutcome]]:
    hosts = hosts_of({"gru1": 12, "fra1": 88})
    outcomes = [
        _ran(host.name, host.pop.name, 3 * (host.pop.name == "gru1"), "  no such device\n\nat all")
        for host in hosts
    ]
    return Comparison(hosts, outcomes), outcomes


def test_a_failed_command_is_told_with_what_its_hosts_have_in_common() -> None:
    comparison, outcomes = _exec()
    outputs = by_output(outcomes)

    assert [(line.text, line.tone) for line in output_lines(outputs, comparison)[4:]] == [
        ("gru1-n[01-12]  (12)   rc 3", Tone.BAD),
        ("    no such device", Tone.PLAIN),
        ("  ", Tone.PLAIN),
        ("  at all", Tone.PLAIN),
        (
            "               all of these are in pop gru1; of those that went well none",
            Tone.NOTICE,
        ),
    ]
    (cluster,) = output_clusters(outputs, comparison)
    assert (cluster["value"], cluster["reason"]) == ("gru1", "rc 3:   no such device")


def test_the_commonest_output_comes_first_and_a_good_one_is_not_explained() -> None:
    comparison, outcomes = _exec()
    first, second = by_output(outcomes)

    assert (len(first.hosts), first.rc, len(second.hosts)) == (88, 0, 12)
    assert len(output_lines([first], comparison)) == 4
    assert output_clusters([first], comparison) == []
