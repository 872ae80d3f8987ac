"""Twelve hosts, four of them in trouble, one run: each has its one outcome, and every report says the same."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from edgectl.lab.lifecycle import LabStatus, down, fault
from tests.cli_run import Edgectl, Ended
from tests.hosts.lab_box import Box, address_base, bring_up

AWAY, GONE, STRANGE = "fra1-r1-n02", "iad1-r1-n03", "sin1-r1-n01"
BROKEN, DONE_BEFORE = "iad1-r1-n01", "fra1-r1-n04"
UNREACHABLE = (AWAY, GONE, STRANGE)
# The second task fails where a folder lies in its way; the third is never reached there.
PLAYBOOK = """\
- hosts: all
  gather_facts: false
  tasks:
    - {name: first, copy: {content: "one\\n", dest: /srv/first}}
    - {name: second, copy: {content: "two\\n", dest: /srv/second, mode: "0600"}, notify: after}
    - {name: third, command: {cmd: touch /srv/third, creates: /srv/third}}
  handlers:
    - {name: after, shell: date +%N > /srv/after}
"""
# What the playbook makes, with the time it was made, so that what was left alone is told from what was made again.
_TREE = "cd /srv && find . -mindepth 1 -printf '%P %y %s %T@\\n' | sort"
_TASKS = ["first", "second", "third", "after"]


@dataclass(frozen=True, slots=True)
class Situation:
    """The runs, and what was on the hosts before the first of them and after it, seen by another SSH client."""

    names: tuple[str, ...]
    runs: Mapping[str, Ended]
    whys: Mapping[str, Ended]
    before: Mapping[str, str]
    after: Mapping[str, str]

    @property
    def report(self) -> dict[str, Any]:
        return self.runs["json"].report()

    def host(self, name: str) -> dict[str, Any]:
        return self.runs["json"].host(name)

    def made(self, name: str) -> list[str]:
        return [line.split()[0] for line in self.after[name].splitlines()]


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabStatus]:
    up = bring_up(tmp_path_factory.mktemp("twelve") / "lab", f"{address_base()}.41", 12)
    yield up
    down(up.directory)


@pytest.fixture(scope="module")
def situation(lab: LabStatus, tmp_path_factory: pytest.TempPathFactory) -> Situation:
    return _played(lab, tmp_path_factory.mktemp("runs"))


def _played(lab: LabStatus, folder: Path) -> Situation:
    home = folder / "home"
    home.mkdir()
    edgectl = Edgectl(home, lab.inventory, {})
    playbook = folder / "play.yaml"
    playbook.write_text(PLAYBOOK)
    assert edgectl("run", playbook, DONE_BEFORE).code == 0
    _at(lab, BROKEN, "mkdir /srv/second && touch /srv/second/precious")
    before = _trees(lab)
    for host, kind in ((AWAY, "unreachable"), (GONE, "unreachable"), (STRANGE, "hostkey")):
        fault(lab.directory, host, kind)
    first = edgectl("run", playbook, "-o", "json")
    whys = {host: edgectl("runs", "show", "--why", host) for host in (BROKEN, STRANGE, AWAY, "fra1-r1-n01")}
    whys["json"] = edgectl("runs", "show", "--why", BROKEN, "-o", "json")
    others = {
        name: edgectl("run", playbook, "-o", name)
        for name in ("table", "jsonl", "junit", "prometheus", "nagios")
    }
    for host in UNREACHABLE:
        fault(lab.directory, host, "clear")
    names = tuple(host.name for host in lab.hosts)
    return Situation(names, {"json": first, **others}, whys, before, _trees(lab))


def _trees(lab: LabStatus) -> dict[str, str]:
    return {host.name: _at(lab, host.name, _TREE) for host in lab.hosts}


def _at(lab: LabStatus, name: str, command: str) -> str:
    box = Box(lab.directory, next(host.address for host in lab.hosts if host.name == name))
    try:
        return box.ok(command)
    finally:
        box.close()


def test_every_host_is_in_the_report_once_with_its_one_outcome(situation: Situation) -> None:
    wanted = dict.fromkeys(situation.names, "changed")
    wanted |= dict.fromkeys(UNREACHABLE, "unreachable") | {BROKEN: "failed", DONE_BEFORE: "ok"}
    assert [host["host"] for host in situation.report["hosts"]] == list(situation.names)
    assert {host["host"]: host["status"] for host in situation.report["hosts"]} == wanted


def test_unreachable_never_hides_failed(situation: Situation) -> None:
    assert (situation.runs["json"].code, situation.report["exit_code"]) == (4, 4)


def test_the_summary_adds_up(situation: Situation) -> None:
    summary = dict(situation.report["summary"])
    assert summary.pop("hosts") == sum(summary.values()) == 12
    counted = Counter(host["status"] for host in situation.report["hosts"])
    assert {status: count for status, count in summary.items() if count} == counted


@pytest.mark.parametrize(
    ("host", "said", "task"),
    [
        (AWAY, "connection refused", None),
        (GONE, "connection refused", None),
        (STRANGE, "host key changed: SHA256:", None),
        (BROKEN, "second", "second"),
    ],
)
def test_each_trouble_has_its_reason_in_words(
    situation: Situation, host: str, said: str, task: str | None
) -> None:
    assert said in situation.host(host)["reason"]
    assert situation.host(host)["failed_task"] == task


def test_hosts_without_trouble_have_no_reason_and_all_tasks(situation: Situation) -> None:
    for host in situation.report["hosts"]:
        if host["status"] == "changed":
            assert (host["reason"], host["failed_task"]) == ("", None)
            assert [(task["name"], task["status"]) for task in host["tasks"]] == [
                (name, "changed") for name in _TASKS
            ]


def test_what_is_called_changed_was_changed(situation: Situation) -> None:
    for host in situation.report["hosts"]:
        if host["status"] == "changed":
            assert situation.before[host["host"]] == ""
            assert situation.made(host["host"]) == ["after", "first", "second", "third"]


def test_what_is_called_ok_was_left_alone(situation: Situation) -> None:
    assert situation.after[DONE_BEFORE] == situation.before[DONE_BEFORE] != ""
    assert {task["status"] for task in situation.host(DONE_BEFORE)["tasks"]} == {"ok"}


def test_a_failed_host_was_changed_up_to_the_failure_and_no_further(situation: Situation) -> None:
    tasks = [(task["name"], task["status"]) for task in situation.host(BROKEN)["tasks"]]
    assert tasks == [("first", "changed"), ("second", "failed")]
    assert situation.made(BROKEN) == ["first", "second", "second/precious"]


@pytest.mark.parametrize("host", UNREACHABLE)
def test_nothing_was_done_at_a_host_that_is_called_unreachable(situation: Situation, host: str) -> None:
    assert situation.host(host)["tasks"] == []
    assert situation.after[host] == situation.before[host] == ""


def test_the_run_is_not_longer_than_its_slowest_deadline(situation: Situation) -> None:
    assert situation.report["seconds"] < 30
    assert all(host["seconds"] <= situation.report["seconds"] for host in situation.report["hosts"])


def test_the_table_folds_equal_troubles_and_says_what_to_do(situation: Situation) -> None:
    said = situation.runs["table"].out
    assert f"edgectl trust check {STRANGE}" in said
    assert f"failed       {BROKEN}   second: " in said
    assert said.splitlines()[-1].split("·")[:3] == ["8 ok ", " 1 failed ", " 3 unreachable "]
    assert said.rstrip().endswith("exit 4")


def test_the_stream_ends_with_the_report_and_has_one_end_per_host(situation: Situation) -> None:
    lines = [json.loads(line) for line in situation.runs["jsonl"].out.splitlines()]
    ends = [line for line in lines if line["type"] == "HostEnded"]
    assert lines[0]["type"] == "RunStarted"
    assert [line["type"] for line in lines].count("report") == 1
    assert lines[-1]["type"] == "report"
    assert {end["host"]: end["status"] for end in ends} == {
        host["host"]: host["status"] for host in lines[-1]["hosts"]
    }
    assert (len(ends), situation.runs["jsonl"].code) == (12, 4)


def test_a_host_says_nothing_more_after_its_end(situation: Situation) -> None:
    ended: set[str] = set()
    for line in map(json.loads, situation.runs["jsonl"].out.splitlines()):
        assert line.get("host") not in ended
        if line["type"] == "HostEnded":
            ended.add(line["host"])


def test_junit_has_one_case_per_host_and_task(situation: Situation) -> None:
    suite = ET.fromstring(situation.runs["junit"].out)
    cases = Counter((case.get("classname"), case.get("name")) for case in suite)
    wanted = {(name, task) for name in situation.names for task in _TASKS[:3]}
    wanted = {pair for pair in wanted if pair[0] not in UNREACHABLE} - {(BROKEN, "third")}
    assert set(cases) == wanted | {(name, "host") for name in UNREACHABLE}
    assert set(cases.values()) == {1}
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == (str(len(cases)), "1", "3")
    assert len(suite.findall("testcase/failure")) == 1
    assert len(suite.findall("testcase/error")) == 3
    assert situation.runs["junit"].code == 4


def test_prometheus_counts_every_host_once(situation: Situation) -> None:
    families = {
        family.name: family for family in text_string_to_metric_families(situation.runs["prometheus"].out)
    }
    hosts = {sample.labels["status"]: sample.value for sample in families["edgectl_run_hosts"].samples}
    assert {status: count for status, count in hosts.items() if count} == {
        "ok": 8,
        "failed": 1,
        "unreachable": 3,
    }
    assert sum(hosts.values()) == 12
    assert situation.runs["prometheus"].code == 4


def test_nagios_is_critical_and_names_each_trouble(situation: Situation) -> None:
    first, *rest = situation.runs["nagios"].out.splitlines()
    assert situation.runs["nagios"].code == 2
    assert first.startswith("EDGECTL CRITICAL - 12 hosts, 1 critical")
    assert "3 unknown" in first
    named = {name for line in rest for name in line.split(":")[0].split(" (")[0].split(",")}
    assert named == {BROKEN, *UNREACHABLE}


@pytest.mark.parametrize(
    ("host", "said"),
    [
        (BROKEN, ("second", "failed", "first", "changed")),
        (STRANGE, ("host key changed", f"next   edgectl trust check {STRANGE}")),
        (AWAY, ("unreachable", "connection refused")),
        ("fra1-r1-n01", ("third", "changed")),
    ],
)
def test_a_past_run_still_says_why(situation: Situation, host: str, said: tuple[str, ...]) -> None:
    told = situation.whys[host]
    assert told.code == 0
    assert host in told.out
    assert [words for words in said if words not in told.out] == []


def test_what_is_on_record_is_what_was_reported(situation: Situation) -> None:
    on_record = situation.whys["json"].host(BROKEN)
    assert {**on_record, "data": {}} == situation.host(BROKEN)
    assert [entry["text"] for entry in on_record["data"]["timeline"]][1:] == ["first", "second", "failed"]


@pytest.mark.long
def test_a_host_that_says_nothing_delays_nobody(lab: LabStatus, tmp_path: Path) -> None:
    fault(lab.directory, GONE, "unreachable", "silent")
    try:
        done = Edgectl(tmp_path, lab.inventory, {})("exec", "all", "-o", "json", "--", "true")
    finally:
        fault(lab.directory, GONE, "clear")
    assert (done.code, "no SSH server spoke" in done.host(GONE)["reason"]) == (5, True)
    assert max(host["seconds"] for host in done.report()["hosts"] if host["host"] != GONE) < 10


def test_nothing_but_the_report_is_on_stdout(situation: Situation) -> None:
    assert situation.runs["json"].out.startswith("{")
    assert situation.runs["json"].err == ""
