"""Calls that use the ORM of a real Django with SQLite, captured in a process of their own, replay without the database.

Each promise is one function of the program: one capture and one replay of all of them serve the whole file.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("django")

FILES = {
    "bookshop/__init__.py": "",
    "bookshop/settings.py": """
        from pathlib import Path

        SECRET_KEY = "only-for-the-test"
        INSTALLED_APPS = ["django.contrib.contenttypes", "bookshop"]
        DATABASES = {
            "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": Path(__file__).parent.parent / "shop.sqlite3"}
        }
        PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
        DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
        USE_TZ = True
    """,
    "bookshop/models.py": """
        from django.db import models


        class Author(models.Model):
            name = models.CharField(max_length=50, unique=True)


        class Tag(models.Model):
            word = models.CharField(max_length=20)


        class Book(models.Model):
            title = models.CharField(max_length=80)
            author = models.ForeignKey(Author, on_delete=models.CASCADE, related_name="books")
            price = models.DecimalField(max_digits=6, decimal_places=2)
            added = models.DateTimeField(auto_now_add=True)
            tags = models.ManyToManyField(Tag)
    """,
    "bookshop/service.py": """
        from decimal import Decimal

        from django.contrib.auth.hashers import check_password
        from django.contrib.contenttypes.models import ContentType
        from django.db import IntegrityError, connection, transaction
        from django.db.models import Avg, Count, F, Prefetch
        from django.utils import timezone

        from bookshop.models import Author, Book, Tag


        def titles(name):
            return [book.title for book in Book.objects.filter(author__name=name).order_by("title")]


        def one(title):
            return Book.objects.select_related("author").get(title=title)


        def missing(title):
            return Book.objects.get(title=title)


        def statistics():
            counted = Author.objects.annotate(count=Count("books"), mean=Avg("books__price")).order_by("name")
            return list(counted.values_list("name", "count", "mean")), Book.objects.count(), Book.objects.exists()


        def with_tags():
            books = Book.objects.prefetch_related(Prefetch("tags", Tag.objects.order_by("word"))).order_by("pk")
            return {book.title: [tag.word for tag in book.tags.all()] for book in books}


        def add(name, title, price):
            with transaction.atomic():
                author, made = Author.objects.get_or_create(name=name)
                book = author.books.create(title=title, price=price)
                book.tags.add(Tag.objects.get(word="new"))
            return author.pk, made, book.pk, book.added <= timezone.now()


        def raise_prices(factor):
            changed = Book.objects.update(price=F("price") * factor)
            return changed, list(Book.objects.order_by("pk").values_list("price", flat=True))


        def add_twice(name):
            Author.objects.create(name=name)
            try:
                with transaction.atomic():
                    Author.objects.create(name=name)
            except IntegrityError as error:
                return str(error), Author.objects.filter(name=name).count()


        def add_many(names):
            Author.objects.bulk_create([Author(name=name) for name in names])
            return list(Author.objects.in_bulk(field_name="name", id_list=names))


        def remove(title):
            return Book.objects.filter(title=title).delete()


        def give_up(title):
            try:
                with transaction.atomic():
                    Book.objects.filter(title=title).update(price=0)
                    raise ValueError(title)
            except ValueError:
                return Book.objects.get(title=title).price


        def raw(price):
            with connection.cursor() as cursor:
                cursor.execute("SELECT title, price FROM bookshop_book WHERE price > %s ORDER BY id", [price])
                names = [column[0] for column in cursor.description]
                return [dict(zip(names, row)) for row in cursor.fetchall()]


        def in_chunks(size):
            return [author.name for author in Author.objects.order_by("pk").iterator(chunk_size=size)]


        def first_of(query):
            return query.order_by("title").first().title


        def save(book, title):
            book.title = title
            book.save()
            book.refresh_from_db()
            return book


        def kinds(author):
            # The driver has asked before, so that all of them are in the cache of the manager.
            kind = ContentType.objects.get_for_model(author)
            same = ContentType.objects.get_for_id(kind.pk), ContentType.objects.get_by_natural_key("bookshop", "author")
            return kind.name, ContentType.objects.get_for_model(Book).model, [one.pk == kind.pk for one in same]


        def let_in(password, encoded):
            # Both are redacted, and so are the arguments of the declared function: it is asked with equal pseudonyms.
            return "welcome" if check_password(password, encoded) else "no"


        async def later(title):
            book = await Book.objects.select_related("author").aget(title=title)
            return book.author.name, [tag.word async for tag in book.tags.order_by("word")]


        def buy(book_id, amount):
            book = Book.objects.get(pk=book_id)
            return Decimal(amount) * book.price
    """,
    "drive.py": """
        import asyncio
        import os

        os.environ["DJANGO_SETTINGS_MODULE"] = "bookshop.settings"
        import django

        django.setup()
        from decimal import Decimal

        from django.contrib.auth.hashers import make_password
        from django.contrib.contenttypes.models import ContentType
        from django.db import connection

        from bookshop import models, service

        with connection.schema_editor() as editor:
            for model in (ContentType, models.Author, models.Tag, models.Book):
                editor.create_model(model)
        ann = models.Author.objects.create(name="ann")
        for word in ("old", "new"):
            models.Tag.objects.create(word=word)
        for title in ("Bees", "Ants", "Cats"):
            book = models.Book.objects.create(title=title, author=ann, price=Decimal("9.50"))
            book.tags.set(models.Tag.objects.all())

        for model in (models.Author, models.Book):
            ContentType.objects.get_for_model(model)

        service.titles("ann")
        service.one("Ants")
        try:
            service.missing("Dogs")
        except models.Book.DoesNotExist:
            pass
        service.statistics()
        service.with_tags()
        service.add("bob", "Eels", Decimal("3.20"))
        service.raise_prices(2)
        service.add_twice("cid")
        service.add_many(["dora", "eve"])
        service.remove("Cats")
        service.give_up("Bees")
        service.raw(5)
        service.in_chunks(2)
        service.first_of(models.Book.objects.filter(price__gt=1))
        service.save(models.Book.objects.get(title="Ants"), "Wasps")
        asyncio.run(service.later("Bees"))
        service.kinds(ann)
        service.let_in("Zebra-4711-x", make_password("Zebra-4711-x"))
        service.buy(1, 3)
    """,
    "snapagent.yaml": """
        version: 1
        sync: true
        budget: 100%
        dependencies: [django-orm, "django.contrib.auth.hashers:check_password"]
        targets: ["bookshop.service:*"]
    """,
}
FUNCTIONS = re.findall(r"def (\w+)\(", FILES["bookshop/service.py"])


def run(project: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *command],
        cwd=project,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def replayed(project: Path, *options: str) -> dict[str, dict[str, Any]]:
    """The result of each function's bundle."""
    done = run(project, "-m", "snapagent", "replay", "-p", ".", "-j", "1", "--json", *options)
    assert done.stdout, done.stderr
    return {result["target"].partition(":")[2]: result for result in json.loads(done.stdout)["results"]}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program after its captured run; its database is gone."""
    folder = tmp_path_factory.mktemp("bookshop_project")
    for name, text in FILES.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(textwrap.dedent(text))
    done = run(folder, "-m", "snapagent", "run", "--on", "--", sys.executable, "drive.py")
    assert done.returncode == 0, done.stderr
    (folder / "shop.sqlite3").unlink()
    return folder


@pytest.fixture(scope="module")
def results(project: Path) -> dict[str, dict[str, Any]]:
    return replayed(project)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_call_that_uses_the_orm_is_replayed_without_the_database(
    results: dict[str, dict[str, Any]], name: str
) -> None:
    assert results[name]["kind"] == "equal", results[name]


def test_the_database_is_not_made_again(project: Path, results: dict[str, dict[str, Any]]) -> None:
    assert len(results) == len(FUNCTIONS)
    assert not (project / "shop.sqlite3").exists()


@pytest.mark.parametrize(
    ("name", "before", "after", "said"),
    [
        ("buy", "Decimal(amount) * book.price", "Decimal(amount) * book.price + 1", "result"),
        ("raise_prices", 'F("price") * factor', 'F("price") + factor', "UPDATE"),
        ("add", 'book.tags.add(Tag.objects.get(word="new"))', "pass", "INSERT"),
    ],
)
def test_a_changed_result_or_write_is_named(project: Path, name: str, before: str, after: str, said: str) -> None:
    source = project / "bookshop" / "service.py"
    text = source.read_text()
    assert text.count(before) == 1
    try:
        source.write_text(text.replace(before, after))
        result = replayed(project, f"bookshop.service:{name}")[name]
    finally:
        source.write_text(text)

    assert result["kind"] != "equal" and said in json.dumps(result), result
