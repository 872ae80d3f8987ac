"""The unit of each engine, as text: for systemd, or a quadlet that podman makes one of. Pure, and golden-tested.

`{release}` stands for the release's folder, `{adapters}` for that of the service's adapters, `{port}` for its slot's
port: only the host knows them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import assert_never

from edgectl.ops.deploy.adapters import FOLDER, INSIDE, has_adapters
from edgectl.ops.deploy.engine_words import VLLM_DRAIN_S, environment, words
from edgectl.ops.deploy.quoting import command_line, text
from edgectl.ops.deploy.spec import ServiceSpec
from edgectl.ops.deploy.spec_engine import EngineKind, Front, Runtime
from edgectl.remote.tasks._engine_at import SECRETS

# A port, or what stands for one that only the host knows.
Port = int | str
_MARGIN_S = 30
_STOP_S = 30
# In its container the engine has a network of its own; what is published of it is one port at one address.
_INSIDE, _INSIDE_PORT = "0.0.0.0", 8000  # noqa: S104
_MODEL_INSIDE = "/release"
# Compiling kernels takes minutes, and the next start finds them here.
_CACHED = (EngineKind.VLLM, EngineKind.SGLANG, EngineKind.TENSORRT_LLM)

_HEAD = """\
# Written by edgectl: release {release_id} of service {name}.
[Unit]
Description=edgectl model service {name} ({release_id})
After=network-online.target nvidia-persistenced.service
Wants=network-online.target
StartLimitIntervalSec=900
StartLimitBurst=3
"""
_SERVICE = """\
{head}
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
# Only keys that podman 4.4 knows: its generator makes no unit of a file with another one.
_QUADLET = """\
{head}
[Container]
Image={image}
Exec={command}
{devices}Volume={{release}}:{inside}:ro
{adapters}{environment}PublishPort={address}:{port}:{inside_port}
PodmanArgs=--shm-size=16g
NoNewPrivileges=true

[Service]
Restart=on-failure
RestartSec=15
TimeoutStartSec=1800
TimeoutStopSec={stop_s}
LimitMEMLOCK=infinity

[Install]
WantedBy=multi-user.target
"""


def render_unit(
    spec: ServiceSpec, *, address: str, release: str, sku: str = "", port: Port = 0, gpus: Sequence[str] = ()
) -> str:
    """Return the unit that serves a specification's model at an address, on GPUs of a kind.

    `port` is where the engine itself listens, by default where the service does. `gpus` are the ones it gets, by
    their numbers or UUIDs; by default those that the specification names, else the first of the host.
    """
    where = (address, port or spec.serve.port)
    given = list(gpus or spec.gpus.uuid or map(str, range(spec.gpus.count)))
    head = _HEAD.format(release_id=release, name=spec.name)
    match spec.engine.runtime:
        case Runtime.SYSTEMD:
            return _service(spec, head, where, given, sku)
        case Runtime.QUADLET:
            return _quadlet(spec, head, where, given, sku)
        case _:
            assert_never(spec.engine.runtime)


def unit_at(spec: ServiceSpec, *, address: str, release: str, sku: str = "", gpus: Sequence[str] = ()) -> str:
    """Return the unit for a host: behind a front the engine is on the loopback, at the port of its slot."""
    match spec.serve.front:
        case Front.HAPROXY:
            return render_unit(spec, address="127.0.0.1", release=release, sku=sku, port="{port}", gpus=gpus)
        case Front.NONE:
            return render_unit(spec, address=address, release=release, sku=sku, gpus=gpus)
        case _:
            assert_never(spec.serve.front)


def unit_name(spec: ServiceSpec) -> str:
    """Return the file's name: systemd's own, or the one that podman makes a unit of."""
    return f"edgectl-{spec.name}.{'container' if spec.engine.runtime is Runtime.QUADLET else 'service'}"


def _service(spec: ServiceSpec, head: str, where: tuple[str, Port], gpus: Sequence[str], sku: str) -> str:
    address, port = where
    command = [spec.engine.command, *words(spec, folder="{release}", address=address, port=port, sku=sku)]
    return _SERVICE.format(
        head=head,
        command=command_line(command),
        environment="".join([*_variables(spec, sku), *_gpu_variables(gpus), *_cache(spec), *_secrets(spec)]),
        stop_s=stop_s(spec),
    )


def _quadlet(spec: ServiceSpec, head: str, where: tuple[str, Port], gpus: Sequence[str], sku: str) -> str:
    address, port = where
    inside = words(spec, folder=_MODEL_INSIDE, address=_INSIDE, port=_INSIDE_PORT, sku=sku)
    command = [spec.engine.command, *inside] if spec.engine.command else inside
    # The image of vLLM starts `vllm serve` itself.
    if spec.engine.kind is EngineKind.VLLM and not spec.engine.command:
        command = ["--model", *inside[1:]]
    return _QUADLET.format(
        head=head,
        image=spec.engine.image,
        command=command_line(command),
        devices="".join(f"AddDevice=nvidia.com/gpu={gpu}\n" for gpu in gpus),
        inside=_MODEL_INSIDE,
        adapters=f"Volume={FOLDER}:{INSIDE}:ro\n" if has_adapters(spec) else "",
        environment="".join([*_cache_volume(spec), *_variables(spec, sku), *_secrets(spec)]),
        address=address,
        port=port,
        inside_port=_INSIDE_PORT,
        stop_s=stop_s(spec),
    )


def _variables(spec: ServiceSpec, sku: str) -> Iterator[str]:
    for name, value in environment(spec, sku).items():
        yield f"Environment={text(f'{name}={value}')}\n"


def _gpu_variables(gpus: Sequence[str]) -> Iterator[str]:
    """Name the GPUs by their place on the bus, as nvidia-smi counts them."""
    if gpus:
        yield 'Environment="CUDA_DEVICE_ORDER=PCI_BUS_ID"\n'
        yield f'Environment="CUDA_VISIBLE_DEVICES={",".join(gpus)}"\n'


def _cache(spec: ServiceSpec) -> Iterator[str]:
    if spec.engine.kind in _CACHED:
        yield f"CacheDirectory=edgectl-{spec.name}\n"
        yield f'Environment="XDG_CACHE_HOME=%C/edgectl-{spec.name}"\n'


def _cache_volume(spec: ServiceSpec) -> Iterator[str]:
    if spec.engine.kind in _CACHED:
        yield f"Volume=edgectl-{spec.name}-cache:/root/.cache\n"


def _secrets(spec: ServiceSpec) -> Iterator[str]:
    if spec.secrets:
        yield f"EnvironmentFile={SECRETS.format(service=spec.name)}\n"


def stop_s(spec: ServiceSpec) -> int:
    """Return how long a unit may take to stop before it is killed, in seconds."""
    return VLLM_DRAIN_S + _MARGIN_S if spec.engine.kind is EngineKind.VLLM else _STOP_S
