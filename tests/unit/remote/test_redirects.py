"""What a redirect takes along: a login is for the host that it was meant for, and for nobody on the way."""

from __future__ import annotations

import urllib.request

import pytest

from edgectl.remote.tasks._http import _redirects

_SENT = {"Authorization": "Bearer t", "X-Amz-Security-Token": "s", "Range": "bytes=1-"}


@pytest.mark.parametrize(
    ("where", "keeps"),
    [
        ("https://models.example.com/b", True),
        ("https://cdn.example.com/b", False),
        ("http://models.example.com/b", False),
    ],
)
def test_a_login_goes_with_a_redirect_to_the_same_host_over_tls_alone(where: str, keeps: bool) -> None:
    asked = urllib.request.Request("https://models.example.com/a", headers=_SENT)
    then = _redirects("urllib2").redirect_request(asked, None, 302, "", {}, where)

    assert ({"Authorization", "X-amz-security-token"} <= then.headers.keys()) is keeps
    assert ("Authorization" in then.headers) is ("X-amz-security-token" in then.headers) is keeps
    assert then.headers["Range"] == "bytes=1-"
