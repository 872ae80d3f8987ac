from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.remote.host import path_with, program, run_module


class Toolkit:
    """An nvidia-ctk that describes what nvidia-smi names, and only that."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.spec = folder / "cdi/nvidia.yaml"
        self.gpus(("GPU-a", "GPU-b"))
        program(folder / "bin", "nvidia-smi", f"#!/bin/sh\ncat {folder}/gpus\n")
        row = r"s/^\(.*\), \(.*\), \(.*\)$"
        names = r'- name: "\1"\n- name: \2\n- hostPath: libcuda.so.\3'
        self.ctk(f"""sed '{row}/{names}/' {folder}/gpus > "$out"; echo '- name: all' >> "$out\"""")

    def gpus(self, uuids: tuple[str, ...], driver: str = "580.105.08") -> None:
        rows = [f"{index}, {uuid}, {driver}\n" for index, uuid in enumerate(uuids)]
        (self.folder / "gpus").write_text("".join(rows))

    def ctk(self, generate: str, listing: str = "") -> None:
        listing = listing or (f'sed -n \'s/^- name: "*\\([^"]*\\)"*$/nvidia.com\\/gpu=\\1/p\' {self.spec}')
        text = f"""\
#!/bin/sh
echo "$*" >> {self.folder}/calls
out=$(echo "$3" | sed 's/--output=//')
if [ "$2" = list ]; then
{listing}
exit
fi
{generate}
"""
        (self.folder / "bin").mkdir(exist_ok=True)
        (self.folder / "bin/nvidia-ctk").write_text(text)
        (self.folder / "bin/nvidia-ctk").chmod(0o755)

    def cdi(self, *, check: bool = False) -> Any:
        return run_module(
            "cdi", {"path": str(self.spec)}, check=check, environment=path_with(self.folder / "bin")
        )


@pytest.fixture
def toolkit(tmp_path: Path) -> Toolkit:
    return Toolkit(tmp_path)


def test_every_gpu_is_described_once(toolkit: Toolkit) -> None:
    first, second = toolkit.cdi(), toolkit.cdi()

    assert (first.changed, second.changed) == (True, False), first
    assert first.values["devices"] == ["0", "1", "GPU-a", "GPU-b", "all"]
    assert first.values["before"] == f"there is no {toolkit.spec}"


def test_a_check_tells_and_writes_nothing(toolkit: Toolkit) -> None:
    assert toolkit.cdi(check=True).changed
    assert not toolkit.spec.exists()


def test_a_check_before_there_is_a_driver_foretells_it(toolkit: Toolkit) -> None:
    toolkit.gpus(())

    assert toolkit.cdi(check=True).changed
    assert "names no GPU" in toolkit.cdi().msg


def test_another_driver_s_libraries_are_not_mounted(toolkit: Toolkit) -> None:
    toolkit.cdi()
    toolkit.gpus(("GPU-a", "GPU-b"), "580.126.01")
    again = toolkit.cdi()

    assert again.changed
    assert again.values["before"] == f"{toolkit.spec} is driver 580.105.08's, and 580.126.01 runs"
    assert "libcuda.so.580.126.01" in toolkit.spec.read_text()


@pytest.mark.parametrize(
    ("uuids", "said"),
    [
        (("GPU-a", "GPU-b", "GPU-c"), "nvidia-ctk cdi list lacks GPU 2"),
        (("GPU-a", "GPU-x"), "nvidia-ctk cdi list lacks GPU-x"),
    ],
)
def test_a_gpu_that_came_or_was_replaced_is_described_anew(
    toolkit: Toolkit, uuids: tuple[str, ...], said: str
) -> None:
    toolkit.cdi()
    toolkit.gpus(uuids)
    again = toolkit.cdi()

    assert (again.changed, again.values["before"]) == (True, said)
    assert not toolkit.cdi().changed


def test_gpus_that_are_split_are_named_by_their_parts(toolkit: Toolkit) -> None:
    parts = "printf 'nvidia.com/gpu=%s\\n' 0:0 0:1 1:0 all"
    toolkit.ctk('echo x > "$out"', parts)

    assert not toolkit.cdi().failed


@pytest.mark.parametrize(
    ("generate", "said"),
    [
        ("exit 0", "there is no"),
        ("echo no driver >&2; exit 1", "ended with 1, and there is no"),
        ('echo \'- name: "0"\' > "$out"', "lacks GPU 1"),
        ("printf -- '- name: 0\\n- name: 1\\n' > \"$out\"", "lacks GPU all"),
    ],
)
def test_what_the_toolkit_did_not_do_is_a_failure_whatever_it_says(
    toolkit: Toolkit, generate: str, said: str
) -> None:
    toolkit.ctk(generate)
    done = toolkit.cdi()

    assert done.failed
    assert said in done.msg


def test_no_toolkit_is_a_failure(toolkit: Toolkit) -> None:
    (toolkit.folder / "bin/nvidia-ctk").unlink()

    assert "nvidia-ctk: not found" in toolkit.cdi().msg
