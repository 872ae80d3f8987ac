from __future__ import annotations

from pathlib import Path

import pytest

from edgectl.catalog.engines import dangerous_flags
from edgectl.errors import InputError
from edgectl.ops.deploy.spec import load_spec
from tests.unit.ops.deploy.specs import VLLM, written

_AT = "max-model-len: 32768"
UNSAFE = [
    (_AT, "host: 0.0.0.0", "11:5", "listens on every interface"),
    (_AT, "host: '::'", "11:5", "listens on every interface"),
    (_AT, "host: 10.0.0.1", "11:5", "edgectl says 'host' itself"),
    (_AT, "port: 9000", "11:5", "from serve.port; leave it out"),
    (_AT, "api-key: abc", "11:5", "it guards /v1 alone"),
    (_AT, "api_key: abc", "11:5", "instead: a key of your own gateway"),
    (_AT, "hf-token: abc", "11:5", "puts a secret into the process list"),
    (_AT, "trust-remote-code: true", "11:5", "it runs code that came with the model"),
    (_AT, "load-format: dummy", "11:5", "it serves random weights"),
    (_AT, "stream-interval: 20", "11:5", "tokens in lumps"),
    ("NOTE:", "VLLM_API_KEY: x, NOTE:", "16:46", "name its provider under 'secrets'"),
    ("NOTE:", "VLLM_SERVER_DEV_MODE: '1', NOTE:", "16:46", "it opens /sleep"),
    ("NOTE:", "CUDA_VISIBLE_DEVICES: GPU-1, NOTE:", "16:46", "gpus.uuid"),
]


@pytest.mark.parametrize(("old", "new", "place", "said"), UNSAFE, ids=[row[1][:24] for row in UNSAFE])
def test_an_unsafe_service_is_refused_at_its_place(
    tmp_path: Path, old: str, new: str, place: str, said: str
) -> None:
    assert old in VLLM
    path = written(tmp_path, VLLM.replace(old, new, 1))
    with pytest.raises(InputError) as caught:
        load_spec(path)
    assert said in str(caught.value)
    assert f"{path}:{place} " in str(caught.value)


def test_a_key_alone_is_no_protection_and_behind_the_proxy_it_is_one_more(tmp_path: Path) -> None:
    secret = VLLM + "secrets: {{VLLM_API_KEY: {{env: K}}}}\n"
    with pytest.raises(InputError, match="the API key alone protects nothing but /v1"):
        load_spec(written(tmp_path, secret.replace("{{port: 8100}}", "{{port: 8100, front: none}}")))
    assert load_spec(written(tmp_path, secret)).secrets


def test_a_custom_engine_s_words_are_looked_at_too(tmp_path: Path) -> None:
    custom = "engine: {{kind: custom, command: /opt/x, argv: [WORD]}}\nplace: role=gpu\n"
    text = VLLM[: VLLM.index("engine:")] + custom
    for word, said in [
        ("--host=0.0.0.0", "every interface"),
        ("--api-key=x", "secret"),
        ("0.0.0.0:80", "every"),
    ]:
        with pytest.raises(InputError, match=said):
            load_spec(written(tmp_path, text.replace("WORD", word)))
    load_spec(written(tmp_path, text.replace("WORD", "'{{address}}:{{port}}'")))


def test_what_is_switched_off_or_said_why_is_let_through(tmp_path: Path) -> None:
    load_spec(written(tmp_path, VLLM.replace(_AT, "trust-remote-code: false")))
    reviewed = VLLM.replace(_AT, "trust-remote-code: true").replace(
        "  environment:", "  allow: {{trust-remote-code: reviewed by ops}}\n  environment:"
    )
    load_spec(written(tmp_path, reviewed))
    with pytest.raises(InputError, match="random weights"):
        load_spec(
            written(
                tmp_path, reviewed.replace("trust-remote-code", "load-format").replace(": true", ": dummy")
            )
        )


def test_every_row_says_why_what_instead_and_who_says_so() -> None:
    flags = dangerous_flags()
    assert len(flags) >= 15
    assert all(flag.why and flag.instead and flag.source for flag in flags)
