"""`deploy lock` against real HTTP on loopback: a hub, a folder, an object store, a registry."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgectl import shipped
from edgectl.complaints import validate
from edgectl.errors import EdgectlError, InputError
from edgectl.ops.deploy.lock import Lock, as_data, as_text, lock_path, locked, read_lock
from edgectl.ops.deploy.locking import Locking, Look, make_lock, write_lock
from edgectl.ops.deploy.origins import Origins
from edgectl.ops.deploy.spec import ServiceSpec, load_spec
from edgectl.remote.tasks._logins import BEARER, Login
from edgectl.wiring.origins import HttpWeb
from edgectl.yaml_source import parse
from tests.fakes.clock import FakeClock
from tests.fakes.origins import Site, an_origin
from tests.unit.catalog.models import QWEN3_CODER, QWEN3_CODER_CONFIG
from tests.unit.ops.deploy.specs import LLAMA, written

FIRST, SECOND = "1" * 40, "2" * 40
CONFIG = json.dumps(QWEN3_CODER_CONFIG).encode()
HUB = """\
name: chat
model:
  name: qwen3
  source: hf://Qwen/Coder@main
  include: ["*.json", "*.safetensors"]
engine: {{kind: vllm, runtime: quadlet, image: "REGISTRY/vllm/vllm-openai:v0.18.0"}}
place: role=gpu
"""


@pytest.fixture
def site() -> Iterator[Site]:
    with an_origin() as found:
        found.revisions = {"Qwen/Coder@main": FIRST}
        found.commits = {
            FIRST: {"config.json": CONFIG, "a.safetensors": b"weights", "README.md": b"x", "x/y.json": b"{}"},
            SECOND: {"config.json": CONFIG, "a.safetensors": b"other"},
        }
        found.images = {"vllm/vllm-openai:v0.18.0": b'{"manifests": []}'}
        yield found


def origins(site: Site, folder: Path) -> Origins:
    logins = {"hf://": Login(BEARER, (site.token,))} if site.token else {}
    return Origins(HttpWeb(), folder, FakeClock(), hub=site.url, s3=site.url, logins=logins)


def a_spec(site: Site, folder: Path, text: str = HUB) -> Path:
    return written(folder, text.replace("REGISTRY", site.authority).replace("ORIGIN", site.url))


def made(site: Site, path: Path, *, update: bool = False) -> Locking:
    return make_lock(load_spec(path), path, origins(site, path.parent), Look.AGAIN if update else Look.NEW)


def test_a_repository_and_a_tag_become_digests(site: Site, tmp_path: Path) -> None:
    path = a_spec(site, tmp_path)
    lock = made(site, path).lock
    files = {file.file_name: file for file in lock.spec.model.files}

    assert set(files) == {"config.json", "a.safetensors"}
    assert files["a.safetensors"].sha256 == hashlib.sha256(b"weights").hexdigest()
    assert files["config.json"].sha256 == hashlib.sha256(CONFIG).hexdigest()
    assert files["a.safetensors"].source == f"{site.url}/Qwen/Coder/resolve/{FIRST}/a.safetensors"
    assert lock.sources == {"": FIRST}
    manifest = hashlib.sha256(site.images["vllm/vllm-openai:v0.18.0"]).hexdigest()
    assert lock.spec.engine.image == f"{site.authority}/vllm/vllm-openai@sha256:{manifest}"
    assert lock.facts == QWEN3_CODER
    assert not any("a.safetensors" in asked for asked in site.asked)  # the hub's word, without a download


def test_what_is_written_is_read_back_as_the_same_lock_and_release(site: Site, tmp_path: Path) -> None:
    path = a_spec(site, tmp_path)
    first = made(site, path)
    write_lock(first)
    text = lock_path(path).read_text()
    again = locked(load_spec(path), path)

    assert as_data(again) == as_data(first.lock)
    assert again.release == first.lock.release
    write_lock(made(site, path))
    assert lock_path(path).read_text() == text


def test_a_lock_keeps_what_it_knows_until_it_is_told_to_look_again(site: Site, tmp_path: Path) -> None:
    path = a_spec(site, tmp_path)
    write_lock(made(site, path))
    site.revisions["Qwen/Coder@main"] = SECOND
    site.asked.clear()

    same = made(site, path)
    assert (same.changes, same.asked, site.asked) == ((), [], [])
    other = made(site, path, update=True)
    assert other.lock.sources == {"": SECOND}
    assert any(change.startswith("model.revision: 1") for change in other.changes)
    assert other.lock.release != same.lock.release


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("@main", "@v2", "does not know hf://Qwen/Coder@v2"),
        ("v0.18.0", "v0.18.1", "does not know the image"),
        ('include: ["*.json", "*.safetensors"]', 'include: ["*.safetensors"]', "does not know"),
        ("place:", "serve: {{port: 8100}}\nplace:", "serve.port: nothing → 8100"),
        ("name: qwen3", "name: qwen", "model.name: qwen3 → qwen"),
    ],
)
def test_a_lock_of_another_specification_is_refused(
    site: Site, tmp_path: Path, old: str, new: str, said: str
) -> None:
    write_lock(made(site, a_spec(site, tmp_path)))
    path = a_spec(site, tmp_path, HUB.replace(old, new))
    with pytest.raises(InputError) as caught:
        locked(load_spec(path), path)
    assert said in str(caught.value)
    assert caught.value.hint == "edgectl deploy lock chat"


def test_names_that_may_change_want_a_lock_and_are_named_at_their_places(site: Site, tmp_path: Path) -> None:
    path = a_spec(site, tmp_path)
    with pytest.raises(InputError) as caught:
        locked(load_spec(path), path)
    assert f"{path}:4:3   hf://Qwen/Coder@main may be other files tomorrow" in str(caught.value)
    assert f"{path}:6:40   {site.authority}/vllm/vllm-openai:v0.18.0 is a tag" in str(caught.value)


def test_a_specification_of_digests_needs_no_lock(tmp_path: Path) -> None:
    path = written(tmp_path, LLAMA)
    spec = load_spec(path)
    assert locked(spec, path) == Lock(spec)


FILES = """\
name: chat
model:
  name: tiny
  files: [{{source: ORIGIN/tiny.gguf}}, {{source: s3://weights/sub/b.gguf}}, {{source: "hf://Qwen/Coder@main/config.json"}}]
engine: {{kind: llama.cpp, command: /opt/llama}}
place: role=gpu
"""


def test_single_files_are_read_once_and_an_object_store_is_asked_at_its_endpoint(
    site: Site, tmp_path: Path
) -> None:
    site.plain = {"/tiny.gguf": b"one", "/weights/sub/b.gguf": b"two"}
    path = a_spec(site, tmp_path, FILES)
    first = made(site, path)
    write_lock(first)

    assert [(file.size, file.source) for file in first.lock.spec.model.files] == [
        (3, f"{site.url}/tiny.gguf"),
        (3, f"{site.url}/weights/sub/b.gguf"),
        (len(CONFIG), f"{site.url}/Qwen/Coder/resolve/{FIRST}/config.json"),
    ]
    assert as_data(locked(load_spec(path), path)) == as_data(first.lock)


@pytest.mark.parametrize("scheme", ["http", "s3", "file"])
def test_a_folder_says_its_files_in_sha256sums(site: Site, tmp_path: Path, scheme: str) -> None:
    weights = b"weights"
    sums = f"{hashlib.sha256(weights).hexdigest()}  a.gguf\n{'0' * 64} *notes.txt\n".encode()
    site.plain = {"/models/SHA256SUMS": sums, "/models/a.gguf": weights}
    (tmp_path / "models").mkdir()
    (tmp_path / "models/SHA256SUMS").write_bytes(sums)
    (tmp_path / "models/a.gguf").write_bytes(weights)
    source = {"http": f"{site.url}/models/", "s3": "s3://models/", "file": "file://models/"}[scheme]
    text = HUB.replace("hf://Qwen/Coder@main", source).replace('["*.json", "*.safetensors"]', '["*.gguf"]')
    path = a_spec(site, tmp_path, text)
    first = made(site, path)
    write_lock(first)

    assert [(file.file_name, file.size) for file in first.lock.spec.model.files] == [("a.gguf", 7)]
    assert as_data(locked(load_spec(path), path)) == as_data(first.lock)


def test_bytes_that_are_not_what_the_origin_lists_are_refused(site: Site, tmp_path: Path) -> None:
    site.lies = True
    with pytest.raises(InputError, match="the bytes are not those that the hub lists"):
        made(site, a_spec(site, tmp_path))
    only_image = HUB.replace("  source: hf://Qwen/Coder@main\n", "  files: [{{source: x, sha256: '{a}'}}]\n")
    text = only_image.replace("source: x", "source: ORIGIN/x").replace(
        '  include: ["*.json", "*.safetensors"]\n', ""
    )
    site.plain = {"/x": b""}
    with pytest.raises(InputError, match="the registry calls it"):
        made(site, a_spec(site, tmp_path, text))


def test_a_gated_repository_wants_a_token_and_gets_it(site: Site, tmp_path: Path) -> None:
    site.token = "hf_x"
    path = a_spec(site, tmp_path)
    with pytest.raises(InputError, match="answers 401") as caught:
        make_lock(load_spec(path), path, replace(origins(site, tmp_path), logins={}))
    assert "HF_TOKEN" in caught.value.hint
    assert made(site, path).lock.sources == {"": FIRST}


def test_an_origin_that_is_not_there_is_missing(tmp_path: Path) -> None:
    with an_origin() as gone:
        pass
    path = a_spec(gone, tmp_path)
    with pytest.raises(EdgectlError, match="does not answer") as caught:
        made(gone, path)
    assert caught.value.exit_code == 8


def test_a_lock_that_somebody_broke_is_refused_at_its_place(site: Site, tmp_path: Path) -> None:
    path = a_spec(site, tmp_path)
    write_lock(made(site, path))
    text = lock_path(path).read_text()
    lock_path(path).write_text(text.replace("sha256: ", "sha256: x", 1))
    with pytest.raises(InputError, match=r"chat.lock.yaml:\d+:\d+"):
        read_lock(lock_path(path))
    lock_path(path).write_text(text.replace("lock: 1", "lock: 9"))
    with pytest.raises(InputError, match="version 9"):
        read_lock(lock_path(path))


def test_equal_locks_are_equal_texts(site: Site, tmp_path: Path) -> None:
    text = HUB.replace("engine: {{", "engine: {{args: {{b: 1, a: 2}}, ")
    swapped = HUB.replace("engine: {{", "engine: {{args: {{a: 2, b: 1}}, ")
    one, two = (made(site, a_spec(site, tmp_path, each)).lock for each in (text, swapped))
    assert as_data(one)["model"] == as_data(two)["model"]
    assert as_text(one).splitlines()[4:] == as_text(two).splitlines()[4:]


def test_the_example_that_comes_with_edgectl_is_locked() -> None:
    path = shipped.inventory() / "services" / "chat.yaml"
    assert locked(load_spec(path), path).facts is not None


_NAMES = ["a", "b", "c"]


def _written_in(order: Sequence[str], note: str) -> ServiceSpec:
    files = ", ".join(f'{{source: "https://x.net/{name}.bin", sha256: "{name * 64}"}}' for name in order)
    text = f"# {note}\nname: chat\nmodel: {{name: m, files: [{files}]}}\nplace: all\n"
    return validate(
        ServiceSpec, parse(f"{text}engine: {{kind: vllm, command: /opt/vllm}}\n", Path("chat.yaml"))
    )


@given(st.permutations(_NAMES), st.text("abc ", max_size=9), st.sampled_from(_NAMES))
def test_the_same_bytes_are_the_same_release_in_whatever_order_and_other_bytes_are_another(
    order: Sequence[str], note: str, gone: str
) -> None:
    whole = Lock(_written_in(_NAMES, "")).release
    assert Lock(_written_in(order, note)).release == whole
    assert Lock(_written_in([name for name in order if name != gone], note)).release != whole


def test_a_file_is_read_whole_where_that_is_asked_for_and_its_pieces_are_marked(
    site: Site, tmp_path: Path
) -> None:
    content = b"w" * (5 * 1024 * 1024)
    site.commits[FIRST]["a.safetensors"] = content
    path = a_spec(site, tmp_path)
    write_lock(made(site, path))
    assert all(not file.pieces for file in locked(load_spec(path), path).spec.model.files)
    before = locked(load_spec(path), path).release
    read = make_lock(load_spec(path), path, origins(site, tmp_path), Look.WHOLE)
    write_lock(read)
    lock = locked(load_spec(path), path)
    marks = {file.file_name: file.pieces.split() for file in lock.spec.model.files}

    assert lock.release == before
    assert marks["a.safetensors"] == [
        hashlib.sha256(content[at : at + 4 * 1024 * 1024]).hexdigest()[:16] for at in (0, 4 * 1024 * 1024)
    ]
    site.asked.clear()
    assert not make_lock(load_spec(path), path, origins(site, tmp_path), Look.WHOLE).asked
    assert site.asked == []


def test_a_file_that_is_read_whole_and_is_another_is_refused(site: Site, tmp_path: Path) -> None:
    path = a_spec(site, tmp_path)
    write_lock(made(site, path))
    site.lies = True
    with pytest.raises(InputError, match="its bytes have the sha256"):
        make_lock(load_spec(path), path, origins(site, tmp_path), Look.WHOLE)
