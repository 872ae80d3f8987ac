"""A registry of images, asked for what a tag stands for; with a login where it wants one."""

from __future__ import annotations

import hashlib
import json
import re
import urllib.parse

from edgectl.engine.web import Page
from edgectl.errors import InputError
from edgectl.ops.deploy.origins import Origins

_OK, _WHO = 200, 401
_IMAGE_KINDS = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
_CHALLENGE = re.compile(r'(\w+)="([^"]*)"')


def image_digest(origins: Origins, image: str) -> str:
    """Return an image by the digest that its registry has for the tag now, proven by the manifest's own bytes."""
    registry, _, path = image.partition("/")
    repository, _, tag = path.partition(":")
    host = "registry-1.docker.io" if registry == "docker.io" else registry
    scheme = "http" if host.partition(":")[0] in ("localhost", "127.0.0.1") else "https"
    url = f"{scheme}://{host}/v2/{repository}/manifests/{tag or 'latest'}"
    accept = {"Accept": ", ".join(_IMAGE_KINDS)}
    page = origins.web.get(url, accept)
    if page.status == _WHO:
        page = origins.web.get(url, accept | _admitted(origins, image, page))
    if page.status != _OK:
        raise InputError(f"the registry has no {image} for us (it answers {page.status})")
    digest = f"sha256:{hashlib.sha256(page.body).hexdigest()}"
    said = page.headers.get("docker-content-digest", digest)
    if said != digest:
        raise InputError(f"{image}: the registry calls it {said}, and its bytes are {digest}")
    return f"{registry}/{repository}@{digest}"


def _admitted(origins: Origins, image: str, page: Page) -> dict[str, str]:
    """Return what a registry lets us in with: a login, or the token that it gives for one, or to anybody who asks."""
    challenge = page.headers.get("www-authenticate", "")
    ours = origins.headers(image)
    if challenge.lower().startswith("basic") and ours:
        return ours
    said = dict(_CHALLENGE.findall(challenge))
    if "realm" not in said or challenge.lower().startswith("basic"):
        raise InputError(f"the registry of {image} wants a login", hint="name one under 'logins'")
    if ours and not _is_private(said["realm"]):
        raise InputError(f"the registry of {image} wants the password at {said['realm']}, for all to read")
    query = urllib.parse.urlencode({name: said[name] for name in ("service", "scope") if name in said})
    answer = origins.web.get(f"{said['realm']}?{query}", ours)
    if answer.status != _OK:
        raise InputError(f"the registry gives no token for {image} (it answers {answer.status})")
    given = json.loads(answer.body)
    return {"Authorization": f"Bearer {given.get('token') or given.get('access_token') or ''}"}


def _is_private(url: str) -> bool:
    parts = urllib.parse.urlsplit(url)
    return parts.scheme == "https" or parts.hostname in ("localhost", "127.0.0.1")
