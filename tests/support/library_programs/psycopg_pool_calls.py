"""Statements of psycopg on connections of its pools. Each function is a target; `main` calls them."""

import asyncio
import os

import psycopg
from psycopg_pool import AsyncConnectionPool, ConnectionPool, NullConnectionPool

DSN = os.environ["DSN"]
pool = ConnectionPool(DSN, min_size=1, open=False)


def place(name):
    with pool.connection() as c:
        return c.execute("INSERT INTO item (name) VALUES (%s) RETURNING id", (name,)).fetchone()


def rolled_back(name):
    try:
        with pool.connection() as c:
            c.execute("INSERT INTO item (name) VALUES (%s)", (name,))
            raise ValueError(name)
    except ValueError:
        with pool.connection() as c:
            return c.execute("SELECT count(*) FROM item").fetchone()


def dup():
    try:
        with pool.connection() as c:
            c.execute("INSERT INTO item (id, name) VALUES (1, 'x')")
    except psycopg.errors.UniqueViolation as e:
        return e.sqlstate


def taken():
    c = pool.getconn(timeout=5)
    try:
        with c.transaction(), c.cursor() as cur:
            cur.execute("UPDATE item SET name = 'y' WHERE id = 1")
            return cur.rowcount
    finally:
        pool.putconn(c)


def given(given_pool):
    with given_pool.connection(timeout=3) as c:
        return c.execute("SELECT name FROM item ORDER BY id").fetchall()


class Repo:
    def __init__(self, pool):
        self.pool = pool

    def names(self):
        with self.pool.connection() as c, c.cursor() as cur:
            return [name for (name,) in cur.execute("SELECT name FROM item ORDER BY id")]


def own():
    with ConnectionPool(DSN, min_size=1) as p:
        p.wait()
        with p.connection() as c:
            return c.execute("SELECT 1 + 1").fetchone()


def without_pooling():
    with NullConnectionPool(DSN, open=True) as p, p.connection() as c:
        return c.execute("SELECT 1 + 2").fetchone()


async def aplace(apool, name):
    async with apool.connection() as c:
        cur = await c.execute("INSERT INTO item (name) VALUES (%s) RETURNING id", (name,))
        return await cur.fetchone()


class ARepo:
    def __init__(self, pool):
        self.pool = pool

    async def names(self):
        async with self.pool.connection() as c, c.cursor() as cur:
            await cur.execute("SELECT name FROM item ORDER BY id")
            return [name async for (name,) in cur]


async def aown():
    async with AsyncConnectionPool(DSN, min_size=1) as p:
        await p.wait()
        async with p.connection() as c:
            return await (await c.execute("SELECT 2 + 2")).fetchone()


def main(*a):
    with psycopg.connect(DSN, autocommit=True) as c:
        c.execute("DROP TABLE IF EXISTS item")
        c.execute("CREATE TABLE item (id serial primary key, name text)")
    pool.open(wait=True)
    place("a")
    rolled_back("b")
    dup()
    taken()
    given(pool)
    Repo(pool).names()
    own()
    without_pooling()

    async def go():
        async with AsyncConnectionPool(DSN, min_size=1, open=False) as p:
            await aplace(p, "q")
            await ARepo(p).names()
        await aown()

    asyncio.run(go())
    pool.close()
