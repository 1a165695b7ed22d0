"""Requests of real HTTP clients to a real server: recorded below a target, and rebuilt from what was stored."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import pytest
from effects_support import Recorded, captured
from http_server import serving

from snapagent.dependencies.presets import load_preset

SOURCE = """
    def use(function, *args):
        function(*args)

    async def ause(function, *args):
        await function(*args)
"""
CONFIG = "dependencies: [requests, httpx, aiohttp]\ntargets: [world:use, world:ause]\n"


def rebuilt(tape: Recorded, index: int, *args: Any) -> Any:
    effect = tape.effects[index]
    operation = next(one for one in load_preset(effect.preset) if one.dependency == effect.dependency)
    assert operation.rebuild is not None
    return operation.rebuild(tape.result(index), args, {})


class TestRequests:
    requests = pytest.importorskip("requests")

    def test_a_request_is_one_effect_with_the_facts_that_match_it(self, tmp_path: Path) -> None:
        with serving() as url, captured(tmp_path, SOURCE, CONFIG) as world:
            world.module.use(lambda: self.requests.post(url + "/item?b=2&a=1", json={"x": 1}))
            tape = world.tape("use")
        (effect,) = tape.effects
        assert (effect.preset, effect.role) == ("requests", "write")
        assert effect.shape == f"POST {url}/item"
        (arguments,) = tape.arguments()
        assert arguments["query"] == [("a", "1"), ("b", "2")]
        assert arguments["body"] == {"x": 1}
        assert tape.summary.dependencies == {"requests": (0, 1)}

    def test_a_response_is_rebuilt_with_status_headers_cookies_and_body(self, tmp_path: Path) -> None:
        with serving() as url, captured(tmp_path, SOURCE, CONFIG) as world:
            real: list[Any] = []
            world.module.use(lambda: real.append(self.requests.get(url + "/moved")))
            tape = world.tape("use")
        assert [effect.role for effect in tape.effects] == ["read", "read"]
        request = self.requests.Request("GET", url + "/moved").prepare()
        adapter = self.requests.adapters.HTTPAdapter()
        moved = rebuilt(tape, 0, adapter, request)
        assert (moved.status_code, moved.is_redirect, moved.headers["Location"]) == (302, True, "/item/1")
        final = rebuilt(tape, 1, adapter, request)
        assert final.json() == real[0].json()
        assert final.content == real[0].content
        assert dict(final.headers) == dict(real[0].headers)

    def test_23_a_streamed_body_is_not_read_and_its_first_chunk_not_delayed(self, tmp_path: Path) -> None:
        def first_chunk(url: str) -> None:
            began = time.monotonic()
            with self.requests.get(url + "/slow", stream=True) as response:
                seen.append(next(response.iter_content(5)))
                took.append(time.monotonic() - began)

        seen: list[bytes] = []
        took: list[float] = []
        with serving() as url, captured(tmp_path, SOURCE, CONFIG) as world:
            world.module.use(first_chunk, url)
            tape = world.tape("use")
        assert seen == [b"first"]
        assert tape.result()["body"] == b"first"

    def test_29_a_token_from_one_effect_that_the_next_one_sends_is_one_pseudonym(self, tmp_path: Path) -> None:
        def log_in_and_send(url: str) -> None:
            token = self.requests.get(url + "/login").json()["access_token"]
            self.requests.post(url + "/item", json={"value": token})

        with serving() as url, captured(tmp_path, SOURCE, CONFIG) as world:
            world.module.use(log_in_and_send, url)
            tape = world.tape("use")
            whole = b"".join(tape.file.payload.values()) + tape.header.to_json()
        assert b"s3cr3t-t0ken" not in whole
        token = tape.result(0)["body"][1]["access_token"]
        assert token.startswith("redacted-")
        assert tape.arguments(1)[0]["body"] == {"value": token}

    def test_30_a_secret_in_a_query_is_replaced_and_still_matches(self, tmp_path: Path) -> None:
        with serving() as url, captured(tmp_path, SOURCE, CONFIG) as world:
            for secret in ("Zk8x19af377c2a1Qe", "Pq7v20bd488d3b2Rf"):
                world.module.use(lambda secret=secret: self.requests.get(url + "/item", params={"api_key": secret}))
            first, second = world.tapes("use")
            assert b"Zk8x19" not in b"".join(first.file.payload.values()) + first.header.to_json()
        assert first.effects[0].key == second.effects[0].key

    def test_an_exception_is_recorded(self, tmp_path: Path) -> None:
        with serving() as url:
            pass
        with captured(tmp_path, SOURCE, CONFIG) as world:
            with pytest.raises(self.requests.ConnectionError):
                world.module.use(lambda: self.requests.get(url))
            tape = world.tape("use")
        assert tape.effects[0].exception == "requests.exceptions.ConnectionError"


class TestHttpx:
    httpx = pytest.importorskip("httpx")

    def test_a_response_is_rebuilt_sync(self, tmp_path: Path) -> None:
        with serving() as url, captured(tmp_path, SOURCE, CONFIG) as world:
            real: list[Any] = []
            world.module.use(lambda: real.append(self.httpx.post(url + "/item?q=1", json={"x": 1})))
            tape = world.tape("use")
        again = rebuilt(tape, 0)
        again.read()
        assert again.json() == real[0].json()
        assert again.headers == real[0].headers
        assert tape.effects[0].shape == f"POST {url}/item"
        assert tape.arguments()[0]["body"] == {"x": 1}

    def test_a_response_is_rebuilt_async(self, tmp_path: Path) -> None:
        async def get(url: str) -> None:
            async with self.httpx.AsyncClient() as client:
                real.append(await client.get(url + "/item"))

        real: list[Any] = []
        with serving() as url, captured(tmp_path, SOURCE, CONFIG) as world:
            asyncio.run(world.module.ause(get, url))
            tape = world.tape("ause")
        assert tape.effects[0].flavor == "coroutine"
        assert asyncio.run(rebuilt(tape, 0).aread()) == real[0].content


class TestAiohttp:
    aiohttp = pytest.importorskip("aiohttp")

    def test_a_response_is_rebuilt(self, tmp_path: Path) -> None:
        async def post(url: str) -> None:
            async with self.aiohttp.ClientSession() as session:
                async with session.post(url + "/item", params={"b": "2", "a": "1"}, json={"x": 1}) as response:
                    real.append((response.status, await response.json(), dict(response.headers)))
                async with session.get(url + "/gone") as response:
                    real.append((response.status, await response.text(), dict(response.headers)))

        async def again(index: int) -> Any:
            async with self.aiohttp.ClientSession() as session:
                response = rebuilt(tape, index, session)
                async with response:
                    return response.status, await response.read(), await response.text(), dict(response.headers)

        real: list[Any] = []
        with serving() as url, captured(tmp_path, SOURCE, CONFIG) as world:
            asyncio.run(world.module.ause(post, url))
            tape = world.tape("ause")
        assert [effect.shape for effect in tape.effects] == [f"POST {url}/item", f"GET {url}/gone"]
        (arguments,) = tape.arguments(0)
        assert (arguments["query"], arguments["body"]) == ([("a", "1"), ("b", "2")], {"x": 1})
        status, _, text, headers = asyncio.run(again(0))
        assert (status, json.loads(text), headers) == real[0]
        assert asyncio.run(again(1)) == (404, b"no", "no", real[1][2])

    def test_a_streamed_body_is_kept_as_far_as_it_was_read(self, tmp_path: Path) -> None:
        async def read_some(url: str) -> None:
            async with self.aiohttp.ClientSession() as session, session.get(url + "/slow") as response:
                await response.content.read(5)

        with serving() as url, captured(tmp_path, SOURCE, CONFIG) as world:
            asyncio.run(world.module.ause(read_some, url))
            tape = world.tape("ause")
        assert tape.result(0)["body"] == b"first"
