"""The manifests of the page Many pods: their commands run as they stand, and their permissions are enough."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import seaweedfs
import yaml
from fault_proxy import FaultProxy
from fleet import KEY, Pod
from seaweedfs import SeaweedFS

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "many-pods.md"
BLOCK = re.compile(r"^```\w+ title=\"([^\"]+)\"\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FILES = dict(BLOCK.findall(PAGE.read_text("utf-8")))


def manifest(name: str) -> Any:
    return yaml.safe_load(FILES[name])


@pytest.fixture
def environ(seaweed: SeaweedFS, tmp_path: Path) -> dict[str, str]:
    """What the manifests take from secrets and from the cloud; the bucket is the test's."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("SNAP", "AWS_", "PYTEST_"))}
    return {
        **plain,
        **seaweedfs.environment(seaweed.url),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{plain['PATH']}",
        "SNAPAGENT_CAPTURE_DIR": str(tmp_path / "captures"),
        "SNAPAGENT_REMOTE": f"s3://{seaweedfs.BUCKET}/page{os.urandom(4).hex()}",
        "SNAPAGENT_KEY": KEY.secret.decode(),
    }


def words_of(command: list[str], environ: dict[str, str]) -> list[str]:
    """As Kubernetes hands them on: `$(NAME)` is the variable's value."""
    return [re.sub(r"\$\((\w+)\)", lambda found: environ[found[1]], word) for word in command]


def set_by(container: dict[str, Any]) -> set[str]:
    return {variable["name"] for variable in container["env"]}


def test_the_sidecar_and_the_cron_job_run_as_they_stand(environ: dict[str, str], tmp_path: Path) -> None:
    spec = manifest("deployment.yaml")["spec"]["template"]["spec"]
    sidecar, program = spec["initContainers"][0], spec["containers"][0]
    assert sidecar["restartPolicy"] == "Always"
    assert sidecar["env"] == program["env"] and sidecar["volumeMounts"] == program["volumeMounts"]
    assert set_by(sidecar) == {"SNAPAGENT_CAPTURE_DIR", "SNAPAGENT_REMOTE", "SNAPAGENT_KEY"}
    pod = Pod(tmp_path / "captures")
    for value in range(3):
        pod.capture(value, 7200 + value)

    command = words_of(sidecar["command"], environ)
    process = subprocess.Popen(command, env=environ, cwd=tmp_path, stdout=subprocess.PIPE, text=True)
    until = time.monotonic() + 20
    while not (tmp_path / "captures" / ".push" / "status.json").exists() and time.monotonic() < until:
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    out, _ = process.communicate(timeout=30)
    assert process.returncode == 0
    assert re.fullmatch(r"[01] bundles? uploaded to s3://.*\n", out)  # one of 500 pods: most upload nothing at first
    once = subprocess.run(["snapagent", "push"], env=environ, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "uploaded" in once.stdout

    job = manifest("prune.yaml")["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"][0]
    assert set_by(job) == {"SNAPAGENT_REMOTE"}
    done = subprocess.run(
        words_of(job["command"], environ), env=environ, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, "0 objects" in done.stderr) == (0, True)


def test_the_steps_in_ci_run_as_they_stand(environ: dict[str, str], tmp_path: Path) -> None:
    job = manifest("workflow.yaml")["jobs"]["replay"]
    steps = [step["run"] for step in job["steps"] if str(step.get("run", "")).startswith("snapagent")]
    assert set(job["env"]) == {"SNAPAGENT_REMOTE", "SNAPAGENT_KEY"}
    (tmp_path / "prices.py").write_text(FILES["prices.py"])
    (tmp_path / "app.py").write_text(FILES["app.py"])
    (tmp_path / "snapagent.yaml").write_text(FILES["snapagent.yaml"])
    for command in ("snapagent run --on -- python app.py", "snapagent push"):
        subprocess.run(command, shell=True, env=environ, cwd=tmp_path, check=True, capture_output=True)
    environ["SNAPAGENT_CAPTURE_DIR"] = str(tmp_path / "ci")

    printed = [
        subprocess.run(step, shell=True, env=environ, cwd=tmp_path, check=True, capture_output=True, text=True).stdout
        for step in steps
    ]

    assert "prices.net" in printed[0] and "EQUAL" in printed[1]
    assert (tmp_path / "replay.xml").exists()


def test_the_permissions_are_those_that_the_commands_use(
    seaweed: SeaweedFS, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def actions(name: str) -> set[str]:
        statements = json.loads(FILES[name])["Statement"]
        return {statement["Action"].removeprefix("s3:") for statement in statements}

    proxy = FaultProxy(seaweed.port).start()
    for name, value in seaweedfs.environment(proxy.url).items():
        monkeypatch.setenv(name, value)
    url = f"s3://{seaweedfs.BUCKET}/permissions{os.urandom(4).hex()}"
    pod = Pod(tmp_path / "pod")
    pod.capture(1)
    pod.push(url)
    assert {request.kind for request in proxy.requests} == {"PUT"}
    assert actions("pods.json") == {"PutObject"}
    proxy.forget()
    from fleet import pull

    pull(url, tmp_path / "laptop")
    assert {request.kind for request in proxy.requests} == {"LIST", "GET"}
    assert actions("readers.json") == {"ListBucket", "GetObject"}
    assert all("prefix=" in request.path for request in proxy.requests if request.kind == "LIST")
    proxy.stop()
