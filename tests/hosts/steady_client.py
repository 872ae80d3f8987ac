"""A client of its own: streaming completions at a steady rate over many connections, each judged by its whole stream.

Run as `python steady_client.py RATE TOKENS REPORT URL…`; ends with SIGTERM and writes what it saw to REPORT. A
request is `ok` only with all its tokens and the end of its stream; `cut` when the stream had begun and did not
come to its end; everything else is `failed`.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import time
import urllib.parse
from collections import Counter
from pathlib import Path

_WAIT_S = 60.0


class Client:
    def __init__(self, tokens: int) -> None:
        self._tokens = tokens
        self.counts: Counter[str] = Counter()
        self.said: Counter[str] = Counter()
        self.problems: list[str] = []

    async def ask(self, url: str) -> None:
        began = time.time()
        kind, why = "failed", ""
        try:
            kind, why = await asyncio.wait_for(self._stream(url), _WAIT_S)
        except (OSError, asyncio.IncompleteReadError, TimeoutError, ValueError) as error:
            why = f"{type(error).__name__}: {error}"
        self.counts[kind] += 1
        if kind != "ok":
            self.problems.append(f"{began:.3f} after {time.time() - began:.3f} s {url} {kind}: {why}")

    async def _stream(self, url: str) -> tuple[str, str]:
        place = urllib.parse.urlsplit(url)
        body = json.dumps(
            {"messages": [{"role": "user", "content": "Say hello."}], "max_tokens": self._tokens, "stream": True,
             "temperature": 0, "ignore_eos": True, "cache_prompt": False}
        ).encode()  # fmt: skip
        reader, writer = await asyncio.open_connection(place.hostname, place.port)
        try:
            head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: {place.netloc}\r\nContent-Type: application/json\r\n"
            writer.write(f"{head}Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body)
            status = await reader.readline()
            if status.split()[1:2] != [b"200"]:
                return "failed", status.decode().strip() or "no answer"
            return self._judged((await reader.read(-1)).decode())
        finally:
            writer.close()

    def _judged(self, rest: str) -> tuple[str, str]:
        events = [line[6:] for line in rest.splitlines() if line.startswith("data: ")]
        pieces = [_piece(event) for event in events if event != "[DONE]"]
        words = [piece for piece in pieces if piece]
        if events[-1:] != ["[DONE]"]:
            return ("cut" if words else "failed"), f"{len(words)} tokens, no end"
        self.said["".join(words)] += 1
        return ("ok", "") if len(words) == self._tokens else ("cut", f"{len(words)} of {self._tokens} tokens")


def _piece(event: str) -> str:
    return "".join(
        (one.get("delta") or {}).get("content") or "" for one in json.loads(event).get("choices", [])
    )


async def steady(rate: float, client: Client, urls: list[str]) -> float:
    """Ask in turn at the rate until SIGTERM, then let what runs end; return for how many seconds."""
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, ended.set)
    began, number, running = loop.time(), 0, set()
    while not ended.is_set():
        task = asyncio.create_task(client.ask(urls[number % len(urls)]))
        running.add(task)
        task.add_done_callback(running.discard)
        number += 1
        wait_s = max(0.0, began + number / rate - loop.time())
        await asyncio.sleep(wait_s)
    seconds = loop.time() - began
    await asyncio.gather(*running)
    return seconds


def main(rate: str, tokens: str, report: str, *urls: str) -> None:
    client = Client(int(tokens))
    seconds = asyncio.run(steady(float(rate), client, list(urls)))
    found = {
        "seconds": seconds,
        "rate": sum(client.counts.values()) / seconds,
        **client.counts,
        "said": dict(client.said),
        "problems": client.problems[:20],
    }
    Path(report).write_text(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
