"""Render expressions by Ansible's own templating: `{"vars": …, "texts": […]}` on stdin, what each gives on stdout.

Started by `test_filters_like_ansible.py`. Imports edgectl not at all.
"""

from __future__ import annotations

import importlib
import json
import sys
from typing import Any


def main() -> None:
    asked = json.load(sys.stdin)
    template: Any = importlib.import_module("ansible.template")
    loading: Any = importlib.import_module("ansible.parsing.dataloader")
    templar = template.Templar(loader=loading.DataLoader(), variables=asked["vars"])
    said = []
    for text in asked["texts"]:
        try:
            said.append({"value": templar.template(template.trust_as_template(text))})
        except Exception as error:  # noqa: BLE001 - a filter may raise anything
            said.append({"error": type(error).__name__})
    for condition in asked["conditions"]:
        try:
            said.append({"value": templar.evaluate_conditional(template.trust_as_template(condition))})
        except Exception as error:  # noqa: BLE001 - a filter may raise anything
            said.append({"error": type(error).__name__})
    json.dump(said, sys.stdout, default=str)


if __name__ == "__main__":
    main()
