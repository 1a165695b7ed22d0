"""Side effects that are not served or not recorded: what the test author reads, and what stays on disk."""

from __future__ import annotations

import pytest
from projects import NOTIFY, RECORD, WITH_MOCK, Project

pytest_plugins = ("pytester",)


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Project:
    return Project(pytester, monkeypatch)


def test_in_ci_nothing_is_recorded_unless_forced(project: Project) -> None:
    project.write(NOTIFY)
    result = project.run(SIDE_EFFECT_CAPTURE="True", CI="true")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*CI is set*force*"])
    assert project.recordings() == []
    project.run(SIDE_EFFECT_CAPTURE="force", CI="true").assert_outcomes(passed=1)
    project.run(CI="true", NO_REAL="1").assert_outcomes(passed=1)


def test_ci_says_that_a_recording_it_does_not_renew_exists(project: Project) -> None:
    project.write(NOTIFY)
    project.run(**RECORD).assert_outcomes(passed=1)
    result = project.run("--snapshot-update", SIDE_EFFECT_CAPTURE="True", CI="true")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*, the same call", "*recorded anew; CI is set*force*"])


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


def test_recordings_left_unused_after_a_miss_are_not_reported(project: Project) -> None:
    project.write(
        WITH_MOCK
        + """
        def test_careless(gateway):
            careless(gateway, int(os.environ.get("ORDER", "1")))
        """
    )
    project.run(**RECORD).assert_outcomes(passed=1)
    result = project.run(ORDER="2")
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.no_fnmatch_line("*not used*")


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
    result.stdout.fnmatch_lines(["1 recording was not used by its test, which passed:", "*test_checkout?orders0?*"])
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
            if not host:
                raise ValueError(host)
            return {"host": host, "socket": socket.socket()}

        def test_it(side_effects):
            wrapped = side_effects.wrap(connect, facsimiles={"result.socket": "stand-in"})
            with pytest.raises(ValueError):
                wrapped("")  # has no socket to stand in for
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


def test_two_side_effects_of_one_name_need_a_name_of_their_own(project: Project) -> None:
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
    result.stdout.fnmatch_lines(["*no side effect 'gateway:sned'*has no 'sned'*near: send*write 'module:function'*"])


def test_recordings_are_private_and_whole(project: Project) -> None:
    project.write("        def test_it(side_effects):\n            side_effects.wrap('gateway:send')('a')\n")
    project.run(**RECORD).assert_outcomes(passed=1)
    (path,) = (project.folder / "captures" / "side_effects").rglob("*.pkl")
    assert path.stat().st_mode & 0o077 == 0
    path.write_bytes(path.read_bytes()[:-1])
    result = project.run()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*CorruptBundleError*digest*"])
