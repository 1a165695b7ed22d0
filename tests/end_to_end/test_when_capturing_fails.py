"""What goes wrong with capturing never reaches the customers, and is said where the operator looks."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from deploys import TARGETS, Deploy, DeployShop
from traffic import Answer, Request, send

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a file system")


def answers(deploy: Deploy, script: list[Request]) -> list[Answer]:
    return [send(deploy.url, request) for request in script]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of one megabyte with 24 kilobytes left."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "none", str(disk)], capture_output=True, text=True
    )
    if mounted.returncode != 0:
        pytest.skip(f"no file system can be mounted here: {mounted.stderr.strip()}")
    (disk / "filler").write_bytes(bytes(1_000_000))
    try:
        yield disk
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=False)


@as_root
def test_a_full_disk(
    deploy_shop: DeployShop, small_disk: Path, script: list[Request], bare_answers: list[Answer]
) -> None:
    captures = small_disk / "captures"
    deploy = deploy_shop(TARGETS.replace("keep: 3", "keep: .inf"), environ={"SNAPAGENT_CAPTURE_DIR": str(captures)})
    got = answers(deploy, script)
    deploy.stop()
    assert got == bare_answers
    assert "disk_full" in deploy.log
    assert [path for path in captures.rglob("*") if "tmp" in path.name] == []


@pytest.fixture
def without_privilege() -> tuple[str, ...]:
    """A launcher under which modes count for root too."""
    if os.geteuid() != 0:
        return ()
    launcher = ("setpriv", "--inh-caps", "-all", "--bounding-set", "-dac_override,-dac_read_search")
    try:
        subprocess.run([*launcher, "true"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"root's privilege cannot be dropped here: {error}")
    return launcher


def test_an_unwritable_directory(
    deploy_shop: DeployShop,
    without_privilege: tuple[str, ...],
    tmp_path: Path,
    script: list[Request],
    bare_answers: list[Answer],
) -> None:
    captures = tmp_path / "captures"
    captures.mkdir(mode=0o555)
    deploy = deploy_shop(environ={"SNAPAGENT_CAPTURE_DIR": str(captures)}, launcher=without_privilege)
    got = answers(deploy, script)
    deploy.stop()
    assert got == bare_answers
    assert "not_writable" in deploy.log
    assert list(captures.iterdir()) == []


def test_an_argument_that_cannot_be_pickled(
    deploy_shop: DeployShop, script: list[Request], bare_answers: list[Answer]
) -> None:
    deploy = deploy_shop("version: 1\nbudget: 100%\ntargets: [shop.storage:find_product]\n")
    got = answers(deploy, script)
    deploy.stop()
    assert got == bare_answers
    shown = deploy.snapagent("show", "shop.storage.find_product")
    assert "connection" in shown
    assert "sqlite3.Connection" in shown
    assert deploy.index("shop.storage.find_product")["captured"] > 0


def test_a_broken_yaml(deploy_shop: DeployShop, script: list[Request], bare_answers: list[Answer]) -> None:
    deploy = deploy_shop("version: 1\ndefaults:\n  kep: 3\ntargets: [shop.pricing:quote]\n")
    got = answers(deploy, script)
    deploy.stop()
    assert got == bare_answers
    assert "snapagent.yaml:3" in deploy.log
    assert "keep" in deploy.log  # the near match
    assert not deploy.captures.exists()
