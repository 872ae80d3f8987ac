from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from edgectl.remote.proc import OUTPUT_LIMIT_BYTES, Proc

PROC = Proc({"GREETING": "hello"})


def test_both_outputs_and_the_result_are_kept_apart() -> None:
    assert PROC.run("echo out; echo err >&2; exit 3") == (3, "out\n", "err\n")


def test_the_tasks_environment_is_there_and_can_be_added_to() -> None:
    done = PROC.run("echo $GREETING $MORE", environment={"MORE": "there"})

    assert done.stdout == "hello there\n"


def test_a_list_of_words_meets_no_shell() -> None:
    assert PROC.run(["echo", "$HOME; x"]).stdout == "$HOME; x\n"


@pytest.mark.parametrize(("words", "rc"), [(["no-such-program"], 127), (["/etc/passwd"], 126)])
def test_a_program_that_cannot_start_is_a_result(words: list[str], rc: int) -> None:
    done = PROC.run(words)

    assert done.rc == rc
    assert words[0] in done.stderr


def test_a_program_is_stopped_at_its_deadline() -> None:
    began = time.perf_counter()

    done = PROC.run(["sleep", "30"], timeout_s=0.2)

    assert done.rc == 124
    assert time.perf_counter() - began < 5


def test_what_a_program_leaves_in_the_background_does_not_hold_the_task(tmp_path: Path) -> None:
    began = time.perf_counter()

    done = PROC.run(f"sleep 30 & echo $! > {tmp_path}/pid; echo done")

    assert done == (0, "done\n", "")
    assert time.perf_counter() - began < 5
    os.kill(int((tmp_path / "pid").read_text()), 9)


def test_a_chatty_background_process_does_not_hold_the_task_either(tmp_path: Path) -> None:
    began = time.perf_counter()

    done = PROC.run(f"while :; do echo x; sleep 0.05; done & echo $! > {tmp_path}/pid")

    os.kill(int((tmp_path / "pid").read_text()), 9)
    assert done.rc == 0
    assert time.perf_counter() - began < 5


def test_of_a_flood_the_beginning_and_the_end_are_kept() -> None:
    done = PROC.run("echo first; yes | head -c 3000000; echo last")

    assert done.stdout.startswith("first\n")
    assert done.stdout.endswith("last\n")
    assert "bytes left out" in done.stdout
    assert len(done.stdout) < OUTPUT_LIMIT_BYTES + 100


def test_a_query_is_whole_however_long() -> None:
    assert len(PROC.query(["head", "-c", "500000", "/dev/zero"]).stdout) == 500000


def test_a_program_that_does_not_read_its_input_is_no_fault() -> None:
    assert PROC.run(["true"], stdin="x" * 1_000_000).rc == 0


def test_a_long_input_and_a_long_output_do_not_wait_for_each_other() -> None:
    done = PROC.run(["cat"], stdin="y" * 1_000_000)

    assert done.rc == 0
    assert done.stdout.startswith("yyy")
