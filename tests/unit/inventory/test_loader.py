from __future__ import annotations

import datetime as dt
import gc
import re
import time
from pathlib import Path

import pytest

from edgectl.errors import InputError, Place
from edgectl.inventory.generate import generate
from edgectl.inventory.loader import load
from edgectl.inventory.model import Bastion, Fleet, PopState, SshOptions, Weekday, Window
from edgectl.inventory.pattern import evaluate, scope_of
from edgectl.inventory.terms import parse

FLEET = """\
defaults:
  ssh: {user: edge, port: 22, key: ~/.ssh/edge, bastion: {address: 192.0.2.1, user: jump}}
  vars: {a: default, b: default, c: default, d: default, e: default, f: default}
groups:
  early: {hosts: "role=gpu", vars: {b: early, c: early, d: early, e: early, f: early}}
  later: {hosts: "early", vars: {c: later, d: later, e: later, f: later}, ssh: {port: 23}}
  nobody: {hosts: "role=cache", vars: {a: nobody}}
racks:
  small: {nodes: 2, hardware: l4-1, dpus: 1, labels: {kind: small, tier: template}, vars: {e: template}}
pops:
  fra1:
    metro: FRA
    region: eu-central
    country: DE
    tz: Europe/Berlin
    state: maintenance
    window: {days: [tue, thu], start: "23:30", hours: 2.5}
    labels: {tier: gold}
    vars: {d: pop, e: pop, f: pop}
    ssh: {user: site, bastion: {address: 192.0.2.9, user: jump, port: 2200, key: ~/.ssh/jump}}
    racks:
      r1: {template: small, addresses: 10.0.0.0/28, labels: {row: "7"}, vars: {e: rack, f: rack}}
    hosts:
      fra1-r1-n02: {labels: {rev: b}, vars: {f: host}, ssh: {key: null, bastion: null}}
      fra1-x1: {address: fra1-x1.example.net, rack: r1, hardware: l4-2, host_key: ssh-ed25519 AAAA}
"""


@pytest.fixture
def fleet(tmp_path: Path) -> Fleet:
    return _loaded(tmp_path, FLEET)


def _loaded(folder: Path, text: str) -> Fleet:
    path = folder / "fleet.yaml"
    path.write_text(text, encoding="utf-8")
    return load(path)


def test_variables_come_from_the_strongest_level(fleet: Fleet) -> None:
    assert fleet.hosts["fra1-r1-n02"].vars == {
        "a": "default",
        "b": "early",
        "c": "later",
        "d": "pop",
        "e": "rack",
        "f": "host",
    }


def test_groups_apply_whatever_the_state_of_the_pop(fleet: Fleet) -> None:
    assert fleet.hosts["fra1-r1-n01"].groups == ("early", "later")
    assert fleet.hosts["fra1-r1-n01-dpu0"].groups == ()


def test_a_host_no_group_matches_has_nothing_of_them(fleet: Fleet) -> None:
    assert fleet.hosts["fra1-r1-n01-dpu0"].vars["b"] == "default"
    assert fleet.hosts["fra1-r1-n01-dpu0"].ssh.port == 22


def test_ssh_options_merge_one_by_one_and_the_bastion_as_a_whole(fleet: Fleet) -> None:
    bastion = Bastion("192.0.2.9", "jump", 2200, "~/.ssh/jump")

    assert fleet.hosts["fra1-r1-n01"].ssh == SshOptions("site", 23, "~/.ssh/edge", bastion)


def test_null_undoes_an_ssh_option(fleet: Fleet) -> None:
    assert fleet.hosts["fra1-r1-n02"].ssh == SshOptions("site", 23, None, None)


def test_what_nobody_wrote_is_none_for_ssh_to_decide(tmp_path: Path) -> None:
    fleet = _loaded(tmp_path, "pops: {fra1: {hosts: {fra1-x1: {address: 10.0.0.1}}}}\n")

    assert fleet.hosts["fra1-x1"].ssh == SshOptions(None, None, None, None)


