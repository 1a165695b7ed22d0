"""From a program to passing tests with four commands and no line by hand: init --watch, run, new-test, pytest."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

TUTORIAL = Path(__file__).parents[2] / "docs" / "tutorial.md"
PYTEST = os.path.join(os.path.dirname(sys.executable), "pytest")

MANAGE = """
import os
import sys

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "library.settings")
from django.core.management import execute_from_command_line

execute_from_command_line(sys.argv)
"""
SETTINGS = """
SECRET_KEY = "x"
INSTALLED_APPS = ["books"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "books.db"}}
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
"""
MODELS = """
from django.db import models


class Author(models.Model):
    name = models.CharField(max_length=50)


class Book(models.Model):
    title = models.CharField(max_length=50)
    author = models.ForeignKey(Author, on_delete=models.CASCADE)
    sold = models.IntegerField(default=0)
"""
SERVICES = """
from django.db import transaction
from django.utils import timezone
from django.utils.text import slugify

from .models import Author, Book


class SoldOut(Exception):
    pass


def sell(title, count):
    with transaction.atomic():
        book = Book.objects.get(title=title)
        if count > 100:
            raise SoldOut(title)
        book.sold += count
        book.save()
    return {"title": title, "sold": book.sold, "at": timezone.now()}


def best(limit=2):
    return list(Book.objects.order_by("-sold", "title").values("title", "sold")[:limit])


def by_author(name):
    author = Author.objects.get(name=name)
    return {"author": author.name, "titles": [book.title for book in author.book_set.order_by("title")]}


def label(book):
    return f"{slugify(book.title)}-{book.sold}"
"""
FILL = """
from django.core.management.base import BaseCommand
from django.db import connection

from books import services
from books.models import Author, Book


class Command(BaseCommand):
    def handle(self, *args, **options):
        with connection.schema_editor() as editor:
            editor.create_model(Author)
            editor.create_model(Book)
        ann = Author.objects.create(name="ann")
        Book.objects.create(title="First Book", author=ann)
        Book.objects.create(title="Second", author=ann, sold=3)
        services.sell("First Book", 5)
        try:
            services.sell("Second", 500)
        except services.SoldOut:
            pass
        services.best(), services.by_author("ann"), services.label(Book.objects.get(title="Second"))
"""
DJANGO = {
    "manage.py": MANAGE,
    "library/__init__.py": "",
    "library/settings.py": SETTINGS,
    "books/__init__.py": "",
    "books/models.py": MODELS,
    "books/services.py": SERVICES,
    "books/management/__init__.py": "",
    "books/management/commands/__init__.py": "",
    "books/management/commands/fill.py": FILL,
}
ORM = """
from sqlalchemy import ForeignKey, String, create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship


class Base(DeclarativeBase):
    pass


class Customer(Base):
    __tablename__ = "customer"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(50))


class Order(Base):
    __tablename__ = "orders"
    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"))
    sku: Mapped[str]
    quantity: Mapped[int]
    customer: Mapped[Customer] = relationship()


def make_engine(url):
    engine = create_engine(url)
    Base.metadata.create_all(engine)
    return engine
"""
SHOP = """
import uuid
from datetime import datetime, timezone

import httpx
from sqlalchemy import select
from sqlalchemy.orm import Session

from .models import Customer, Order


class UnknownCustomer(Exception):
    pass


class OrderService:
    def __init__(self, session: Session, prices: httpx.Client):
        self.session = session
        self.prices = prices

    def place(self, name, sku, quantity):
        customer = self.session.scalars(select(Customer).where(Customer.name == name)).first()
        if customer is None:
            raise UnknownCustomer(name)
        order = Order(customer=customer, sku=sku, quantity=quantity)
        self.session.add(order)
        self.session.commit()
        total = self.price(sku) * quantity
        return {"id": order.id, "total": total, "at": datetime.now(timezone.utc), "reference": uuid.uuid4().hex}

    def price(self, sku):
        return self.prices.get(f"/prices/{sku}").json()["price"]


