"""A small OpenAI server whose answers a model file scripts: real HTTP, real streams, no model. Runs at a host.

The model file is JSON: `says` is what it answers word by word, `pace_s` the time between two words; `fault` is
"mute" (200 and no token), "never-ready" (503 for ever) or "" for none.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
from pathlib import Path
from typing import Any

_STEP_S, _DRAIN_STEPS = 0.02, 3000


class Engine:
    def __init__(self, script: dict[str, Any]) -> None:
        self._words = script["says"].split()
        self._pace_s = float(script.get("pace_s", 0.0))
        self._fault = script.get("fault", "")
        self._running = 0

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
            elif path == "/v1/chat/completions":
                await self._complete(writer, json.loads(body))
            else:
                _answer(writer, 404, {})
            await writer.drain()
        finally:
            self._running -= 1
        return headers.get("connection", "").lower() != "close"

    async def _complete(self, writer: asyncio.StreamWriter, asked: dict[str, Any]) -> None:
        words = [] if self._fault == "mute" else self._words[: asked.get("max_tokens", 16)]
        if not asked.get("stream"):
            message = {"role": "assistant", "content": " ".join(words)}
            _answer(
                writer, 200, {"choices": [{"message": message}], "usage": {"completion_tokens": len(words)}}
            )
            return
        writer.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        for number, word in enumerate(words):
            _event(
                writer, json.dumps({"choices": [{"delta": {"content": word if number == 0 else f" {word}"}}]})
            )
            await writer.drain()
            await asyncio.sleep(self._pace_s)
        _event(writer, "[DONE]")
        writer.write(b"0\r\n\r\n")

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


def main() -> None:
    parser = argparse.ArgumentParser()
    for name in ("--model", "--host", "--alias"):
        parser.add_argument(name)
    parser.add_argument("--port", type=int)
    options = parser.parse_args()
    engine = Engine(json.loads(Path(options.model).read_text()))
    asyncio.run(engine.serve(options.host, options.port))


if __name__ == "__main__":
    main()
