"""The commands on object stores: words, exit codes, signals. Numbers are those of the cases in the design."""

from __future__ import annotations

import inspect
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import seaweedfs
from click.testing import CliRunner, Result
from fault_proxy import FaultProxy
from fleet import KEY, Pod, key_path, listed, put

from snapagent.cli import main

Run = Callable[..., Result]


@pytest.fixture
def run(pod: Pod, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """The command line in this process, in an empty folder, with the captures of the pod and the key of the fleet."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SNAPAGENT_CAPTURE_DIR", str(pod.captures))
    monkeypatch.setenv("SNAPAGENT_KEY", KEY.secret.decode())
    apart = {"mix_stderr": False} if "mix_stderr" in inspect.signature(CliRunner).parameters else {}
    return lambda *words, **more: CliRunner(**apart).invoke(main, list(words), **more)


@pytest.fixture
def three(pod: Pod) -> Pod:
    for value in range(3):
        pod.capture(value, 100 - value)
    return pod


def test_push_and_pull_say_what_they_did(three: Pod, run: Run, url: str) -> None:
    pushed = run("push", url)
    pulled = run("pull", url, "--to", "laptop")

    assert (pushed.exit_code, pushed.stdout) == (0, f"3 bundles uploaded to {url}\n")
    assert (pulled.exit_code, pulled.stdout.split()) == (0, ["FUNCTION", "PULLED", "shop.pricing.quote", "2"])
    assert re.search(rf"2 bundles pulled \([\d.]+kB\) from {url} into laptop", pulled.stderr)
    assert len(Pod(Path("laptop")).names()) == 2


def test_the_url_may_come_from_the_environment(three: Pod, run: Run, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run("push").exit_code == 2
    monkeypatch.setenv("SNAPAGENT_REMOTE", url)

    assert run("push").exit_code == 0
    assert run("pull", "shop.pricing:*", "--to", "laptop").exit_code == 0
    assert run("list").stdout.split()[-1] != url  # no other command reads it


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("s3://key:secret@bucket/x", "credentials"),
        ("s3://bucket/x?secret=1", "query"),
        ("ftp://secret/x", "wanted"),
        ("s3:///x", "bucket"),
        ("file://secret", "absolute"),
        ("s3://bucket/a/../secret", "dots"),
        ("secret", "wanted"),
    ],
)
def test_a_url_that_cannot_be_meant_is_wrong_usage(run: Run, three: Pod, text: str, word: str) -> None:
    done = run("push", text)

    assert done.exit_code == 2
    assert word in done.stderr
    assert "key:secret" not in done.stderr


def test_functions_are_chosen_by_name_or_glob(pod: Pod, run: Run, url: str) -> None:
    for target in ("shop.pricing:quote", "shop.orders:Service.place", "mail.send:now"):
        pod.capture(1, target=target)
    run("push", url)

    def pulled(*globs: str) -> list[str]:
        done = json.loads(run("pull", url, *globs, "--to", "laptop", "--dry-run", "--json").stdout)
        return [one["folder"] for one in done["bundles"]]

    assert pulled("shop.pricing.quote") == pulled("shop.pricing:quote") == ["shop.pricing.quote"]
    assert pulled("shop.**:**") == ["shop.orders.Service.place", "shop.pricing.quote"]
    assert pulled("shop.*:*") == ["shop.pricing.quote"]
    assert pulled("*.send.now") == ["mail.send.now"]
    wrong = run("pull", url, "shop.pricing.qote", "--to", "laptop")
    assert wrong.exit_code == 2
    assert "shop.pricing.quote" in wrong.stderr


def test_16_a_refused_bundle_is_exit_1_and_the_rest_is_pulled(three: Pod, run: Run, url: str) -> None:
    run("push", url)
    newest = list(three.store.bundles("shop.pricing:quote"))[-1]
    put(url, key_path(three, newest), b"something else")

    done = run("pull", url, "--to", "laptop")

    assert done.exit_code == 1
    assert f"refused: shop.pricing.quote/{newest.name}" in done.stderr
    assert len(Pod(Path("laptop")).names()) == 2
    trusting = run("pull", url, "--to", "elsewhere", "--trust", "any", env={"SNAPAGENT_KEY": ""})
    assert trusting.exit_code == 1 and len(Pod(Path("elsewhere")).names()) == 2


def test_unsigned_bundles_are_set_aside_with_a_remedy(tmp_path: Path, run: Run, url: str) -> None:
    Pod(tmp_path / "unsigned", None).capture(1)

    done = run("push", url, "--captures-dir", "unsigned")

    assert done.exit_code == 1
    assert "1 bundle set aside: not signed; set SNAPAGENT_KEY" in done.stderr
    assert run("push", url, "--captures-dir", "unsigned", "--unsigned").exit_code == 0


@pytest.mark.parametrize("command", ["push", "pull"])
def test_wrong_credentials_are_exit_2_and_one_line(
    three: Pod, run: Run, url: str, proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")

    done = run(command, url)

    assert done.exit_code == 2
    assert done.stderr.count("these credentials may not") == 1
    assert "403 SignatureDoesNotMatch" in done.stderr


def test_27_a_missing_bucket_is_exit_2(three: Pod, run: Run, url: str) -> None:
    done = run("pull", "s3://nosuchbucket/x")

    assert (done.exit_code, "there is no bucket 'nosuchbucket'" in done.stderr) == (2, True)
    assert run("pull", "file:///no/such/folder").exit_code == 2


def test_nothing_to_push_is_fine(run: Run, url: str, tmp_path: Path) -> None:
    done = run("push", url)

    assert done.exit_code == 0
    assert "nothing is captured" in done.stderr
    assert not (tmp_path / "pod").exists()


def test_obstore_is_asked_for_by_name_where_it_is_missing(
    three: Pod, run: Run, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("snapagent.remote.objects.find_spec", lambda name: None)

    done = run("push", url)

    assert done.exit_code == 2
    assert "pip install 'snapagent[remote]'" in done.stderr


def test_list_show_and_diff_look_into_an_object_store(three: Pod, run: Run, url: str) -> None:
    run("push", url)

    functions = run("list", url)
    objects = run("list", url, "shop.pricing.quote", "--json")
    shown = run("show", url, "shop.pricing.quote")
    different = run("diff", url, "shop.pricing:quote")

    assert functions.stdout.split()[5:7] == ["shop.pricing.quote", "3"]
    newest = json.loads(objects.stdout)[0]
    assert newest["name"] == three.names()[-1]
    assert newest["hash"].startswith(newest["name"][-12:-4])
    assert (shown.exit_code, "signed" in shown.stderr, "value: 2" in shown.stdout) == (0, True, True)
    assert (different.exit_code, "  - 1\n  + 2" in different.stdout) == (1, True)
    assert run("show", url, "shop.pricing.quote", newest["hash"][:6]).exit_code == 0
    assert run("show", url, "shop.pricing.quote", "ffffff").exit_code == 2
    assert run("show", url, "shop.pricing.other").exit_code == 2


def test_a_header_that_could_not_be_checked_is_said_to_be_so(pod: Pod, run: Run, url: str) -> None:
    pod.capture("long" * 5000)
    run("push", url)

    assert run("show", url, "shop.pricing.quote").stderr.rstrip().endswith(": not verified")


def test_36_prune_of_a_url_removes_what_a_dry_run_shows(
    three: Pod, run: Run, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("push", url)
    later = time.time() + 7200
    monkeypatch.setattr("snapagent.cli.commands.object_store.time.time", lambda: later)

    would = json.loads(run("prune", url, "--keep", "1", "--dry-run", "--json").stdout)
    removed = json.loads(run("prune", url, "--keep", "1", "--json").stdout)

    assert would["removed"] == removed["removed"] == [
        {"folder": "shop.pricing.quote", "objects": 2, "names": sorted(three.names(), reverse=True)[1:]}
    ]  # fmt: skip
    assert len(listed(url)) == 1


def test_status_shows_how_push_stands(three: Pod, run: Run, url: str, proxy: FaultProxy) -> None:
    proxy.fail("403", "PUT", code="AccessDenied")
    run("push", url)

    text = run("status").stdout
    found = json.loads(run("status", "--json").stdout)["push"]

    assert f"push      {url}: ended, 0 bundles uploaded, 3 waiting" in text
    assert "3 bundles were left in the spool" in text
    assert (found["waiting"], found["running"], found["url"]) == (3, False, url)


def test_34_credentials_are_nowhere(three: Pod, run: Run, url: str, proxy: FaultProxy) -> None:
    secrets = [*seaweedfs.ADMIN[1:], KEY.secret.decode()]
    outputs = [run("push", url), run("pull", url, "--to", "laptop", "--json"), run("status"), run("status", "--json")]
    proxy.fail("403")
    outputs += [run("push", url + "/other"), run("pull", url), run("list", url)]
    proxy.heal()
    proxy.fail("cut")
    outputs += [run("push", url + "/another", "--json")]

    texts = [done.output + done.stderr for done in outputs]
    texts += [path.read_text("latin-1") for path in three.captures.rglob(".push/*") if path.is_file()]
    assert not [text for text in texts for secret in secrets if secret in text]
    assert not [text for text in texts if "Signature=" in text or "Authorization" in text]


def _start(pod: Pod, url: str, *words: str) -> subprocess.Popen[str]:
    environ = {**os.environ, "SNAPAGENT_CAPTURE_DIR": str(pod.captures), "SNAPAGENT_KEY": KEY.secret.decode()}
    command = [sys.executable, "-m", "snapagent", "push", url, *words]
    return subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def _wait_for(condition: Callable[[], object], seconds: float = 20.0) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.02)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_32_a_sidecar_drains_at_sigterm(pod: Pod, url: str, number: int) -> None:
    sidecar = _start(pod, url, "--watch", "--interval", "50ms")
    _wait_for(lambda: (pod.captures / ".push" / "status.json").exists())
    pod.capture(1)
    _wait_for(lambda: listed(url))
    pod.capture(2)
    sidecar.send_signal(number)

    out, err = sidecar.communicate(timeout=30)

    assert (sidecar.returncode, out, err) == (0, f"2 bundles uploaded to {url}\n", "")
    assert len(listed(url)) == 2


def test_40_a_second_push_says_that_one_is_running(pod: Pod, run: Run, url: str) -> None:
    sidecar = _start(pod, url, "--watch")
    _wait_for(lambda: (pod.captures / ".push" / "status.json").exists())

    second = run("push", url)
    running = json.loads(run("status", "--json").stdout)["push"]

    assert (second.exit_code, "another push" in second.stderr) == (1, True)
    assert (running["running"], running["watching"], running["pid"]) == (True, True, sidecar.pid)
    sidecar.terminate()
    assert sidecar.wait(20) == 0
    sidecar.communicate()


def test_a_dead_remote_ends_a_push_within_thirty_seconds(three: Pod, proxy: FaultProxy, url: str) -> None:
    proxy.fail("hang")
    began = time.monotonic()

    push = _start(three, url)
    out, err = push.communicate(timeout=60)

    assert push.returncode == 1
    assert time.monotonic() - began < 30
    assert "cannot be reached" in err and "Traceback" not in err
    assert out == f"0 bundles uploaded to {url}\n"
    assert re.search(r"3 bundles \([\d.]+kB\) left in the spool", err)


def test_35_processes_that_used_an_object_store_end_normally(three: Pod, url: str) -> None:
    for _ in range(5):
        push = _start(three, url)
        assert (push.wait(30), push.communicate()[1]) == (0, "")


def test_35_no_program_and_no_test_process_loads_obstore(tmp_path: Path) -> None:
    code = """
import sys
import snapagent, snapagent.replay.load, snapagent.replay.plugin, snapagent.capture.engine, snapagent.cli.commands.list
import snapagent.cli.commands.status
print(sorted(name for name in sys.modules if name.startswith("obstore")))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=True)
    assert done.stdout == "[]\n"
