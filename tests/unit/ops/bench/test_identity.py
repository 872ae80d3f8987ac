"""What makes two measurements comparable."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from edgectl.ops.bench.identity import engine_of, shape_of, sku_of
from edgectl.ops.bench.measured import Measured
from tests.fakes.fleet import a_host
from tests.unit.ops.bench.figures import a_measurement, a_record

RECORDS = [a_record(number) for number in range(6)]


def _seen(**environment: Any) -> Measured:
    measured = a_measurement(RECORDS)
    return replace(measured, whole={**measured.whole, "environment": environment})


def test_another_seed_url_or_model_is_the_same_load() -> None:
    other = a_measurement(RECORDS, seed=8, url="http://127.0.0.2:9000")

    assert shape_of(other) == shape_of(a_measurement(RECORDS))


@pytest.mark.parametrize(
    "differs", [{"rate": 21}, {"prompt_tokens": 8}, {"requests": 7}, {"slo": {"ttft_ms": 300}}]
)
def test_anything_else_is_another_load(differs: dict[str, Any]) -> None:
    assert shape_of(a_measurement(RECORDS, **differs)) != shape_of(a_measurement(RECORDS))


def test_the_engine_is_named_with_its_version_where_it_tells() -> None:
    assert engine_of(_seen(engine={"version": "0.11.0"}, model={"owned_by": "vllm"})) == "vllm 0.11.0"
    assert engine_of(_seen(engine=None, model={"owned_by": "llamacpp"})) == "llamacpp"
    assert engine_of(a_measurement(RECORDS)) == ""


def test_the_hardware_is_what_was_seen_and_else_what_the_inventory_says() -> None:
    host = replace(a_host(), hardware="rtx-pro-6000-server-2")
    cards = [{"name": "NVIDIA RTX PRO 6000"}, {"name": "NVIDIA RTX PRO 6000"}]

    assert sku_of(host, _seen(gpus=cards)) == "2 NVIDIA RTX PRO 6000"
    assert sku_of(host, _seen(gpus=None)) == "rtx-pro-6000-server-2"
