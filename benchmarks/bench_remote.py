"""What many pods and one pull cost, against a real SeaweedFS on loopback.

* Pull the newest 2 calls of 200 functions among 100,000 objects: requests, bytes, memory, and the time that rclone
  takes to copy everything, in the same run.
* Kill a push at a random moment, 100 times: every bundle that it had accepted arrives once.
* The calls a second of a program that captures, with a sidecar that pushes and without.

`--quick` takes a tenth of the objects and of the rounds.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from measure import Row, median_ratio, report, samples

SUPPORT = Path(__file__).resolve().parent.parent / "tests" / "support"
sys.path.append(str(SUPPORT))

import seaweedfs  # noqa: E402
from fault_proxy import FaultProxy  # noqa: E402
from fleet import KEY, Pod, listed  # noqa: E402
from seaweedfs import SeaweedFS  # noqa: E402

from snapagent.remote.keys import key_of  # noqa: E402
from snapagent.remote.objects import Objects  # noqa: E402
from snapagent.remote.urls import parse_url  # noqa: E402

QUICK = "--quick" in sys.argv
FUNCTIONS, EACH = (20, 500) if QUICK else (200, 500)
KILLS = 10 if QUICK else 100
SECONDS, ROUNDS = (1.0, 3) if QUICK else (4.0, 7)
BUCKET = f"s3://{seaweedfs.BUCKET}"

PROGRAM = """
import sys, time
import told
until = time.perf_counter() + float(sys.argv[1])
calls = 0
while time.perf_counter() < until:
    for _ in range(100):
        told.add(calls, 2)
    calls += 100
    time.sleep(0.001)
