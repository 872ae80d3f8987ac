from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from edgectl.remote.args import ArgumentError
from tests.remote.host import path_with, program, run_module

DNF = """
#!/bin/sh
cd {folder}
echo "$*" >> ran
for word; do case "$word" in -*) ;; *) words="$words $word";; esac; done
set -- $words
verb=$1; shift
case "$verb" in
    install)
        [ -e broken ] && exit 0
        for name; do
            [ -e "repo/$name" ] || {{ echo "No match for argument: $name" >&2; exit 1; }}
            cp "repo/$name" "here/$name"
        done ;;
    remove) for name; do rm "here/$name"; done ;;
    check-update) for name in here/*; do cmp -s "$name" "repo/${{name#here/}}" || exit 100; done ;;
    upgrade) cp repo/* here/ ;;
esac
"""
RPM = '#!/bin/sh\ncd {folder}/here\nshift; [ "$1" = --whatprovides ] && shift\ntest -e "$1"\n'


class Host:
    """A dnf and an rpm whose packages are files: their version is what is in them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("repo", "here"):
            (folder / name).mkdir()
        for name in ("a", "b"):
            (folder / "repo" / name).write_text("2")
        (folder / "here" / "a").write_text("1")
        program(folder / "bin", "dnf", DNF.format(folder=folder))
        program(folder / "bin", "rpm", RPM.format(folder=folder))

    def dnf(self, check: bool = False, module: str = "dnf", **args: Any) -> Any:
        return run_module(module, args, check=check, environment=path_with(self.folder / "bin"))

    def installed(self) -> dict[str, str]:
        return {path.name: path.read_text() for path in sorted((self.folder / "here").iterdir())}


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


def test_what_is_missing_is_installed_once(host: Host) -> None:
    first, second = (host.dnf(name=["a", "b"], state="present") for _ in range(2))

    assert (first.changed, second.changed) == (True, False)
    assert host.installed() == {"a": "1", "b": "2"}


def test_latest_brings_what_is_there_up_to_date(host: Host) -> None:
    first, second = (host.dnf(name=["a"], state="latest") for _ in range(2))

    assert (first.changed, second.changed) == (True, False)
    assert host.installed()["a"] == "2"


def test_absent_removes_what_is_there(host: Host) -> None:
    first, second = (host.dnf(name=["a", "b"], state="absent") for _ in range(2))

    assert (first.changed, second.changed, host.installed()) == (True, False, {})


def test_check_mode_changes_nothing(host: Host) -> None:
    assert host.dnf(check=True, name=["b"], state="present").changed
    assert host.dnf(check=True, name=["a"], state="absent").changed
    assert host.installed() == {"a": "1"}


def test_repositories_and_options_are_handed_on(host: Host) -> None:
    host.dnf(name=["b"], enablerepo=["x"], exclude=["y"], disable_gpg_check=True, install_weak_deps=False)

    ran = (host.folder / "ran").read_text()
    assert ran == "-y --nogpgcheck --setopt=install_weak_deps=False --enablerepo=x --exclude=y install b\n"


def test_what_is_not_to_be_had_fails_with_dnfs_words(host: Host) -> None:
    assert "No match for argument: c" in host.dnf(name=["c"]).msg


def test_a_dnf_that_ends_well_and_installs_nothing_is_found(host: Host) -> None:
    (host.folder / "broken").touch()

    assert "still not present" in host.dnf(name=["b"]).msg


def test_package_hands_on_to_dnf(host: Host) -> None:
    assert host.dnf(module="package", name=["b"], state="present", use="dnf").changed
    assert "b" in host.installed()


def test_a_task_without_an_aim_is_refused(host: Host) -> None:
    with pytest.raises(ArgumentError, match="autoremove"):
        host.dnf()
