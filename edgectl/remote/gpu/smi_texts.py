"""Texts of nvidia-smi's XML: where they are, and whether they are a value, a word for none, or an error."""

from __future__ import annotations

import xml.etree.ElementTree as ET  # the host's own nvidia-smi wrote it
from typing import Any, Callable, List, Optional, Tuple

from edgectl.remote.gpu.readings import Gpu

_UNSUPPORTED = frozenset(
    {"n/a", "not supported", "none", "not available", "requested functionality has been deprecated"}
)


def texts(element: ET.Element, paths: Tuple[str, ...]) -> List[str]:
    """Return what the elements say that are there, the first with a value first."""
    present = [text for text in (said(element, path) for path in paths) if text is not None]
    return sorted(present, key=is_unsupported)


def said(element: ET.Element, path: str) -> Optional[str]:
    """Return an element's text; a section that is only a word, as `N/A`, says so for all that is in it."""
    for step in path.split("/"):
        inner = element.find(step)
        if inner is None:
            text = (element.text or "").strip()
            return text if len(element) == 0 and text else None
        element = inner
    return (element.text or "").strip()


def is_unsupported(text: str) -> bool:
    """Tell whether a text is one of nvidia-smi's words for a reading that the GPU does not have."""
    return text.strip("[]").lower() in _UNSUPPORTED


def note(gpu: Gpu, name: str, reader: Callable[[str], Any], found: List[str]) -> None:
    """Note a reading by the first text; none at all leaves it not collected."""
    if not found:
        return
    if is_unsupported(found[0]) and not (name == "recovery_action" and found[0] == "None"):
        gpu.unsupported(name)
        return
    try:
        gpu.value(name, reader(found[0]))
    except ValueError:
        gpu.error(name, found[0].strip("[]") or "empty")
