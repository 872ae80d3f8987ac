"""Modules about texts, folders and archives leave the tree that Ansible's leave, and say the same."""

from __future__ import annotations

import io
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.remote.ansible_cases import WAYS, Answer, Case, Way, answers_of_ansible, needs_ansible, our_answer

pytestmark = needs_ansible
HOSTS = "127.0.0.1 localhost\n# comment\nalpha beta\nalpha gamma\nlast"
BLOCK = "# BEGIN ANSIBLE MANAGED BLOCK\nold\n# END ANSIBLE MANAGED BLOCK\n"
RSA = (
    "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQDAsGANMWrPSfKyTJ7vN+C2mivAASH1ru4Zixeo8FTNHDSv6H6s"
    "1RAjmqQYXUduVJvAnPep7omnchilfLGZvVZcJBfWDR0ScWgciim/qvj7rnaEKuc1jRGb3hcp8hAuBGS6Oz1Iuv2f"
    "BPPM4PjvuqbvDPFvco3b632EbuKP3b/gGQ=="
)
RSA2 = (
    "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQC0RkIbaa0Kmf+3Xgm2AK+lphsdISwfkn2Z2dBa/RVEbb+8onEm"
    "zzFwsLjXhEMaqf62NsKL9bX0omsIXw3usNKxzjCiMS87cNYGtWEJexRgXWE86Ap/Mg2cQAlG2NH4xge74icoH1XB"
    "wUOGowX2nShTFkGLRt01zJReBuMdh6r7Aw=="
)
ED = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDLeSq8sewKy2TQWk2NRwrSO+gLO6gvInhr2ujsek3Bb"
CRON = "#Ansible: old\n0 1 * * * root /bin/old\n"


def text(module: str, start: str | None = HOSTS, **args: Any) -> Case:
    return Case(module, {"path": "T/f", **args}, {} if start is None else {"f": start})


def block(start: str | None = HOSTS, **args: Any) -> Case:
    return text("blockinfile", start, **{"block": "one\ntwo", **args})


