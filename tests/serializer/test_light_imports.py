"""What freezing plain data loads into the program: nothing that it would notice."""

from __future__ import annotations

import subprocess
import sys


def test_plain_data_needs_no_heavy_library() -> None:
    script = (
        "import sys\n"
        "from snapagent.serializer.freezing.freeze import FreezeRules, freeze_outcome\n"
        "freeze_outcome({'a': [1, 2.5, 'x']}, False, FreezeRules())\n"
        "heavy = {'dill', 'wrapt', 'yaml', 'filelock', 'ctypes', 'inspect', 'asyncio', 'dataclasses'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)

    assert done.stdout == "[]\n", done.stderr
