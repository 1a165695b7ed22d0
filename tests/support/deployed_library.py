"""A program of `library_programs`, run with capture on and replayed, each in an interpreter of its own.

program = Deployed(tmp_path, "requests", ["requests"])
program.run(url)                  # the program's `main(url)`
program.replayed()                # {"program:cookies": ["equal"], ...}
"""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from snapagent.cli import launch

PROGRAMS = Path(__file__).with_name("library_programs")
_SECONDS = 100  # for a busy machine; nothing waits for it


class Deployed:
    """`environ` is what the program finds in its environment, at the capture and at the replay."""

    def __init__(self, folder: Path, program: str, dependencies: list[str], **environ: str) -> None:
        self.folder = folder
        self.environ = {**os.environ, **environ}
        self.source = (PROGRAMS / f"{program}_calls.py").read_text()
        (folder / "program.py").write_text(self.source)
        (folder / "snapagent.yaml").write_text(
            f"version: 1\nbudget: 100%\ndependencies: {json.dumps(dependencies)}\n"
            'targets: ["program:**"]\nexclude_targets: ["program:main", "program:*.__init__"]\n'
        )

    def run(self, *words: str) -> None:
        """Call the program's `main` with these words; nothing may appear on its streams."""
        code = "import sys, program; program.main(*sys.argv[1:])"
        environ = launch.environment_for(dict(self.environ), on=True)
        done = subprocess.run(
            [sys.executable, "-c", code, *words],
            cwd=self.folder,
            env=environ,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
        )
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")

    def replayed(self) -> dict[str, list[str]]:
        """The verdict over each bundle, by target; what is not equal has its differences beside it."""
        command = [sys.executable, "-m", "snapagent", "replay", "--json", "-j", "1", "--timeout", "30"]
        done = subprocess.run(
            command, cwd=self.folder, env=self.environ, capture_output=True, text=True, timeout=_SECONDS
        )
        assert done.stdout, done.stderr
        found: dict[str, list[str]] = {}
        for result in json.loads(done.stdout)["results"]:
            kind = result["kind"]
            told = kind if kind == "equal" else f"{kind}: {result['reason']} {result['differences']}"
            found.setdefault(result["target"].partition(":")[2], []).append(told)
        return found

    def assert_all_equal(self) -> None:
        """Every function of the program has bundles, and all of them are replayed equal."""
        found = self.replayed()
        assert {name: told for name, told in found.items() if set(told) != {"equal"}} == {}
        assert sorted(found) == self._targets()

    def move(self, folder: Path) -> None:
        """Another machine has the program in another folder."""
        shutil.move(self.folder, folder)
        self.folder = folder

    def _targets(self) -> list[str]:
        names = []
        for node in ast.parse(self.source).body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name != "main":
                names.append(node.name)
            if isinstance(node, ast.ClassDef):
                names += [
                    f"{node.name}.{each.name}"
                    for each in node.body
                    if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef) and each.name != "__init__"
                ]
        return sorted(names)
