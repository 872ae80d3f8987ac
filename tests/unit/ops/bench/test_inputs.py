"""Prompts and traces in the forms that others write them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from edgectl.errors import InputError
from edgectl.ops.bench.inputs import LIMIT_BYTES, read_prompts, read_trace

SHAREGPT = [
    {
        "id": "a",
        "conversations": [
            {"from": "human", "value": "one"},
            {"from": "gpt", "value": "first"},
            {"from": "human", "value": "two"},
        ],
    },
    {"id": "b", "conversations": [{"from": "gpt", "value": "nobody asked"}]},
]


def _lines(path: Path, *entries: Any) -> Path:
    path.write_text("".join(json.dumps(entry) + "\n" for entry in entries))
    return path


def test_a_sharegpt_file_gives_what_people_said(tmp_path: Path) -> None:
    (tmp_path / "s.json").write_text(json.dumps(SHAREGPT, indent=1))

    assert read_prompts(tmp_path / "s.json") == [{"turns": ["one", "two"]}]


def test_json_lines_give_prompts_in_any_of_the_usual_forms(tmp_path: Path) -> None:
    messages = [{"role": "system", "content": "be brief"}, {"role": "user", "content": "why?"}]
    path = _lines(tmp_path / "p.jsonl", "bare", {"prompt": "p", "max_tokens": 7}, {"messages": messages})

    assert read_prompts(path) == [
        {"turns": ["bare"]},
        {"turns": ["p"], "output_tokens": 7},
        {"turns": ["why?"], "messages": [{"role": "system", "content": "be brief"}]},
    ]


def test_a_trace_starts_at_0_in_seconds(tmp_path: Path) -> None:
    mooncake = [
        {"timestamp": at, "input_length": 10 + at, "output_length": 5, "hash_ids": [1]} for at in (2000, 500)
    ]
    assert read_trace(_lines(tmp_path / "m.jsonl", *mooncake)) == [[0.0, 510, 5], [1.5, 2010, 5]]

    azure = "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:17:03.9799600,4808,10\n"
    (tmp_path / "a.csv").write_text(azure + "2023-11-16 18:17:04.9799600,3180,8\n")
    assert read_trace(tmp_path / "a.csv") == [[0.0, 4808, 10], [1.0, 3180, 8]]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is empty"),
        ("{not json\n", "entry 1: this is no JSON"),
        (
            '{"prompt": "a"}\n{"answer": "b"}\n',
            "entry 2: none of prompt, messages and conversations is in answer",
        ),
        ("7\n", "entry 1: a text or an object is wanted"),
        ('{"messages": [{"role": "user", "content": [1]}]}\n', "a content of text"),
        ("x" * (LIMIT_BYTES + 1), "take a part of it"),
    ],
)
def test_a_file_of_no_prompts_is_refused_with_its_place(text: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "p.jsonl").write_text(text)

    with pytest.raises(InputError, match=words):
        read_prompts(tmp_path / "p.jsonl")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"timestamp": 1, "input_length": 3}\n', "entry 1: 'output_length' is missing"),
        (
            '{"timestamp": "soon", "input_length": 3, "output_length": 3}\n',
            "'timestamp' is no number: 'soon'",
        ),
        ("[1, 2, 3]\n[4, 5, 6]\n", "an object with timestamp"),
    ],
)
def test_a_file_of_no_trace_is_refused_with_its_place(text: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "t.jsonl").write_text(text)

    with pytest.raises(InputError, match=words):
        read_trace(tmp_path / "t.jsonl")


def test_a_file_that_is_not_there_is_said_to_be(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.jsonl: No such file"):
        read_prompts(tmp_path / "none.jsonl")
