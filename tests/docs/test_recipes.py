"""The recipes for CI and containers: steps and commands run as they stand; what cannot run here is checked."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from test_documents import environment, steps

from snapagent.cli import main
from snapagent.config.reading import load_config
from snapagent.config.units import parse_duration

RECIPES = Path(__file__).parents[2] / "docs" / "how-to" / "recipes"
SIZES = {"Mi": 2**20, "Gi": 2**30}


def followed(page: str, folder: Path) -> dict[str, str]:
    """The files of a page, in a folder where its commands were run too."""
    files = {}
    for step in steps(RECIPES / page):
        if step.title:
            files[step.title] = step.text
            (folder / step.title).parent.mkdir(parents=True, exist_ok=True)
            (folder / step.title).write_text(step.text)
        for command in re.findall(r"^\$ (.*)$", step.text, re.MULTILINE) if not step.title else ():
            ran = run(command, folder)
            assert ran.returncode == 0, ran.stderr
    return files


def run(command: str, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-c", command], cwd=folder, env=environment() | variables, capture_output=True, text=True, timeout=120
    )


def run_steps(job: dict[str, Any]) -> list[str]:
    """The commands of a job, but for those that install what is here already."""
    found = [step["run"] for step in job["steps"] if "run" in step]
    return [command for command in found if "pip install" not in command]


def artifacts(job: dict[str, Any]) -> list[str]:
    return [step["with"]["path"] for step in job["steps"] if step.get("uses", "").startswith("actions/upload-artifact")]


def test_the_steps_of_the_workflow_run_and_make_the_files_that_it_keeps(tmp_path: Path) -> None:
    files = followed("github-actions.md", tmp_path)
    workflow = yaml.safe_load(files[".github/workflows/captures.yml"])
    assert set(workflow[True]) == {"push", "pull_request"}  # YAML 1.1 reads `on` as true; GitHub does not

    for job in workflow["jobs"].values():
        assert job["runs-on"] and all(set(step) & {"uses", "run"} for step in job["steps"])
        for command in run_steps(job):
            ran = run(command, tmp_path, CI="true")
            assert ran.returncode == 0, f"$ {command}\n{ran.stdout}{ran.stderr}"
        for pattern in artifacts(job):
            assert list(tmp_path.glob(pattern)), pattern


def test_a_change_fails_the_workflow_and_leaves_a_page_that_shows_it(tmp_path: Path) -> None:
    files = followed("github-actions.md", tmp_path)
    (tmp_path / "prices.py").write_text(files["prices.py"].replace(", 2)", ", 1)"))
    job = yaml.safe_load(files[".github/workflows/captures.yml"])["jobs"]["replay"]

    ran = [run(command, tmp_path, CI="true").returncode for command in run_steps(job)]

    assert ran == [1, 1]
    assert "16.81" in (tmp_path / "replay.html").read_text("utf-8")
    assert next(step for step in job["steps"] if "upload" in step.get("uses", ""))["if"] == "always()"


def instructions(dockerfile: str) -> list[tuple[str, str]]:
    joined = re.sub(r"\\\n", " ", dockerfile)
    return [(line.split()[0], line.partition(" ")[2]) for line in joined.splitlines() if line.strip()]


def test_the_image_is_made_of_instructions_and_commands_that_exist(tmp_path: Path) -> None:
    files = followed("containers.md", tmp_path)
    found = instructions(files["Dockerfile"])
    known = {"FROM", "WORKDIR", "RUN", "COPY", "ENV", "VOLUME", "USER", "CMD"}

    assert found[0][0] == "FROM"
    assert {word for word, _ in found} == known
    for word, rest in found:
        if word == "COPY":
            assert all((tmp_path / name).is_file() for name in rest.split()[:-1])
        if word == "RUN" and rest.startswith("snapagent"):
            assert CliRunner().invoke(main, [*shlex.split(rest)[1:], "--help"]).exit_code == 0
        if word == "RUN":
            assert run(f"bash -n -c {shlex.quote(rest)}", tmp_path).returncode == 0
    order = [word for word, _ in found]
    assert order.index("USER") > order.index("VOLUME") - 1  # the folder is made by root, for the user


def test_the_command_of_the_image_captures_with_its_variables(tmp_path: Path) -> None:
    found = dict(instructions(followed("containers.md", tmp_path)["Dockerfile"]))
    variables = dict(pair.split("=") for pair in found["ENV"].split())
    (place,) = [rest for word, rest in found.items() if word == "WORKDIR"]
    here = {name: value.replace(place, str(tmp_path)) for name, value in variables.items()}
    here["SNAPAGENT_CAPTURE_DIR"] = str(tmp_path / "mounted")
    command = shlex.join(yaml.safe_load(found["CMD"]))

    ran = run(f"snapagent run -- {command}", tmp_path, **here, SNAPAGENT_CAPTURE_ENABLED="1")

    assert ran.returncode == 0, ran.stderr
    assert len(list((tmp_path / "mounted" / "prices.net").glob("*.pkl"))) == 2


def test_compose_gives_the_last_calls_time_and_a_volume(tmp_path: Path) -> None:
    files = followed("containers.md", tmp_path)
    compose = yaml.safe_load(files["compose.yaml"])
    service = compose["services"]["shop"]

    volume, _, path = service["volumes"][0].partition(":")
    assert volume in compose["volumes"]
    assert f"SNAPAGENT_CAPTURE_DIR={path}" in files["Dockerfile"]
    assert parse_duration(service["stop_grace_period"]) > load_config(str(tmp_path / "snapagent.yaml")).exit_wait
    assert set(service["environment"]) <= documented_variables()


def documented_variables() -> set[str]:
    page = RECIPES.parents[1] / "reference" / "environment.md"
    return set(re.findall(r"`(SNAPAGENT_\w+)`", page.read_text("utf-8")))


def test_the_manifests_fit_together_and_their_configuration_is_valid(tmp_path: Path) -> None:
    settings, deployment = yaml.safe_load_all(followed("containers.md", tmp_path)["kubernetes.yaml"])
    spec = deployment["spec"]["template"]["spec"]
    (container,) = spec["containers"]
    variables = {variable["name"]: variable["value"] for variable in container["env"]}
    mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    volumes = {volume["name"]: volume for volume in spec["volumes"]}

    assert deployment["spec"]["selector"]["matchLabels"] == deployment["spec"]["template"]["metadata"]["labels"]
    assert mounts.keys() == volumes.keys()
    assert variables.keys() <= documented_variables()
    assert os.path.dirname(variables["SNAPAGENT_CAPTURE_DIR"]) == mounts["captures"]
    assert all(isinstance(value, str) for value in variables.values())
    assert volumes["snapagent"]["configMap"]["name"] == settings["metadata"]["name"]
    name = os.path.relpath(variables["SNAPAGENT_CONFIG"], mounts["snapagent"])
    (tmp_path / "mapped.yaml").write_text(settings["data"][name])
    config = load_config(str(tmp_path / "mapped.yaml"))
    assert spec["terminationGracePeriodSeconds"] > config.exit_wait
    limit = volumes["captures"]["emptyDir"]["sizeLimit"]
    assert int(limit[:-2]) * SIZES[limit[-2:]] > config.max_store_bytes
    assert run("snapagent check mapped.yaml", tmp_path).returncode == 0


@pytest.mark.parametrize("page", sorted(path.name for path in RECIPES.glob("*.md")))
def test_each_recipe_has_commands_that_run(page: str) -> None:
    assert any(step.language == "console" for step in steps(RECIPES / page))
