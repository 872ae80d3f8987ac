from __future__ import annotations

from pathlib import Path

import pytest

from edgectl.lab.refusal import refusal


@pytest.mark.parametrize(
    ("name", "value", "hint"),
    [
        ("kernel/unprivileged_userns_clone", "0", "kernel.unprivileged_userns_clone=1"),
        ("user/max_user_namespaces", "0", "user.max_user_namespaces=15000"),
        (
            "kernel/apparmor_restrict_unprivileged_userns",
            "1",
            "kernel.apparmor_restrict_unprivileged_userns=0",
        ),
    ],
)
def test_the_setting_that_forbids_namespaces_is_named(
    tmp_path: Path, name: str, value: str, hint: str
) -> None:
    (tmp_path / name).parent.mkdir()
    (tmp_path / name).write_text(f"{value}\n", encoding="utf-8")
    error = refusal("unshare: Operation not permitted", tmp_path)
    assert hint in error.hint
    assert name.replace("/", ".") in error.message


def test_without_a_setting_to_blame_the_container_is_named(tmp_path: Path) -> None:
    assert "--privileged" in refusal("mount proc: Operation not permitted", tmp_path).hint