def test_every_value_knows_where_it_was_written(fleet: Fleet) -> None:
    lines = FLEET.splitlines()

    origins = fleet.hosts["fra1-r1-n02"].origins

    written = {
        name: (place.line, re.findall(r"\w+", lines[place.line - 1][place.column - 1 :])[0])
        for name, place in origins.items()
    }
    assert written == {
        "vars.a": (3, "a"),
        "vars.b": (5, "b"),
        "vars.c": (6, "c"),
        "vars.d": (19, "d"),
        "vars.e": (22, "e"),
        "vars.f": (24, "f"),
        "ssh.user": (20, "user"),
        "ssh.port": (6, "port"),
        "ssh.key": (24, "key"),
        "ssh.bastion": (24, "bastion"),
        "labels.kind": (9, "kind"),
        "labels.tier": (9, "tier"),
        "labels.row": (22, "row"),
        "labels.rev": (24, "rev"),
        "pop": (11, "fra1"),
        "metro": (12, "metro"),
        "region": (13, "region"),
        "country": (14, "country"),
        "tz": (15, "tz"),
        "state": (16, "state"),
        "rack": (22, "r1"),
        "address": (22, "addresses"),
        "hardware": (9, "hardware"),
    }


def test_labels_merge_from_pop_to_host(fleet: Fleet) -> None:
    assert fleet.hosts["fra1-r1-n02"].labels == {
        "tier": "template",
        "kind": "small",
        "row": "7",
        "rev": "b",
    }
    assert fleet.pops["fra1"].labels == {"tier": "gold"}


def test_a_rack_gives_its_hosts_names_addresses_and_roles(fleet: Fleet) -> None:
    rows = [(host.name, host.address, host.role, host.hardware) for host in fleet.hosts.values()]

    assert rows == [
        ("fra1-r1-n01", "10.0.0.2", "gpu", "l4-1"),
        ("fra1-r1-n01-dpu0", "10.0.0.3", "dpu", "bluefield-3"),
        ("fra1-r1-n02", "10.0.0.4", "gpu", "l4-1"),
        ("fra1-r1-n02-dpu0", "10.0.0.5", "dpu", "bluefield-3"),
        ("fra1-x1", "fra1-x1.example.net", "gpu", "l4-2"),
    ]


def test_a_listed_host_may_stand_in_a_rack_and_bring_its_key(fleet: Fleet) -> None:
    host = fleet.hosts["fra1-x1"]

    assert (host.rack, host.host_key) == ("fra1-r1", "ssh-ed25519 AAAA")


def test_a_pop_carries_its_state_and_window(fleet: Fleet) -> None:
    pop = fleet.pops["fra1"]

    assert pop.state is PopState.MAINTENANCE
    assert pop.window == Window((Weekday.TUE, Weekday.THU), dt.time(23, 30), 2.5)


def test_members_are_the_hosts_of_pops_racks_and_groups(fleet: Fleet) -> None:
    scope = scope_of(fleet)
    places = (*fleet.pops, *fleet.racks, *fleet.groups)
    members = {name: evaluate(parse(name), scope, any_state=True) for name in places}
    names = {name: [host for host in fleet.hosts if host in hosts] for name, hosts in members.items()}

    assert names == {
        "fra1": list(fleet.hosts),
        "fra1-r1": list(fleet.hosts),
        "early": ["fra1-r1-n01", "fra1-r1-n02", "fra1-x1"],
        "later": ["fra1-r1-n01", "fra1-r1-n02", "fra1-x1"],
        "nobody": [],
    }


def test_host_keys_lie_beside_a_file_and_in_a_folder(tmp_path: Path, fleet: Fleet) -> None:
    assert fleet.known_hosts == tmp_path / "known_hosts"
    assert load(tmp_path).known_hosts == tmp_path / "known_hosts"


