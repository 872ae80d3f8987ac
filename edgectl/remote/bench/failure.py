"""Why a request gave no measurement: a closed set of kinds, with HTTP's own codes among them."""

from __future__ import annotations

CONNECT = "connect"  # no connection could be made
TIMEOUT = "timeout"  # not over within timeout_s
RESET = "reset"  # the connection went away in the middle
PROTOCOL = "protocol"  # the answer is not a stream of chat completions
EMPTY = "empty"  # a well-formed stream without a single token of text

KINDS = {
    CONNECT: "no connection could be made",
    TIMEOUT: "the request was not over within timeout_s",
    RESET: "the connection ended in the middle of the answer",
    PROTOCOL: "the answer is not a well-formed stream of chat completions",
    EMPTY: "the stream ended well but held no text",
    "http_NNN": "the server answered with status NNN instead of a stream",
}


class RequestFailed(Exception):  # noqa: N818 - the field's word; it becomes a count in the report
    """One request failed; `kind` is a key of KINDS, or `http_` with a status."""

    def __init__(self, kind: str, detail: str) -> None:
        super().__init__(detail)
        self.kind = kind
        self.detail = detail