BLOCKS = [
    block(),
    block(block="one\ntwo\n"),
    block(block=""),
    block(state="absent"),
    block(insertafter="^alpha"),
    block(insertbefore="^alpha"),
    block(insertafter="nothing"),
    block(insertbefore="nothing"),
    block(insertafter="EOF"),
    block(insertbefore="BOF"),
    block(insertafter="(?m)^alpha beta$\n^alpha"),
    block(insertbefore="(?m)^alpha beta$\n^alpha"),
    block(f"a\n{BLOCK}b\n"),
    block(f"a\n{BLOCK}b\n", state="absent"),
    block(f"a\n{BLOCK}b\n", block=""),
    block(f"a\n{BLOCK}b\n", block="old"),
    block(f"a\n{BLOCK}b\n{BLOCK}c\n"),
    block("a\n# END ANSIBLE MANAGED BLOCK\nx\n# BEGIN ANSIBLE MANAGED BLOCK\nb\n"),
    block("a\n# BEGIN ANSIBLE MANAGED BLOCK\nb\n"),
    block(marker="; {mark} mine"),
    block(marker="<!-- {mark} -->", marker_begin="from", marker_end="to"),
    block(marker="# same"),
    block(None),
    block(None, create=True),
    block(None, create=True, mode="0600"),
    block(None, create=True, path="T/a/b/f"),
    block(None, create=True, state="absent"),
    block("", insertafter="^x"),
    block(append_newline=True, insertafter="^alpha"),
    block(prepend_newline=True, insertafter="^alpha"),
    block(append_newline=True, prepend_newline=True),
    block(f"a\n{BLOCK}b\n", append_newline=True, prepend_newline=True),
    block(mode="0600"),
    block(validate="grep -q one %s"),
    block(validate="grep -q three %s"),
    block(path="T"),
    block("a\r\nb\r\n", insertafter="^a"),
    block(insertafter="a", insertbefore="b"),
]
REPLACES = [
    text("replace", regexp="alpha", replace="ALPHA"),
    text("replace", regexp="^alpha", replace="ALPHA"),
    text("replace", regexp="^last$", replace="end"),
    text("replace", regexp="nothing", replace="x"),
    text("replace", regexp="alpha"),
    text("replace", regexp=r"^(\w+) (\w+)$", replace=r"\2 \1"),
    text("replace", regexp=r"^(?P<a>\w+) gamma", replace=r"\g<a>!"),
    text("replace", regexp="alpha", replace="alpha"),
    text("replace", regexp="a", replace="A", after="comment\n"),
    text("replace", regexp="a", replace="A", before="comment"),
    text("replace", regexp="a", replace="A", after="localhost", before="gamma"),
    text("replace", regexp="a", replace="A", after="nowhere"),
    text("replace", regexp="a", replace="A", after="alpha", before="alpha"),
    text("replace", regexp="a", replace="A", mode="0600"),
    text("replace", regexp="none", replace="A", mode="0600"),
    text("replace", regexp="(", replace="A"),
    text("replace", regexp="a", replace=r"\3"),
    text("replace", None, regexp="a"),
    text("replace", path="T", regexp="a"),
    text("replace", regexp="a", replace="b", validate="grep -q lphb %s"),
    text("replace", regexp="a", replace="b", validate="grep -q lpha %s"),
    text("replace", "ünï\n", regexp="ü", replace="ö"),
    text("replace", "x\n", regexp="x", replace="é", encoding="latin-1"),
]
TREE = {
    "d/a.txt": "one\ntwo\n",
    "d/b.log": "x" * 2000,
    "d/.hidden": "h",
    "d/sub/c.txt": "three\n",
    "d/sub/deep/d.txt": "",
    "d/l": "-> a.txt",
    "d/e/": "",
}
FINDS = [
    Case("find", {"paths": "T/d", **args}, TREE)
    for args in (
        {},
        {"recurse": True},
        {"recurse": True, "hidden": True},
        {"recurse": True, "depth": 2},
        {"recurse": True, "depth": 1},
        {"file_type": "directory"},
        {"file_type": "directory", "recurse": True},
        {"file_type": "link"},
        {"file_type": "any", "recurse": True},
        {"patterns": "*.txt", "recurse": True},
        {"patterns": "*.txt,*.log", "recurse": True},
        {"patterns": "*.txt", "excludes": "c*", "recurse": True},
        {"excludes": "*.txt", "recurse": True},
        {"patterns": "^[ab]", "use_regex": True},
        {"patterns": r".*\.txt$", "excludes": "^c", "use_regex": True, "recurse": True},
        {"contains": "t.*", "recurse": True},
        {"contains": "wo", "recurse": True},
        {"contains": "ne\ntw", "read_whole_file": True},
        {"size": "1k"},
        {"size": "-1k"},
        {"size": "1k", "file_type": "any"},
        {"age": "1d"},
        {"age": "-1d"},
        {"age": "-1d", "age_stamp": "ctime"},
        {"mode": "0644"},
        {"mode": "0600"},
        {"mode": "0400", "exact_mode": False},
        {"mode": "u=rw,g=r,o=r"},
        {"get_checksum": True},
        {"get_checksum": True, "checksum_algorithm": "sha256"},
        {"limit": 100},
        {"limit": 0},
        {"age": "soon"},
        {"size": "big"},
        {"paths": ["T/d/sub", "T/d/e"], "recurse": True},
        {"paths": ["T/none", "T/d/sub"]},
        {"paths": "T/d/a.txt"},
        {"patterns": "(", "use_regex": True},
    )
]
KEYS = [
    Case("known_hosts", {"path": "T/f", "name": "h1", **args}, {} if start is None else {"f": start})
    for start, args in (
        (None, {"key": f"h1 {RSA}"}),
        (f"h2 {ED}\n", {"key": f"h1 {RSA}"}),
        (f"h1 {RSA}\n", {"key": f"h1 {RSA}"}),
        (f"h1 {RSA2}\n", {"key": f"h1 {RSA}"}),
        (f"h1 {ED}\n", {"key": f"h1 {RSA}"}),
        (f"h1 {ED}\nh1 {RSA2}\nh2 {ED}\n", {"key": f"h1 {RSA}"}),
        (f"# c\nh1,10.0.0.1 {RSA}\n", {"key": f"h1 {RSA}"}),
        (f"h1 {RSA}\nh2 {ED}\n", {"key": f"h1 {RSA}", "state": "absent"}),
        (f"h1 {RSA2}\nh2 {ED}\n", {"key": f"h1 {ED}", "state": "absent"}),
        (f"h2 {ED}\n", {"state": "absent"}),
        (None, {"state": "absent"}),
        ("", {"key": f"h2 {RSA}"}),
        ("", {}),
        (None, {"key": f"h1 {RSA}", "name": "H1"}),
        (None, {"key": f"[h1]:2222 {RSA}", "name": "[h1]:2222"}),
        (f"[h1]:2222 {RSA}\n", {"key": f"[h1]:2222 {RSA}", "name": "[h1]:2222"}),
        (f"h1 {RSA}\n", {"key": f"h1 {RSA}", "path": "T/no/f"}),
    )
]
CRONS = [
    Case("cron", {"cron_file": "T/f", "user": "root", **args}, {} if start is None else {"f": start})
    for start, args in (
        (None, {"name": "new", "job": "/bin/true"}),
        (
            None,
            {"name": "new", "job": "/bin/true", "minute": "5", "hour": "*/2", "day": "1", "weekday": "1-5"},
        ),
        (None, {"name": "new", "job": "/bin/true", "special_time": "daily"}),
        (None, {"name": "new", "job": "/bin/true", "special_time": "daily", "hour": "3"}),
        (None, {"name": "new", "job": "/bin/true", "disabled": True}),
        (CRON, {"name": "new", "job": "/bin/true"}),
        (CRON, {"name": "old", "job": "/bin/old", "hour": "1", "minute": "0"}),
        (CRON, {"name": "old", "job": "/bin/new"}),
        (CRON, {"name": "old", "state": "absent"}),
        (CRON, {"name": "other", "state": "absent"}),
        (f"X=1\n{CRON}", {"name": "old", "state": "absent"}),
        (CRON, {"name": "PATH", "job": "/bin", "env": True}),
        (f"A=1\n{CRON}", {"name": "PATH", "job": "/bin", "env": True, "insertafter": "A"}),
        (f"A=1\n{CRON}", {"name": "PATH", "job": "/bin", "env": True, "insertbefore": "A"}),
        (f"A=1\n{CRON}", {"name": "PATH", "job": "/bin", "env": True, "insertbefore": "B"}),
        (f"A=1\n{CRON}", {"name": "A", "job": "2", "env": True}),
        (f"A=1\n{CRON}", {"name": "A", "env": True, "state": "absent"}),
        (CRON, {"name": "new"}),
        (None, {"name": "new", "state": "absent"}),
        (CRON.rstrip(), {"name": "old", "job": "/bin/old", "hour": "1", "minute": "0"}),
        ("* * * * * root /bin/true\n", {"name": "new", "job": "/bin/true"}),
        (None, {"name": "a b", "job": "x", "env": True}),
    )
]


