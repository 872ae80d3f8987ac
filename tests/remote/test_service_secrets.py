"""An engine has its secrets after a boot with nobody there: encrypted where the host can, else as a file of root's."""

from __future__ import annotations

import stat
from dataclasses import dataclass
from pathlib import Path

import pytest

from edgectl.remote import registry
from edgectl.remote.args import build
from edgectl.remote.context import HostPaths, TaskContext
from edgectl.remote.proc import Proc
from edgectl.remote.result import TaskResult
from tests.remote.host import path_with, program

_SECRETS = 'HF_TOKEN="tok-of-the-test"\n'
_SYSTEMCTL = """\
#!/bin/sh
# One manager: enabled units are links in `wants`; a start carries out the unit's commands, one after the other.
units={units}
case $1 in
  show) echo LoadState=loaded; echo ActiveState=inactive; echo Type=oneshot;;
  is-enabled) [ -e $units/wants/$2 ] && echo enabled || echo disabled;;
  enable) mkdir -p $units/wants; touch $units/wants/$2;;
  disable) rm -f $units/wants/$2;;
  start) grep ^ExecStart= $units/$2 | cut -d= -f2- > $units/run.sh; umask 0077; sh -e $units/run.sh;;
esac
"""
_CREDS = """\
#!/bin/sh
# As systemd-creds: the name is sealed in, and a host without its key reads nothing.
set -e
key={key}
[ -e $key ] || exit 1
name=$2
case $1 in
  encrypt) {{ echo "$name $(cat $key)"; cat; }} | tr a-zA-Z n-za-mN-ZA-M > $5;;
  decrypt) tr a-zA-Z n-za-mN-ZA-M < $3 > $key.open
           head -1 $key.open | grep -qx -- "$name $(cat $key)" || exit 1
           if [ "$4" = - ]; then tail -n +2 $key.open; else tail -n +2 $key.open > $4; fi;;
esac
"""


@dataclass
class Node:
    """A host with a folder of units, and a tmpfs that a boot empties."""

    folder: Path

    @property
    def file(self) -> Path:
        return self.folder / "run/secrets/chat.env"

    @property
    def kept(self) -> list[Path]:
        return sorted((self.folder / "state/secrets").iterdir())

    @property
    def unit(self) -> Path:
        return self.folder / "units/edgectl-secrets@chat.service"

    def give(self, content: str = _SECRETS, *, check: bool = False, state: str = "present") -> TaskResult:
        module = registry.load("service_secrets")
        given = {"service": "chat", "path": str(self.file), "content": content, "state": state}
        args = build(module.Args, {**given, "units": str(self.folder / "units")})
        paths = HostPaths(str(self.folder / "state"), "", "", "", "")
        result = module.run(args, TaskContext(check, False, Proc({}), paths, {}))
        assert isinstance(result, TaskResult)
        return result

    def boot(self) -> None:
        """Lose what is on tmpfs, and start what is enabled."""
        self.file.unlink(missing_ok=True)
        for unit in (self.folder / "units/wants").iterdir():
            program = ["systemctl", "start", unit.name]
            assert Proc({}).run(program).rc == 0


@pytest.fixture
def node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Node:
    (tmp_path / "units").mkdir()
    (tmp_path / "key").write_text("of this host")
    program(tmp_path / "bin", "systemctl", _SYSTEMCTL.format(units=tmp_path / "units"))
    program(tmp_path / "bin", "systemd-creds", _CREDS.format(key=tmp_path / "key"))
    for name, value in path_with(tmp_path / "bin").items():
        monkeypatch.setenv(name, value)
    return Node(tmp_path)


def modes(*paths: Path) -> list[str]:
    return [oct(stat.S_IMODE(path.stat().st_mode)) for path in paths]


def test_secrets_are_there_after_a_boot_and_lie_encrypted_until_then(node: Node) -> None:
    given = node.give()

    assert (given.changed, node.give().changed) == (True, False)
    assert "encrypted" in given.msg
    node.boot()
    assert node.file.read_text() == _SECRETS
    (sealed,) = node.kept
    assert "tok-of-the-test" not in sealed.read_text() + node.unit.read_text()
    assert modes(node.file, sealed, sealed.parent, node.file.parent) == ["0o600", "0o600", "0o700", "0o700"]
    assert (
        "Before=edgectl-chat.service edgectl-chat-a.service edgectl-chat-b.service" in node.unit.read_text()
    )


def test_without_encryption_they_are_a_file_that_root_alone_reads(node: Node) -> None:
    (node.folder / "key").unlink()
    given = node.give()

    assert "as a file of root's" in given.msg
    node.boot()
    assert node.file.read_text() == _SECRETS
    (kept,) = node.kept
    assert modes(kept, kept.parent, node.file) == ["0o600", "0o700", "0o600"]
    (node.folder / "key").write_text("a chip that was put in")
    assert "encrypted" in node.give("OTHER=1\n").msg
    assert [path.suffix for path in node.kept] == [".cred"]


def test_a_seal_of_another_host_is_made_anew(node: Node) -> None:
    node.give()
    (node.folder / "key").write_text("of another board")

    assert node.give().changed
    node.boot()
    assert node.file.read_text() == _SECRETS


def test_other_secrets_take_the_place_of_those_before_and_a_check_changes_nothing(node: Node) -> None:
    node.give()
    assert node.give("OTHER=1\n", check=True).changed
    assert node.file.read_text() == _SECRETS
    node.give("OTHER=1\n")
    node.boot()
    assert node.file.read_text() == "OTHER=1\n"


def test_a_service_without_secrets_leaves_none_behind(node: Node) -> None:
    node.give()
    assert node.give(state="absent").changed
    assert not node.give(state="absent").changed
    assert [path for path in (node.file, node.unit, *node.kept) if path.exists()] == []


def test_secrets_that_a_boot_would_not_bring_fail_the_host(node: Node) -> None:
    program(node.folder / "bin", "systemctl", "#!/bin/sh\nexit 0\n")
    given = node.give()

    assert given.failed
    assert "does not bring the secrets" in given.msg
    assert "tok-of-the-test" not in given.msg
