"""Ed25519 keys of a lab, in OpenSSH's own formats."""

from __future__ import annotations

from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from paramiko import Ed25519Key


def key_at(path: Path) -> Ed25519Key:
    """Return the private key kept at `path`, made with mode 0600 where there is none."""
    if not path.exists():
        path.touch(mode=0o600)
        path.write_bytes(_new_private_key())
    return Ed25519Key(filename=str(path))


def _new_private_key() -> bytes:
    return Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
    )


def public_line(key: Ed25519Key) -> str:
    """Return the key as a line of authorized_keys has it: type and base64."""
    return f"{key.get_name()} {key.get_base64()}"
