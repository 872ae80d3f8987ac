"""A certificate on one page, for people; what counts is the JSON beside it."""

from __future__ import annotations

from edgectl.remote.lean import Any


def page(certificate: dict[str, Any]) -> str:
    """Return the page."""
    waived = {waiver.get("test"): waiver for waiver in certificate["waivers"]}
    lines = [
        f"Acceptance certificate {certificate['number']} of {certificate['host']}",
        f"issued    {certificate['issued']}",
        f"baseline  {certificate['baseline']['name']}, digest {certificate['baseline']['digest']}",
        f"parts     {', '.join(certificate['serials'])}",
        "",
        *(line for test in certificate["tests"] for line in _lines(test, waived.get(test.get("name")))),
        "",
        f"previous  {certificate['previous'] or 'none: this is the first'}",
        f"digest    {certificate['digest']}",
    ]
    return "\n".join(lines) + "\n"


def _lines(test: dict[str, Any], waiver: dict[str, Any] | None) -> list[str]:
    verdict = "passed" if test.get("passed") else "FAILED"
    if waiver is not None:
        verdict = f"waived by {waiver.get('owner')} until {waiver.get('until')}: {waiver.get('reason')}"
    value = f"{test.get('value', '')} {test.get('unit', '')}".strip()
    first, *more = value.split("; ")
    wanted = _wanted(test, value)
    head = f"  {test.get('name', ''):<24} {verdict}   {first}{'' if more else wanted}"
    rest = [f"{line}{wanted if line is more[-1] else ''}" for line in more]
    rest += [
        f"{figure:,g} {test.get('unit', '')} on {uuid}"
        for uuid, figure in (test.get("figures") or {}).items()
    ]
    return [head, *(f"{'':<36}{line}" for line in rest)]


def _wanted(test: dict[str, Any], value: str) -> str:
    threshold = test.get("threshold")
    if threshold is None:
        return ""
    source = test.get("source", "baseline")
    return f", as {source} has it" if str(threshold) == value else f", wanted {threshold} ({source})"