def history(session: Session, name):
    rows = session.execute(select(Order).join(Customer).where(Customer.name == name)).scalars()
    return [{"sku": one.sku, "quantity": one.quantity} for one in rows]
"""
WEB = """
import httpx
from flask import Flask, jsonify, request
from sqlalchemy.orm import Session

from .models import Customer, make_engine
from .service import OrderService, UnknownCustomer, history


def create_app(url, prices):
    app = Flask(__name__)
    engine = make_engine(url)
    with Session(engine) as session:
        session.add(Customer(name="ada"))
        session.commit()

    @app.post("/orders")
    def place():
        with Session(engine) as session:
            try:
                placed = OrderService(session, httpx.Client(base_url=prices)).place(**request.get_json())
            except UnknownCustomer:
                return jsonify(error="unknown"), 404
        return jsonify({**placed, "at": placed["at"].isoformat()})

    @app.get("/history/<name>")
    def past(name):
        with Session(engine) as session:
            return jsonify(history(session, name))

    return app
"""
DRIVE = """
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

from orders.web import create_app


class Prices(BaseHTTPRequestHandler):
    def do_GET(self):
        body = b'{"price": 7}'
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


server = HTTPServer(("127.0.0.1", 0), Prices)
threading.Thread(target=server.serve_forever, daemon=True).start()
client = create_app("sqlite:///shop.db", f"http://127.0.0.1:{server.server_port}").test_client()
for name in ("ada", "eve", "ada"):
    client.post("/orders", json={"name": name, "sku": "mug", "quantity": 2})
client.get("/history/ada")
"""
SERVICE = {
    "orders/__init__.py": "",
    "orders/models.py": ORM,
    "orders/service.py": SHOP,
    "orders/web.py": WEB,
    "drive.py": DRIVE,
}


def tutorial() -> dict[str, str]:
    """The program of the tutorial."""
    blocks = re.findall(r'```python title="(\w+\.py)"\n(.*?)```', TUTORIAL.read_text("utf-8"), re.S)
    return dict(blocks)


def run(project: Path, *words: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(words, cwd=project, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, f"{words}\n{done.stdout}\n{done.stderr}"
    return done


@pytest.mark.parametrize(
    ("files", "program", "leftovers", "targets"),
    [
        (tutorial(), ["app.py"], [], ["shop:price", "shop:quote"]),
        (
            DJANGO,
            ["manage.py", "fill"],
            ["books.db"],
            [f"books.services:{name}" for name in ("best", "by_author", "label", "sell")],
        ),
        (
            SERVICE,
            ["drive.py"],
            ["shop.db"],
            ["orders.service:history", *(f"orders.service:OrderService.{name}" for name in ("place", "price"))],
        ),
    ],
    ids=["the program of the tutorial", "a Django project", "a service of Flask, SQLAlchemy and httpx"],
)
def test_a_program_gets_passing_tests(
    tmp_path: Path, files: Mapping[str, str], program: list[str], leftovers: list[str], targets: list[str]
) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    agent = (sys.executable, "-m", "snapagent")

    run(tmp_path, *agent, "init", "--watch", "--", sys.executable, *program)
    for name in leftovers:
        (tmp_path / name).unlink()
    run(tmp_path, *agent, "run", "--on", "--", sys.executable, *program)
    for name in leftovers:
        (tmp_path / name).unlink()  # no database at replay
    written = run(tmp_path, *agent, "new-test", "**", "-o", "tests")

    assert "all pass" in written.stderr
    checked = run(tmp_path, *agent, "check", "--json").stdout
    assert all(target in checked for target in targets)
    for command in ([sys.executable, "-m", "pytest"], [PYTEST]):
        passed = run(tmp_path, *command, "-q", "-p", "no:cacheprovider", "tests").stdout
        assert " passed" in passed and "failed" not in passed and "skipped" not in passed
    assert not [name for name in leftovers if (tmp_path / name).exists()]
