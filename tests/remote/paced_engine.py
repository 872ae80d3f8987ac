"""An engine of a set pace: so long to the first token, so long between two, so many requests at once.

What does not fit into its slots waits in a queue, as in a real engine. It is the standard library alone, so that a lab
host can run it: `python3 paced_engine.py --port 8000 --first-ms 30 --gap-ms 10 --slots 4`. A rate above
slots / (first + gap * (tokens - 1)) makes its queue grow without end.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import random
from typing import Any

_HEAD = "HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nTransfer-Encoding: chunked\r\n\r\n"


class Engine:
    """Serves chat completions at a set pace; `noise` is the share by which each answer's pace varies."""

    def __init__(self, first_ms: float, gap_ms: float, slots: int, noise: float) -> None:
        self._first_s = first_ms / 1000
        self._gap_s = gap_ms / 1000
        self._slots = asyncio.Semaphore(slots)
        self._noise = noise
        self._chance = random.Random(1)  # noqa: S311 - reproducible on purpose

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while await self._answer(reader, writer):
                pass
        writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        first = await reader.readline()
        if not first:
            return False
        length = 0
        while (line := await reader.readline()) not in (b"\r\n", b""):
            name, _, value = line.decode().partition(":")
            length = int(value) if name.lower() == "content-length" else length
        if first.startswith(b"GET"):
            writer.write(_HEAD.format(kind="application/json").encode())
            _send(writer, b'{"data": [{"id": "paced"}]}')
        else:
            body = json.loads(await reader.readexactly(length))
            writer.write(_HEAD.format(kind="text/event-stream").encode())
            async with self._slots:
                tokens = body.get("max_tokens") or body["max_completion_tokens"]
                await self._stream(writer, int(tokens), _words(body))
        writer.write(b"0\r\n\r\n")
        await writer.drain()
        return True

    async def _stream(self, writer: asyncio.StreamWriter, tokens: int, prompt_tokens: int) -> None:
        pace = 1 + self._noise * self._chance.uniform(-1, 1)
        loop = asyncio.get_running_loop()
        due = loop.time() + self._first_s * pace
        for _ in range(tokens):
            await asyncio.sleep(due - loop.time())
            _send(writer, _event({"choices": [{"index": 0, "delta": {"content": "word "}}]}))
            due += self._gap_s * pace
        usage = {"prompt_tokens": prompt_tokens, "completion_tokens": tokens}
        _send(writer, _event({"choices": [], "usage": usage}) + b"data: [DONE]\n\n")


def _words(body: dict[str, Any]) -> int:
    return sum(len(str(message["content"]).split()) for message in body["messages"])


def _event(chunk: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(chunk).encode() + b"\n\n"


def _send(writer: asyncio.StreamWriter, payload: bytes) -> None:
    writer.write(b"%x\r\n%s\r\n" % (len(payload), payload))


async def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--first-ms", type=float, default=30)
    parser.add_argument("--gap-ms", type=float, default=10)
    parser.add_argument("--slots", type=int, default=4)
    parser.add_argument("--noise", type=float, default=0.0)
    given = parser.parse_args()
    engine = Engine(given.first_ms, given.gap_ms, given.slots, given.noise)
    server = await asyncio.start_server(engine.serve, given.host, given.port, backlog=512)
    print(server.sockets[0].getsockname()[1], flush=True)  # noqa: T201 - who started it wants the port
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
