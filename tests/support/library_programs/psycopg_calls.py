"""Statements of psycopg, sync and async. Each function is a target; `main` calls them."""

import asyncio
import datetime
import decimal
import os

import psycopg
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

DSN = os.environ["DSN"]


def place(name):
    with psycopg.connect(DSN) as c:
        r = c.execute(
            "INSERT INTO item (name, at, price, data) VALUES (%s, %s, %s, %s) RETURNING id, name",
            (name, datetime.date(2024, 1, 2), decimal.Decimal("1.50"), Jsonb({"a": [1]})),
        ).fetchone()
        return r, c.execute("SELECT count(*) FROM item").fetchone()


def rows():
    with psycopg.connect(DSN, row_factory=dict_row) as c, c.cursor() as cur:
        cur.execute("SELECT * FROM item ORDER BY id")
        first = cur.fetchone()
        return first, cur.fetchmany(1), cur.fetchall(), cur.rowcount, [d.name for d in cur.description]


def itere():
    with psycopg.connect(DSN) as c:
        return list(c.execute("SELECT id FROM item ORDER BY id"))


def dup():
    with psycopg.connect(DSN) as c:
        try:
            c.execute("INSERT INTO item (id, name) VALUES (1, 'x')")
        except psycopg.errors.UniqueViolation as e:
            c.rollback()
            return e.sqlstate, e.diag.constraint_name


def trans(name):
    with psycopg.connect(DSN, autocommit=True) as c:
        with c.transaction():
            c.execute("INSERT INTO item (name) VALUES (%s)", (name,))
            try:
                with c.transaction():
                    c.execute("INSERT INTO item (name) VALUES ('t2')")
                    raise ValueError
            except ValueError:
                pass
            with c.transaction():
                c.execute("INSERT INTO item (name) VALUES ('t3')")
                raise psycopg.Rollback
        return c.execute("SELECT count(*) FROM item").fetchone()


def given(conn, name):
    with conn.cursor() as cur:
        cur.execute("UPDATE item SET name = %(n)s WHERE id = 1", {"n": name})
        n = cur.rowcount
    conn.commit()
    return n


def many(conn):
    with conn.cursor() as cur:
        cur.executemany("INSERT INTO item (name) VALUES (%s)", [("m1",), ("m2",)])
        conn.commit()
        return cur.rowcount


def piped(conn):
    with conn.pipeline() as p:
        first = conn.execute("SELECT 1")
        p.sync()
        return first.fetchone(), conn.execute("SELECT 2").fetchone()


def sql(table):
    from psycopg import sql

    with psycopg.connect(DSN) as c:
        return c.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table))).fetchone()


def named():
    with psycopg.connect(DSN) as c, c.cursor(name="big") as cur:
        cur.execute("SELECT id FROM item ORDER BY id")
        return cur.fetchmany(1), cur.fetchall()


class Repo:
    def __init__(self, c):
        self.c = c

    def get(self, id):
        return self.c.execute("SELECT name FROM item WHERE id = %s", (id,)).fetchone()


async def arows():
    async with await psycopg.AsyncConnection.connect(DSN) as c, c.cursor() as cur:
        await cur.execute("SELECT id FROM item ORDER BY id")
        a = await cur.fetchone()
        return a, [r async for r in cur]


async def aplace(name):
    async with await psycopg.AsyncConnection.connect(DSN) as c, c.transaction():
        cur = await c.execute("INSERT INTO item (name) VALUES (%s) RETURNING id", (name,))
        return await cur.fetchone()


async def agiven(conn):
    cur = await conn.execute("SELECT count(*) FROM item")
    n = await cur.fetchall()
    await conn.commit()
    return n


def main(*a):
    with psycopg.connect(DSN, autocommit=True) as c:
        c.execute("DROP TABLE IF EXISTS item")
        c.execute("CREATE TABLE item (id serial primary key, name text, at date, price numeric, data jsonb)")
    place("a")
    place("b")
    rows()
    itere()
    dup()
    trans("t")
    with psycopg.connect(DSN) as c:
        given(c, "z")
        many(c)
        piped(c)
        Repo(c).get(1)
    sql("item")
    named()

    async def go():
        await arows()
        await aplace("q")
        async with await psycopg.AsyncConnection.connect(DSN) as c:
            await agiven(c)

    asyncio.run(go())
