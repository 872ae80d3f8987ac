from __future__ import annotations

from pathlib import Path

import pytest

from edgectl.errors import InputError
from edgectl.ops.deploy.spec import load_spec
from tests.unit.ops.deploy.specs import LLAMA, spec, written

_SECOND = "    - {{source: file://tiny.gguf, sha256: '{b}'}}\nengine:"
WRONG = [
    ("place: role=gpu", "plaice: role=gpu", "11:1", "unknown key 'plaice'; did you mean 'place'?"),
    ("  command:", "  comand:", "9:3", "unknown key 'comand'; did you mean 'command'?"),
    ("place: role=gpu\n", "", "1:1", "the key 'place' is missing"),
    ("name: chat\n", "name: Chat 1\n", "1:1", "small letters, digits and '-', not 'Chat 1'"),
    ("kind: llama.cpp", "kind: llamacpp", "8:3", "'llama.cpp' or 'custom', not 'llamacpp'"),
    ('"{a}"', '"{a}0"', "6:7", "'model.files.0.sha256'"),
    ("https://", "ftp://", "5:7", "a source is https://…, http://… or file://…"),
    ("tiny.gguf", "", "5:7", "'' is no plain file name: give the file a 'name'"),
    ("tiny.gguf", "..", "5:7", "'..' is no plain file name"),
    ("tiny.gguf\n", "x\n      name: ../../etc/passwd\n", "5:7", "is no plain file name"),
    ("engine:", _SECOND, "4:3", "two files are called 'tiny.gguf'"),
    (
        "args: {{",
        "args: {{a: [1], ",
        "10:10",
        "'engine.args.a': a text, a number or true or false is wanted, not [1]",
    ),
    ("place:", "serve: {{port: 80000}}\nplace:", "11:9", "'serve.port'"),
    ("place:", "keep: 0\nplace:", "11:1", "'keep'"),
    ("place:", "gates: {{ready: soon}}\nplace:", "11:9", "a duration such as 90s, 5m or 2h is wanted"),
    ("place:", "gates: {{smoke: {{tokens: 0}}}}\nplace:", "11:17", "'gates.smoke.tokens'"),
    ("place:", "rollout: {{canary: many}}\nplace:", "11:11", "rollout"),
]


@pytest.mark.parametrize(
    ("old", "new", "place", "said"), WRONG, ids=[f"{row[2]} {row[3][:30]}" for row in WRONG]
)
def test_a_wrong_specification_is_refused_at_its_place(
    tmp_path: Path, old: str, new: str, place: str, said: str
) -> None:
    assert old in LLAMA
    path = written(tmp_path, LLAMA.replace(old, new, 1))
    with pytest.raises(InputError) as caught:
        load_spec(path)
    assert said in str(caught.value)
    assert f"{path}:{place} " in str(caught.value)


@pytest.mark.parametrize("name", ["", "chat:\n", "[]", "just words"])
def test_what_is_no_specification_at_all_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError):
        load_spec(written(tmp_path, name))


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("https://example.net/a/b.gguf", "b.gguf"),
        ("https://example.net/b.gguf?download=true#x", "b.gguf"),
        ("https://example.net/b%2Bc.gguf", "b+c.gguf"),
        ("file://models/b.gguf", "b.gguf"),
    ],
)
def test_a_file_is_called_what_its_source_calls_it(tmp_path: Path, source: str, name: str) -> None:
    found = spec(tmp_path, LLAMA.replace("https://models.example.net/tiny.gguf", source))
    assert found.model.files[0].file_name == name


def test_a_smoke_test_may_be_said_in_one_word(tmp_path: Path) -> None:
    found = spec(tmp_path, LLAMA + "gates: {{smoke: Hello?, ready: 2m}}\n")
    assert (found.gates.smoke.prompt, found.gates.ready) == ("Hello?", 120.0)
