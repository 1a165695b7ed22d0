"""Statements of sqlite3. Each function is a target; `main` calls them."""

import contextlib
import os
import sqlite3


def place(path, name):
    with sqlite3.connect(path) as c:
        cur = c.execute("INSERT INTO item (name) VALUES (?)", (name,))
        return cur.lastrowid, c.execute("SELECT count(*) FROM item").fetchone()[0]


def rolled(path):
    c = sqlite3.connect(path)
    try:
        with c:
            c.execute("INSERT INTO item (name) VALUES (?)", ("zz",))
            raise ValueError("no")
    except ValueError:
        pass
    n = c.execute("SELECT count(*) FROM item WHERE name = 'zz'").fetchone()
    c.close()
    return n


def unique(path):
    c = sqlite3.connect(path)
    try:
        c.execute("INSERT INTO item (id, name) VALUES (1, 'dup')")
    except sqlite3.IntegrityError as e:
        return str(e)
    finally:
        c.close()


def given(conn, name):
    conn.execute("UPDATE item SET name = ? WHERE id = 1", (name,))
    conn.commit()
    return [tuple(r) for r in conn.execute("SELECT * FROM item ORDER BY id")]


class Repo:
    def __init__(self, path):
        self.c = sqlite3.connect(path)
        self.c.row_factory = sqlite3.Row

    def find(self, id):
        with contextlib.closing(self.c.cursor()) as cur:
            cur.execute("SELECT * FROM item WHERE id = :id", {"id": id})
            r = cur.fetchone()
            return dict(r) if r else None

    def add(self, name):
        with self.c:
            return self.c.execute("INSERT INTO item (name) VALUES (?)", (name,)).lastrowid

    def many(self, names):
        cur = self.c.cursor()
        cur.executemany("INSERT INTO item (name) VALUES (?)", [(n,) for n in names])
        self.c.commit()
        return cur.rowcount


def cursor(path):
    c = sqlite3.connect(path)
    c.row_factory = lambda cur, row: {d[0]: v for d, v in zip(cur.description, row, strict=False)}
    cur = c.cursor()
    rows = [row for row in cur.execute("SELECT id, name FROM item ORDER BY id LIMIT 2") if row]
    return rows, cur.fetchmany(3), cur.description[0][0], c.total_changes, c.in_transaction


def bydir():
    return (
        sqlite3.connect(os.path.join(os.path.dirname(os.path.abspath(__file__)), "shop.db"))
        .execute("SELECT 1")
        .fetchone()
    )


def main(path):
    c = sqlite3.connect(path)
    c.executescript(
        "CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT UNIQUE); INSERT INTO item (name) VALUES ('a'), ('b');"
    )
    c.commit()
    place(path, "c")
    rolled(path)
    unique(path)
    given(c, "x")
    c.close()
    r = Repo(path)
    r.find(1)
    r.find(99)
    r.add("q")
    r.many(["r", "s"])
    cursor(path)
    bydir()
