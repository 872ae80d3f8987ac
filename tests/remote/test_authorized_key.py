from __future__ import annotations

import os
import pwd
from pathlib import Path
from typing import Any

import pytest

from edgectl.remote.args import ArgumentError
from edgectl.remote.tasks._login_keys import parsed, written
from tests.remote.host import run_module

ME = pwd.getpwuid(os.geteuid()).pw_name
ONE, OTHER = "ssh-ed25519 AAAAone me", "ssh-rsa AAAAother you there"


def keys(path: Path, check: bool = False, **args: Any) -> Any:
    given = {"user": ME, "path": str(path), "manage_dir": False, "key": ONE, **args}
    return run_module("authorized_key", given, check=check, diff=True)


def test_a_key_is_added_once_and_the_file_is_the_users_alone(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    first, second = keys(path), keys(path)

    assert (first.changed, second.changed) == (True, False)
    assert path.read_text() == f"{ONE}\n"
    assert path.stat().st_mode & 0o777 == 0o600


def test_what_is_no_key_stays_and_another_comment_takes_the_place_of_the_old(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    path.write_text(f"# mine\n{ONE} old\n{OTHER}\nrubbish")

    keys(path)

    assert path.read_text() == f"# mine\n{OTHER}\nrubbish\n{ONE}\n"


def test_an_exclusive_key_is_the_only_one_with_its_options(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    path.write_text(f"# gone\n{OTHER}\n")

    result = keys(path, exclusive=True, key_options='no-pty,from="10.0.0.0/8,::1"', comment="c")

    assert result.changed
    assert path.read_text() == 'no-pty,from="10.0.0.0/8,::1" ssh-ed25519 AAAAone c\n'


def test_a_key_is_taken_away_whatever_its_comment(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    path.write_text(f"{ONE} other\n{OTHER}\n")
    first, second = (keys(path, state="absent") for _ in range(2))

    assert (first.changed, second.changed) == (True, False)
    assert path.read_text() == f"{OTHER}\n"


def test_a_managed_folder_is_the_users_alone(tmp_path: Path) -> None:
    keys(tmp_path / ".ssh" / "authorized_keys", manage_dir=True)

    assert (tmp_path / ".ssh").stat().st_mode & 0o777 == 0o700


def test_keys_come_from_a_file_of_the_host(tmp_path: Path) -> None:
    (tmp_path / "pub").write_text(f"# two\n{ONE}\n{OTHER}\n")

    keys(tmp_path / "keys", key=f"file://{tmp_path}/pub")

    assert (tmp_path / "keys").read_text() == f"{ONE}\n{OTHER}\n"


def test_check_mode_writes_nothing(tmp_path: Path) -> None:
    result = keys(tmp_path / "keys", check=True)

    assert (result.changed, result.diff["after"]) == (True, f"{ONE}\n")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("key", ["no key", "ssh-ed25519", "file:///no/such/file"])
def test_what_is_no_key_fails_and_leaves_the_file(key: str, tmp_path: Path) -> None:
    assert keys(tmp_path / "keys", key=key).failed
    assert not list(tmp_path.iterdir())


def test_a_user_that_is_not_there_fails(tmp_path: Path) -> None:
    assert "no user" in keys(tmp_path / "keys", user="no-such-user").msg


def test_keys_over_plain_http_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="https"):
        keys(tmp_path / "keys", key="http://example.invalid/keys")


@pytest.mark.parametrize(
    "line",
    [
        "ssh-ed25519 AAAA me",
        "sk-ssh-ed25519@openssh.com AAAA me",
        "ecdsa-sha2-nistp256-cert-v01@openssh.com AAAA a b",
        'command="echo a, b",no-pty ssh-rsa AAAA ',
    ],
)
def test_a_line_is_put_together_as_it_was(line: str) -> None:
    assert parsed(line).kind
    assert written(parsed(line)) == f"{line}\n"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a link to somebody: run as root")
def test_a_link_of_the_user_does_not_lead_root_to_another_s_keys(tmp_path: Path) -> None:
    (tmp_path / "roots").mkdir(mode=0o755)
    (tmp_path / ".ssh").symlink_to(tmp_path / "roots")
    os.lchown(tmp_path / ".ssh", 1, 1)

    result = keys(tmp_path / ".ssh" / "authorized_keys", manage_dir=True)

    assert "is a link that its user made" in result.msg
    assert not list((tmp_path / "roots").iterdir())
    os.lchown(tmp_path / ".ssh", 0, 0)
    assert keys(tmp_path / ".ssh" / "authorized_keys", manage_dir=True).changed
