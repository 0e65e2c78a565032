"""A database that holds the ledger and nothing else, fresh for each test: what seals and verifies
needs no more."""

import psycopg
import pytest
from psycopg import sql

from portal.ledger.anchor_sql import ANCHOR_GRANTS, ANCHOR_GUARDS, ANCHOR_TABLES
from portal.ledger.archive_sql import GRANTS as ARCHIVE_GRANTS
from portal.ledger.archive_sql import TABLE as ARCHIVE_TABLE
from portal.ledger.seal_sql import ENTRY_INDEX, SEAL_GRANTS, SEAL_GUARDS, SEAL_TABLES
from portal.ledger.sql import GRANTS, GUARDS, TABLE
from portal.sealer.options import Options
from tests.conftest import worker_database
from tests.integration.sealing.book import Book, write
from tests.plugin import server_of_this_run

SEAL = SEAL_TABLES + SEAL_GUARDS + SEAL_GRANTS
ANCHORS = ANCHOR_TABLES + ANCHOR_GUARDS + ANCHOR_GRANTS
ARCHIVE = ARCHIVE_TABLE + ARCHIVE_GRANTS
LEDGER = TABLE + GUARDS + GRANTS + ENTRY_INDEX + SEAL + ANCHORS + ARCHIVE


@pytest.fixture(scope="session")
def empty_ledger():
    """The name of a database to copy: the tables, no rows."""
    name = f"{worker_database()}_ledger"
    server = server_of_this_run()
    server.drop_database(name)
    server.create_database(name)
    with psycopg.connect(server.url("countersign_owner", name)) as owner:
        owner.execute(LEDGER)
    return name


def sealer_options(server, name, folder):
    """What a sealer of this database is started with; its key lies below `folder`."""
    remembers = "options=-c%20synchronous_commit%3Don"
    return Options(
        database_url=f"{server.url('countersign_sealer', name)}&{remembers}",
        key_file=folder / "keys" / "checkpoint.pem",
        origin="countersign.example/log/1",
    )


@pytest.fixture(scope="session")
def s3_server():
    """The address of an S3 server in this process."""
    from moto.server import ThreadedMotoServer  # takes a second, and few tests need it

    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def bucket(s3_server, monkeypatch):
    """A bucket with object lock."""
    from tests.integration.sealing.bucket import Bucket

    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "tests")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "tests")
    return Bucket(s3_server)


@pytest.fixture
def book(empty_ledger, tmp_path):
    """The ledger of this test."""
    name = f"{worker_database()}_book"
    server = server_of_this_run()
    server.drop_database(name)
    with psycopg.connect(server.url("postgres", "postgres"), autocommit=True) as superuser:
        make = sql.SQL("CREATE DATABASE {} TEMPLATE {} OWNER countersign_owner")
        superuser.execute(make.format(sql.Identifier(name), sql.Identifier(empty_ledger)))
    with Book(name, sealer_options(server, name, tmp_path)) as found:
        yield found
    server.drop_database(name)


@pytest.fixture
def sealed(book):
    """Three entries, sealed."""
    write(book.app, 3)
    book.seal()
    return book
