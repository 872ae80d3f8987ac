"""Logins that a specification names: whom they are for, what is asked with them, and that nobody reads them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from edgectl.errors import EdgectlError, InputError
from edgectl.ops.deploy.locking import make_lock, write_lock
from edgectl.ops.deploy.origins import Origins
from edgectl.ops.deploy.spec import ServiceSpec, load_spec
from edgectl.secret import SecretSource
from edgectl.settings import read_settings
from edgectl.wiring.origins import origins
from tests.fakes.origins import Site, an_origin
from tests.fakes.signatures import is_signed
from tests.unit.ops.deploy.specs import spec, written

_CONTENT = b"weights of a private model"
_TEXT = """\
name: chat
model: {{name: tiny, files: [{{source: "SOURCE"}}]}}
engine: {{kind: vllm, runtime: quadlet, image: "REGISTRY/vllm/vllm-openai:v1"}}
place: role=gpu
logins:
  LOGINS
"""
_S3 = "s3://models/: {{access_key: {{env: KEY}}, secret_key: {{env: SECRET}}, region: eu-central-1}}"
_REGISTRY = "REGISTRY: {{user: edge, password: {{env: PASSWORD}}}}"
_SAID = {
    "KEY": "AKIA-of-the-test",
    "SECRET": "top/secret+key",
    "PASSWORD": "hunter2hunter2",
    "TOKEN": "tok-123456",
}


@pytest.fixture
def site() -> Iterator[Site]:
    with an_origin() as found:
        found.images = {"vllm/vllm-openai:v1": b'{"manifests": []}'}
        found.plain = {"/models/my%20files/a%2Bb.bin": _CONTENT, "/private/a.bin": _CONTENT}
        found.registry_login = f"edge:{_SAID['PASSWORD']}"
        yield found


def looking(site: Site, folder: Path, source: str, logins: str) -> tuple[ServiceSpec, Path, Origins]:
    text = _TEXT.replace("SOURCE", source).replace("LOGINS", f"{logins}\n  {_REGISTRY}")
    text = text.replace("REGISTRY", site.authority).replace("ORIGIN", site.url)
    path = written(folder, text)
    found = load_spec(path)
    settings = replace(read_settings(), environment=_SAID | {"AWS_ENDPOINT_URL_S3": site.url})
    return found, path, origins(settings, path, found)


def test_a_private_bucket_is_read_with_a_signature_that_its_store_checks(site: Site, tmp_path: Path) -> None:
    site.admits = partial(is_signed, key=_SAID["KEY"], secret=_SAID["SECRET"])
    found, path, known = looking(site, tmp_path, "s3://models/my files/a+b.bin", _S3)
    made = make_lock(found, path, known)
    write_lock(made)

    assert made.lock.spec.model.files[0].sha256 == hashlib.sha256(_CONTENT).hexdigest()
    assert not any(secret in made.path.read_text() for secret in _SAID.values())
    wrong = {name: login._replace(values=("x", "guessed", "")) for name, login in known.logins.items()}
    with pytest.raises(EdgectlError, match="the server answers 403") as caught:
        make_lock(found, tmp_path / "other.yaml", replace(known, logins=wrong))
    assert not any(secret in str(caught.value) for secret in _SAID.values())


def test_a_login_goes_to_the_origin_that_it_is_for_and_to_no_other(site: Site, tmp_path: Path) -> None:
    site.admits = lambda _method, _path, headers: headers.get("Authorization") == "Bearer tok-123456"
    login = "ORIGIN/private/: {{token: {{env: TOKEN}}}}"
    found, path, known = looking(site, tmp_path, "ORIGIN/private/a.bin", login)

    assert make_lock(found, path, known).lock.spec.model.files[0].size == len(_CONTENT)
    assert known.headers(f"{site.url}/public/a.bin") == {}
    assert known.headers("https://elsewhere.example.com/private/a.bin") == {}


@pytest.mark.parametrize("is_basic", [False, True])
def test_a_registry_is_shown_a_login_where_it_wants_one(site: Site, tmp_path: Path, is_basic: bool) -> None:
    site.is_basic = is_basic
    found, path, known = looking(site, tmp_path, "ORIGIN/private/a.bin", "hf://: {{token: {{env: TOKEN}}}}")

    assert "@sha256:" in make_lock(found, path, known).lock.spec.engine.image
    with pytest.raises(InputError, match=r"gives no token|wants a login"):
        make_lock(found, path, replace(known, logins={}))


def test_the_region_of_a_login_says_where_a_bucket_is(site: Site, tmp_path: Path) -> None:
    _, _, known = looking(site, tmp_path, "s3://models/a.bin", _S3)

    assert replace(known, s3="").address("s3://models/a b.bin") == (
        "https://models.s3.eu-central-1.amazonaws.com/a%20b.bin"
    )


@pytest.mark.parametrize(
    ("login", "said"),
    [
        ("http://models.example.com/: {{token: {{env: T}}}}", "would show the secret"),
        ("https://models.example.com: {{token: {{env: T}}}}", "end it with '/'"),
        ("s3://b/: {{token: {{env: T}}}}", "wants an access_key"),
        ("hf://: {{user: u, password: {{env: T}}}}", "wants a token"),
        ("r.example.com: {{token: {{env: T}}}}", "wants a user"),
        ("ftp://x/: {{token: {{env: T}}}}", "is no place"),
        ("hf://: {{token: {{env: T}}, password: {{env: P}}, user: u}}", "a login is a token, a user"),
        ("hf://: {{token: hf_abc}}", "a mapping is wanted"),
    ],
)
def test_a_login_in_the_wrong_place_is_refused(tmp_path: Path, login: str, said: str) -> None:
    text = _TEXT.replace("SOURCE", "hf://a/b/c").replace("REGISTRY", "r.io").replace("LOGINS", login)
    with pytest.raises(InputError) as caught:
        spec(tmp_path, text)
    assert said.lower() in str(caught.value).lower()


def test_providers_are_asked_and_what_they_give_is_no_part_of_the_release(site: Site, tmp_path: Path) -> None:
    found, _, _ = looking(site, tmp_path, "s3://models/a.bin", _S3)
    login = found.logins["s3://models/"].value("s3://models/", SecretSource(_SAID))

    assert login.values == (_SAID["KEY"], _SAID["SECRET"], "")
