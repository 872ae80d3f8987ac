"""`src` of each item: files and templates of a loop are sent with the job, each once."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgectl.errors import InputError
from tests.remote.bundled import BundledHost
from tests.remote.playing import job_of

PLAYBOOK = """\
- hosts: all
  gather_facts: false
  vars: {sites: [{name: a, port: 80}, {name: b, port: 81}], folder: parts}
  tasks:
    - name: files
      copy: {src: "{{ folder }}/{{ item }}.conf", dest: "OUT/{{ item }}.conf"}
      loop: [a, b, a]
    - name: templates
      template: {src: "{{ item.name }}.j2", dest: "OUT/{{ item.name }}.site", mode: preserve}
      with_items: "{{ sites }}"
    - name: some
      copy: {src: "{{ one }}.conf", dest: "OUT/some-{{ at }}"}
      loop: [parts/a, parts/b]
      loop_control: {loop_var: one, index_var: at}
      when: at == 1
"""


def site(folder: Path, playbook: str) -> Path:
    for place, text in {
        "files/parts/a.conf": "this is a\n",
        "files/parts/b.conf": "this is b\n",
        "templates/a.j2": "a listens at {{ item.port }}\n",
        "templates/b.j2": "b\n",
    }.items():
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        (folder / place).write_text(text)
    (folder / "templates/b.j2").chmod(0o600)
    (folder / "out").mkdir()
    path = folder / "site.yaml"
    path.write_text(playbook.replace("OUT", str(folder / "out")))
    return path


def test_each_item_gets_its_own_file(tmp_path: Path) -> None:
    job = job_of(site(tmp_path, PLAYBOOK))
    assert len(job.blobs) == 3  # b's template needs nothing of the host and is rendered here
    visit = BundledHost(tmp_path).run(job)
    assert visit.statuses == {"files": "changed", "templates": "changed", "some": "changed"}
    found = {path.name: path.read_text() for path in (tmp_path / "out").iterdir()}
    assert found == {
        "a.conf": "this is a\n",
        "b.conf": "this is b\n",
        "a.site": "a listens at 80\n",
        "b.site": "b\n",
        "some-1": "this is b\n",
    }
    assert (tmp_path / "out/b.site").stat().st_mode & 0o777 == 0o600


REFUSED = [
    ("loop: [a, nowhere]", "there is no file 'parts/nowhere.conf'"),
    ("loop: '{{ found.stdout_lines }}'", "'src' must be known before the run, but it depends on the host"),
    ("loop: [{}]", "there is no file 'parts/{}.conf'"),
]


@pytest.mark.parametrize(("loop", "told"), REFUSED)
def test_a_file_that_cannot_be_known_is_refused(tmp_path: Path, loop: str, told: str) -> None:
    task = f"    - copy: {{src: 'parts/{{{{ item }}}}.conf', dest: /x}}\n      {loop}\n"
    text = "- hosts: all\n  gather_facts: false\n  tasks:\n    - {command: ls, register: found}\n" + task
    with pytest.raises(InputError, match=r"site\.yaml:5:1\d   ") as refused:
        job_of(site(tmp_path, text))
    assert told in str(refused.value)
