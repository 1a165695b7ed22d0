"""The other presets against servers on loopback, and what holds for all presets."""

from __future__ import annotations

import builtins
import io
from pathlib import Path
from typing import Any

import pytest
from effects_support import captured
from http_server import serving
from redis_server import serving_redis

from snapagent.config.dependencies import BUILT_IN
from snapagent.dependencies.presets import files, load_preset, load_replacements

SOURCE = """
    def use(function, *args):
        return function(*args)
"""


@pytest.mark.parametrize("word", BUILT_IN)
def test_each_word_of_the_configuration_is_a_preset_that_loads_without_its_library(word: str) -> None:
    for operation in load_preset(word):
        assert operation.module
        assert operation.qualname
    for replacement in load_replacements(word):
        assert callable(replacement.function)


def test_an_unknown_word_is_an_error() -> None:
    with pytest.raises(LookupError, match="unknown preset 'nothing'"):
        load_preset("nothing")


def test_commands_of_redis_are_effects_and_a_pipeline_is_one(tmp_path: Path) -> None:
    redis = pytest.importorskip("redis")

    def body(port: int) -> Any:
        client = redis.Redis(port=port, protocol=2)
        client.set("a", "1")
        pipeline = client.pipeline(transaction=False)
        pipeline.get("a").incr("n")
        return client.get("a"), pipeline.execute()

    with (
        serving_redis() as port,
        captured(tmp_path, SOURCE, "dependencies: [redis]\ntargets: [world:use]\n") as world,
    ):
        assert world.module.use(body, port) == (b"1", [b"1", 1])
        tape = world.tape("use")
    shapes = [effect.shape for effect in tape.effects]
    assert shapes == ["SET a", "GET a", "PIPELINE GET INCRBY"]
    assert [effect.role for effect in tape.effects] == ["write", "read", "write"]
    assert tape.arguments(2) == ({"commands": [["GET", "a"], ["INCRBY", "n", 1]]},)
    assert tape.result(2) == [b"1", 1]


def test_operations_of_boto3_are_effects_and_a_streamed_body_comes_back(tmp_path: Path) -> None:
    boto3 = pytest.importorskip("boto3")

    def body(url: str) -> Any:
        client = boto3.client(
            "s3", endpoint_url=url, region_name="x", aws_access_key_id="a", aws_secret_access_key="not-a-secret"
        )
        return client.get_object(Bucket="b", Key="k")["Body"].read()

    with serving() as url, captured(tmp_path, SOURCE, "dependencies: [boto3]\ntargets: [world:use]\n") as world:
        content = world.module.use(body, url)
        tape = world.tape("use")
    (effect,) = tape.effects
    assert (effect.shape, effect.role) == ("s3 GetObject", "read")
    assert tape.arguments()[0]["params"] == {"Bucket": "b", "Key": "k"}
    (operation,) = load_preset("boto3")
    assert operation.rebuild is not None
    assert operation.rebuild(tape.result(), (), {})["Body"].read() == content


def test_a_file_that_is_read_is_an_effect_with_its_content(tmp_path: Path) -> None:
    real = builtins.open
    (tmp_path / "rates.txt").write_text("EUR 1\n")

    def body() -> str:
        with open(tmp_path / "out.txt", "w") as out:
            out.write("x")
        with open(tmp_path / "rates.txt", encoding="utf-8") as rates:
            return rates.read()

    with captured(tmp_path, SOURCE, "dependencies: [files]\ntargets: [world:use]\n") as world:
        assert world.module.use(body) == "EUR 1\n"
        tape = world.tape("use")
    assert builtins.open is real
    assert io.open is real
    assert len(tape.effects) == 1
    assert tape.result() == b"EUR 1\n"
    operation = load_preset("files")[0]
    assert operation.rebuild is not None
    assert operation.rebuild(tape.result(), (tmp_path / "rates.txt",), {"encoding": "utf-8"}).read() == "EUR 1\n"


@pytest.mark.parametrize(
    ("path", "expected"), [("/dev/shm/rates.txt", True), ("/dev/shmem", False), ("/dev/null", False)]
)
def test_devices_are_no_data_but_files_in_memory_are(path: str, expected: bool) -> None:
    assert files.is_data(path) is expected


def test_an_installed_package_brings_a_preset_by_its_entry_point(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    info = tmp_path / "warehouse-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: warehouse\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[snapagent.presets]\nwarehouse = warehouse_preset\n")
    (tmp_path / "warehouse.py").write_text("def stock(sku):\n    return 5\n")
    (tmp_path / "warehouse_preset.py").write_text(
        "from snapagent.dependencies.presets import Described, Operation\n"
        "def describe(args, kwargs):\n"
        "    return Described('read', f'stock of {args[0]}', {'sku': args[0]})\n"
        "operations = (Operation('warehouse', 'stock', describe),)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    with captured(tmp_path, SOURCE, "dependencies: [warehouse]\ntargets: [world:use]\n") as world:
        import warehouse  # type: ignore[import-not-found]

        assert world.module.use(lambda: warehouse.stock("bolt")) == 5
        tape = world.tape("use")
    assert [(effect.preset, effect.shape, effect.role) for effect in tape.effects] == [
        ("warehouse", "stock of bolt", "read")
    ]
    assert tape.result() == 5
