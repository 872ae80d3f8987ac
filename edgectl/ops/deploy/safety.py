"""What makes a service unsafe, found in its specification before any host hears of it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from edgectl.catalog.engines import dangerous_flags
from edgectl.ops.deploy.spec_care import Secret
from edgectl.ops.deploy.spec_engine import Engine, EngineKind, Front, Serve

Unsafe = tuple[tuple[str | int, ...], str]

_EVERYWHERE = {"0.0.0.0", "::", "[::]", "*"}  # noqa: S104 - what is refused
# An option that ends so has a secret for its value; `api-key-file` has a path.
_SECRET = re.compile(r"(?:^|[-_])(?:key|token|password|secret)$", re.IGNORECASE)
# What edgectl says itself: two answers to one question are one too many.
_OURS: Mapping[str, str] = {
    "host": "serve.front and the inventory's address",
    "port": "serve.port",
    "model": "model",
    "model-path": "model",
    "served-model-name": "model.name",
    "alias": "model.name",
}


def unsafe(engine: Engine, serve: Serve, secrets: Mapping[str, Secret]) -> Iterator[Unsafe]:
    """Yield where a specification is unsafe, and in one sentence why, and what to write instead."""
    yield from _open_to_all(engine)
    yield from _dangerous(engine)
    yield from _revealed(engine)
    yield from _said_twice(engine)
    yield from _key_alone(engine, serve, secrets)


def _open_to_all(engine: Engine) -> Iterator[Unsafe]:
    for name, value in engine.args.items():
        if _plain(name) == "host" and str(value) in _EVERYWHERE:
            yield ("engine", "args", name), _listens(value)
    for number, word in enumerate(engine.argv):
        if word.rpartition("=")[2].partition(":")[0] in _EVERYWHERE or word.rpartition("=")[2] in _EVERYWHERE:
            yield ("engine", "argv", number), _listens(word)


def _listens(value: object) -> str:
    return (
        f"'{value}' listens on every interface, the public one too; leave it out: the engine listens where"
        " serve.front says"
    )


def _dangerous(engine: Engine) -> Iterator[Unsafe]:
    given: Mapping[str, Mapping[str, object]] = {"args": engine.args, "environment": engine.environment}
    for flag in dangerous_flags():
        for name, value in given[flag.where].items():
            if not flag.is_meant(engine.kind.value, name, value) or (flag.allowable and name in engine.allow):
                continue
            way = f", or say why under 'engine.allow.{name}'" if flag.allowable else ""
            yield (
                ("engine", flag.where, name),
                f"'{name}': {flag.why} ({flag.source}); instead: {flag.instead}{way}",
            )


def _revealed(engine: Engine) -> Iterator[Unsafe]:
    refused = {_plain(flag.name) for flag in dangerous_flags() if engine.kind.value in flag.engines}
    for name, value in engine.args.items():
        if _SECRET.search(name) and isinstance(value, str) and _plain(name) not in refused:
            yield (
                ("engine", "args", name),
                f"'{name}' puts a secret into the process list; name its provider under 'secrets'",
            )
    for name in engine.environment:
        if _SECRET.search(name):
            yield (
                ("engine", "environment", name),
                f"'{name}' puts a secret into this file and the unit; name its provider under 'secrets'",
            )
    for number, word in enumerate(engine.argv):
        if word.startswith("-") and _SECRET.search(word.partition("=")[0]):
            yield (
                ("engine", "argv", number),
                f"'{word.partition('=')[0]}' puts a secret into the process list; name its provider under 'secrets'",
            )


def _said_twice(engine: Engine) -> Iterator[Unsafe]:
    for name, value in engine.args.items():
        where = _OURS.get(_plain(name))
        if where is not None and not (_plain(name) == "host" and str(value) in _EVERYWHERE):
            yield ("engine", "args", name), f"edgectl says '{name}' itself, from {where}; leave it out"


def _key_alone(engine: Engine, serve: Serve, secrets: Mapping[str, Secret]) -> Iterator[Unsafe]:
    """VLLM's key guards /v1 alone, so it is no protection where nothing stands before the engine."""
    if engine.kind is EngineKind.VLLM and serve.front is Front.NONE and "VLLM_API_KEY" in secrets:
        said = (
            "the API key alone protects nothing but /v1 (docs.vllm.ai, usage/security): /tokenize, /pause and"
            " /update_weights stay open; write serve.front: haproxy, which lets serve.paths through alone"
        )
        yield ("secrets", "VLLM_API_KEY"), said


def _plain(name: str) -> str:
    return name.lstrip("-").replace("_", "-").lower()
