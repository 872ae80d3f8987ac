"""What a request carries, against the examples that AWS publishes for Signature Version 4, and what is written down."""

from __future__ import annotations

import pytest

from edgectl.remote.tasks._logins import BASIC, BEARER, S3, Login, headers, read, written

# docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html, its two examples without further headers.
_SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
_EXAMPLE = Login(S3, ("AKIAIOSFODNN7EXAMPLE", _SECRET, ""), "us-east-1")
_AT_S = 1369353600.0  # 2013-05-24 00:00 UTC
_URL = "https://examplebucket.s3.amazonaws.com"


@pytest.mark.parametrize(
    ("asked", "signature"),
    [
        ("/?lifecycle", "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"),
        ("/?max-keys=2&prefix=J", "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"),
    ],
)
def test_a_request_is_signed_as_aws_s_own_examples_are(asked: str, signature: str) -> None:
    sent = headers(_EXAMPLE, "GET", _URL + asked, _AT_S)

    assert sent["Authorization"] == (
        "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"
        f"SignedHeaders=host;x-amz-content-sha256;x-amz-date,Signature={signature}"
    )
    assert _SECRET not in str(sent)


def test_a_session_s_token_is_sent_and_signed() -> None:
    login = _EXAMPLE._replace(values=("AKIAIOSFODNN7EXAMPLE", _SECRET, "session"))
    sent = headers(login, "GET", _URL, _AT_S)

    assert sent["x-amz-security-token"] == "session"
    assert "x-amz-date;x-amz-security-token,Signature=" in sent["Authorization"]


def test_tokens_and_passwords_are_said_as_http_has_them() -> None:
    assert headers(Login(BEARER, ("t",)), "GET", _URL, 0.0) == {"Authorization": "Bearer t"}
    assert headers(Login(BASIC, ("u", "p")), "GET", _URL, 0.0) == {"Authorization": "Basic dTpw"}


def test_logins_are_read_as_they_were_written_and_each_value_is_a_line() -> None:
    logins = {"hf://": Login(BEARER, ("token",)), "https://x/": Login(BASIC, ("u", "p")), "s3://b/": _EXAMPLE}
    text = written(logins)

    assert {name: (one.kind, one.values) for name, one in read(text).items()} == {
        name: (one.kind, one.values) for name, one in logins.items()
    }
    assert {"token", "p", _SECRET} <= set(text.splitlines())
    assert read("# no logins\n") == {}
