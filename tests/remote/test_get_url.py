from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from edgectl.remote.tasks._checksums import find_in, parse
from tests.remote.host import run_module, sha256, tree
from tests.remote.webserver import FILE, Handler, web

Web = tuple[str, type[Handler]]


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Web]:
    monkeypatch.setenv("no_proxy", "*")
    with web() as running:
        yield running


def got(site: Web, dest: Path | str, path: str = "/f.bin", check: bool = False, **args: Any) -> Any:
    return run_module("get_url", {"url": site[0] + path, "dest": str(dest), **args}, check=check)


def test_a_file_is_fetched_once(site: Web, tmp_path: Path) -> None:
    first, second = got(site, tmp_path / "f", mode="0640"), got(site, tmp_path / "f", mode="0640")

    assert (first.failed, first.changed, second.failed, second.changed) == (False, True, False, False)
    assert (tmp_path / "f").read_bytes() == FILE
    assert (first.values["mode"], first.values["status_code"], second.values["status_code"]) == (
        "0640",
        200,
        304,
    )
    assert first.values["dest"] == str(tmp_path / "f")


def test_with_the_right_checksum_the_server_is_not_even_asked(site: Web, tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(FILE)

    assert not got(site, tmp_path / "f", checksum=f"sha256:{sha256(FILE)}").changed
    assert site[1].seen == []


def test_a_file_with_the_wrong_checksum_is_fetched_again(site: Web, tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"rotten")

    assert got(site, tmp_path / "f", checksum=f"sha256:{sha256(FILE)}").changed
    assert (tmp_path / "f").read_bytes() == FILE


@pytest.mark.parametrize(
    ("path", "args", "says"),
    [
        ("/f.bin", {"checksum": "sha256:" + "0" * 64}, "its checksum is"),
        ("/f.bin", {"checksum": "sha256:123"}, "64 hexadecimal digits"),
        ("/f.bin", {"checksum": "nothing"}, "no checksum"),
        ("/short", {}, "4 of 100 bytes"),
        ("/status/500", {}, "500"),
        ("/none", {}, "404"),
    ],
)
def test_what_is_not_whole_or_not_right_changes_nothing(
    path: str, args: dict[str, Any], says: str, site: Web, tmp_path: Path
) -> None:
    (tmp_path / "f").write_bytes(b"old")
    before = tree(tmp_path)

    result = got(site, tmp_path / "f", path, force=True, **args)

    assert result.failed
    assert says in result.msg
    assert tree(tmp_path) == before


def test_a_checksum_may_stand_in_a_list_on_the_web(site: Web, tmp_path: Path) -> None:
    listed = f"{sha256(b'')}  other\n{sha256(FILE)} *f.bin\n"
    site[1].files["/SHA256SUMS"] = listed.encode()

    result = got(site, tmp_path / "f", checksum=f"sha256:{site[0]}/SHA256SUMS")

    assert result.changed
    site[1].files["/SHA256SUMS"] = b"aa bb\n"
    assert (
        "Unable to find a checksum" in got(site, tmp_path / "f", checksum=f"sha256:{site[0]}/SHA256SUMS").msg
    )


@pytest.mark.parametrize(
    ("path", "name"), [("/f.bin?x=1", "f.bin"), ("/named", "real.txt"), ("/redirect/302?to=/f.bin", "f.bin")]
)
def test_in_a_folder_the_file_has_its_servers_name_and_stays_there(
    path: str, name: str, site: Web, tmp_path: Path
) -> None:
    assert got(site, tmp_path, path).values["dest"] == str(tmp_path / name)


def test_the_same_content_again_is_no_change(site: Web, tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(FILE)
    inode = (tmp_path / "f").stat().st_ino

    assert not got(site, tmp_path / "f", force=True).changed
    assert (tmp_path / "f").stat().st_ino == inode


def test_a_login_is_sent_when_asked_for(site: Web, tmp_path: Path) -> None:
    assert "401" in got(site, tmp_path / "f", "/private").msg
    assert got(site, tmp_path / "f", "/private", url_username="me", url_password="pw").changed
    in_url = {"url": site[0].replace("//", "//me:pw@") + "/private", "dest": str(tmp_path / "g")}
    result = run_module("get_url", in_url)
    assert result.changed
    assert "pw" not in str(result.as_dict())


def test_the_old_file_can_be_kept(site: Web, tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"old")

    assert (
        Path(got(site, tmp_path / "f", force=True, backup=True).values["backup_file"]).read_bytes() == b"old"
    )


def test_check_mode_asks_for_the_head_only_and_writes_nothing(site: Web, tmp_path: Path) -> None:
    assert got(site, tmp_path / "f", check=True).changed
    assert [method for method, *_ in site[1].seen] == ["HEAD"]
    assert tree(tmp_path) == {}
    assert got(site, tmp_path / "f", "/none", check=True).failed


def test_nobody_there_is_a_failure_that_names_the_url(tmp_path: Path) -> None:
    result = run_module(
        "get_url", {"url": "http://127.0.0.1:1/x", "dest": str(tmp_path / "f"), "use_proxy": False}
    )

    assert result.failed
    assert "http://127.0.0.1:1/x does not answer" in result.msg
    assert tree(tmp_path) == {}


@pytest.mark.parametrize(
    ("listed", "digest"),
    [
        ("abc123\n", "abc123"),
        ("00  other\nab  f.bin\n", "ab"),
        ("ab *f.bin\ncd  x\n", "ab"),
        ("ab  ./f.bin\ncd  x\n", "ab"),
        ("SHA256 (f.bin) = ab\nSHA256 (x) = cd\n", "ab"),
        ("ab  x\ncd  y\n", None),
        ("", None),
    ],
)
def test_a_digest_is_found_in_a_list(listed: str, digest: str | None) -> None:
    assert find_in(listed, "f.bin") == digest


def test_a_checksum_is_read_without_regard_to_case() -> None:
    assert parse("SHA256:" + "A" * 64).digest == "a" * 64
