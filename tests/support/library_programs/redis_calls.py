"""Commands of Redis. Each function is a target; `main` calls them."""

import asyncio
import contextlib
import os

import redis
import redis.asyncio

PORT = int(os.environ["REDIS_PORT"])
client = redis.Redis(port=PORT, decode_responses=True)


def cache(key):
    v = client.get(key)
    if v is None:
        client.setex(key, 60, "made")
        v = "made"
    return v, client.ttl(key) > 0


def hashes():
    client.hset("h", mapping={"a": 1, "b": 2})
    return client.hgetall("h"), client.hincrby("h", "a", 5)


def lists():
    client.rpush("l", 1, 2, 3)
    return client.lrange("l", 0, -1), client.lpop("l"), client.llen("l")


def sets():
    client.sadd("s", "x", "y")
    client.zadd("z", {"a": 1, "b": 2})
    return sorted(client.smembers("s")), client.zrange("z", 0, -1, withscores=True)


def pipe():
    with client.pipeline() as p:
        p.incr("n")
        p.get("n")
        p.expire("n", 10)
        return p.execute()


def watch():
    with client.pipeline() as p:
        p.watch("n")
        v = int(p.get("n"))
        p.multi()
        p.set("n", v + 1)
        return p.execute()


def trans():
    return client.transaction(lambda p: (p.multi(), p.incr("t")), "t")


def scan():
    return sorted(client.scan_iter("n*"))


def lock():
    with client.lock("lk", timeout=5):
        return client.get("lk") is not None


def wrong():
    client.set("str", "x")
    try:
        client.lpush("str", 1)
    except redis.ResponseError as e:
        return str(e)


def refused():
    redis.Redis(port=1).ping()


def script():
    return client.eval("return redis.call('GET', KEYS[1])", 1, "n"), client.register_script("return ARGV[1]")(
        args=["q"]
    )


def setex():
    return client.set("x", "1", ex=5, nx=True), client.delete("x")


class Repo:
    def __init__(self, r):
        self.r = r

    def get(self, k):
        return self.r.get(k)

    def inc(self, k):
        with self.r.pipeline() as p:
            p.incr(k)
            return p.execute()


async def ahash():
    async with redis.asyncio.Redis(port=PORT) as r:
        await r.set("ak", "v")
        v = await r.get("ak")
        async with r.pipeline() as p:
            p.incr("an")
            p.get("ak")
            out = await p.execute()
        return v, out


class ARepo:
    def __init__(self, r):
        self.r = r

    async def get(self, k):
        return await self.r.get(k)


def main():
    cache("k")
    cache("k")
    hashes()
    lists()
    sets()
    pipe()
    watch()
    trans()
    scan()
    lock()
    wrong()
    script()
    setex()
    with contextlib.suppress(redis.ConnectionError):
        refused()
    Repo(client).get("k")
    Repo(redis.Redis(port=PORT)).inc("k2")
    asyncio.run(ahash())

    async def go():
        async with redis.asyncio.Redis(port=PORT) as r:
            await ARepo(r).get("k")

    asyncio.run(go())
