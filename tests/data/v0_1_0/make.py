"""Makes the data in this folder. It is to be run with version 0.1.0 of snapagent and Python 3.11 only:

    python tests/data/v0_1_0/make.py

What it made is never made again. The data stands for what users have on disk, and `tests/test_pinned_names.py` shows
that later versions read it. The script works in WORK, so that no path of a developer's machine enters the data, and
takes along:

    store/       bundles without compression, a pin, a quota, counts left by a process, recordings of side effects
    store_zlib/  some of the same calls, compressed
    store_signed/  some of them, signed with KEY
    promoted/    what `snapagent promote` made of signed ones: a manifest
    hashes.json  the hashes of the calls in `calls.py`
    snapagent-capture.pth   what `snapagent enable` writes
    wrapper.pickle   what a program pickles that holds a wrapper after capture was switched off
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import snapagent

WORK = Path("/tmp/snapagent-0.1.0")
HERE = Path(__file__).resolve().parent
KEY = "a key for the data of version 0.1.0"
SOME = ("enter", "reject", "members")  # the targets of the smaller stores
PICKLE = """
import pickle, sys, pinshop, snapagent
wrapper = pinshop.quote
snapagent.uninstall()
sys.stdout.buffer.write(pickle.dumps(wrapper, 4))
"""
KEPT = (".key", ".quota")  # of the store's own files; the others are made anew


def run(*command: str, **environment: str) -> str:
    return run_for_bytes(*command, **environment).decode()


def run_for_bytes(*command: str, **environment: str) -> bytes:
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("SNAP", "SIDE", "CI"))}
    done = subprocess.run(
        [sys.executable, *command],
        cwd=WORK,
        env={**plain, "PYTHONPATH": str(WORK), "PYTHONDONTWRITEBYTECODE": "1", **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        check=True,
    )
    return done.stdout


def snap(store: str, *command: str, **environment: str) -> str:
    return run("-m", "snapagent", *command, "--captures-dir", store, **environment)


def capture(store: str, config: str, *command: str, **environment: str) -> str:
    return capture_for_bytes(store, config, *command, **environment).decode()


def capture_for_bytes(store: str, config: str, *command: str, **environment: str) -> bytes:
    return run_for_bytes(
        *("-m", "snapagent", "run", "--on", "--captures-dir", store, "--config", config, "--", sys.executable),
        *command,
        **environment,
    )


def config_of_some(name: str, extra: str) -> str:
    head, _, _ = (WORK / "snapagent.yaml").read_text().partition("targets:")
    text = head.replace("max_bytes: 20kB", f"max_bytes: 20kB{extra}")
    (WORK / name).write_text(f"{text}targets: [{', '.join(f'pinshop:{target}' for target in SOME)}]\n")
    return name


def leave_counts() -> None:
    """A process that ends while another holds the lock of the index leaves its counts beside it."""
    from filelock import UnixFileLock

    skipping = (WORK / "snapagent.yaml").read_text().replace("sync: true", "sync: false").replace("1000", "1")
    (WORK / "skipping.yaml").write_text(skipping)
    with UnixFileLock(WORK / "store" / "pinshop.quote" / ".lock"):
        capture("store", "skipping.yaml", "-c", "import pinshop; pinshop.quote([]); pinshop.quote([])")
    assert list((WORK / "store" / "pinshop.quote" / ".counts").glob("*.json"))


def record_side_effects() -> None:
    for file in (HERE / "effects").glob("*.py"):
        shutil.copy(file, WORK)
    options = ("-p", "no:cacheprovider", "-q", "--captures-dir", "store")
    run("-m", "pytest", *options, "checkout_cases.py", SIDE_EFFECT_CAPTURE="True")


def keep(store: str) -> None:
    shutil.rmtree(HERE / store, ignore_errors=True)
    for file in sorted((WORK / store).rglob("*")):
        name = file.name
        left_counts = file.parent.name == ".counts" and name.endswith(".json")
        if (
            file.is_file()
            and (not name.startswith(".") or name in KEPT)
            and (".counts" not in str(file) or left_counts)
        ):
            target = HERE / store / file.relative_to(WORK / store)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, target)


def main() -> None:
    assert snapagent.__version__ == "0.1.0", "the data is that of version 0.1.0"
    assert sys.version_info[:2] == (3, 11), "code that is stored by value belongs to Python 3.11"
    os.environ["TZ"] = "UTC"
    time.tzset()
    shutil.rmtree(WORK, ignore_errors=True)
    shutil.copytree(Path(snapagent.__file__).parent, WORK / "snapagent")
    for name in ("pinshop.py", "calls.py", "snapagent.yaml"):
        shutil.copy(HERE / name, WORK)
    (HERE / "hashes.json").write_text(capture("store", "snapagent.yaml", "calls.py", "store") + "\n")
    snap("store", "pin", "pinshop.quote")
    leave_counts()
    record_side_effects()
    zlib = config_of_some("zlib.yaml", ", compression: zlib")
    capture("store_zlib", zlib, "-c", "import calls; calls.make_calls()")
    signed = config_of_some("signed.yaml", "")
    capture("store_signed", signed, "-c", "import calls; calls.make_calls()", SNAPAGENT_KEY=KEY)
    snap("store_signed", "promote", "pinshop.enter", "pinshop.reject", "--to", "promoted", SNAPAGENT_KEY=KEY)
    for store in ("store", "store_zlib", "store_signed", "promoted"):
        keep(store)
    pth = "from snapagent.launch import pth_text; print(end=pth_text())"
    (HERE / "snapagent-capture.pth").write_text(run("-c", pth))
    (HERE / "wrapper.pickle").write_bytes(capture_for_bytes("elsewhere", "snapagent.yaml", "-c", PICKLE))
    shutil.rmtree(WORK)


if __name__ == "__main__":
    main()
