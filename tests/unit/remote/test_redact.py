from __future__ import annotations

import json
from base64 import b64encode, urlsafe_b64encode
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgectl.remote.emit import Emitter, Line
from edgectl.remote.protocol import Ended, TaskEnded, TaskRetried, TaskStarted, decode_message
from edgectl.remote.redact import Redaction

KEY = "-----BEGIN KEY-----\nAbCdEfGhIjKlMn\nshort\n-----END KEY-----\n"

CASES = [
    ({"pw": "hunter2"}, "is hunter2, hunter2!", "is [pw], [pw]!"),
    (
        {"pw": "hunter2"},
        {"a": ["x", {"b": "hunter2"}], "n": 1, "t": True},
        {"a": ["x", {"b": "[pw]"}], "n": 1, "t": True},
    ),
    ({"pw": "hunter2hunter2"}, {"hunter2hunter2": 1}, {"[pw]": 1}),
    ({"pw": "rc"}, {"rc": 0, "stdout": "rc"}, {"rc": 0, "stdout": "[pw]"}),
    ({"pin": "4711"}, {"pin": 4711, "rc": 0}, {"pin": "[pin]", "rc": 0}),
    ({"pin": "0"}, {"rc": 0}, {"rc": 0}),
    ({"short": "abc", "long": "abcdef"}, "abcdef abc", "[long] [short]"),
    ({"quoted": 'a"b\\c'}, json.dumps({"said": 'a"b\\c'}), '{"said": "[quoted]"}'),
    ({"umlaut": "größer"}, json.dumps("größer"), '"[umlaut]"'),
    (
        {"key": KEY},
        {"stdout_lines": KEY.splitlines()},
        {"stdout_lines": ["[key]", "[key]", "short", "[key]"]},
    ),
    ({"empty": ""}, "nothing", "nothing"),
    ({"pw": "hunter2"}, ("hunter2",), ["[pw]"]),
    ({"pw": "hunter2"}, {"s": {"hunter2"}}, {"s": "{'[pw]'}"}),
    ({"pw": "hunter2"}, None, None),
    ({"pw": "hunter2"}, b64encode(b"hunter2").decode(), "[pw]"),
    ({"pw": "p@ss/w rd"}, "https://u:p%40ss%2Fw%20rd@x", "https://u:[pw]@x"),
    ({"pw": "p@ss/w rd"}, "?pw=p%40ss%2Fw+rd&n=1", "?pw=[pw]&n=1"),
    ({"pw": "p@ss/w rd"}, "/p%40ss/w%20rd", "/[pw]"),
    ({"pw": "abc"}, b64encode(b"abc").decode(), "YWJj"),
]


@given(
    before=st.binary(max_size=5),
    after=st.binary(max_size=5),
    secret=st.text("abc?>é\xff", min_size=7, max_size=20),
)
def test_base64_of_more_than_the_secret_tells_nothing_of_it(before: bytes, after: bytes, secret: str) -> None:
    for encode in (b64encode, urlsafe_b64encode):
        said = Redaction({"pw": secret})(encode(before + secret.encode() + after).decode())
        left, right = said.split("[pw]", 1)
        # What is left at its two ends are bits of one byte each, of which no byte can be told.
        assert len(left) <= len(before) * 8 // 6 + 2
        assert len(right) <= len(after) * 8 // 6 + 4


@pytest.mark.parametrize(("secrets", "said", "told"), CASES)
def test_a_secret_is_replaced_by_its_name(secrets: dict[str, str], said: Any, told: Any) -> None:
    assert Redaction(secrets)(said) == told


values = st.recursive(
    st.text(max_size=5) | st.integers() | st.booleans() | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
)


@given(values, st.text(alphabet='s3cret-ü"\\\n', min_size=8, max_size=20))
def test_no_secret_is_left_wherever_it_stands(value: Any, secret: str) -> None:
    told = json.dumps(Redaction({"n": secret})([value, secret, {secret: [secret]}, f"<{secret}>"]))

    assert json.dumps(secret)[1:-1] not in told.replace("[n]", "")


class _Heard(Line):
    def __init__(self) -> None:
        super().__init__(-1, "M")
        self.texts: list[str] = []

    def send(self, text: str) -> None:
        self.texts.append(text)


@pytest.mark.parametrize("secret", ["1", "ok", "type", "TaskEnded", "seq", '"', "{", "changed", "0.5"])
def test_a_secret_that_is_a_word_of_the_protocol_does_not_break_it(secret: str) -> None:
    heard = _Heard()
    emitter = Emitter(heard, None, {"pw": secret})
    result = {"changed": True, "stdout": secret}
    emitter.emit(TaskStarted(1, "a task"))
    emitter.emit(TaskEnded(1, "a task", "shell", "ok", 0.5, result))

    started, ended = (decode_message(text) for text in heard.texts)
    assert (started.seq, ended.seq) == (1, 2)
    assert isinstance(ended, TaskEnded)
    assert (ended.status, ended.result) == ("ok", {"changed": True, "stdout": "[pw]"})


def test_every_text_that_a_task_can_reach_is_redacted() -> None:
    heard = _Heard()
    emitter = Emitter(heard, None, {"pw": "hunter2"})
    emitter.emit(TaskStarted(1, "say hunter2"))
    emitter.emit(TaskRetried(1, 1, "hunter2 is wrong"))
    emitter.say(Ended("failed", "say hunter2", "no hunter2"))

    assert "hunter2" not in "".join(heard.texts)