def packed(kind: str) -> bytes:
    """Return an archive of two files and a folder, with times that are not ours."""
    out = io.BytesIO()
    if kind == "zip":
        with zipfile.ZipFile(out, "w") as archive:
            for name, content, mode in (("a", "one\n", 0o640), ("b/c", "two\n", 0o755)):
                entry = zipfile.ZipInfo(name, (2020, 1, 2, 3, 4, 6))
                entry.create_system, entry.external_attr = 3, (0o100000 | mode) << 16
                archive.writestr(entry, content)
        return out.getvalue()
    with tarfile.open(fileobj=out, mode="w:gz" if kind == "tgz" else "w") as tar:
        for name, text_in, mode in (("a", b"one\n", 0o640), ("b", None, 0o755), ("b/c", b"two\n", 0o755)):
            member = tarfile.TarInfo(name)
            member.mode, member.mtime = mode, 1_577_934_246
            member.type, member.size = (
                (tarfile.DIRTYPE, 0) if text_in is None else (tarfile.REGTYPE, len(text_in))
            )
            tar.addfile(member, io.BytesIO(text_in or b""))
    return out.getvalue()


ARCHIVES = [
    Case("unarchive", {"src": f"T/{name}", "dest": "T/d", **args}, {name: packed(name[2:]), **start})
    for name in ("a.tgz", "a.zip")
    for args, start in (
        ({}, {"d/": ""}),
        ({}, {"d/a": "other", "d/z": "left"}),
        ({}, {}),
        ({"mode": "0600"}, {"d/": ""}),
        ({"mode": "u=rwX,go="}, {"d/": ""}),
        ({"include": ["a"]}, {"d/": ""}),
        ({"exclude": ["a"]}, {"d/": ""}),
        ({"list_files": True}, {"d/": ""}),
    )
]
ARCHIVES += [
    Case(
        "unarchive",
        {"src": "T/a.tgz", "dest": "T/d", **args},
        {"d/": "", "a.tar": packed("tar"), "a.tgz": packed("tgz"), "empty.tar": "", "text": "no archive"},
    )
    for args in (
        {"src": "T/a.tar"},
        {"extra_opts": ["--strip-components=1"]},
        {"extra_opts": ["--transform=s/^a/A/"]},
        {"src": "T/none"},
        {"src": "T/empty.tar"},
        {"src": "T/text"},
    )
]
CASES = [*BLOCKS, *REPLACES, *FINDS, *KEYS, *CRONS, *ARCHIVES]


