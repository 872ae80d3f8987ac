from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from edgectl.remote.args import ArgumentError
from tests.remote.host import run_module
from tests.remote.webserver import FILE, Handler, web

Web = tuple[str, type[Handler]]


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Web]:
    monkeypatch.setenv("no_proxy", "*")
    with web() as running:
        yield running


def asked(site: Web, path: str, check: bool = False, **args: Any) -> Any:
    return run_module("uri", {"url": site[0] + path, **args}, check=check)


def test_json_is_understood(site: Web) -> None:
    result = asked(site, "/json", return_content=True)

    assert not result.changed
    assert (result.values["json"], result.values["content"]) == ({"n": 1}, '{"n": 1}')
    assert (result.values["status"], result.values["content_type"]) == (
        200,
        "application/json; charset=utf-8",
    )
    assert result.msg == "OK (8 bytes)"
    assert "content" not in asked(site, "/json").values


@pytest.mark.parametrize(
    ("given", "sent", "kind"),
    [
        ({"body": {"a": 1}, "body_format": "json"}, b'{"a": 1}', "application/json"),
        ({"body": '{"b":2}', "body_format": "json"}, b'{"b":2}', "application/json"),
        (
            {"body": {"a": ["x", "y z"]}, "body_format": "form-urlencoded"},
            b"a=x&a=y+z",
            "application/x-www-form-urlencoded",
        ),
        ({"body": "raw"}, b"raw", None),
        ({"body": {"a": 1}, "body_format": "json", "headers": {"content-type": "x/y"}}, b'{"a": 1}', "x/y"),
    ],
)
def test_a_body_is_encoded_as_asked(given: dict[str, Any], sent: bytes, kind: str | None, site: Web) -> None:
    asked(site, "/echo", method="POST", **given)

    _, _, headers, body = site[1].seen[0]
    assert body == sent
    found = {name.lower(): value for name, value in headers.items()}
    assert kind is None or found["content-type"] == kind


def test_a_status_that_was_not_asked_for_is_a_failure(site: Web) -> None:
    result = asked(site, "/status/503", return_content=True)

    assert result.failed
    assert "Status code was 503 and not [200]" in result.msg
    assert result.values["content"] == "words"
    assert not asked(site, "/status/503", status_code="200,503").failed


@pytest.mark.parametrize(
    ("policy", "method", "code", "status", "last"),
    [
        ("safe", "GET", 301, 200, "GET"),
        ("safe", "GET", 308, 200, "GET"),
        ("safe", "POST", 302, 302, "POST"),
        ("all", "POST", 307, 200, "POST"),
        ("all", "POST", 303, 200, "GET"),
        ("none", "GET", 302, 302, "GET"),
        ("urllib2", "POST", 302, 200, "GET"),
        ("yes", "HEAD", 302, 200, "HEAD"),
    ],
)
def test_redirects_are_followed_as_far_as_the_policy_goes(
    policy: str, method: str, code: int, status: int, last: str, site: Web
) -> None:
    path = f"/redirect/{code}?to=/echo"
    args: dict[str, Any] = {"method": method, "follow_redirects": policy, "status_code": [200, code]}
    if method == "POST":
        args["body"] = "x"

    result = asked(site, path, **args)

    assert (result.values["status"], result.values["redirected"]) == (status, status == 200)
    assert site[1].seen[-1][0] == last


def test_a_login_does_not_follow_to_another_host(site: Web) -> None:
    with web() as (other, handler):
        asked(
            site,
            f"/redirect/302?to={other}/echo",
            url_username="me",
            url_password="pw",
            force_basic_auth=True,
        )

    assert "Authorization" in site[1].seen[0][2]
    assert "Authorization" not in handler.seen[0][2]


def test_an_answer_is_written_once(site: Web, tmp_path: Path) -> None:
    first = asked(site, "/f.bin", dest=str(tmp_path), mode="0600")
    second = asked(site, "/f.bin", dest=str(tmp_path / "f.bin"), mode="0600", status_code=[200, 304])

    assert (first.changed, second.changed) == (True, False)
    assert (tmp_path / "f.bin").read_bytes() == FILE
    assert first.values["path"] == str(tmp_path / "f.bin")


def test_creates_and_removes_decide_whether_to_ask(site: Web, tmp_path: Path) -> None:
    assert "exists" in asked(site, "/json", creates=str(tmp_path)).values["stdout"]
    assert "does not exist" in asked(site, "/json", removes=str(tmp_path / "x")).values["stdout"]
    assert site[1].seen == []


def test_check_mode_asks_nothing(site: Web) -> None:
    assert asked(site, "/json", check=True).values["skipped"]
    assert site[1].seen == []


def test_nobody_there_is_status_minus_1() -> None:
    result = run_module("uri", {"url": "http://127.0.0.1:1/", "use_proxy": False})

    assert (result.failed, result.values["status"]) == (True, -1)
    assert "does not answer" in result.msg


def test_a_method_is_a_word() -> None:
    with pytest.raises(ArgumentError):
        run_module("uri", {"url": "http://x", "method": "GET /"})
