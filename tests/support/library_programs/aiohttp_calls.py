"""Calls of aiohttp. Each function is a target; `main` calls them."""

import asyncio
import contextlib

import aiohttp


async def cookies(url):
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as s:
        async with s.get(url + "/login") as r:
            first = sorted((k, v.value) for k, v in r.cookies.items())
        async with s.get(url + "/me") as r:
            return first, await r.json(), sorted((c.key, c.value) for c in s.cookie_jar)


async def redirects(url):
    async with aiohttp.ClientSession() as s, s.get(url + "/moved", params={"b": 2, "a": 1}) as r:
        return await r.json(), [x.status for x in r.history], str(r.url).replace(url, "")


async def lines(url):
    async with aiohttp.ClientSession() as s, s.get(url + "/lines") as r:
        return [x async for x in r.content]


async def partly(url):
    async with aiohttp.ClientSession() as s, s.get(url + "/lines") as r:
        return await r.content.read(2)


async def chunks(url):
    async with aiohttp.ClientSession() as s, s.get(url + "/chunked") as r:
        return b"".join([x async for x in r.content.iter_chunked(2)])


async def gz(url):
    async with aiohttp.ClientSession() as s, s.get(url + "/gzip") as r:
        return await r.json(), r.headers["content-encoding"], r.content_type, r.charset


async def gone(url):
    async with aiohttp.ClientSession() as s, s.get(url + "/gone") as r:
        try:
            r.raise_for_status()
        except aiohttp.ClientResponseError as e:
            return e.status, e.message, r.ok


async def gone_raises(url):
    async with aiohttp.ClientSession(raise_for_status=True) as s, s.get(url + "/gone") as r:
        return await r.text()


async def refused_raises(p):
    async with aiohttp.ClientSession() as s, s.get("http://127.0.0.1:1/") as r:
        return await r.text()


async def form(url):
    async with aiohttp.ClientSession() as s:
        async with s.post(url + "/f", data={"b": "1"}) as r:
            a = await r.json()
        async with s.post(url + "/f", json={"b": "1"}, auth=aiohttp.BasicAuth("u", "p")) as r:
            return a, await r.json()


async def gather(url):
    async with aiohttp.ClientSession() as s:

        async def one(n):
            async with s.get(f"{url}/item/{n}") as r:
                return await r.json()

        return await asyncio.gather(*(one(n) for n in range(4)))


async def base(url):
    async with aiohttp.ClientSession(base_url=url) as s:
        r = await s.get("/x")
        return await r.text(), r.method, r.version


class Gateway:
    def __init__(self, url, session):
        self.url = url
        self.session = session

    async def stock(self, sku):
        async with self.session.get(f"{self.url}/stock/{sku}") as r:
            return await r.json()


def main(url):
    async def go():
        for f in (cookies, redirects, lines, partly, chunks, gz, gone, form, gather, base):
            await f(url)
        for f in (refused_raises, gone_raises):
            with contextlib.suppress(aiohttp.ClientError):
                await f(url)
        async with aiohttp.ClientSession() as s:
            await Gateway(url, s).stock("a")

    asyncio.run(go())
