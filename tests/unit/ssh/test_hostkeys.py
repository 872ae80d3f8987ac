from __future__ import annotations

from pathlib import Path

import pytest

from edgectl.errors import InputError
from edgectl.ssh.hostkeys import HostKey, load, name_of, parse_key

A, B = (HostKey("ssh-ed25519", text) for text in ("AAAA", "BBBB"))

FILES = [
    ("h ssh-ed25519 AAAA\n", {"h": {A}}),
    ("h ssh-ed25519 AAAA a comment\n\n# a remark\nh ssh-ed25519 BBBB\n", {"h": {A, B}}),
    ("a,[b]:2222 ssh-ed25519 AAAA\n", {"a": {A}, "[b]:2222": {A}, "b": set()}),
    ("@cert-authority * ssh-ed25519 AAAA\n", {"h": set(), "*": set()}),
    ("h ssh-ed25519 AAAA\nh ssh-ed25519 BBBB\n@revoked * ssh-ed25519 AAAA\n", {"h": {B}}),
    ("", {"h": set()}),
]


@pytest.mark.parametrize(("text", "pinned"), FILES)
def test_known_hosts_pins_what_it_says(tmp_path: Path, text: str, pinned: dict[str, set[HostKey]]) -> None:
    path = tmp_path / "known_hosts"
    path.write_text(text)

    known = load(path)
    assert {name: set(known.of(name)) for name in pinned} == pinned


def test_the_first_name_that_is_pinned_decides(tmp_path: Path) -> None:
    path = tmp_path / "known_hosts"
    path.write_text("n01 ssh-ed25519 AAAA\n10.0.0.1 ssh-ed25519 BBBB\n")

    assert load(path).of("n01", "10.0.0.1") == {A}
    assert load(path).of("n02", "10.0.0.1") == {B}


def test_a_file_that_is_not_there_pins_nothing(tmp_path: Path) -> None:
    assert load(tmp_path / "known_hosts").of("h") == frozenset()


BROKEN = [
    (b"h ssh-ed25519\n", "known_hosts:1:1   a line of known_hosts is: name key-type base64-key"),
    (b"\nh ssh-ed25519 not/base64!\n", "known_hosts:2:1   a line of known_hosts is"),
    (b"|1|salt|hash ssh-ed25519 AAAA\n", "known_hosts:1:1   this name is hashed (HashKnownHosts)"),
    (b"h\xff ssh-ed25519 AAAA\n", "known_hosts:1:1   cannot read"),
]


@pytest.mark.parametrize(("raw", "told"), BROKEN)
def test_a_broken_line_is_told_with_its_place(tmp_path: Path, raw: bytes, told: str) -> None:
    path = tmp_path / "known_hosts"
    path.write_bytes(raw)

    with pytest.raises(InputError) as caught:
        load(path)
    assert str(caught.value).startswith(f"{tmp_path}/{told}")


def test_a_fingerprint_is_openssh_s() -> None:
    key = parse_key(
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl github.com"
    )

    assert key.fingerprint == "SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU"


def test_a_port_is_part_of_the_name_unless_it_is_22() -> None:
    assert (name_of("h", 22), name_of("h", 2222)) == ("h", "[h]:2222")
