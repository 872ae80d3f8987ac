"""The same client over TLS: what it reads, what it refuses, and that the handshake is in no latency."""

from __future__ import annotations

import ipaddress
import ssl
import statistics
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.remote.bench_server import TruthServer, run_client


def _certificate(folder: Path) -> tuple[Path, Path]:
    """Make a certificate of its own authority for 127.0.0.1; return it and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "bench")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return folder / "cert.pem", folder / "key.pem"


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[TruthServer, dict[str, str]]]:
    certificate, key = _certificate(tmp_path_factory.mktemp("tls"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server = TruthServer(context)
    yield server, {"SSL_CERT_FILE": str(certificate)}
    server.close()


def test_a_stream_over_tls_is_stamped_as_any_other(secure: tuple[TruthServer, dict[str, str]]) -> None:
    server, trusting = secure
    seen = run_client(
        server.url, script={"first_ms": 40, "gap_ms": 4}, environment=trusting, concurrency=3, requests=12,
        output_tokens=20, seed=3,
    )  # fmt: skip

    assert seen["bench"]["requests"]["ok"] == 12
    assert all(len(record["chunks_ns"]) == 20 for record in seen["records"])
    errors = [
        (read - sent) / 1e6
        for record in seen["records"]
        for read, sent in zip(record["chunks_ns"], server.of(3, record["number"]).sent_ns, strict=True)
    ]
    assert min(errors) >= 0
    assert statistics.median(errors) < 3
    assert 0 < seen["bench"]["connect_ms"]["n"] <= 3


def test_a_long_request_and_a_cut_answer_pass_tls(secure: tuple[TruthServer, dict[str, str]]) -> None:
    server, trusting = secure
    load: dict[str, Any] = {"concurrency": 2, "requests": 4, "prompt_tokens": 100_000, "output_tokens": 10}
    seen = run_client(server.url, script={"mode": "split"}, environment=trusting, **load)

    assert seen["bench"]["requests"]["ok"] == 4
    assert seen["bench"]["tokens"]["output"]["mean"] == 10


def test_a_certificate_that_nobody_vouches_for_is_an_error_of_connecting(
    secure: tuple[TruthServer, dict[str, str]],
) -> None:
    seen = run_client(secure[0].url, concurrency=1, requests=2)

    assert seen["bench"]["requests"]["errors"] == {"connect": 2}
    assert "certificate verify failed" in seen["bench"]["requests"]["examples"]["connect"]
