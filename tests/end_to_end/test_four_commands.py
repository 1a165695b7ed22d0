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
    ],
    ids=["the program of the tutorial", "a Django project"],
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
