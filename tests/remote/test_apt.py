from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from edgectl.remote.args import ArgumentError
from edgectl.remote.tasks import _apt_get, _apt_plan
from edgectl.remote.tasks._apt_plan import Offer
from tests.remote.host import program, run_module

STANDIN = Path(__file__).with_name("standin_debian.py")
PROGRAMS = ("apt-get", "apt-cache", "apt-mark", "dpkg", "dpkg-query", "dpkg-deb")


class Debian:
    """A small Debian: programs on a PATH over a JSON file."""

    def __init__(self, folder: Path) -> None:
        for name in PROGRAMS:
            program(folder / "bin", name, f'#!/bin/sh\nexec {sys.executable} {STANDIN} {name} "$@"\n')
        self._state = folder / "state.json"
        self.environment = {"PATH": f"{folder}/bin:{os.defpath}", "STANDIN_STATE": str(self._state)}
        self.write(installed={}, available={})

    def write(self, **state: Any) -> None:
        old = json.loads(self._state.read_text()) if self._state.exists() else {}
        self._state.write_text(json.dumps({**old, **state}))

    def read(self, key: str) -> Any:
        return json.loads(self._state.read_text()).get(key)

    def versions(self) -> dict[str, str]:
        return {
            n: p["version"] for n, p in self.read("installed").items() if p.get("status") != "config-files"
        }

    def apt_gets(self) -> list[list[str]]:
        return [words for words in self.read("log") or [] if words[0] == "apt-get"]

    def apt(self, check: bool = False, diff: bool = False, **args: Any) -> Any:
        return run_module("apt", args, check=check, diff=diff, environment=self.environment)


@pytest.fixture
def debian(tmp_path: Path) -> Debian:
    machine = Debian(tmp_path)
    machine.write(
        installed={"vim": {"version": "1.0"}, "mawk": {"version": "1.3", "provides": "awk (= 1.3), other"}},
        available={
            "vim": ["1.1", "1.0"],
            "driver": ["581.1", "580.9", "580.1"],
            "lib": ["2"],
            "mawk": ["1.3"],
        },
        depends={"driver": ["lib"]},
    )
    return machine


