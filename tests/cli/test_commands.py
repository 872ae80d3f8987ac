"""The command line as people, cron and CI meet it: exit codes, streams, formats, environments."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli_run import ROOT, Edgectl

ELSEWHERE = "01JD0000000000000000000000"
PLAY = "- hosts: all\n  gather_facts: false\n  tasks: [{ping: }]\n"


@pytest.fixture
def play(edgectl: Edgectl) -> Path:
    path = edgectl.home / "play.yaml"
    path.write_text(PLAY)
    return path


WRONG = [
    (["pnig"], 2, "Did you mean 'ping'?"),
    (["ping", "--outptu", "json"], 2, "--output"),
    (["ping", "-o", "yaml"], 2, "'yaml' is not one of"),
    (["inventory", "check", "-o", "nagios"], 2, "this command has no 'nagios' output; it has json, table"),
    (["exec", "all"], 2, "Missing argument"),
    (["exec"], 2, "Missing argument"),
    (["provision"], 2, "Missing argument"),
    (["run"], 2, "Missing argument"),
    (["run", "play.yaml", "--exit-code"], 2, "--exit-code needs --check"),
    (["run", "play.yaml", "--until-converged"], 2, "--until-converged needs --deadline"),
    (["exec", "all", "--deadline", "soon", "--", "true"], 2, "a duration such as 90s, 5m or 2h is wanted"),
    (["run", "play.yaml", "-e", "words"], 2, "'words' is not of the form key=value"),
    (["run", "nowhere.yaml"], 3, "nowhere.yaml:1:1 there is no such file"),
    (["ping", "nobody"], 3, "nobody"),
    (["ping", "fra1-n0l"], 3, "did you mean 'fra1-n0"),
    (["ping", "all:!all"], 3, "matches no host"),
    (["ping", "all", "-l", "fra2"], 3, "fra2"),
    (["ping", "-i", "nowhere"], 3, "nowhere:1:1 there is no such file"),
    (["runs", "show", "01ZZZ"], 3, "no single run starts with '01ZZZ'"),
    (["runs", "show"], 3, "no runs yet"),
    (["runs", "attach"], 3, "no run here has work whose end is not known"),
    (["runs", "attach", "01ZZZ"], 3, "no single run starts with '01ZZZ'"),
    (["runs", "attach", ELSEWHERE], 3, f"edgectl runs attach {ELSEWHERE} -l PATTERN"),
    (["runs", "cancel"], 3, "no run here has work whose end is not known"),
    (["runs", "resume"], 3, "no run here has anything left to do"),
    (["runs", "resume", ELSEWHERE], 3, f"edgectl run PLAYBOOK SELECT --resume {ELSEWHERE}"),
    (["runs", "resume", "01ZZZ"], 3, "no single run starts with '01ZZZ'"),
    (["runs", "prune"], 2, "--older-than"),
    (["runs", "prune", "--older-than", "soon"], 2, "'soon' is no duration such as 30d"),
    (
        ["run", "play.yaml", "--resume", "01ZZZ"],
        3,
        "neither the beginning of one run's id here nor a whole id",
    ),
    (["run", "play.yaml", "--resume", ELSEWHERE], 3, "cannot be continued by what changes nothing"),
    (["run", "play.yaml", "--check", "--resume", ELSEWHERE], 2, "for a command that changes hosts"),
    (["ping", "--resume", ELSEWHERE], 2, "for a command that changes hosts"),
    (["freeze", "--until", "4h"], 2, "a freeze wants a --reason"),
    (["freeze", "--lift", "--reason", "x"], 2, "--lift takes neither"),
    (["freeze", "--reason", "x", "--until", "soon"], 2, "'soon' is neither a duration such as 4h nor a time"),
    (["freeze", "--reason", "x", "--until", "2001-01-01"], 2, "is over already"),
    (["inventory", "show", "fra1-n1"], 3, "there is no host 'fra1-n1'; did you mean 'fra1-n01'?"),
    (["runs", "list", "--state", "gopher://x"], 8, "cannot open the state store gopher://x"),
]


@pytest.mark.parametrize(("words", "code", "said"), WRONG, ids=[" ".join(words) for words, _, _ in WRONG])
def test_what_cannot_be_meant_is_told_on_stderr_with_its_code(
    edgectl: Edgectl, play: Path, words: list[str], code: int, said: str
) -> None:
    assert play.exists()
    ended = edgectl(*words)

    assert (ended.code, ended.out) == (code, ""), ended
    assert said in " ".join(ended.err.replace("│", " ").split())
    assert "Traceback" not in ended.err


@pytest.mark.parametrize("words", [["--help"], ["run", "--help"], ["inventory", "-h"], ["--version"]])
def test_help_is_data_on_stdout(edgectl: Edgectl, words: list[str]) -> None:
    ended = edgectl(*words)

    assert (ended.code, ended.err) == (0, "")
    assert ended.out


@pytest.mark.parametrize("words", [["ping"], ["exec", "all", "--", "true"], ["run", "play.yaml"]])
def test_hosts_out_of_reach_are_exit_5_and_all_in_the_report(
    edgectl: Edgectl, play: Path, words: list[str]
) -> None:
    assert play.exists()
    ended = edgectl(*[*words[:1], "-o", "json", *words[1:]])

    assert ended.code == 5, ended
    report = ended.report()
    assert report["exit_code"] == 5
    assert report["summary"]["unreachable"] == report["summary"]["hosts"] == 2
    assert all(host["reason"] for host in report["hosts"])


@pytest.mark.parametrize("chosen", ["jsonl", "junit", "prometheus", "nagios", "table"])
def test_every_format_of_a_run_keeps_words_off_stdout(edgectl: Edgectl, chosen: str) -> None:
    ended = edgectl("ping", "-o", chosen)

    assert ended.code == (3 if chosen == "nagios" else 5), ended
    first = ended.out.splitlines()[0]
    begins = {
        "jsonl": '{"type": "RunStarted"',
        "junit": "<?xml",
        "prometheus": "# HELP",
        "nagios": "EDGECTL UNKNOWN",
    }
    assert first.startswith(begins.get(chosen, "0 of 2 answer"))


def test_an_error_is_json_where_json_was_asked_for(edgectl: Edgectl) -> None:
    (edgectl.inventory / "fleet.yaml").write_text("pops:\n  fra1: {metr: FRA}\n")
    ended = edgectl("ping", "-o", "json")

    error = json.loads(ended.err)["error"]
    assert (ended.code, error["exit_code"], ended.out) == (3, 3, "")
    assert error["problems"][0]["place"].endswith("fleet.yaml:2:10")


def test_nobody_is_asked_without_a_terminal(edgectl: Edgectl) -> None:
    path = edgectl.inventory / "fleet.yaml"
    path.write_text(path.read_text().replace("role: gpu", "role: gpu, hardware: rtx-pro-6000-server-2"))
    ended = edgectl("provision", "all")

    assert ended.code in (2, 5), ended
    assert "Traceback" not in ended.err


def test_a_run_is_remembered_and_found_by_the_beginning_of_its_id(edgectl: Edgectl) -> None:
    run = edgectl("ping", "-o", "json").report()["run"]
    listed = edgectl("runs", "-o", "json").report()

    assert [record["run"] for record in listed["data"]["runs"]] == [run]
    assert edgectl("runs", "show", run[:12], "-o", "json").report()["run"] == run
    assert "connection refused" in edgectl("runs", "show", "--why", "fra1-n01").out


@pytest.mark.parametrize(
    "command", ["docker ps --format {{.Names}}", "echo 😀 ü", "echo {% raw %}", "echo '{#'"]
)
def test_a_command_with_braces_or_any_letter_is_the_shells_own(edgectl: Edgectl, command: str) -> None:
    ended = edgectl("exec", "all", "-o", "json", "--", command)

    assert ended.code == 5, ended
    assert edgectl("runs", "-o", "json").report()["data"]["runs"][0]["arguments"] == {"command": command}


def test_a_play_that_the_selection_leaves_without_hosts_is_skipped(edgectl: Edgectl) -> None:
    path = edgectl.home / "two.yaml"
    path.write_text(PLAY.replace("all", "fra1-n01") + PLAY.replace("all", "fra1-n02"))

    ended = edgectl("run", path, "fra1-n02", "-o", "json")
    assert [host["host"] for host in ended.report()["hosts"]] == ["fra1-n02"]


EMPTY = [{"EDGECTL_INVENTORY": "", "EDGECTL_STATE": ""}, {"LC_ALL": "C"}, {"LC_ALL": "POSIX", "TERM": "dumb"}]


@pytest.mark.parametrize("more", EMPTY)
def test_an_empty_or_odd_environment_is_no_surprise(edgectl: Edgectl, more: dict[str, str]) -> None:
    shutil.copytree(edgectl.inventory, edgectl.home / "inventory")
    ended = edgectl("ping", more=more)

    assert ended.code == 5, ended
    assert "0 of 2 answer" in ended.out


def test_no_environment_at_all_is_enough(edgectl: Edgectl) -> None:
    command = [
        "env",
        "-i",
        sys.executable,
        "-m",
        "edgectl",
        "inventory",
        "list",
        "-i",
        str(edgectl.inventory),
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")
    assert "2 hosts in 1 PoPs" in done.stdout


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to become somebody without a name")
def test_a_user_without_a_name_and_a_home_is_served() -> None:
    command = ["setpriv", "--reuid", "54321", "--regid", "54321", "--clear-groups", "env", "-i"]
    probe = subprocess.run(
        [*command, sys.executable, "-c", "import typer"], capture_output=True, check=False, cwd="/"
    )
    if probe.returncode:
        pytest.skip("needs an interpreter that every user may run, not one below /root")
    done = subprocess.run(
        [*command, f"PYTHONPATH={ROOT}", sys.executable, "-m", "edgectl", "inventory", "schema"],
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")


def test_a_reader_that_leaves_early_is_no_error(edgectl: Edgectl) -> None:
    script = f"{sys.executable} -m edgectl inventory schema; echo $? >&2"
    done = subprocess.run(
        ["bash", "-c", f"({script}) | head -c 10 > /dev/null"],
        env={**os.environ, "PYTHONPATH": str(ROOT), "HOME": str(edgectl.home)},  # noqa: TID251 - outermost layer
        capture_output=True,
        text=True,
        check=False,
    )

    assert "Traceback" not in done.stderr
    assert "bug" not in done.stderr


def test_a_text_that_stdout_cannot_encode_is_shown_by_number(edgectl: Edgectl) -> None:
    ended = edgectl("ping", more={"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"})

    assert ended.code == 5, ended
    assert "Traceback" not in ended.err


def test_a_home_that_cannot_be_written_says_so(edgectl: Edgectl) -> None:
    ended = edgectl("ping", more={"XDG_STATE_HOME": "/proc/nowhere", "HOME": "/proc"})

    assert ended.code == 8, ended
    assert "cannot open the state store" in ended.err
