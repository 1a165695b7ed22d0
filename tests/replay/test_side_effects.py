"""The fixture `side_effects` in real pytest runs: recorded once, served afterwards, never guessed."""

from __future__ import annotations

from pathlib import Path

import pytest
from bundles import Shop
from projects import NOTIFY, RECORD, WITH_MOCK, Project

pytest_plugins = ("pytester",)


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Project:
    return Project(pytester, monkeypatch)


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
