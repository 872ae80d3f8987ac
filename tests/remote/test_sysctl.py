from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from edgectl.remote.args import ArgumentError
from edgectl.remote.tasks.sysctl import edited
from tests.remote.host import program, run_module, tree


class Kernel:
    """A sysctl whose parameters are files."""

    def __init__(self, folder: Path) -> None:
        self.parameters = folder / "proc"
        self.parameters.mkdir()
        (self.parameters / "vm.swappiness").write_text("60\n")
        (self.parameters / "net.ipv4.tcp_rmem").write_text("1\t2\t3\n")
        (self.parameters / "stubborn").write_text("0\n")
        self.file = folder / "sysctl.conf"
        self.file.write_text("# keep\nvm.swappiness = 60\n")
        program(
            folder / "bin",
            "sysctl",
            f"""
            #!/bin/sh
            cd {self.parameters}
            ignore=; [ "$1" = -e ] && {{ ignore=1; shift; }}
            put() {{
                if [ "$1" = stubborn ]; then return 0; fi
                [ -e "$1" ] || {{ [ "$ignore" ] && return 0; echo "sysctl: cannot stat $1" >&2; return 255; }}
                echo "$2" > "$1"
            }}
            case "$1" in
                -n) [ -e "$2" ] && cat "$2" || exit 255 ;;
                -w) put "${{2%%=*}}" "${{2#*=}}" ;;
                -p) grep -v '^[#;]' "$2" | while IFS='=' read k v; do put $k "$v" || exit 255; done ;;
            esac
            """,
        )
        self._environment = {"PATH": f"{folder}/bin:{os.defpath}"}

    def sysctl(self, check: bool = False, diff: bool = False, **args: Any) -> Any:
        given = {"sysctl_file": str(self.file), **args}
        return run_module("sysctl", given, check=check, diff=diff, environment=self._environment)

    def now(self, name: str) -> str:
        return (self.parameters / name).read_text().strip()


@pytest.fixture
def kernel(tmp_path: Path) -> Kernel:
    return Kernel(tmp_path)


def test_a_parameter_is_set_in_the_file_and_loaded_once(kernel: Kernel) -> None:
    first, second = (kernel.sysctl(name="vm.swappiness", value="10") for _ in range(2))

    assert (first.changed, second.changed) == (True, False)
    assert kernel.file.read_text() == "# keep\nvm.swappiness=10\n"
    assert kernel.now("vm.swappiness") == "10"


def test_the_kernel_is_set_though_the_file_is_right(kernel: Kernel) -> None:
    (kernel.parameters / "vm.swappiness").write_text("99\n")

    assert not kernel.sysctl(name="vm.swappiness", value="60").changed
    assert kernel.sysctl(name="vm.swappiness", value="60", sysctl_set=True).changed
    assert kernel.now("vm.swappiness") == "60"


def test_a_file_of_its_own_is_made(kernel: Kernel) -> None:
    path = kernel.file.with_name("90-edge.conf")

    assert kernel.sysctl(name="vm.swappiness", value="5", sysctl_file=str(path), reload=False).changed
    assert path.read_text() == "vm.swappiness=5\n"
    assert path.stat().st_mode & 0o777 == 0o644
    assert kernel.now("vm.swappiness") == "60"


def test_space_and_words_for_yes_make_no_difference(kernel: Kernel) -> None:
    kernel.file.write_text("net.ipv4.tcp_rmem = 1   2 3\nnet/ipv4/ip_forward = 1\n")

    assert not kernel.sysctl(name="net.ipv4.tcp_rmem", value="1 2\t3", sysctl_set=True).changed
    assert not kernel.sysctl(name="net.ipv4.ip_forward", value=True, reload=False).changed


def test_check_mode_shows_the_line_and_changes_nothing(kernel: Kernel) -> None:
    before = tree(kernel.file.parent)

    result = kernel.sysctl(name="vm.swappiness", value="1", sysctl_set=True, check=True, diff=True)

    assert result.changed
    assert "vm.swappiness=1\n" in result.diff["after"]
    assert tree(kernel.file.parent) == before


def test_what_the_kernel_did_not_take_is_a_failure(kernel: Kernel) -> None:
    result = kernel.sysctl(name="stubborn", value="1", sysctl_set=True)

    assert result.failed
    assert "stubborn is '0'" in result.msg


def test_an_unknown_parameter_is_a_failure_unless_ignored(kernel: Kernel) -> None:
    assert "cannot stat" in kernel.sysctl(name="no.such", value="1").msg
    assert not kernel.sysctl(name="no.such2", value="1", ignoreerrors=True, sysctl_set=True).failed


def test_a_parameter_is_taken_out_of_the_file(kernel: Kernel) -> None:
    assert kernel.sysctl(name="vm.swappiness", state="absent").changed
    assert kernel.file.read_text() == "# keep\n"
    assert not kernel.sysctl(name="vm.swappiness", state="absent").changed


@pytest.mark.parametrize(
    "args", [{"name": "a"}, {"name": " ", "value": "1"}, {"name": "a", "value": "1", "state": "x"}]
)
def test_a_parameter_without_name_or_value_is_refused(args: dict[str, Any], kernel: Kernel) -> None:
    with pytest.raises(ArgumentError):
        kernel.sysctl(**args)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", "a.b=1\n"),
        ("a.b=1", "a.b=1"),
        ("a.b = 1\n", "a.b = 1\n"),
        ("a.b=0\nx=1\na.b=2\n", "a.b=1\nx=1\n"),
        ("#a.b=0\n;a.b=0\n", "#a.b=0\n;a.b=0\na.b=1\n"),
        ("-a.b=0\n", "a.b=1\n"),
        ("a/b=0\n", "a.b=1\n"),
        ("x", "x\na.b=1\n"),
    ],
)
def test_the_file_gets_one_line_in_the_first_ones_place(before: str, after: str) -> None:
    assert edited(before, "a.b", "1", present=True) == after