print(calls)
"""


def fill(folder: Path, url: str) -> None:
    """All objects are real signed bundles with different arguments; each function has the same calls."""
    pod = Pod(folder)
    entries = [pod.capture(("x" * 400, number), 600.0 + number) for number in range(EACH)]
    keys = [key_of(pod.store.header(entry), entry.name) for entry in entries]
    bodies = [Path(entry.path).read_bytes() for entry in entries]
    objects = Objects(parse_url(url))
    for at in range(FUNCTIONS):
        name = f"shop.module{at:03d}.quote"
        newest = [
            pod.capture(("x" * 400, number), 60.0 + number, target=f"shop.module{at:03d}:quote") for number in (1, 2)
        ]
        own = [(key_of(pod.store.header(one), one.name), Path(one.path).read_bytes()) for one in newest]
        others = [(key.replace(folder=name), body) for key, body in zip(keys[2:], bodies[2:], strict=True)]
        with ThreadPoolExecutor(8) as threads:
            list(threads.map(lambda pair: objects.create(*pair), own + others))


def environment(endpoint: str) -> dict[str, str]:
    return {**os.environ, **seaweedfs.environment(endpoint), "SNAPAGENT_KEY": KEY.secret.decode()}


def pull(url: str, into: Path, endpoint: str) -> tuple[float, int]:
    """Seconds, and the peak of resident memory in bytes, of one pull in a process of its own."""
    shutil.rmtree(into, ignore_errors=True)
    command = [sys.executable, "-m", "snapagent", "pull", url, "--keep", "2", "--to", str(into)]
    began = time.perf_counter()
    process = subprocess.Popen(command, env=environment(endpoint), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    assert len(list(into.glob("*/*.pkl"))) == 2 * FUNCTIONS
    return time.perf_counter() - began, usage.ru_maxrss * 1024


def copy_everything(url: str, into: Path, endpoint: str) -> float:
    """Seconds that rclone takes."""
    options = [
        "--config",
        "",
        "--s3-provider",
        "Other",
        "--s3-env-auth",
        "--s3-endpoint",
        endpoint,
        "--transfers",
        "16",
    ]
    place = url.removeprefix("s3://")
    began = time.perf_counter()
    rclone = str(Path(sys.executable).with_name("rclone"))
    subprocess.run([rclone, "copy", *options, f":s3:{place}", str(into)], env=environment(endpoint), check=True,
                   stderr=subprocess.DEVNULL)  # fmt: skip
    return time.perf_counter() - began


def pulling(base: Path, server: SeaweedFS) -> list[Row]:
    url = f"{BUCKET}/full"
    fill(base / "filling", url)
    proxy = FaultProxy(server.port).start()
    pull(url, base / "counted", proxy.url)
    lists, gets, received = proxy.count("LIST"), proxy.count("GET"), proxy.sent
    proxy.stop()
    seconds, memory = pull(url, base / "timed", server.url)
    everything = copy_everything(url, base / "everything", server.url)
    what = f"pull 2 of {FUNCTIONS} functions among {FUNCTIONS * EACH:,} objects"
    return [
        Row(f"{what}: LIST requests", "functions + 1", lists / (FUNCTIONS + 1), 1.0, detail=f"{lists}"),
        Row(f"{what}: GET requests", "2 a function, + 2", gets / (2 * FUNCTIONS + 2), 1.0, detail=f"{gets}"),
        Row(f"{what}: received", "40 MB", received / 40e6, 1.0, detail=f"{received / 1e6:.1f} MB"),
        Row(f"{what}: peak memory", "150 MB", memory / 150e6, 1.0, detail=f"{memory / 1e6:.0f} MB"),
        Row(
            "rclone copies everything", "a pull", everything / seconds, detail=f"{everything:.1f} s to {seconds:.1f} s"
        ),
    ]


def killing(base: Path, server: SeaweedFS) -> list[Row]:
    moments = random.Random(11)
    child = SUPPORT / "pushing_child.py"
    lost = accepted = 0
    for number in range(KILLS):
        pod, url = Pod(base / f"killed-{number}"), f"{BUCKET}/killed/{number}"
        for value in range(40):
            pod.capture(value)
        process = subprocess.Popen(
            [sys.executable, str(child), str(pod.captures), url], env=environment(server.url), stderr=subprocess.DEVNULL
        )
        while process.poll() is None and not (pod.captures / ".push" / "spool").exists():
            time.sleep(0.0005)
        time.sleep(moments.random() ** 3 * 0.12)  # often while it still accepts
        process.kill()
        process.wait()
        taken = set(pod.spooled()) | {line.split()[2] for line in pod.ledger().splitlines() if len(line.split()) == 5}
        shutil.rmtree(pod.captures / "shop.pricing.quote")
        pod.push(url)
        names = [path.rpartition("~")[2] for path in listed(url)]
        lost += len(taken - set(names)) + len(names) - len(set(names))
        accepted += len(taken)
    detail = f"{accepted} accepted in {KILLS} rounds"
    return [Row("accepted bundles lost or doubled by kills", "none (+1)", lost + 1.0, 1.0, detail=detail)]


def beside_a_sidecar(base: Path, server: SeaweedFS) -> list[Row]:
    folder = base / "program"
    folder.mkdir()
    (folder / "told.py").write_text("def add(left, right=1):\n    return left + right\n")
    (folder / "app.py").write_text(PROGRAM)
    (folder / "snapagent.yaml").write_text("version: 1\ntargets: ['told:add']\n")

    def run(*sidecar: str) -> float:
        shutil.rmtree(folder / "captures", ignore_errors=True)
        words = [sys.executable, "-m", "snapagent"]
        pushing = subprocess.Popen(
            [*words, *sidecar], cwd=folder, env=environment(server.url), stdout=subprocess.DEVNULL
        ) if sidecar else None  # fmt: skip
        while pushing is not None and not (folder / "captures" / ".push" / "status.json").exists():
            time.sleep(0.01)  # its start is not what is measured
        command = [*words, "run", "--on", "--", sys.executable, "app.py", str(SECONDS)]
        done = subprocess.run(command, cwd=folder, env=environment(server.url), check=True, capture_output=True)
        if pushing is not None:
            pushing.terminate()
            assert pushing.wait() == 0
        return 1.0 / int(done.stdout)

    times = samples({"with": lambda: run("push", f"{BUCKET}/beside", "--watch"), "without": run}, ROUNDS)
    ratio = 1.0 / median_ratio(times, "with", "without")
    return [Row("calls a second beside a sidecar", "without one", ratio, 0.97, at_least=True)]


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="bench-remote-") as folder:
        base = Path(folder)
        server = SeaweedFS(base / "server").start()
        os.environ.update(seaweedfs.environment(server.url))
        try:
            report(beside_a_sidecar(base, server))
            report(killing(base, server))
            report(pulling(base, server))
        finally:
            server.stop()


if __name__ == "__main__":
    main()