@pytest.fixture
def lists(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in for the folder whose age says when apt last updated its lists."""
    folder = tmp_path / "lists"
    folder.mkdir()
    monkeypatch.setattr(_apt_get, "_LISTS", str(folder))
    monkeypatch.setattr(_apt_get, "_STAMP", str(tmp_path / "none"))
    return folder


@pytest.mark.parametrize(
    ("name", "version"),
    [("driver", "581.1"), ("driver=580*", "580.9"), ("driver=580.1", "580.1"), ("driver>=581", "581.1")],
)
def test_a_package_is_installed_once_in_the_version_asked_for(
    name: str, version: str, debian: Debian
) -> None:
    first, second = debian.apt(name=name), debian.apt(name=name)

    assert (first.failed, first.changed, second.changed) == (False, True, False)
    assert debian.versions()["driver"] == version
    assert debian.versions()["lib"] == "2"
    assert len(debian.apt_gets()) == 1


def test_what_satisfies_a_pattern_stays_though_a_newer_one_would_too(debian: Debian) -> None:
    debian.write(installed={"driver": {"version": "580.1", "want": "hold"}})

    assert not debian.apt(name="driver=580*").changed
    assert not debian.apt(name="driver").changed


def test_latest_upgrades_and_then_rests(debian: Debian) -> None:
    assert debian.apt(name="vim", state="latest").changed
    assert debian.versions()["vim"] == "1.1"
    assert not debian.apt(name="vim", state="latest").changed


def test_only_upgrade_installs_nothing_new(debian: Debian) -> None:
    assert not debian.apt(name="driver", only_upgrade=True).changed
    assert debian.apt(name=["driver", "vim"], state="latest", only_upgrade=True).changed
    assert "driver" not in debian.versions()


def test_a_virtual_package_that_something_provides_is_there(debian: Debian) -> None:
    assert not debian.apt(name="awk").changed


def test_a_virtual_package_is_left_to_apt_get_and_found_again(debian: Debian) -> None:
    debian.write(virtual={"editor": "lib"}, provides={"lib": "editor"})

    assert debian.apt(name="editor").changed
    assert not debian.apt(name="editor").changed


@pytest.mark.parametrize("name", ["nothing", "driver=579*", "no-such-*", "a=b=c d"])
def test_what_is_not_on_offer_is_a_failure_that_names_it(name: str, debian: Debian) -> None:
    result = debian.apt(name=[name])

    assert result.failed
    assert name.split("=", maxsplit=1)[0] in result.msg
    assert "driver" not in debian.versions()


def test_versions_on_offer_are_named_where_none_fits(debian: Debian) -> None:
    assert "581.1, 580.9, 580.1" in debian.apt(name="driver=579*").msg


def test_names_may_be_patterns(debian: Debian) -> None:
    debian.apt(name="dri*")

    assert debian.versions()["driver"] == "581.1"


@pytest.mark.parametrize(
    "args", [{"name": "driver"}, {"name": "vim", "state": "absent"}, {"upgrade": "dist"}]
)
def test_check_mode_asks_apt_get_and_changes_nothing(args: dict[str, Any], debian: Debian) -> None:
    before = debian.versions()

    result = debian.apt(check=True, diff=True, **args)

    assert result.changed
    assert all("-s" in words for words in debian.apt_gets())
    assert debian.versions() == before
    assert result.diff["prepared"]


def test_a_package_is_removed_once(debian: Debian) -> None:
    assert debian.apt(name="vim", state="absent").changed
    assert not debian.apt(name="vim", state="absent").changed
    assert debian.apt(name="vim", state="absent", purge=True).changed
    assert not debian.apt(name="vim", state="absent", purge=True).changed


@pytest.mark.parametrize("args", [{"name": "driver"}, {"name": "vim", "state": "absent"}])
def test_what_apt_get_did_not_do_is_a_failure_though_it_said_so(args: dict[str, Any], debian: Debian) -> None:
    debian.write(refuses=["driver", "vim"])

    result = debian.apt(**args)

    assert result.failed
    assert f"{args['name']} is still not" in result.msg


def test_a_held_package_is_not_changed_unless_allowed(debian: Debian) -> None:
    debian.write(installed={"vim": {"version": "1.0", "want": "hold"}})

    assert "Held packages" in debian.apt(name="vim", state="latest").msg
    assert debian.apt(name="vim", state="latest", allow_change_held_packages=True).changed


def test_options_become_apt_gets(debian: Debian) -> None:
    debian.apt(
        name="driver",
        install_recommends=False,
        default_release="stable",
        allow_downgrade=True,
        lock_timeout=5,
        dpkg_options="force-confnew",
    )

    words = " ".join(debian.apt_gets()[0])
    assert "-o APT::Install-Recommends=no" in words
    assert "-t stable" in words
    assert "--allow-downgrades" in words
    assert "-o DPkg::Lock::Timeout=5" in words
    assert "-o Dpkg::Options::=--force-confnew" in words


def test_a_lock_is_waited_for(debian: Debian, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_apt_get, "_LOCK_PAUSE_S", 0.01)
    debian.write(locked=2)

    assert debian.apt(name="driver").changed


def test_a_lock_is_not_waited_for_for_ever(debian: Debian) -> None:
    debian.write(locked=1000)

    result = debian.apt(name="driver", lock_timeout=0)

    assert result.failed
    assert "lock" in result.msg


def test_the_lists_of_a_fresh_image_are_none_however_young_their_folder_is(
    debian: Debian, lists: Path
) -> None:
    os.utime(lists)
    debian.apt(update_cache=True, cache_valid_time=3600)

    assert debian.read("updates") == 1


def test_the_lists_are_updated_when_they_are_too_old(debian: Debian, lists: Path) -> None:
    (lists / "archive_Packages").touch()
    os.utime(lists, (1, 1))
    assert debian.apt(update_cache=True, check=True).changed
    assert debian.read("updates") is None

    result = debian.apt(update_cache=True)

    assert (result.failed, debian.read("updates")) == (False, 1)
    assert result.values["cache_update_time"] == 1
    os.utime(lists)
    assert not debian.apt(update_cache=True, cache_valid_time=3600).changed
    assert debian.read("updates") == 1


def test_an_update_that_fails_is_tried_again_and_then_a_failure(debian: Debian, lists: Path) -> None:
    os.utime(lists, (1, 1))
    debian.write(fails_updates=2)

    retrying: dict[str, Any] = {"update_cache": True, "update_cache_retry_max_delay": 0}
    assert debian.apt(**retrying, update_cache_retries=2).failed
    assert not debian.apt(**retrying).failed


@pytest.mark.parametrize(
    ("upgrade", "verb"), [("dist", "dist-upgrade"), (True, "upgrade"), ("safe", "upgrade")]
)
def test_an_upgrade_is_reported_by_what_it_did(upgrade: Any, verb: str, debian: Debian) -> None:
    assert debian.apt(upgrade=upgrade).changed
    assert not debian.apt(upgrade=upgrade).changed
    assert verb in debian.apt_gets()[0]


def test_autoremove_by_itself_is_reported_by_what_it_did(debian: Debian) -> None:
    assert not debian.apt(autoremove=True).changed
    debian.write(auto=["vim"])
    assert debian.apt(autoremove=True).changed


def test_a_file_is_installed_once(debian: Debian, tmp_path: Path) -> None:
    (tmp_path / "x.deb").write_text('{"Package": "x", "Version": "3", "Architecture": "amd64"}')

    assert debian.apt(deb=str(tmp_path / "x.deb"), check=True).changed
    assert debian.apt(deb=str(tmp_path / "x.deb")).changed
    assert debian.versions()["x"] == "3"
    assert not debian.apt(deb=str(tmp_path / "x.deb")).changed


@pytest.mark.parametrize("content", [None, "rubbish"])
def test_a_file_that_is_no_package_is_a_failure(content: str | None, debian: Debian, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "x.deb").write_text(content)

    assert debian.apt(deb=str(tmp_path / "x.deb")).failed


def test_a_host_without_dpkg_is_a_failure_that_says_so(tmp_path: Path) -> None:
    result = run_module("apt", {"name": "x"}, environment={"PATH": str(tmp_path)})

    assert result.failed
    assert "Debian" in result.msg


@pytest.mark.parametrize(
    "args", [{}, {"name": "a", "upgrade": "dist"}, {"name": "a", "deb": "b"}, {"deb": "x", "state": "absent"}]
)
def test_several_aims_and_none_are_refused(args: dict[str, Any], debian: Debian) -> None:
    with pytest.raises(ArgumentError):
        debian.apt(**args)


def test_apts_policy_is_read() -> None:
    said = (
        "bash:\n  Installed: 5.2-2\n  Candidate: 5.2-3\n  Version table:\n     5.2-3 500\n"
        "        500 http://deb.debian.org/debian bookworm/main amd64 Packages\n *** 5.2-2 100\n"
        "        100 /var/lib/dpkg/status\nawk:\n  Installed: (none)\n  Candidate: (none)\n  Version table:\n"
    )

    assert _apt_plan.offers(said) == {"bash": Offer("5.2-3", ("5.2-3", "5.2-2")), "awk": Offer(None, ())}


@pytest.mark.parametrize(
    ("selection", "known", "before"),
    [("hold", "vim", "install"), ("hold", "awk", "install"), ("install", "held", "hold")],
)
def test_a_selection_is_set_once(selection: str, known: str, before: str, debian: Debian) -> None:
    debian.write(installed={**debian.read("installed"), "held": {"version": "1", "want": "hold"}})

    def select(check: bool = False) -> Any:
        given = {"name": known, "selection": selection}
        return run_module("dpkg_selections", given, check=check, environment=debian.environment)

    assert select(check=True).changed
    first, second = select(), select()

    assert (first.changed, first.values["before"], first.values["after"]) == (True, before, selection)
    assert not second.changed
    real = {"awk": "mawk"}.get(known, known)
    assert debian.read("installed")[real]["want"] == selection


@pytest.mark.parametrize("name", ["nothing", "vim"])
def test_what_cannot_be_held_is_a_failure(name: str, debian: Debian) -> None:
    debian.write(refuses=["vim"])
    given = {"name": name, "selection": "hold"}

    assert run_module("dpkg_selections", given, environment=debian.environment).failed
