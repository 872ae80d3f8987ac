"""The systemd unit of each engine, as text. Pure, and golden-tested.

`{release}` stands for the release's folder and `{port}` for its slot's port, which only the host knows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import assert_never

from edgectl.ops.deploy.spec import ServiceSpec
from edgectl.ops.deploy.spec_engine import EngineKind, Front

# vLLM drains for as long as it is told (vLLM PR #34730); systemd must wait longer than that before it kills.
_VLLM_DRAIN_S = 120
_MARGIN_S = 30
_LLAMA_STOP_S = 30
_PLAIN = re.compile(r"^[\w@+=:,./{}-]+$", re.ASCII)

_UNIT = """\
# Written by edgectl: release {release_id} of service {name}.
[Unit]
Description=edgectl model service {name} ({release_id})
After=network-online.target nvidia-persistenced.service
Wants=network-online.target
StartLimitIntervalSec=900
StartLimitBurst=3

[Service]
Type=exec
ExecStart={command}
{environment}Restart=on-failure
RestartSec=15
KillSignal=SIGTERM
TimeoutStopSec={stop_s}
LimitMEMLOCK=infinity
LimitNOFILE=1048576
NoNewPrivileges=true

[Install]
WantedBy=multi-user.target
"""


def render_unit(spec: ServiceSpec, *, address: str, release: str) -> str:
    """Return the unit that serves a specification's model at an address; behind a front, where the front asks it."""
    return _UNIT.format(
        release_id=release,
        name=spec.name,
        command=" ".join(_quoted(word) for word in _command(spec, *_place(spec, address))),
        environment="".join(_environment(spec)),
        stop_s=_stop_s(spec),
    )


def _place(spec: ServiceSpec, address: str) -> tuple[str, str]:
    """Return the address and the port that the engine listens on; which slot it gets, only the host knows."""
    match spec.serve.front:
        case Front.HAPROXY:
            return "127.0.0.1", "{port}"
        case Front.NONE:
            return address, str(spec.serve.port)
        case _:
            assert_never(spec.serve.front)


def _command(spec: ServiceSpec, address: str, port: str) -> list[str]:
    given = list(_options(spec.engine.args))
    where = ["--host", address, "--port", port]
    folder, name = "{release}/model", spec.model.name
    match spec.engine.kind:
        case EngineKind.LLAMA_CPP:
            words = ["--model", f"{folder}/{spec.model.files[0].file_name}", "--alias", name, *where]
        case EngineKind.VLLM:
            drain = ["--shutdown-timeout", str(_VLLM_DRAIN_S)]
            words = ["serve", folder, "--served-model-name", name, *where, *drain]
        case EngineKind.SGLANG:
            words = ["serve", "--model-path", folder, "--served-model-name", name, *where]
        case EngineKind.TENSORRT_LLM:
            words = [folder, *where]
        case EngineKind.CUSTOM:
            filled = {"{model}": folder, "{address}": address, "{port}": port}
            words = [_filled(word, filled) for word in spec.engine.argv]
        case _:
            assert_never(spec.engine.kind)
    return [spec.engine.command, *words, *given]


def _filled(word: str, values: Mapping[str, str]) -> str:
    for name, value in values.items():
        word = word.replace(name, value)
    return word


def _options(args: Mapping[str, str | float | bool]) -> Iterator[str]:
    for name, value in args.items():
        if value is False:
            continue
        yield f"--{name}"
        if value is not True:
            yield str(value)


def _quoted(word: str) -> str:
    """Quote for ExecStart=, where systemd takes $ for a variable even inside quotes; `{release}` stays as it is."""
    return word if _PLAIN.match(word) else _text(word).replace("$", "$$")


def _text(value: str) -> str:
    """Quote as systemd.syntax(7) and systemd.unit(5) have it: C escapes, and % is a specifier."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("%", "%%")
    return f'"{escaped}"'


def _environment(spec: ServiceSpec) -> Iterator[str]:
    fixed = {"HF_HUB_OFFLINE": "1", "VLLM_NO_USAGE_STATS": "1"} if spec.engine.kind is EngineKind.VLLM else {}
    for name, value in {**fixed, **spec.engine.environment}.items():
        yield f"Environment={_text(f'{name}={value}')}\n"


def _stop_s(spec: ServiceSpec) -> int:
    return _VLLM_DRAIN_S + _MARGIN_S if spec.engine.kind is EngineKind.VLLM else _LLAMA_STOP_S