def test_a_folder_adds_its_files_up_and_leaves_other_folders_alone(tmp_path: Path) -> None:
    for name, text in {
        "a.yaml": "defaults: {ssh: {user: edge}}\n",
        "b.yaml": "defaults: {vars: {x: 1}}\ngroups: {all-gpu: role=gpu}\n",
        "pops/emea.yaml": "pops: {fra1: {hosts: {fra1-x1: {address: 10.0.0.1}}}}\n",
        "pops/apac.yaml": "pops: {sin1: {hosts: {sin1-x1: {address: 10.0.0.2}}}}\n",
        "services/chat.yaml": "model: tiny\n",
        "baselines/l4.yaml": "x: 1\n",
        "known_hosts": "fra1-x1 ssh-ed25519 AAAA\n",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")

    fleet = load(tmp_path)

    assert list(fleet.hosts) == ["fra1-x1", "sin1-x1"]
    assert fleet.hosts["sin1-x1"].ssh.user == "edge"
    assert fleet.hosts["sin1-x1"].vars == {"x": 1}
    assert fleet.hosts["sin1-x1"].origins["vars.x"] == Place(tmp_path / "b.yaml", 1, 19)


def test_hosts_are_ordered_by_pop_and_name_as_people_count(tmp_path: Path) -> None:
    fleet = _loaded(
        tmp_path,
        """\
racks: {two: {nodes: 2, hardware: l4-1, name: "{pop}-{rack}-n{node}"}}
pops:
  fra10: {hosts: {fra10-x1: {address: 10.1.0.1}}}
  fra2:
    racks:
      r10: {template: two, addresses: 10.2.10.0/24}
      r9: {template: two, addresses: 10.2.9.0/24}
    hosts: {fra2-a10: {address: 10.1.0.2}, fra2-a9: {address: 10.1.0.3}}
""",
    )

    assert list(fleet.hosts) == [
        "fra2-a9",
        "fra2-a10",
        "fra2-r9-n1",
        "fra2-r9-n2",
        "fra2-r10-n1",
        "fra2-r10-n2",
        "fra10-x1",
    ]


@pytest.mark.parametrize(
    ("network", "nodes", "addresses"),
    [
        ("10.0.0.0/29", 5, ["10.0.0.2", "10.0.0.6"]),
        ("10.0.255.0/23", 300, []),
        ("10.0.254.0/23", 300, ["10.0.254.2", "10.0.255.45"]),
        ("2001:db8::/64", 2, ["2001:db8::2", "2001:db8::3"]),
    ],
)
def test_addresses_are_counted_from_the_network(
    tmp_path: Path, network: str, nodes: int, addresses: list[str]
) -> None:
    text = (
        f"racks: {{t: {{nodes: {nodes}, hardware: l4-1}}}}\n"
        f"pops: {{fra1: {{racks: {{r1: {{template: t, addresses: '{network}'}}}}}}}}\n"
    )
    if not addresses:
        with pytest.raises(InputError, match="has host bits set"):
            _loaded(tmp_path, text)
        return

    hosts = list(_loaded(tmp_path, text).hosts.values())

    assert [hosts[0].address, hosts[-1].address] == addresses


def test_one_address_behind_two_bastions_is_two_hosts(tmp_path: Path) -> None:
    fleet = _loaded(
        tmp_path,
        """\
pops:
  fra1: {ssh: {bastion: {address: 192.0.2.1, user: j}}, hosts: {fra1-x1: {address: 10.0.0.1}}}
  fra2: {ssh: {bastion: {address: 192.0.2.2, user: j}}, hosts: {fra2-x1: {address: 10.0.0.1}}}
""",
    )

    assert len(fleet.hosts) == 2


def test_a_rack_may_have_fewer_nodes_than_its_template(tmp_path: Path) -> None:
    fleet = _loaded(
        tmp_path,
        "racks: {t: {nodes: 8, hardware: l4-1}}\n"
        "pops: {fra1: {racks: {r1: {template: t, addresses: 10.0.0.0/24, nodes: 3}}}}\n",
    )

    assert list(fleet.hosts) == ["fra1-r1-n01", "fra1-r1-n02", "fra1-r1-n03"]


def test_loading_leaves_the_garbage_collector_as_it_was(tmp_path: Path) -> None:
    with pytest.raises(InputError):
        load(tmp_path)

    assert gc.isenabled()


def test_a_world_of_4400_pops_loads_in_seconds(tmp_path: Path) -> None:
    (tmp_path / "pops").mkdir()
    for name, text in generate(4400, seed=1).items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    started = time.perf_counter()

    fleet = load(tmp_path)

    assert len(fleet.hosts) > 70_000
    assert time.perf_counter() - started < 10  # 1.9 s where this was written
