"""Stores on file systems that several machines share are named."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest
from click.testing import CliRunner

from snapagent.cli import main
from snapagent.store import filesystems
from snapagent.store.filesystems import shared_filesystem

MOUNTS = """\
27 1 252:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
40 27 0:40 / /mnt/efs rw,relatime shared:2 - nfs4 127.0.0.1:/ rw,vers=4.1
41 27 0:41 / /mnt/efs\\040two rw - cifs //server/share rw
42 40 0:42 / /mnt/efs/local rw - tmpfs tmpfs rw
43 27 0:43 / /mnt/bucket rw - fuse.s3fs s3fs rw
44 27 0:44 / /var/lib/containers rw - fuse.fuse-overlayfs fuse-overlayfs rw
45 27 0:45 / /mnt/twice rw - nfs server:/ rw
46 27 0:46 / /mnt/twice rw - ext4 /dev/vdb rw
47 27 0:47 / /mnt/plain rw - fuse mount.something rw
garbage
"""


@pytest.fixture(autouse=True)
def mounts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    table = tmp_path / "mountinfo"
    table.write_text(MOUNTS)
    monkeypatch.setattr(filesystems, "MOUNTS", str(table))
    return table


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/srv/captures", None),
        ("/mnt/efs", "nfs4"),
        ("/mnt/efs/pod-1/captures", "nfs4"),
        ("/mnt/efs two/captures", "cifs"),
        ("/mnt/efsx", None),
        ("/mnt/efs/local/captures", None),
        ("/mnt/bucket/captures", "fuse.s3fs"),
        ("/var/lib/containers/x", None),
        ("/mnt/twice/captures", None),
        ("/mnt/plain", "fuse"),
    ],
)
def test_the_innermost_mount_decides(path: str, kind: str | None) -> None:
    assert shared_filesystem(path) == kind


def test_without_a_table_of_mounts_nothing_is_said(mounts: Path) -> None:
    mounts.unlink()
    assert shared_filesystem("/mnt/efs") is None


@pytest.fixture
def on_nfs(mounts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    mounts.write_text(f"1 1 0:1 / / rw - ext4 /dev/vda rw\n2 1 0:2 / {tmp_path} rw - nfs4 server:/ rw\n")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "snapagent.yaml").write_text("version: 1\ntargets: []\n")
    return tmp_path


def test_check_and_status_name_it_with_the_remedy(on_nfs: Path) -> None:
    for command in ("check", "status"):
        done = CliRunner().invoke(main, [command])
        assert "shared filesystem (nfs4)" in done.output
        assert "snapagent pull file:///..." in " ".join(done.output.split())
        assert json.loads(CliRunner().invoke(main, [command, "--json"]).stdout)["shared"] == "nfs4"
        assert done.exit_code == 0


def test_a_capturing_process_logs_it_once(on_nfs: Path, caplog: pytest.LogCaptureFixture) -> None:
    from snapagent.capture import host_guard
    from snapagent.capture.recording.budget import Governor
    from snapagent.capture.reporting import Reporter

    host_guard._logged.clear()
    with caplog.at_level(logging.WARNING, "snapagent"):
        for _ in range(2):
            Reporter(str(on_nfs / "captures"), (), {}, {}, Governor(0.02)).run_if_due()

    (record,) = caplog.records
    assert "shared filesystem (nfs4)" in record.message and "pull file:///" in record.message
