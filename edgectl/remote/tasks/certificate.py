"""A node's acceptance certificate: what it was when it was accepted, kept at the node, each chained to the one before.

A certificate is one line of canonical JSON, and its digest is over all of it but the digest itself, so that a single
byte that changes is found. The digest of the one before is in it, and so are the figures as they were measured.
"""

from __future__ import annotations

import hashlib
import json
import os
import time

from edgectl.remote import durable
from edgectl.remote.args import arg
from edgectl.remote.context import TaskContext
from edgectl.remote.frozen import dataclass
from edgectl.remote.lean import Any, Literal
from edgectl.remote.result import TaskResult, failed
from edgectl.remote.tasks._certificate_page import page

REPEAT = "idempotent"
FORMAT = "edgectl.certificate/1"


@dataclass(frozen=True)
class Args:
    """What is certified, and of which node."""

    host: str = arg(doc="The node's name in the inventory.")
    baseline: dict[str, Any] = arg(factory=dict, doc="The baseline's name and digest.")
    serials: list[str] = arg(factory=list, doc="Serial numbers of all that is in the node.")
    tests: list[Any] = arg(factory=list, doc="Mappings of name, value, threshold, source and passed.")
    waivers: list[Any] = arg(factory=list, doc="Mappings of test, owner, reason and until.")
    state: Literal["sealed", "asked", "verified"] = arg(
        "sealed", doc="Write one where there is none for this; only tell; or fail where there is none."
    )

    def __post_init__(self) -> None:
        """Refuse a certificate of nothing, and one of a test that failed."""
        if self.state != "sealed":
            return
        if not (self.baseline.get("digest") and self.serials and self.tests):
            raise ValueError("'baseline', 'serials' and 'tests' are what a certificate is about")
        waived = {waiver.get("test") for waiver in self.waivers}
        bad = [
            str(test.get("name"))
            for test in self.tests
            if not test.get("passed") and test.get("name") not in waived
        ]
        if bad:
            raise ValueError(f"not passed and not waived: {', '.join(bad)}")


def run(args: Args, context: TaskContext) -> TaskResult:
    """Look at the chain, and add to it where that is asked for and this node, as it is, has no certificate yet."""
    folder = os.path.join(context.paths.state, "certificates")
    chain, problem = read_chain(folder)
    newest = chain[-1] if chain else {}
    is_sealed = _is_of(newest, args)
    values: dict[str, Any] = {
        "sealed": is_sealed,
        "certificate": newest,
        "count": len(chain),
        "problem": problem,
    }
    if problem:
        return failed(f"the certificates of {args.host} are not as they were written: {problem}", **values)
    if args.state == "asked":
        return TaskResult(values=values)
    if args.state == "verified":
        return (
            TaskResult(values=values)
            if chain
            else failed(f"{args.host} has no certificate: it was never accepted")
        )
    if is_sealed or context.check:
        return TaskResult(not is_sealed, values=values)
    certificate = _issued(args, chain)
    place = os.path.join(folder, f"{len(chain) + 1:04}")
    os.makedirs(folder, 0o755, exist_ok=True)
    durable.write(f"{place}.json", encoded(certificate), 0o644)
    durable.write(f"{place}.txt", page(certificate).encode(), 0o644)
    again, problem = read_chain(folder)
    if problem or again[-1] != certificate:
        return failed(
            f"the certificate was written, and reads otherwise: {problem or 'other content'}", **values
        )
    return TaskResult(
        changed=True, values={**values, "sealed": True, "certificate": certificate, "count": len(again)}
    )


def read_chain(folder: str) -> tuple[list[dict[str, Any]], str]:
    """Return the certificates, oldest first, as far as they are whole, and what is wrong with the next one."""
    names = (
        sorted(name for name in os.listdir(folder) if name.endswith(".json")) if os.path.isdir(folder) else []
    )
    chain: list[dict[str, Any]] = []
    for number, name in enumerate(names, start=1):
        with open(os.path.join(folder, name), "rb") as stream:
            raw = stream.read()
        try:
            found = json.loads(raw)
            if name != f"{number:04}.json" or encoded(found) != raw or digest_of(found) != found["digest"]:
                return chain, f"{name} was changed"
        except (ValueError, KeyError, TypeError, AttributeError):
            return chain, f"{name} is damaged"
        if found["previous"] != (chain[-1]["digest"] if chain else ""):
            return chain, f"{name} does not follow the one before it"
        chain.append(found)
    return chain, ""


def encoded(certificate: dict[str, Any]) -> bytes:
    """Return a certificate as it is kept: one way to write it, so that no byte is without meaning."""
    return json.dumps(certificate, sort_keys=True, separators=(",", ":")).encode() + b"\n"


def digest_of(certificate: dict[str, Any]) -> str:
    """Return the sha256 of all of a certificate but its digest."""
    return hashlib.sha256(encoded({**certificate, "digest": ""})).hexdigest()


def _is_of(certificate: dict[str, Any], args: Args) -> bool:
    """Tell whether a certificate is about this baseline and these parts."""
    same_baseline = certificate.get("baseline", {}).get("digest") == args.baseline.get("digest")
    return same_baseline and certificate.get("serials") == sorted(args.serials)


def _issued(args: Args, chain: list[dict[str, Any]]) -> dict[str, Any]:
    certificate = {
        "format": FORMAT,
        "number": len(chain) + 1,
        "host": args.host,
        "issued": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "baseline": {name: args.baseline.get(name) for name in ("name", "digest")},
        "serials": sorted(args.serials),
        "tests": args.tests,
        "waivers": args.waivers,
        "previous": chain[-1]["digest"] if chain else "",
        "digest": "",
    }
    return {**certificate, "digest": digest_of(certificate)}
