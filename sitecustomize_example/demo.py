"""From a running service to a passing test, in front of your eyes: `make demo`.

Starts the shop and its payment service, sends them requests, shows what was captured, stops both and replays the
captured calls as tests. Exits 0 only when every step went as it should.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from local_service import HERE, WORKERS, Service
from traffic import Answer, Request, requests, send_all

CAPTURES = HERE / "captures"
WORK = HERE / "var"  # the shop's database and the logs of both services
QUOTES, ORDERS, DELIVERIES, REPORTS = 300, 160, 120, 20
THREADS = 6
EXPECTED_CALLS = {  # each request of a kind calls its service function once
    "shop.services.quote_basket": QUOTES,
    "shop.services.place_order": ORDERS,
    "shop.services.estimate_delivery": DELIVERIES,
    "shop.services.report": REPORTS,
}


class DemoFailedError(Exception):
    """A step did not go as it should."""


def main() -> int:
    started = time.monotonic()
    try:
        prepare()
        serve_and_look()
        check_counts()
        replay()
        replay_changed_code()
    except DemoFailedError as error:
        print(f"\nThe demo failed: {error}")
        return 1
    except KeyboardInterrupt:
        print("\nStopped; both services have ended.")
        return 130
    print(f"\nAll is well: that test had to fail. The demo took {time.monotonic() - started:.0f} s.")
    print(f"The captured calls stay in {CAPTURES}.")
    print("Look around:  cd sitecustomize_example && ../.venv/bin/snapagent list")
    return 0


def heading(text: str) -> None:
    print(f"\n=== {text}", flush=True)


def prepare() -> None:
    heading("1. A web service that knows nothing of snapagent")
    files = sorted([*HERE.glob("shop/*.py"), *HERE.glob("payments/*.py")])
    guilty = [path.name for path in files if "snapagent" in path.read_text().lower()]
    if guilty:
        raise DemoFailedError(f"these files of the service mention snapagent: {', '.join(guilty)}")
    print(f"shop/ and payments/ are two Flask applications, {len(files)} files. None contains the word 'snapagent'.")
    print("The shop prices baskets and takes orders: it keeps them in an SQLite database and calls the payment")
    print("service over HTTP. Two files beside them switch the capturing on:")
    show_file("sitecustomize.py", "Python runs it whenever an interpreter starts")
    show_file("snapagent.yaml", "the functions whose calls are wanted")
    print("\nIs there a function for each line of it?")
    command("check")
    for folder in (CAPTURES, WORK):  # what an earlier run left
        shutil.rmtree(folder, ignore_errors=True)
    WORK.mkdir()


def show_file(name: str, meaning: str) -> None:
    print(f"\n  {name}  ({meaning})")
    for line in (HERE / name).read_text().splitlines():
        print(f"    {line}".rstrip())


def serve_and_look() -> None:
    heading("2. Start both services with SNAPAGENT_CAPTURE_ENABLED=1 in their environment")
    common = {"SNAPAGENT_CAPTURE_ENABLED": "1", "PAYMENTS_API_KEY": "demo-key-of-the-shop"}
    services: list[Service] = []
    try:
        payments = start("payments.app:app", common, services)
        environ = {**common, "SHOP_DATABASE": str(WORK / "shop.sqlite3"), "SHOP_PAYMENTS_URL": payments.url}
        shop = start("shop.wsgi:app", environ, services)
        send_requests(shop)
        look()
    finally:
        stop(services)


def start(app: str, environ: dict[str, str], services: list[Service]) -> Service:
    service = Service(app, cwd=HERE, log=WORK / f"{app.partition('.')[0]}.log", environ=environ)
    services.append(service)
    try:
        service.wait_until_ready()
    except RuntimeError as error:
        raise DemoFailedError(str(error)) from error
    print(f"{app:<17} answers at {service.url}, gunicorn with {WORKERS} workers")
    return service


def send_requests(shop: Service) -> None:
    wanted = requests(QUOTES, ORDERS, DELIVERIES, REPORTS)
    heading(f"3. Send {len(wanted)} different requests from {THREADS} threads, some of them wrong on purpose")
    began = time.monotonic()
    answered = list(send_all(shop.url, wanted, THREADS))
    print_answers(answered)
    print(f"That took {time.monotonic() - began:.1f} s. Every answer has the status code that it should have.")
    for request, answer in answered:
        if answer.status not in request.expected:
            raise DemoFailedError(f"{request.route} answered {answer.status}: {answer.text[:300]}; see {shop.log}")


def print_answers(answered: Iterable[tuple[Request, Answer]]) -> None:
    counts = Counter((request.route, answer.status) for request, answer in answered)
    for route in sorted({route for route, _ in counts}):
        line = ", ".join(f"{number} x {status}" for (known, status), number in sorted(counts.items()) if known == route)
        print(f"  {route:<15} {line}")


def look() -> None:
    heading("4. See what was captured, without running any of it")
    wait_for_index()
    command("list")
    print("\nOne captured call. merge_lines changes the list that it is given; the arguments are kept as they came:")
    command("show", "shop.basket.merge_lines")
    print("\nHow the newest two calls of a function differ:")
    command("diff", "shop.pricing.quote", allowed=(0, 1))


def command(*words: str, allowed: tuple[int, ...] = (0,)) -> None:
    print(f"\n$ snapagent {' '.join(words)}", flush=True)
    environ = {**os.environ, "COLUMNS": "118"}
    environ.pop("SNAPAGENT_CAPTURE_ENABLED", None)
    done = subprocess.run([sys.executable, "-m", "snapagent", *words], cwd=HERE, env=environ, timeout=60, check=False)
    if done.returncode not in allowed:
        raise DemoFailedError(f"'snapagent {' '.join(words)}' exited with {done.returncode}")


def stop(services: list[Service]) -> None:
    heading("5. Stop both services")
    for service in reversed(services):
        code = service.stop()
        if code != 0 or service.is_reachable():
            raise DemoFailedError(f"{service.app} ended with exit code {code}; see {service.log}")
        print(f"{service.app:<17} has ended, nobody answers at {service.url} any more")
    (WORK / "shop.sqlite3").unlink(missing_ok=True)
    print("The shop's database is deleted too.")


def wait_for_index(seconds: float = 10.0) -> None:
    """While the service runs, the index is at most a second behind."""
    until = time.monotonic() + seconds
    while miscounted() and time.monotonic() < until:
        time.sleep(0.1)


def miscounted() -> list[str]:
    return [
        f"{name}: {counted(name)} calls counted, {calls} were made"
        for name, calls in EXPECTED_CALLS.items()
        if counted(name) != calls
    ]


def counted(name: str) -> int:
    try:
        calls: int = json.loads((CAPTURES / name / "index.json").read_text())["calls"]
    except FileNotFoundError:
        return 0
    return calls


def check_counts() -> None:
    heading("6. Check the captures")
    if miscounted():
        raise DemoFailedError("; ".join(miscounted()))
    for name, calls in EXPECTED_CALLS.items():
        kept = len(list((CAPTURES / name).glob("*.pkl")))
        print(f"  {name:<32} {calls:>4} requests sent, {counted(name):>4} calls counted in both workers, {kept} kept")
    torn = [path.name for path in CAPTURES.rglob("*.tmp*")]
    if torn:
        raise DemoFailedError(f"temporary files were left behind: {', '.join(torn)}")


def replay() -> None:
    heading("7. Run the tests that replay the captured calls: no service, no database, no network")
    code = run_tests(HERE, "-v")
    if code != 0:
        raise DemoFailedError(f"the replay tests ended with exit code {code}")


def replay_changed_code() -> None:
    heading("8. What such a test says when the code changes")
    print("In a copy of the shop, VAT is one percentage point too high:")
    copy = WORK / "changed_shop"
    for name in ("shop", "tests"):
        shutil.copytree(HERE / name, copy / name)
    shutil.copy(HERE / "pytest.ini", copy)
    pricing = copy / "shop" / "pricing.py"
    pricing.write_text(pricing.read_text().replace("VAT[country]", '(VAT[country] + Decimal("0.01"))'))
    code = run_tests(copy, "-q", "--tb=short", "-x", "-k", "test_quote", f"--captures-dir={CAPTURES}")
    if code != 1:
        raise DemoFailedError(f"the tests should have found the change, but ended with exit code {code}")


def run_tests(folder: Path, *options: str) -> int:
    """Run the tests of `folder` with capturing off; return pytest's exit code."""
    print(f"\n$ pytest {' '.join(options)}    (in {folder.relative_to(HERE.parent)})", flush=True)
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("SNAPAGENT_", "PYTEST_"))}
    command = [sys.executable, "-m", "pytest", *options]
    return subprocess.run(command, cwd=folder, env=environ, timeout=120, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
