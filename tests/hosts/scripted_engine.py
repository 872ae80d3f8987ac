"""A small OpenAI server whose answers a model file scripts: real HTTP, real streams, no model. Runs at a host.

The model file is JSON: `says` is what it answers word by word, `pace_s` the time between two words, `first_s` the
time before the first one; `fault` is "mute" (200 and no token), "never-ready" (503 for ever) or "" for none.

Started as vLLM is (`serve FOLDER --served-model-name NAME`), it takes LoRA adapters at its start and while it runs, as
vLLM does: a folder with a file of the same kind each. An adapter's `fault` may be "unloadable" (refused while it runs).
With VLLM_API_KEY or LLAMA_API_KEY in its environment it wants that key for all but `/health`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
from pathlib import Path
from typing import Any

_STEP_S, _DRAIN_STEPS = 0.02, 3000


class Engine:
    def __init__(self, name: str, script: dict[str, Any], adapters: dict[str, str]) -> None:
        self._name = name
        self._pace_s = float(script.get("pace_s", 0.0))
        self._first_s = float(script.get("first_s", 0.0))
        self._fault = script.get("fault", "")
        self._key = os.environ.get("VLLM_API_KEY") or os.environ.get("LLAMA_API_KEY", "")
        self._running = 0
        self._says = {name: script["says"].split()}
        self._roots: dict[str, str] = {}
        for adapter, path in adapters.items():
            self._keep(adapter, path, _read(Path(path)))
        self._may_update = os.environ.get("VLLM_ALLOW_RUNTIME_LORA_UPDATING") == "True"

    def _keep(self, adapter: str, path: str, script: dict[str, Any]) -> None:
        self._says[adapter], self._roots[adapter] = script["says"].split(), path

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await self._one(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        _, path, _ = head[0].split()
        headers = {
            name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])
        }
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        self._running += 1
        try:
            if path == "/health":
                _answer(writer, 503 if self._fault == "never-ready" else 200, {"status": "ok"})
            elif self._key and headers.get("authorization") != f"Bearer {self._key}":
                _answer(writer, 401, {"error": "Unauthorized"})
            elif path == "/v1/chat/completions":
                await self._complete(writer, json.loads(body))
            elif path == "/v1/models":
                cards = [{"id": self._name, "root": "/", "parent": None}]
                cards += [
                    {"id": one, "root": root, "parent": self._name} for one, root in self._roots.items()
                ]
                _answer(writer, 200, {"data": cards})
            elif path in ("/v1/load_lora_adapter", "/v1/unload_lora_adapter") and self._may_update:
                _answer(
                    writer,
                    *(self._load if path == "/v1/load_lora_adapter" else self._unload)(json.loads(body)),
                )
            else:
                _answer(writer, 404, {})
            await writer.drain()
        finally:
            self._running -= 1
        return headers.get("connection", "").lower() != "close"

    async def _complete(self, writer: asyncio.StreamWriter, asked: dict[str, Any]) -> None:
        says = self._says.get(asked.get("model", self._name))
        if says is None:
            _answer(writer, 404, {"message": f"The model `{asked['model']}` does not exist."})
            return
        words = [] if self._fault == "mute" else says[: asked.get("max_tokens", 16)]
        if not asked.get("stream"):
            message = {"role": "assistant", "content": " ".join(words)}
            _answer(
                writer, 200, {"choices": [{"message": message}], "usage": {"completion_tokens": len(words)}}
            )
            return
        writer.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        await asyncio.sleep(self._first_s)
        for number, word in enumerate(words):
            _event(
                writer, json.dumps({"choices": [{"delta": {"content": word if number == 0 else f" {word}"}}]})
            )
            await writer.drain()
            await asyncio.sleep(self._pace_s)
        _event(writer, "[DONE]")
        writer.write(b"0\r\n\r\n")

    def _load(self, asked: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        name, path = asked["lora_name"], asked["lora_path"]
        script = _read(Path(path))
        if script.get("fault") == "unloadable":
            return 400, {"message": "call to add_lora method failed"}
        if name in self._roots and not asked.get("load_inplace"):
            return 400, {"message": f"The lora adapter '{name}' has already been loaded."}
        self._keep(name, path, script)
        return 200, {}

    def _unload(self, asked: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        if self._roots.pop(asked["lora_name"], None) is None:
            return 404, {"message": f"The lora adapter '{asked['lora_name']}' cannot be found."}
        del self._says[asked["lora_name"]]
        return 200, {}

    async def serve(self, host: str, port: int) -> None:
        ended = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
        server = await asyncio.start_server(self.talk, host, port)
        await ended.wait()
        server.close()
        for _ in range(_DRAIN_STEPS):
            if not self._running:
                return
            await asyncio.sleep(_STEP_S)


def _event(writer: asyncio.StreamWriter, text: str) -> None:
    data = f"data: {text}\n\n".encode()
    writer.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")


def _answer(writer: asyncio.StreamWriter, status: int, said: dict[str, Any]) -> None:
    body = json.dumps(said).encode()
    head = f"HTTP/1.1 {status} Said\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    writer.write(head.encode() + body)


def _read(place: Path) -> dict[str, Any]:
    """Read a script, or the one that a folder holds."""
    file = next(iter(sorted(place.iterdir()))) if place.is_dir() else place
    return dict(json.loads(file.read_text()))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", nargs="*")  # serve FOLDER
    for name in ("--model", "--host"):
        parser.add_argument(name)
    parser.add_argument("--alias", "--served-model-name", default="tiny")
    parser.add_argument("--port", type=int)
    parser.add_argument("--lora-modules", nargs="*", default=[])
    options, _ = parser.parse_known_args()
    adapters = dict(word.split("=", 1) for word in options.lora_modules)
    engine = Engine(options.alias, _read(Path(options.model or options.folder[-1])), adapters)
    asyncio.run(engine.serve(options.host, options.port))


if __name__ == "__main__":
    main()
