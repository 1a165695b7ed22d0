from __future__ import annotations

import os
import resource
import subprocess
import sys
import zlib

import pytest
from storing import TARGET, header_of

from snapagent.bundle import Part
from snapagent.errors import CorruptBundleError
from snapagent.store import Store
from snapagent.store.compression import MAX_INFLATED, deflate, inflate, usable

RAW = b"the same words again and again " * 100


def available(compression: str) -> str:
    if compression == "zstd":
        pytest.importorskip("zstandard")
    return compression


@pytest.mark.parametrize("compression", ["none", "zlib", "zstd"])
@pytest.mark.parametrize("raw", [RAW, b"", b"x"], ids=["text", "nothing", "a byte"])
def test_what_is_deflated_inflates_to_the_same_bytes(compression: str, raw: bytes) -> None:
    stored = deflate(available(compression), raw)

    assert inflate(Part("call", "pickle", compression, len(stored), len(raw)), stored, "p") == raw
    assert compression == "none" or raw != RAW or len(stored) < len(raw) / 10


def test_one_store_mixes_compressions(store: Store) -> None:
    pytest.importorskip("zstandard")
    for compression in ("none", "zlib", "zstd"):
        payload = {"call": deflate(compression, RAW), "outcome": deflate(compression, b"out")}
        header = header_of(payload, compression=compression, raw={"call": len(RAW), "outcome": 3})
        store.publish(TARGET, header, payload, when=0.0)

    bundles = [store.read(entry) for entry in store.entries(TARGET)]

    assert {bundle.header.parts[0].compression for bundle in bundles} == {"none", "zlib", "zstd"}
    assert all(store.part(bundle, "call") == RAW and store.part(bundle, "outcome") == b"out" for bundle in bundles)


@pytest.mark.parametrize("compression", ["none", "zlib", "zstd"])
@pytest.mark.parametrize("claimed", [len(RAW) - 1, len(RAW) + 1, 0, MAX_INFLATED + 1])
def test_a_part_of_another_size_than_the_header_claims_is_corrupt(compression: str, claimed: int) -> None:
    stored = deflate(available(compression), RAW)

    with pytest.raises(CorruptBundleError):
        inflate(Part("call", "pickle", compression, len(stored), claimed), stored, "p")


@pytest.mark.parametrize("compression", ["zlib", "zstd", "brotli"])
def test_bytes_that_do_not_inflate_are_corrupt(compression: str) -> None:
    if compression != "brotli":
        available(compression)
    with pytest.raises(CorruptBundleError):
        inflate(Part("call", "pickle", compression, 5, 100), b"\0\1\2\3\4", "p")


BOMB = """
import resource, sys
from snapagent.bundle import Part
from snapagent.errors import CorruptBundleError
from snapagent.store.compression import inflate
import zstandard
bomb = open(sys.argv[1], "rb").read()
limit = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    inflate(Part("call", "pickle", sys.argv[2], len(bomb), 1000), bomb, "p")
except CorruptBundleError:
    print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - limit) // 1024)
"""


@pytest.mark.parametrize("compression", ["zlib", "zstd"])
def test_a_decompression_bomb_takes_no_memory(compression: str, tmp_path) -> None:
    pytest.importorskip("zstandard")
    (tmp_path / "bomb").write_bytes(deflate(compression, bytes(200 * 1024 * 1024)))

    ran = subprocess.run(
        [sys.executable, "-c", BOMB, str(tmp_path / "bomb"), compression], capture_output=True, text=True, check=True
    )

    assert int(ran.stdout) < 32  # MiB
    assert resource.RLIMIT_AS and os.path.getsize(tmp_path / "bomb") < 1_000_000


def test_zstd_falls_back_to_zlib_where_it_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("snapagent.store.compression.find_spec", lambda name: None)

    assert [usable(name) for name in ("none", "zlib", "zstd")] == ["none", "zlib", "zlib"]
    assert zlib.decompress(deflate("zlib", RAW)) == RAW
