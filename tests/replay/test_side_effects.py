"""The fixture `side_effects` in real pytest runs: recorded once, served afterwards, never guessed."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from bundles import Shop

pytest_plugins = ("pytester",)

GATEWAY = """
import os

LOG = os.path.join(os.path.dirname(__file__), "real_calls.txt")


def real(what):
    if os.environ.get("NO_REAL"):
        raise RuntimeError("the real thing was used: " + what)
    with open(LOG, "a") as log:
        log.write(what + "\\n")


class Declined(Exception):
    def __init__(self, order, why):
        super().__init__(f"{order}: {why}")
        self.order, self.why = order, why


class RealGateway:
    def __init__(self):
        real("connect")
        self.count = 0

    def charge(self, order, amount=1, *, currency="USD"):
        real(f"charge {order} {amount}")
        self.count += 1
        if amount < 0:
            raise Declined(order, "negative")
        return {"order": order, "amount": amount, "nth": self.count}

    async def fetch(self, order):
        real(f"fetch {order}")
        return [order]

    def pages(self, start, fail_at=None):
        real(f"pages {start}")
        for number in range(start, start + 3):
            if number == fail_at:
                raise Declined(start, "page")
            yield number

    @classmethod
    def rates(cls, name):
        real(f"rates {name}")
        return cls.__name__ + name

    @staticmethod
    def clock():
        real("clock")
        return 42


def send(address, text="hi"):
    real(f"send {address} {text}")
    return len(text)
"""
CHECKOUT = """
import gateway


def checkout(gateway, orders):
    return [gateway.charge(order, amount=order * 2) for order in orders]


def notify(address):
    return gateway.send(address, text="done")


def careless(gateway, order):
    try:
        return gateway.charge(order)
    except Exception:
        return None
"""
RECORD = {"SIDE_EFFECT_CAPTURE": "True"}


class Project:
    """A small project whose tests use a gateway."""

    def __init__(self, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
        self.pytester = pytester
        self.folder = pytester.path
        self._monkeypatch = monkeypatch
        monkeypatch.setattr(sys, "dont_write_bytecode", True)  # files change within a second
        pytester.makepyfile(gateway=GATEWAY, checkout=CHECKOUT)
        pytester.makeini("[pytest]\npythonpath = .\naddopts = -p no:randomly\n")

    def write(self, text: str, name: str = "test_shop") -> None:
        head = "import pytest\nfrom gateway import *\nfrom checkout import *\n"
        self.pytester.makepyfile(**{name: head + "\n".join(line[8:] for line in text.splitlines())})

    def run(self, *options: str, **environment: str) -> pytest.RunResult:
        for name in ("SIDE_EFFECT_CAPTURE", "CI", "NO_REAL"):
            self._monkeypatch.delenv(name, raising=False)
        for name, value in environment.items():
            self._monkeypatch.setenv(name, value)
        return self.pytester.runpytest_inprocess(*options)

    def real_calls(self) -> list[str]:
        log = self.folder / "real_calls.txt"
        return log.read_text().splitlines() if log.exists() else []

    def recordings(self) -> list[str]:
        root = self.folder / "captures" / "side_effects"
        return sorted(path.relative_to(root).as_posix() for path in root.rglob("*.pkl"))


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Project:
    return Project(pytester, monkeypatch)


NOTIFY = """
        def test_it(side_effects):
            side_effects.patch("gateway:send")
            assert notify("a") == 4
"""
WITH_MOCK = """
        @pytest.fixture
        def gateway(mocker, side_effects):
            gateway = mocker.create_autospec(RealGateway, instance=True)
            gateway.charge.side_effect = side_effects.wrap("gateway:RealGateway.charge", make=RealGateway)
            return gateway
