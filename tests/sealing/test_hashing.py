"""Equal arguments, equal hash: in this process, in others, under other hash seeds and on other Pythons."""

from __future__ import annotations

import functools
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from live_hash import hash_call

from snapagent.core.paths import parse_path
from snapagent.core.signature import Parameters
from snapagent.sealing.hashing.canonical import HashResult
from snapagent.serializer.freezing.freeze import FreezeRules

ROOT = Path(__file__).resolve().parents[2]
ROWS = ROOT / "tests" / "support" / "hash_rows.py"
SEEDS = ("0", "1", "2", "3")
MINORS = (11, 12, 13, 14)


def run_rows(python: str, seed: str, extra_path: str = "") -> Any:
    environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join([str(ROOT), extra_path])}
    done = subprocess.run([python, str(ROWS)], env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@functools.cache
def own_rows() -> Any:
    return run_rows(sys.executable, "random")


def other_pythons() -> dict[str, str]:
    """Interpreters of other supported versions that start."""
    found = {}
    for minor in MINORS:
        if sys.version_info[:2] == (3, minor):
            continue
        installed = sorted(Path.home().glob(f".pyenv/versions/3.{minor}.*/bin/python"))  # pyenv's shims may be off
        for python in filter(None, [shutil.which(f"python3.{minor}"), *map(str, installed)]):
            if subprocess.run([python, "-c", ""], capture_output=True).returncode == 0:
                found[f"3.{minor}"] = python
                break
    return found


@pytest.mark.parametrize("seed", SEEDS)
def test_hashes_do_not_depend_on_the_hash_seed(seed: str) -> None:
    rows = run_rows(sys.executable, seed)

    assert rows["wrong"] == []
    assert rows["hashes"] == own_rows()["hashes"]


@pytest.mark.parametrize("version", [f"3.{minor}" for minor in MINORS if (3, minor) != sys.version_info[:2]])
def test_hashes_do_not_depend_on_the_python_version(version: str, tmp_path: Path) -> None:
    python = other_pythons().get(version)
    if python is None:
        pytest.skip(f"no Python {version} here")
    dill = importlib.util.find_spec("dill")
    assert dill is not None and dill.submodule_search_locations is not None
    (tmp_path / "dill").symlink_to(dill.submodule_search_locations[0])  # pure Python: it serves every version

    rows = run_rows(python, "7", str(tmp_path))

    assert rows["wrong"] == []
    shared = rows["hashes"].keys() & own_rows()["hashes"].keys()
    assert {"lambda", "real path", "enum"} <= shared
    assert {name: rows["hashes"][name] for name in shared} == {name: own_rows()["hashes"][name] for name in shared}


def test_the_hashes_of_stored_code_are_those_of_every_version() -> None:
    """As written by 3.11 and 3.13: a machine with one Python compares with them."""
    code = {
        "lambda": "h1:51b56303d37847722d68148e0f4a18f3",
        "closure": "h1:b0f740201f6b866c430a67d063e467ec",
        "comprehension": "h1:ae1701386ea77711b0c94618e935ee0c",
        "slices": "h1:8a5ee75473c292152c244f528942278d",
        "folded constants": "h1:38d3bfb10bc9a91bd8e7f15530966792",
        "text alone": "h1:1ae9d9df3983cfb4b67a5c5ab3346cca",
        "docstring": "h1:f645f63c769a93b6594615701cf042b3",
    }

    assert {name: own_rows()["hashes"][name] for name in code} == code


PRICE = Parameters(
    (("rows", "positional_or_keyword"), ("currency", "positional_or_keyword"), ("options", "var_keyword"))
)


def hash_of(*args: object, **kwargs: object) -> HashResult:
    return hash_call(None, args, kwargs, PRICE, {"currency": "EUR"})


def test_positional_keyword_and_default_spellings_agree() -> None:
    assert hash_of([3], "EUR") == hash_of(rows=[3], currency="EUR") == hash_of(currency="EUR", rows=[3]) == hash_of([3])
    assert hash_of([3]).hash != hash_of([3], "USD").hash
    assert hash_of([3], extra=1).hash != hash_of([3], other=1).hash


def test_the_hash_is_versioned_and_hexadecimal() -> None:
    version, _, digits = hash_of([3]).hash.partition(":")

    assert version == "h1"
    assert len(digits) == 32 and int(digits, 16)


class Service:
    def __init__(self, region: str) -> None:
        self.region = region


METHOD = Parameters((("self", "positional_or_keyword"), ("count", "positional_or_keyword")))


def test_the_call_hash_leaves_the_instance_out() -> None:
    here = hash_call(Service("eu"), (1,), {}, METHOD)
    there = hash_call(Service("us"), (1,), {}, METHOD)

    assert here.call_hash == there.call_hash
    assert here.hash != there.hash
    assert here.call_hash != hash_call(Service("eu"), (2,), {}, METHOD).call_hash


def test_what_cannot_be_compared_is_listed_as_opaque() -> None:
    thread = threading.Thread()

    found = hash_of({"worker": thread, "key": lambda x: x})

    assert found.opaque == ("rows.key", "rows.worker")
    assert found.hash == hash_of({"worker": threading.Thread(name="another"), "key": lambda x: x}).hash
    assert hash_of([1]).opaque == ()


def test_excluded_values_do_not_count() -> None:
    rules = FreezeRules(exclude=(parse_path("rows.model"),))

    found = [hash_call(None, ({"n": 1, "model": model},), {}, PRICE, rules=rules) for model in (b"big", b"bigger")]

    assert found[0] == found[1]
    assert found[0].opaque == ("rows.model",)


def test_redacted_values_are_one_constant() -> None:
    first = hash_of({"user": "ada", "password": "correct horse"}, note="for correct horse only")
    second = hash_of({"user": "ada", "password": "battery staple"}, note="for battery staple only")

    assert first.hash == second.hash
    assert first.hash != hash_of({"user": "bob", "password": "correct horse"}, note="for correct horse only").hash
    assert first.opaque == ()


def test_very_deep_values_are_hashed_and_said_to_be_opaque() -> None:
    deep: list[object] = []
    for _ in range(400):
        deep = [deep]

    assert hash_of(deep).opaque != ()


def test_exponential_sharing_costs_no_time() -> None:
    value: list[object] = [1]
    for _ in range(60):
        value = [value, value]

    assert hash_of(value).opaque == ()