def is_beyond(case: Case, way: Way) -> bool:
    """Tell where we say more than Ansible on purpose.

    Its unarchive skips a tar file in check mode, its cron says nothing of a file that it removed, and its find takes
    a pattern that is no regular expression for a folder that cannot be read.
    """
    is_tar = case.module == "unarchive" and not str(case.args["src"]).endswith(".zip")
    is_last_job = case.module == "cron" and case.args.get("state") == "absent" and case.start.get("f") == CRON
    is_no_pattern = case.module == "find" and case.args.get("patterns") == "("
    return (
        is_no_pattern
        or (is_tar and way.check)
        or (is_last_job and case.args["name"] == "old" and way.times == 1)
    )


COMPARISONS = [
    pytest.param(number, way, id=f"{case.module}-{number}-{way.name}")
    for number, case in enumerate(CASES)
    for way in WAYS
    if not is_beyond(case, way)
]


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[int, str], Answer]:
    return answers_of_ansible(tmp_path_factory.mktemp("theirs"), CASES, is_beyond)


@pytest.mark.parametrize(("number", "way"), COMPARISONS)
def test_the_tree_and_the_result_are_ansibles(
    number: int, way: Way, tmp_path: Path, theirs: dict[tuple[int, str], Answer]
) -> None:
    ours, wanted = our_answer(CASES[number], way, tmp_path / "tree"), theirs[number, way.name]

    assert ours.tree == wanted.tree, (ours.whole, wanted.whole)
    assert ours.result == wanted.result, (ours.whole, wanted.whole)


@pytest.mark.parametrize("number", range(len(ARCHIVES)))
def test_check_mode_foretells_what_unpacking_a_tar_file_would_change(number: int, tmp_path: Path) -> None:
    checked, real = (our_answer(ARCHIVES[number], way, tmp_path / way.name) for way in (WAYS[1], WAYS[0]))

    assert checked.result.get("changed") == real.result.get("changed")
    assert checked.result.get("failed") == real.result.get("failed")
