"""Calls of httpx, sync and async. Each function is a target; `main` calls them."""

import asyncio
import contextlib

import httpx


def cookies(url):
    with httpx.Client() as s:
        s.get(url + "/login")
        r = s.get(url + "/me")
        return r.json(), sorted(s.cookies.items())


def redirects(url):
    with httpx.Client(follow_redirects=True) as s:
        r = s.get(url + "/moved", params={"b": 2, "a": 1})
        return r.json(), [x.status_code for x in r.history], str(r.url).replace(url, "")


def streamed(url):
    with httpx.stream("GET", url + "/lines") as r:
        return list(r.iter_lines())


def partly(url):
    with httpx.stream("GET", url + "/lines") as r:
        return next(r.iter_raw(2))


def chunked(url):
    return httpx.get(url + "/chunked").content


def gz(url):
    r = httpx.get(url + "/gzip")
    return r.json(), r.headers["content-encoding"], r.elapsed is not None


def gone(url):
    r = httpx.get(url + "/gone")
    try:
        r.raise_for_status()
    except httpx.HTTPStatusError as e:
        return e.response.status_code, r.reason_phrase


def refused(p):
    try:
        httpx.get("http://127.0.0.1:1/", timeout=1)
    except httpx.ConnectError as e:
        return type(e).__name__


def refused_raises(p):
    httpx.get("http://127.0.0.1:1/", timeout=1)


def upload(url):
    return httpx.post(url + "/up", files={"f": ("a.txt", b"hello")}).status_code


def form(url):
    return httpx.post(url + "/f", data={"b": "1", "a": "2"}, auth=("u", "pw")).json()


def whole(url):
    return httpx.get(url + "/item/1")


class Gateway:
    def __init__(self, url):
        self.client = httpx.Client(base_url=url)

    def stock(self, sku):
        return self.client.get(f"/stock/{sku}").json()


class Member:
    def __init__(self, url):
        self.client = httpx.Client(base_url=url)

    def login(self):
        self.client.get("/login")
        return sorted(self.client.cookies)

    def stock(self, sku):
        return self.client.get(f"/stock/{sku}").json()


class AGateway:
    def __init__(self, url):
        self.client = httpx.AsyncClient(base_url=url)

    async def stock(self, sku):
        return (await self.client.get(f"/stock/{sku}")).json()


async def acookies(url):
    async with httpx.AsyncClient() as s:
        await s.get(url + "/login")
        r = await s.get(url + "/me")
        return r.json(), sorted(s.cookies.items())


async def astreamed(url):
    async with httpx.AsyncClient() as s, s.stream("GET", url + "/lines") as r:
        return [x async for x in r.aiter_lines()]


async def agather(url):
    async with httpx.AsyncClient() as s:
        rs = await asyncio.gather(*(s.get(f"{url}/item/{n}") for n in range(4)))
        return [r.json() for r in rs]


async def arefused(p):
    async with httpx.AsyncClient() as s:
        await s.get("http://127.0.0.1:1/", timeout=1)


def main(url):
    for f in (cookies, redirects, streamed, partly, chunked, gz, gone, upload, form, whole):
        f(url)
    refused(1)
    with contextlib.suppress(httpx.ConnectError):
        refused_raises(1)
    Gateway(url).stock("a")
    member = Member(url)
    member.login()
    member.stock("b")

    async def go():
        for f in (acookies, astreamed, agather):
            await f(url)
        with contextlib.suppress(httpx.ConnectError):
            await arefused(1)
        await AGateway(url).stock("a")

    asyncio.run(go())
