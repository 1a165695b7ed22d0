"""The database on disk: the catalogue, the stock and the orders."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal

from .errors import OutOfStock, UnknownProduct
from .models import Line, Order

SCHEMA = (
    "CREATE TABLE IF NOT EXISTS product (sku TEXT PRIMARY KEY, price TEXT NOT NULL, grams INTEGER NOT NULL,"
    " stock INTEGER NOT NULL)",
    "CREATE TABLE IF NOT EXISTS customer_order (id INTEGER PRIMARY KEY, number TEXT UNIQUE, email TEXT NOT NULL,"
    " total TEXT NOT NULL, lines TEXT NOT NULL, placed_at TEXT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS sequence (id INTEGER PRIMARY KEY AUTOINCREMENT)",
)
PRODUCTS = (
    ("kettle", "34.90", 1250, 10_000),
    ("lamp", "59.00", 2100, 10_000),
    ("mug", "8.50", 340, 10_000),
    ("notebook", "4.20", 180, 10_000),
    ("pen", "1.95", 15, 10_000),
    ("print-no-7", "120.00", 900, 5),  # a limited edition: it sells out
)


@contextmanager
def connected(path: str) -> Iterator[sqlite3.Connection]:
    """One transaction: committed when the block ends well, undone when it does not."""
    connection = sqlite3.connect(path, timeout=30.0, isolation_level=None)
    try:
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("BEGIN IMMEDIATE")
        yield connection
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    finally:
        connection.close()


def prepare(path: str) -> None:
    """Make the tables and fill the catalogue, unless another worker was faster."""
    with connected(path) as connection:
        for statement in SCHEMA:
            connection.execute(statement)
        connection.executemany("INSERT OR IGNORE INTO product VALUES (?, ?, ?, ?)", PRODUCTS)


def find_product(connection: sqlite3.Connection, sku: str) -> tuple[Decimal, int]:
    """Price and weight of a product. Raises UnknownProduct."""
    row = connection.execute("SELECT price, grams FROM product WHERE sku = ?", (sku,)).fetchone()
    if row is None:
        (known,) = connection.execute("SELECT count(*) FROM product").fetchone()
        raise UnknownProduct(sku, known)
    return Decimal(row[0]), row[1]


class Catalogue:
    """Prices and stock."""

    def __init__(self, path: str) -> None:
        self.path = path

    def priced(self, lines: Sequence[Line]) -> list[Line]:
        """The same lines with price and weight. Raises UnknownProduct."""
        with connected(self.path) as connection:
            found = [find_product(connection, line.sku) for line in lines]
        return [
            replace(line, unit_price=price, unit_grams=grams) for line, (price, grams) in zip(lines, found, strict=True)
        ]

    def take(self, lines: Sequence[Line]) -> None:
        """Take the pieces from stock, all or none. Raises OutOfStock."""
        with connected(self.path) as connection:
            for line in lines:
                (stock,) = connection.execute("SELECT stock FROM product WHERE sku = ?", (line.sku,)).fetchone()
                if stock < line.quantity:
                    raise OutOfStock(line.sku, line.quantity - stock)
                connection.execute("UPDATE product SET stock = stock - ? WHERE sku = ?", (line.quantity, line.sku))

    def put_back(self, lines: Sequence[Line]) -> None:
        with connected(self.path) as connection:
            for line in lines:
                connection.execute("UPDATE product SET stock = stock + ? WHERE sku = ?", (line.quantity, line.sku))


class OrderBook:
    """The orders that were placed."""

    def __init__(self, path: str) -> None:
        self.path = path

    def next_id(self) -> int:
        with connected(self.path) as connection:
            cursor = connection.execute("INSERT INTO sequence DEFAULT VALUES")
            assert cursor.lastrowid is not None
            return cursor.lastrowid

    def add(self, order: Order) -> None:
        lines = json.dumps([[line.sku, line.quantity] for line in order.lines])
        with connected(self.path) as connection:
            connection.execute(
                "INSERT INTO customer_order (number, email, total, lines, placed_at) VALUES (?, ?, ?, ?, ?)",
                (order.number, order.customer.email, str(order.quote.total), lines, order.placed_at.isoformat()),
            )

    def summaries(self) -> list[tuple[str, str, int]]:
        """Number, total and count of lines of every order, oldest first."""
        with connected(self.path) as connection:
            rows = connection.execute("SELECT number, total, lines FROM customer_order ORDER BY id").fetchall()
        return [(number, total, len(json.loads(lines))) for number, total, lines in rows]
