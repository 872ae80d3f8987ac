from __future__ import annotations

import hashlib

import pytest

from edgectl.remote.digests import hasher
from tests.remote.bundled import every_python, python_says


@pytest.mark.parametrize("algorithm", ["md5", "sha1", "sha224", "sha256", "sha384", "sha512"])
def test_a_digest_is_hashlib_s(algorithm: str) -> None:
    running = hasher(algorithm)
    running.update(b"one")

    assert running.hexdigest() == hashlib.new(algorithm, b"one").hexdigest()


def test_an_unknown_algorithm_is_refused() -> None:
    with pytest.raises(ValueError, match="sha7"):
        hasher("sha7")


@pytest.mark.parametrize("version", every_python())
def test_no_python_loads_openssl_for_the_digests_of_every_job(version: str) -> None:
    asked = """
import sys
from edgectl.remote.digests import hasher
print(hasher("sha1").name, hasher("sha256").name, hasher("md5").name, "_hashlib" in sys.modules)
"""
    assert python_says(version, asked) == "sha1 sha256 md5 False"
