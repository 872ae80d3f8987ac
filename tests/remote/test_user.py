from __future__ import annotations

import os
import pwd
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from edgectl.remote.args import ArgumentError, build
from edgectl.remote.tasks import _accounts, _user_key
from edgectl.remote.tasks.user import Args
from tests.remote.host import a_context, path_with, program, run_module

HASH = "$6$salt$IxDD3jeSOb5eB1CX5LBsqZFVkJdido3OUILO5Ifz5iwMuTS4XMS130MTSuDDl3aCI6WouIL9AjRbLCelDCy.g."
SHADOW = ("ann", "!", "19000", "0", "99999", "7", "", "", "")
ANN = _accounts.Account(3001, 0, "Ann", "/home/ann", "/bin/sh", frozenset({"daemon"}), SHADOW)
ME = pwd.getpwuid(os.geteuid())


def args(**given: Any) -> Any:
    return build(Args, {"name": "ann", **given})


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, []),
        ({"uid": 3001, "comment": "Ann", "home": "/home/ann", "shell": "/bin/sh", "group": "root"}, []),
        ({"uid": 3002}, ["-u", "3002"]),
        ({"uid": 3002, "non_unique": True}, ["-u", "3002", "-o"]),
        ({"group": "daemon"}, ["-g", "1"]),
        ({"groups": ["daemon"]}, []),
        ({"groups": ["bin"]}, ["-G", "bin"]),
        ({"groups": []}, ["-G", ""]),
        ({"groups": ["bin"], "append": True}, ["-a", "-G", "bin"]),
        ({"groups": ["daemon"], "append": True}, []),
        ({"home": "/srv/ann", "move_home": True}, ["-d", "/srv/ann", "-m"]),
        ({"shell": "/bin/bash"}, ["-s", "/bin/bash"]),
        ({"expires": -1}, []),
        ({"expires": 1893456000}, ["-e", "2030-01-01"]),
        ({"password_lock": True}, []),
        ({"password_lock": False}, ["-U"]),
        ({"password_lock": False, "password": HASH}, []),
        ({"password_expire_account_disable": 5}, ["-f", "5"]),
    ],
)
def test_only_what_differs_is_changed(given: dict[str, Any], words: list[str]) -> None:
    wanted = ["usermod", *words, "ann"] if words else []

    assert _accounts.usermod(args(**given), ANN) == wanted


def test_the_ages_of_a_password_are_set_where_they_differ() -> None:
    given = args(password_expire_min=0, password_expire_max=90, password_expire_warn=7)

    assert _accounts.chage(given, ANN) == ["chage", "-M", "90", "ann"]


def test_a_new_account_says_all_that_was_asked_but_the_password() -> None:
    given = args(uid=5, group="root", groups=["bin", "daemon"], password=HASH, system=True, umask="027")

    words = _accounts.useradd(given)

    assert words == [
        "useradd",
        "-u",
        "5",
        "-g",
        "root",
        "-G",
        "bin,daemon",
        "-m",
        "-r",
        "-K",
        "UMASK=027",
        "ann",
    ]


def test_a_password_is_never_on_a_command_line(tmp_path: Path) -> None:
    for name in ("usermod", "chpasswd"):
        program(
            tmp_path / "bin",
            name,
            f'#!/bin/sh\necho "{name} $*" >> {tmp_path}/ran; cat >> {tmp_path}/given\n',
        )

    run_module("user", {"name": ME.pw_name, "password": HASH}, environment=path_with(tmp_path / "bin"))

    assert (tmp_path / "ran").read_text() == "chpasswd -e\n"
    assert (tmp_path / "given").read_text() == f"{ME.pw_name}:{HASH}\n"


def test_a_password_in_the_open_is_refused() -> None:
    with pytest.raises(ArgumentError, match="hash"):
        args(password="secret")


def test_a_password_with_a_line_end_would_be_two_lines_for_chpasswd() -> None:
    with pytest.raises(ArgumentError, match="a line end"):
        args(password=f"{HASH}\n")


KEYGEN = """
    #!/bin/sh
    for path; do :; done
    case "$1" in -l) echo print;; *) echo private > "$path"; [ -e {gate} ] && echo public > "$path.pub";; esac
"""


def made_key(home: Path) -> Any:
    account = ANN._replace(uid=os.geteuid(), gid=os.getegid(), home=str(home))
    path = program(home / "bin", "ssh-keygen", KEYGEN.format(gate=home / "gate")).parent
    return _user_key.make(args(generate_ssh_key=True), account, a_context(environment=path_with(path)))


def test_a_key_that_was_made_by_half_is_made_again(tmp_path: Path) -> None:
    assert "ssh-keygen failed" in made_key(tmp_path)
    (tmp_path / "gate").touch()

    assert made_key(tmp_path) is True
    assert made_key(tmp_path) is False
    assert sorted(path.name for path in (tmp_path / ".ssh").iterdir()) == ["id_rsa", "id_rsa.pub"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a link to somebody: run as root")
def test_a_key_is_not_made_where_a_link_of_the_user_leads(tmp_path: Path) -> None:
    (tmp_path / "roots").mkdir()
    (tmp_path / ".ssh").symlink_to(tmp_path / "roots")
    os.lchown(tmp_path / ".ssh", 1, 1)

    assert "is a link that its user made" in made_key(tmp_path)
    assert not list((tmp_path / "roots").iterdir())


def test_a_program_that_ends_well_and_does_nothing_is_found(tmp_path: Path) -> None:
    program(tmp_path / "bin", "usermod", "#!/bin/sh\n")

    result = run_module(
        "user", {"name": ME.pw_name, "shell": "/bin/other"}, environment=path_with(tmp_path / "bin")
    )

    assert "still not as wanted" in result.msg


def test_check_mode_starts_no_program(tmp_path: Path) -> None:
    for name in ("useradd", "usermod", "userdel"):
        program(tmp_path / "bin", name, f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    environment = path_with(tmp_path / "bin")

    for given in (
        {"name": ME.pw_name, "shell": "/x"},
        {"name": "not-here"},
        {"name": ME.pw_name, "state": "absent"},
    ):
        assert run_module("user", given, check=True, environment=environment).changed
    assert not (tmp_path / "ran").exists()


def test_a_home_folder_is_a_copy_of_the_skeleton(tmp_path: Path) -> None:
    (tmp_path / "skeleton" / "d").mkdir(parents=True)
    (tmp_path / "skeleton" / "d" / "f").write_text("x")
    mine = ANN._replace(uid=os.geteuid(), gid=os.getegid())

    _accounts.make_home(
        SimpleNamespace(skeleton=str(tmp_path / "skeleton"), umask="077"), mine, str(tmp_path / "home")
    )

    assert (tmp_path / "home" / "d" / "f").read_text() == "x"
    assert (tmp_path / "home").stat().st_mode & 0o777 == 0o700
