"""A secret through the whole dialect, plain, in base64 and in URLs: in no diff, error, result, event or journal."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path
from urllib.parse import quote

from edgectl.playbook.compile import Options
from tests.remote.bundled import BundledHost
from tests.remote.playing import SECRET, job_of

PLAYBOOK = """\
- hosts: all
  gather_facts: false
  secrets: {pw: {env: PW}}
  vars:
    url: "https://user:{{ pw | urlencode }}@host.example/"
    header: "Basic {{ ('user:' + pw) | b64encode }}"
  tasks:
    - {name: seen, set_fact: {kept: "{{ pw }}", packed: "{{ pw | b64encode }}"}}
    - {name: file, copy: {dest: "OUT/file", content: "pw={{ pw }}\\n{{ header }}\\n"}}
    - {name: template, template: {src: t.j2, dest: "OUT/template"}}
    - {name: line, lineinfile: {path: "OUT/file", line: "{{ url }}"}}
    - {name: block, blockinfile: {path: "OUT/file", block: "{{ packed }}"}}
    - {name: each, debug: {msg: "{{ item }}"}, loop: ["{{ pw }}", "{{ header }}", "{{ url }}"]}
    - {name: by stdin, shell: {cmd: "cat; echo $PW >&2", stdin: "{{ pw }}"}, environment: {PW: "{{ packed }}"},
       register: r}
    - {name: retried, command: "false", environment: {PW: "{{ pw }}"}, register: r, until: "r.rc == pw", retries: 1,
       delay: 0, ignore_errors: true}
    - {name: asserted, assert: {that: "r.rc == 7", fail_msg: "not {{ pw }}"}, ignore_errors: true}
    - {name: broken, debug: {msg: "{{ (pw | b64encode).missing.more }}"}, ignore_errors: true}
    - {name: fails, fail: {msg: "{{ header }} {{ url }} {{ pw }}"}}
"""


def test_no_form_of_a_secret_is_told_or_kept(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates/t.j2").write_text("{{ url }}\n{{ kept }}\n")
    path = tmp_path / "play.yaml"
    path.write_text(PLAYBOOK.replace("OUT", str(out)))
    host = BundledHost(tmp_path / "host")
    host.folder.mkdir()
    visit = host.run(job_of(path, options=Options(diff=True)))

    # It reached what needs it.
    assert f"pw={SECRET}\n" in (out / "file").read_text()
    assert visit.statuses["fails"] == "failed"
    assert "diff" in visit.results["file"]
    kept = "".join(path.read_text() for path in (host.folder / "var").rglob("*") if path.is_file())
    told = kept + repr(visit.messages) + visit.noise
    inside_a_header = b64encode(f"user:{SECRET}".encode()).decode()[8:-4]
    for form in (
        SECRET,
        quote(SECRET, safe=""),
        b64encode(SECRET.encode()).decode().rstrip("="),
        inside_a_header,
    ):
        assert form not in told
    assert "[pw]" in told
