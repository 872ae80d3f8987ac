"""`import_playbook`: a playbook of playbooks."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgectl.errors import InputError
from edgectl.playbook.loader import load_playbook


def written(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        path = folder / f"{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder / "site.yaml"


PLAY = "- hosts: {}\n  vars: {{a: own, b: own}}\n  tasks: [{{ping: , tags: x}}]\n"


def test_the_plays_of_what_is_imported_stand_where_the_import_does(tmp_path: Path) -> None:
    site = written(
        tmp_path,
        site="- import_playbook: one.yaml\n- hosts: h2\n  tasks: []\n- import_playbook: three.yaml\n",
        one=PLAY.format("h1"),
        three=PLAY.format("h3"),
    )

    found = load_playbook(site)

    assert [play.hosts for play in found.plays] == ["h1", "h2", "h3"]
    assert [play.path.name for play in found.plays] == ["one.yaml", "site.yaml", "three.yaml"]
    assert [path.name for path in found.files] == ["site.yaml", "one.yaml", "three.yaml"]


def test_an_import_s_variables_and_tags_reach_its_plays(tmp_path: Path) -> None:
    site = written(
        tmp_path,
        site="- import_playbook: one.yaml\n  name: first\n  vars: {b: given}\n  tags: [base]\n",
        one=PLAY.format("all"),
    )

    (play,) = load_playbook(site).plays

    assert play.vars == {"a": "own", "b": "given"}
    assert play.tasks[0].tags == {"x", "base"}


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (
            "- import_playbook: site.yaml\n",
            "other.yaml:1:3   a playbook cannot import itself: site.yaml → other.yaml",
        ),
        ("- hosts: all\n  tasks: [{pong: }]\n", "other.yaml:2:12   unknown module or keyword 'pong'"),
    ],
)
def test_what_is_wrong_in_an_imported_file_is_told_with_its_place(
    tmp_path: Path, other: str, said: str
) -> None:
    site = written(tmp_path, site="- import_playbook: other.yaml\n", other=other)

    with pytest.raises(InputError) as caught:
        load_playbook(site)

    assert said in str(caught.value).replace(f"{tmp_path}/", "")


def test_an_import_of_a_file_that_is_not_there_names_it(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"other\.yaml"):
        load_playbook(written(tmp_path, site="- import_playbook: other.yaml\n"))
