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
from edgectl.remote.tasks._acceptance import is_below
from edgectl.remote.tasks._certificate_page import page

REPEAT = "idempotent"
FORMAT = "edgectl.certificate/1"
_WAIVER = ("test", "owner", "reason", "until")


@dataclass(frozen=True)
class Args:
    """What is certified, and of which node."""

    host: str = arg(doc="The node's name in the inventory.")
    baseline: dict[str, Any] = arg(factory=dict, doc="The baseline's name and digest.")
    serials: list[str] = arg(factory=list, doc="Serial numbers of all that is in the node.")
    tests: list[Any] = arg(factory=list, doc="Mappings of name, value, threshold, source and passed.")
    waivers: list[Any] = arg(
        factory=list, doc="Mappings of test, owner, reason and until, the last day (YYYY-MM-DD) it holds."
    )
    cohort: dict[str, Any] = arg(
        factory=dict,
        doc="By test: the median of nodes of this kind. A certificate far below it holds no more.",
    )
    state: Literal["sealed", "asked", "verified"] = arg(
        "sealed", doc="Write one where there is none for this; only tell; or fail where there is none."
    )

    def __post_init__(self) -> None:
        """Refuse a waiver that nobody answers for, and a certificate of nothing."""
        for waiver in self.waivers:
            missing = [name for name in _WAIVER if not str(waiver.get(name) or "").strip()]
            if missing:
                raise ValueError(f"a waiver needs {', '.join(_WAIVER)}; {waiver} lacks {', '.join(missing)}")
            _day(str(waiver["until"]))
        if self.state == "sealed" and not (self.baseline.get("digest") and self.serials and self.tests):
            raise ValueError("'baseline', 'serials' and 'tests' are what a certificate is about")


def _day(text: str) -> str:
    try:
        return time.strftime("%Y-%m-%d", time.strptime(text, "%Y-%m-%d"))
    except ValueError:
        raise ValueError(f"'until' is a day such as 2026-12-31, not '{text}'") from None


def run(args: Args, context: TaskContext) -> TaskResult:
    """Look at the chain, and add to it where that is asked for and this node, as it is, has no certificate yet."""
    folder = os.path.join(context.paths.state, "certificates")
    chain, problem = read_chain(folder)
    newest = chain[-1] if chain else {}
    is_sealed = _is_of(newest, args)
    waived = [str(waiver["test"]) for waiver in args.waivers if _holds(waiver)]
    values: dict[str, Any] = {
        "sealed": is_sealed,
        "certificate": newest,
        "count": len(chain),
        "problem": problem,
        "waived": waived,
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
    bad = [test for test in args.tests if not test.get("passed") and test.get("name") not in waived]
    if bad:
        return failed(
            f"not passed and not waived: {', '.join(str(test.get('name')) for test in bad)}", **values
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
    """Tell whether a certificate is about this baseline and these parts, and still holds."""
    same_baseline = certificate.get("baseline", {}).get("digest") == args.baseline.get("digest")
    is_about_this = same_baseline and certificate.get("serials") == sorted(args.serials)
    return is_about_this and all(map(_holds, certificate["waivers"])) and not _falls_behind(certificate, args)


def _holds(waiver: dict[str, Any]) -> bool:
    return str(waiver["until"]) >= time.strftime("%Y-%m-%d", time.gmtime())


def _falls_behind(certificate: dict[str, Any], args: Args) -> bool:
    """Tell whether a figure that was good enough alone is not, now that there are others to compare it with."""
    waived = {waiver["test"] for waiver in certificate["waivers"]}
    return any(
        is_below(test["value"], args.cohort[test["name"]])
        for test in certificate["tests"]
        if test["name"] in args.cohort and test["name"] not in waived
    )


def _issued(args: Args, chain: list[dict[str, Any]]) -> dict[str, Any]:
    tested = {test.get("name") for test in args.tests if not test.get("passed")}
    certificate = {
        "format": FORMAT,
        "number": len(chain) + 1,
        "host": args.host,
        "issued": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "baseline": {name: args.baseline.get(name) for name in ("name", "digest")},
        "serials": sorted(args.serials),
        "tests": args.tests,
        "waivers": [waiver for waiver in args.waivers if _holds(waiver) and waiver["test"] in tested],
        "previous": chain[-1]["digest"] if chain else "",
        "digest": "",
    }
    return {**certificate, "digest": digest_of(certificate)}
