"""A bundle has what the host gave, nothing that is secret, and says what each file is."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Mapping
from datetime import UTC, datetime

import pytest

from edgectl.engine.outcome import HostOutcome, HostStatus, TaskRecord, TaskStatus
from edgectl.ops.health.evidence import BUG_REPORT, bundle_of, redacted

AT = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
GONE = {"index": None, "state": "lost", "name": None, "serial": "1650000000001", "uuid": None}
LOST = {"severity": "critical", "id": "gpu-lost", "gpu": None, "rule": "the driver cannot reach this GPU"}
HEALTH = {
    "driver_version": "580.105.08",
    "gpus": [{**GONE, "pci_bus_id": "00000000:41:00.0"}],
    "findings": [LOST],
}


def _packed(text: str) -> dict[str, str]:
    return {"stdout": base64.b64encode(gzip.compress(text.encode())).decode()}


def _task(name: str, result: Mapping[str, object]) -> TaskRecord:
    return TaskRecord(name, "shell", TaskStatus.OK, 0.1, result)


def _host(*tasks: TaskRecord) -> HostOutcome:
    return HostOutcome("fra1-n01", "fra1", HostStatus.OK, tasks=tasks)


def _files(archive: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        return {
            member.name.partition("/")[2]: taken.read()
            for member in tar.getmembers()
            if (taken := tar.extractfile(member))
        }


def test_all_parts_are_there_with_their_digests_and_the_serial_of_a_card_that_is_gone() -> None:
    host = _host(_task("kernel.log", _packed("NVRM: Xid 79\n")), _task("readings", {"gpus": []}))
    bundle = bundle_of(host, HEALTH, {"cards": []}, AT)
    files = _files(bundle.archive)

    assert set(files) == {
        *("SHA256SUMS", "health.json", "history.json", "kernel.log", "readings", "summary.txt")
    }
    assert files["kernel.log"] == b"NVRM: Xid 79\n"
    for line in files["SHA256SUMS"].decode().splitlines():
        digest, name = line.split("  ")
        assert hashlib.sha256(files[name]).hexdigest() == digest
    assert "1650000000001" in files["summary.txt"].decode()
    assert bundle.missing == ["nvidia-smi.xml", "kernel-since-boot.log", "lspci.txt", "dmidecode.txt"]


def test_a_card_of_which_nothing_is_left_has_the_name_and_serial_that_are_on_record() -> None:
    record = {"slot": "00000000:51:00.0", "serial": "1650000000002", "name": "NVIDIA L4", "gpu": "GPU-2"}
    records = [{**record, "seen": "2026-11-22"}, {**record, "serial": "1", "seen": "2026-10-22"}]
    nameless = {**GONE, "serial": None, "pci_bus_id": "00000000:41:00.0"}
    bundle = bundle_of(_host(), {"gpus": [nameless], "findings": []}, {"cards": records}, AT)
    summary = _files(bundle.archive)["summary.txt"].decode()

    assert "GPU 00000000:41:00.0  lost  name unknown  serial unknown  UUID unknown" in summary
    assert "GPU 00000000:51:00.0  gone  NVIDIA L4  serial 1650000000002  GPU-2" in summary


def test_the_same_evidence_is_the_same_archive() -> None:
    host = _host(_task("kernel.log", _packed("NVRM\n")))

    assert bundle_of(host, HEALTH, {}, AT).sha256 == bundle_of(host, HEALTH, {}, AT).sha256


SECRETS = [
    "HF_TOKEN=hf_abcdefghijklmnopqrstuvwx",
    "--api-key sk-abcdefghijklmnopqrstuvwxyz",
    "Authorization: Bearer abc.def-ghi_jkl",
    'password: "two words"',
    "AWS AKIAABCDEFGHIJKLMNOP",
    "api_key='s3cr3t'",
]


@pytest.mark.parametrize("line", SECRETS)
def test_what_looks_like_a_secret_is_taken_out_and_its_name_stays(line: str) -> None:
    said = redacted(f"before {line} after")

    assert "[redacted]" in said
    assert said.startswith("before ")
    assert said.endswith(" after")
    for word in ("hf_abc", "sk-abc", "abc.def", "two words", "AKIAABC", "s3cr3t"):
        assert word not in said


def test_a_kernel_line_is_left_as_it_is() -> None:
    line = "NVRM: Xid (PCI:0000:41:00): 79, pid='<unknown>', name=<unknown>, GPU has fallen off the bus."

    assert redacted(line) == line


def test_secrets_are_taken_out_of_a_packed_bug_report_too() -> None:
    packed = gzip.compress(b"environment: HF_TOKEN=hf_abcdefghijklmnopqrstuvwx\n")
    host = _host(_task(BUG_REPORT, {"content": base64.b64encode(packed).decode()}))
    files = _files(bundle_of(host, HEALTH, {}, AT).archive)

    assert gzip.decompress(files[BUG_REPORT]) == b"environment: HF_TOKEN=[redacted]\n"


def test_a_part_that_is_cut_or_broken_is_missing_and_the_rest_is_there() -> None:
    host = _host(_task("kernel.log", {"stdout": "H4sIAA"}), _task("lspci.txt", _packed("41:00.0\n")))
    bundle = bundle_of(host, json.loads(json.dumps(HEALTH)), {}, AT)

    assert "kernel.log" in bundle.missing
    assert "lspci.txt" not in bundle.missing