"""


def test_the_first_run_records_and_the_second_needs_nothing_real(project: Project) -> None:
    project.write(
        WITH_MOCK
        + """
        def test_checkout(gateway, side_effects):
            assert checkout(gateway, [1, 2]) == [
                {"order": 1, "amount": 2, "nth": 1}, {"order": 2, "amount": 4, "nth": 2}]
            side_effects.assert_calls(gateway.charge)
        """
    )
    project.run().assert_outcomes(failed=1)
    assert project.real_calls() == []
    assert project.recordings() == []
    result = project.run(**RECORD)
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["2 recorded"])
    assert project.real_calls() == ["connect", "charge 1 2", "charge 2 4"]
    paths = project.recordings()
    assert [path.rpartition("/")[0] for path in paths] == ["test_shop/test_checkout/RealGateway.charge"] * 2
    assert all(len(Path(path).stem) == 16 for path in paths)
    project.run(NO_REAL="1").assert_outcomes(passed=1)


def test_the_mode_may_come_from_a_dotenv_file_and_the_environment_goes_first(project: Project) -> None:
    project.write(NOTIFY)
    (project.folder / ".env").write_text("SIDE_EFFECT_CAPTURE=True\n")
    project.run(SIDE_EFFECT_CAPTURE="False").assert_outcomes(failed=1)
    project.run().assert_outcomes(passed=1)
    assert project.real_calls() == ["send a done"]


def test_in_ci_nothing_is_recorded_unless_forced(project: Project) -> None:
    project.write(NOTIFY)
    result = project.run(SIDE_EFFECT_CAPTURE="True", CI="true")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*CI is set*force*"])
    assert project.recordings() == []
    project.run(SIDE_EFFECT_CAPTURE="force", CI="true").assert_outcomes(passed=1)
    project.run(CI="true", NO_REAL="1").assert_outcomes(passed=1)


def test_exceptions_are_recorded_and_raised_again(project: Project) -> None:
    project.write(
        WITH_MOCK
        + """
        def test_declined(gateway):
            with pytest.raises(Declined, match="7: negative") as caught:
                gateway.charge(7, amount=-1)
            assert (caught.value.order, caught.value.why) == (7, "negative")
        """
    )
    project.run(**RECORD).assert_outcomes(passed=1)
    project.run(NO_REAL="1").assert_outcomes(passed=1)


def test_the_same_arguments_are_served_in_order(project: Project) -> None:
    project.write(
        WITH_MOCK
        + """
        def test_thrice(gateway):
            assert [gateway.charge(1)["nth"] for _ in range(3)] == [1, 2, 3]
        """
    )
    project.run(**RECORD).assert_outcomes(passed=1)
    stems = [Path(path).stem for path in project.recordings()]
    assert len(stems) == 3
    assert {stem[16:] for stem in stems} == {"", "-2", "-3"}
    project.run(NO_REAL="1").assert_outcomes(passed=1)
    text = (project.folder / "test_shop.py").read_text()
    (project.folder / "test_shop.py").write_text(text.replace("range(3)", "range(4)"))
    result = project.run()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*the same call, 3 times; this is call 4*"])
    (project.folder / "test_shop.py").write_text(
        text.replace("range(3)", "range(4)").replace("3]", "3, 3]").replace("make=", "repeat='last', make=")
    )
    project.run(NO_REAL="1").assert_outcomes(passed=1)


def test_spelling_of_a_call_does_not_matter(project: Project) -> None:
    project.write(
        WITH_MOCK
        + """
        def test_it(gateway):
            assert gateway.charge(ORDER)["amount"] == 1
        """
    )
    text = (project.folder / "test_shop.py").read_text()
    (project.folder / "test_shop.py").write_text(text.replace("ORDER", "5"))
    project.run(**RECORD).assert_outcomes(passed=1)
    (project.folder / "test_shop.py").write_text(text.replace("ORDER", "order=5, amount=1, currency='USD'"))
    project.run(NO_REAL="1").assert_outcomes(passed=1)


def test_coroutines_generators_class_and_static_methods_and_functions(project: Project) -> None:
    project.write(
        """
        import asyncio, gateway as module

        def test_all(side_effects, mocker):
            fake = mocker.create_autospec(RealGateway, instance=True)
            fake.fetch.side_effect = side_effects.wrap("gateway.RealGateway.fetch", make=RealGateway)
            assert asyncio.run(fake.fetch(3)) == [3]
            pages = side_effects.wrap("gateway:RealGateway.pages", make=RealGateway)
            assert list(pages(1)) == [1, 2, 3]
            items = pages(5, fail_at=6)
            assert next(items) == 5
            with pytest.raises(Declined):
                next(items)
            half = pages(8)
            assert next(half) == 8
            half.close()
            assert side_effects.wrap("gateway:RealGateway.rates")("x") == "RealGatewayx"
            assert side_effects.wrap(RealGateway.clock)() == 42
            assert side_effects.wrap(lambda a, b=2: a + b, name="sum")(1) == 3
            assert side_effects.wrap(RealGateway.charge, make=RealGateway)(1)["nth"] == 1
        """
    )
    project.run(**RECORD).assert_outcomes(passed=1)
    assert "fetch 3" in project.real_calls()
    project.run(NO_REAL="1").assert_outcomes(passed=1)


def test_more_items_of_a_generator_than_were_taken_are_a_miss(project: Project) -> None:
    project.write(
        """
        def test_it(side_effects):
            pages = side_effects.wrap("gateway:RealGateway.pages", make=RealGateway)(8)
            assert [next(pages) for _ in range(NUMBER)]
            pages.close()
        """
    )
    text = (project.folder / "test_shop.py").read_text()
    (project.folder / "test_shop.py").write_text(text.replace("NUMBER", "2"))
    project.run(**RECORD).assert_outcomes(passed=1)
    (project.folder / "test_shop.py").write_text(text.replace("NUMBER", "3"))
    project.run().assert_outcomes(failed=1)


def test_attributes_of_modules_and_classes_are_patched_and_put_back(project: Project) -> None:
    project.write(
        """
        import gateway as module

        ORIGINALS = (module.send, RealGateway.__dict__["charge"], RealGateway.__dict__["rates"])

        def test_patched(side_effects):
            side_effects.patch("gateway:send")
            charge = side_effects.patch("gateway:RealGateway.charge")
            side_effects.patch("gateway:RealGateway.rates")
            side_effects.patch("gateway:RealGateway.clock")
            side_effects.patch("gateway:RealGateway.__init__")
            assert notify("a") == 4
            assert RealGateway.rates("y") == "RealGatewayy"
            assert RealGateway.clock() == RealGateway.clock() == 42
            side_effects.assert_calls(charge)

        def test_put_back():
            assert (module.send, RealGateway.__dict__["charge"], RealGateway.__dict__["rates"]) == ORIGINALS

        def test_a_method_is_recorded_on_the_callers_instance(side_effects):
            side_effects.patch("gateway:RealGateway.charge")
            gateway = RealGateway.__new__(RealGateway)
            gateway.count = 4
            assert gateway.charge(1)["nth"] == 5
        """
    )
    project.run(**RECORD).assert_outcomes(passed=3)
    project.run(NO_REAL="1").assert_outcomes(passed=3)


def test_a_changed_call_shows_the_nearest_recording_and_where_it_differs(project: Project) -> None:
    project.write(
        WITH_MOCK
        + """
        def test_checkout(gateway):
            checkout(gateway, [1, 20])
        """
    )
    project.run(**RECORD).assert_outcomes(passed=1)
    text = (project.folder / "checkout.py").read_text()
    (project.folder / "checkout.py").write_text(text.replace("order * 2", "order * 3"))
    result = project.run()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "*SideEffectNotRecorded: RealGateway.charge has no recording for RealGateway.charge(*order=1, amount=3*",
            "*nearest recording:*",
            "*RealGateway.charge(*order=1, amount=2*",
            "*amount: expected 2, got 3*",
            "*SIDE_EFFECT_CAPTURE=True*",
        ]
    )


def test_a_swallowed_miss_fails_the_test_at_its_end(project: Project) -> None:
    project.write(
        WITH_MOCK
        + """
        def test_careless(gateway):
            assert careless(gateway, 1) is None
        """
    )
    result = project.run()
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*went on after a side effect that could not be served*", "*order=1*"])


def test_a_swallowed_error_of_a_broken_recording_fails_the_test_too(project: Project) -> None:
    project.write(
        WITH_MOCK
        + """
        def test_careless(gateway):
            careless(gateway, 1)
        """
    )
    project.run(**RECORD).assert_outcomes(passed=1)
    (path,) = (project.folder / "captures" / "side_effects").rglob("*.pkl")
    path.write_bytes(path.read_bytes()[:-1])
    result = project.run()
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*could not be served*", "*digest*"])


def test_recordings_of_a_failed_test_are_not_kept(project: Project) -> None:
    project.write(
        WITH_MOCK
        + """
        def test_it(gateway):
            assert gateway.charge(1)["nth"] == 2
        """
    )
    project.run(**RECORD).assert_outcomes(failed=1)
    assert project.recordings() == []


def test_unused_recordings_of_tests_that_ran_are_reported_and_strictness_fails(project: Project) -> None:
    project.write(
        WITH_MOCK
        + """
        @pytest.mark.parametrize("orders", [[1, 2]])
        def test_checkout(gateway, orders):
            checkout(gateway, orders)

        def test_other(gateway):
            checkout(gateway, [9])
        """
    )
    project.run(**RECORD).assert_outcomes(passed=2)
    text = (project.folder / "test_shop.py").read_text()
    (project.folder / "test_shop.py").write_text(
        text.replace("    checkout(gateway, orders)", "    checkout(gateway, orders[:1])")
    )
    result = project.run("-k", "test_checkout")
    result.assert_outcomes(passed=1, deselected=1)
    result.stdout.fnmatch_lines(["1 recordings were not used by their tests*", "*test_checkout?orders0?*"])
    result = project.run("--captures-strict")
    result.assert_outcomes(passed=2, errors=1)
    assert result.ret == 1
    assert len(project.recordings()) == 3


def test_assert_calls_names_the_calls_that_differ(project: Project) -> None:
    project.write(
        WITH_MOCK
        + """
        def test_it(gateway, side_effects):
            checkout(gateway, ORDERS)
            side_effects.assert_calls(gateway.charge OPTION)
        """
    )
    text = (project.folder / "test_shop.py").read_text()

    def run(orders: str, option: str, **environment: str) -> pytest.RunResult:
        (project.folder / "test_shop.py").write_text(text.replace("ORDERS", orders).replace(" OPTION", option))
        return project.run(**environment)

    run("[1, 2, 3]", "", **RECORD).assert_outcomes(passed=1)
    run("[1, 2, 3]", "").assert_outcomes(passed=1)
    result = run("[1, 3, 2]", "")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*call 2: recorded*order=2*", "*saw*order=3*", "*order: expected 2, got 3*"])
    run("[1, 3, 2]", ", any_order=True").assert_outcomes(passed=1)
    result = run("[1, 2]", ", any_order=True")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*not made: RealGateway.charge(*order=3*"])
    run("[1, 2]", "").stdout.fnmatch_lines(["*call 3: not made*"])


def test_the_order_of_calls_survives_recording_in_two_runs(project: Project) -> None:
    project.write(
        WITH_MOCK
        + """
        def test_it(gateway, side_effects):
            checkout(gateway, ORDERS)
            side_effects.assert_calls(gateway.charge)
        """
    )
    text = (project.folder / "test_shop.py").read_text()
    (project.folder / "test_shop.py").write_text(text.replace("ORDERS", "[2]"))
    project.run(**RECORD).assert_outcomes(passed=1)
    (project.folder / "test_shop.py").write_text(text.replace("ORDERS", "[1, 2, 3]"))
    project.run(**RECORD).assert_outcomes(passed=1)
    assert project.real_calls() == ["connect", "charge 2 4", "connect", "charge 1 2", "charge 3 6"]
    project.run(NO_REAL="1").assert_outcomes(passed=1)


def test_ignored_arguments_do_not_matter(project: Project) -> None:
    project.write(
        """
        import uuid

        def test_it(side_effects):
            send = side_effects.wrap("gateway:send", ignore=["text"])
            assert send("a", text=uuid.uuid4().hex) == 32
        """
    )
    project.run(**RECORD).assert_outcomes(passed=1)
    project.run(NO_REAL="1").assert_outcomes(passed=1)


def test_secrets_are_redacted_in_recordings_and_in_messages_and_still_match(project: Project) -> None:
    project.write(
        """
        def test_it(side_effects):
            sign_in = side_effects.wrap(lambda user, password: {"user": user, "password": password}, name="sign_in")
            assert sign_in("ann", password="correct-horse-battery")["user"] == "ann"
            with pytest.raises(AssertionError):
                sign_in(OTHER, password="correct-horse-battery")
        """
    )
    text = (project.folder / "test_shop.py").read_text()
    (project.folder / "test_shop.py").write_text(text[: text.index("with")].rstrip())
    project.run(**RECORD).assert_outcomes(passed=1)
    (project.folder / "test_shop.py").write_text(text.replace("OTHER", "'bob'"))
    result = project.run("--tb=short")
    assert "bob" in result.stdout.str()
    assert "correct-horse" not in result.stdout.str()
    for path in (project.folder / "captures").rglob("*"):
        assert path.is_dir() or b"correct-horse" not in path.read_bytes()


def test_a_secret_that_one_call_returns_and_the_next_takes_is_nowhere_stored_and_still_matches(
    project: Project,
) -> None:
    project.write(
        """
        def log_in(user):
            return {"user": user, "token": "tok-5up3rs3cr3t-" + user}

        def fetch(url, headers):
            return {"url": url, "echo": headers}

        def test_it(side_effects):
            token = side_effects.wrap(log_in)("ann")["token"]
            fetched = side_effects.wrap(fetch)
            first = fetched("/a", headers={"X-Thing": "t=" + token})
            assert first["url"] == "/a"
            assert fetched("/b", first["echo"])["url"] == "/b"
        """
    )
    project.run(**RECORD).assert_outcomes(passed=1)
    for path in (project.folder / "captures").rglob("*"):
        assert path.is_dir() or b"5up3rs3cr3t" not in path.read_bytes()
    project.run().assert_outcomes(passed=1)
    assert len(project.recordings()) == 3


def test_a_result_that_cannot_be_stored_warns_and_takes_a_stand_in(project: Project) -> None:
    project.write(
        """
        import socket

        def connect(host):
            return {"host": host, "socket": socket.socket()}

        def test_it(side_effects):
            wrapped = side_effects.wrap(connect, facsimiles={"result.socket": "stand-in"})
            found = wrapped("h")
            assert found["host"] == "h"
            assert SERVED is False or found["socket"] == "stand-in"
        """
    )
    text = (project.folder / "test_shop.py").read_text()
    (project.folder / "test_shop.py").write_text(text.replace("SERVED", "False"))
    result = project.run(**RECORD)
    result.assert_outcomes(passed=1, warnings=1)
    result.stdout.fnmatch_lines(["*connect: its result cannot be recorded whole: result.socket*"])
    (project.folder / "test_shop.py").write_text(text.replace("SERVED", "True"))
    project.run().assert_outcomes(passed=1)


def test_a_call_that_was_cancelled_is_not_recorded_and_spoils_nothing(project: Project) -> None:
    project.write(
        """
        import asyncio

        async def slow(number):
            await asyncio.sleep(number)
            return number

        def test_it(side_effects):
            wrapped = side_effects.wrap(slow)

            async def run():
                assert await wrapped(0) == 0
                with pytest.raises(asyncio.TimeoutError):
                    await asyncio.wait_for(wrapped(60), 0.01)

            asyncio.run(run())
        """
    )
    project.run(**RECORD).assert_outcomes(passed=1)
    assert len(project.recordings()) == 1


def test_the_bundle_and_the_tests_own_parameters_have_their_own_place(project: Project) -> None:
    project.write(
        """
        @pytest.mark.parametrize("currency", ["EUR", "USD"])
        @pytest.mark.captures("checkout.notify")
        @pytest.mark.parametrize("amount", [7])
        def test_it(bundle, side_effects, currency, amount):
            side_effects.patch("gateway:send")
            bundle.check()
        """
    )

    def notify(address: str) -> int:
        return 4

    entry = Shop(project.folder / "captures").capture("checkout:notify", notify, "a")
    project.run(**RECORD).assert_outcomes(passed=2)
    folders = {path.rpartition("/")[0] for path in project.recordings()}
    stem = entry.name.removesuffix(".pkl")
    assert folders == {f"test_shop/test_it[7-{currency}]/send/{stem}" for currency in ("EUR", "USD")}
    project.run(NO_REAL="1").assert_outcomes(passed=2)


def test_a_patched_method_can_be_recorded_on_an_object_made_for_it(project: Project) -> None:
    project.write(
        """
        def test_it(side_effects):
            side_effects.patch("gateway:RealGateway.charge", make=RealGateway, name="charge")
            gateway = RealGateway.__new__(RealGateway)  # as a bundle has it: without what was redacted or excluded
            assert [gateway.charge(order)["nth"] for order in (1, 2)] == [1, 2]
        """
    )
    project.run(**RECORD).assert_outcomes(passed=1)
    assert project.real_calls() == ["connect", "charge 1 1", "charge 2 1"]
    assert {path.split("/")[2] for path in project.recordings()} == {"charge"}
    project.run(NO_REAL="1").assert_outcomes(passed=1)


def test_a_patched_function_may_be_wrapped_too(project: Project) -> None:
    project.write(
        """
        def test_it(side_effects):
            side_effects.patch("gateway:send")
            assert notify("a") == 4
            assert side_effects.wrap("gateway:send")("b", "xyz") == 3
        """
    )
    project.run(**RECORD).assert_outcomes(passed=1)
    assert project.real_calls() == ["send a done", "send b xyz"]
    project.run(NO_REAL="1").assert_outcomes(passed=1)


def test_two_effects_of_one_name_are_told_apart_or_refused(project: Project) -> None:
    project.write(
        """
        def send(address):
            return "mine"

        def test_it(side_effects):
            side_effects.wrap("gateway:send")
            with pytest.raises(ValueError, match="name="):
                side_effects.wrap(send)
            side_effects.wrap(send, name="my_send")
        """
    )
    project.run().assert_outcomes(passed=1)


def test_names_that_do_not_exist_are_explained(project: Project) -> None:
    project.write(
        """
        def test_it(side_effects):
            side_effects.patch("gateway:sned")
        """
    )
    result = project.run()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*has no 'sned'*near: send*"])


def test_tests_in_classes_and_folders_have_their_own_recordings(project: Project) -> None:
    (project.folder / "tests").mkdir()
    project.write(
        """
        class TestCart:
            @pytest.mark.parametrize("currency", ["EUR", "USD"])
            def test_add(self, side_effects, currency):
                assert side_effects.wrap("gateway:RealGateway.charge", make=RealGateway)(1, currency=currency)
        """,
        "tests/test_cart",
    )
    project.run("tests", **RECORD).assert_outcomes(passed=2)
    folders = {path.rpartition("/")[0] for path in project.recordings()}
    assert folders == {
        "tests/test_cart/TestCart.test_add[EUR]/RealGateway.charge",
        "tests/test_cart/TestCart.test_add[USD]/RealGateway.charge",
    }


def test_side_effects_work_in_threads(project: Project) -> None:
    project.write(
        """
        from concurrent.futures import ThreadPoolExecutor

        def test_it(side_effects):
            send = side_effects.wrap("gateway:send")
            with ThreadPoolExecutor(8) as pool:
                assert list(pool.map(lambda n: send("a", text="x" * n), range(50))) == list(range(50))
        """
    )
    project.run(**RECORD).assert_outcomes(passed=1)
    project.run(NO_REAL="1").assert_outcomes(passed=1)


def test_recordings_are_private_and_whole(project: Project) -> None:
    project.write("        def test_it(side_effects):\n            side_effects.wrap('gateway:send')('a')\n")
    project.run(**RECORD).assert_outcomes(passed=1)
    (path,) = (project.folder / "captures" / "side_effects").rglob("*.pkl")
    assert path.stat().st_mode & 0o077 == 0
    path.write_bytes(path.read_bytes()[:-1])
    result = project.run()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*CorruptBundleError*digest*"])
