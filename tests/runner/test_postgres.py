"""The embedded PostgreSQL: roles, restarts, crashes, and the traps of its places."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import psycopg
import pytest

from portal.runner.account import AccountError
from portal.runner.binaries import BinariesError, find_postgres
from portal.runner.cluster import ClusterError, prepare_cluster, serves, starting
from portal.runner.places import POINTER, SOCKET_PATH_BYTES, reachable, socket_directory
from portal.runner.postgres import Server, embedded_postgres
from portal.runner.roles import APP, OWNER, SEALER

CHECKOUT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def server():
    with embedded_postgres(durable=False) as running:
        yield running


@pytest.fixture(scope="module")
def used():
    """A directory that several tests use one after the other: making one is slow."""
    directory = Path(tempfile.mkdtemp(prefix="cst-"))
    directory.chmod(0o711)
    yield directory
    shutil.rmtree(directory)


def connect(url: str) -> psycopg.Connection:
    return psycopg.connect(url, autocommit=True)


def postmaster(directory: Path) -> int:
    pointer = directory / POINTER
    base = Path(pointer.read_text().strip()) if pointer.exists() else directory
    return int((base / "data" / "postmaster.pid").read_text().split()[0])


def test_the_three_roles_can_sign_in_and_none_is_a_superuser(server):
    for url, role in (
        (server.owner_url, OWNER),
        (server.app_url, APP),
        (server.sealer_url, SEALER),
    ):
        with connect(url) as connection:
            found = connection.execute(
                "SELECT rolname, rolsuper, rolcreaterole, rolbypassrls FROM pg_roles"
                " WHERE rolname = current_user"
            ).fetchone()
        assert found == (role, False, False, False)


def test_the_app_reads_and_writes_what_the_owner_makes_and_can_change_no_table(server):
    with connect(server.owner_url) as owner, connect(server.app_url) as app:
        owner.execute("CREATE TABLE thing (id bigint GENERATED ALWAYS AS IDENTITY, name text)")
        app.execute("INSERT INTO thing (name) VALUES ('a')")
        app.execute("UPDATE thing SET name = 'b'")
        assert app.execute("SELECT name FROM thing").fetchall() == [("b",)]
        for forbidden in (
            "CREATE TABLE mine (id int)",
            "CREATE TEMPORARY TABLE mine (id int)",
            "DROP TABLE thing",
            "ALTER TABLE thing ADD COLUMN extra int",
            "TRUNCATE thing",
            "CREATE SCHEMA mine",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                app.execute(forbidden)
        owner.execute("DROP TABLE thing")


def test_the_sealer_gets_nothing_that_was_not_granted(server):
    with connect(server.owner_url) as owner, connect(server.sealer_url) as sealer:
        owner.execute("CREATE TABLE secret (id int)")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            sealer.execute("SELECT * FROM secret")
        owner.execute("DROP TABLE secret")


def test_the_owner_may_add_the_extensions_a_migration_needs(server):
    with connect(server.owner_url) as owner:
        for extension in ("pg_trgm", "citext", "btree_gist"):
            owner.execute(f"CREATE EXTENSION {extension}")
            owner.execute(f"DROP EXTENSION {extension}")


def test_a_database_more_has_the_same_rights_and_goes_away_again(server):
    for _ in range(2):
        server.create_database("one_more")
    with connect(server.url(OWNER, "one_more")) as owner:
        owner.execute("CREATE TABLE thing (id int)")
    with connect(server.url(APP, "one_more")) as app:
        assert app.execute("SELECT * FROM thing").fetchall() == []
        server.drop_database("one_more")
    server.drop_database("one_more")
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        connect(server.url(APP, "one_more"))


def test_the_server_listens_on_no_network_and_in_a_private_folder(server):
    with connect(server.superuser_url) as connection:
        assert connection.execute("SHOW listen_addresses").fetchone() == ("",)
    assert server.socket_directory.stat().st_mode & 0o777 == 0o700


def test_a_durable_server_syncs_every_commit(used):
    with embedded_postgres(used) as server, connect(server.superuser_url) as connection:
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            assert connection.execute(f"SHOW {setting}").fetchone() == ("on",)
        assert connection.execute("SHOW data_checksums").fetchone() == ("on",)


def test_data_is_there_after_a_restart_and_a_second_start_uses_the_running_server(used):
    with embedded_postgres(used, durable=False) as first:
        with connect(first.owner_url) as owner:
            owner.execute("CREATE TABLE kept AS SELECT 42 AS answer")
        pid = postmaster(used)
        with embedded_postgres(used, durable=False) as second:
            assert second == first
            assert postmaster(used) == pid
        with connect(first.app_url) as app:  # the inner block did not stop it
            assert app.execute("SELECT 1").fetchone() == (1,)
    with embedded_postgres(used, durable=False) as again, connect(again.owner_url) as owner:
        assert owner.execute("SELECT answer FROM kept").fetchone() == (42,)


def test_it_starts_again_after_kill_9_of_the_server(used, eventually, is_gone):
    with embedded_postgres(used) as server:
        with connect(server.owner_url) as owner:
            owner.execute("CREATE TABLE safe AS SELECT 42 AS answer")
        pid = postmaster(used)
        os.kill(pid, signal.SIGKILL)
        eventually(lambda: is_gone(pid), "the server is dead")
        with embedded_postgres(used) as again, connect(again.owner_url) as owner:
            assert owner.execute("SELECT answer FROM safe").fetchone() == (42,)
            assert postmaster(used) != pid


def test_a_stranger_with_the_old_process_number_does_not_stop_the_start(used):
    with embedded_postgres(used, durable=False):
        lock = used / "data" / "postmaster.pid"
        left_over = lock.read_text().splitlines(keepends=True)
    stranger = subprocess.Popen(["sleep", "60"])
    try:
        lock.write_text("".join([f"{stranger.pid}\n", *left_over[1:]]))
        lock.chmod(0o600)
        with embedded_postgres(used, durable=False) as server:
            assert serves(postmaster(used), server.socket_directory.parent / "data")
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_kill_9_of_the_process_that_started_it_stops_the_server(used, eventually, is_gone):
    program = (
        "import sys, time; from pathlib import Path;"
        "from portal.runner.postgres import embedded_postgres\n"
        "with embedded_postgres(Path(sys.argv[1]), durable=False):\n"
        "    print('up', flush=True); time.sleep(60)"
    )
    starter = subprocess.Popen(
        [sys.executable, "-c", program, used], cwd=CHECKOUT, stdout=subprocess.PIPE, text=True
    )
    with starter:
        assert starter.stdout.readline() == "up\n"
        pid = postmaster(used)
        starter.kill()
    eventually(lambda: is_gone(pid), "the server ended after its starter")


def test_six_starts_at_once_share_one_server(place):
    program = (
        "import sys; from pathlib import Path; import psycopg;"
        "from portal.runner.postgres import embedded_postgres\n"
        "with embedded_postgres(Path(sys.argv[1]), durable=False) as server:\n"
        "    with psycopg.connect(server.app_url) as c:\n"
        "        print(c.execute('SELECT pg_postmaster_start_time()').fetchone()[0], flush=True)\n"
        "    sys.stdin.read()"
    )
    starts = [
        subprocess.Popen(
            [sys.executable, "-c", program, place],
            cwd=CHECKOUT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(6)
    ]
    try:
        answers = {start.stdout.readline() for start in starts}
    finally:
        for start in starts:
            start.communicate()
    assert len(answers) == 1
    assert answers != {""}


def test_a_long_path_gets_a_short_socket_folder_that_stays_the_same(place):
    deep = place / ("d" * 60) / ("e" * 60)
    folder = socket_directory(make(deep), ".s.PGSQL.5432")
    try:
        assert len(os.fsencode(folder / ".s.PGSQL.5432")) <= SOCKET_PATH_BYTES
        assert folder == socket_directory(deep, ".s.PGSQL.5432")
        with embedded_postgres(deep, durable=False) as server, connect(server.app_url) as app:
            assert app.execute("SELECT 1").fetchone() == (1,)
    finally:
        folder.rmdir()


def make(directory: Path) -> Path:
    directory.mkdir(parents=True)
    return directory


def test_data_of_another_major_version_is_refused_with_what_to_do(used):
    with starting(used):
        version = prepare_cluster(used, durable=False).data / "PG_VERSION"
        right = version.read_text()
        version.write_text("13\n")
        with pytest.raises(ClusterError, match=r"holds data of PostgreSQL 13.*COUNTERSIGN_HOME"):
            prepare_cluster(used, durable=False)
        version.write_text(right)


def test_a_half_made_data_directory_never_counts(place):
    (place / "data.part").mkdir()
    (place / "data.part" / "rubbish").write_text("half")
    with starting(place):
        cluster = prepare_cluster(place, durable=False)
    assert (cluster.data / "PG_VERSION").exists()
    assert not (cluster.data / "rubbish").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_a_folder_of_somebody_else_is_refused(place):
    socket = place / "socket"
    socket.mkdir()
    os.chown(socket, 12345, 12345)
    with pytest.raises(AccountError, match="belongs to another user"), starting(place):
        prepare_cluster(place, durable=False)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root hands the server to another account")
def test_as_root_the_data_moves_out_of_a_folder_nobody_else_can_enter(place):
    place.chmod(0o700)
    inside = place / "postgres"
    with embedded_postgres(inside, durable=False) as server:
        moved = Path((inside / POINTER).read_text().strip())
        assert server.socket_directory.is_relative_to(moved)
        with connect(server.app_url) as app:
            assert app.execute("SELECT 1").fetchone() == (1,)
    with starting(inside):
        again = prepare_cluster(inside, durable=False)
    assert again.base == moved == reachable(inside, again.account)
    subprocess.run(["rm", "-r", moved], check=True)


def test_no_postgres_at_all_says_what_to_do(monkeypatch):
    monkeypatch.setattr("portal.runner.binaries.WHEELS", ())
    monkeypatch.setattr("portal.runner.binaries.ON_THE_MACHINE", ())
    monkeypatch.setattr("shutil.which", lambda _: None)
    with pytest.raises(BinariesError, match="set DATABASE_URL"):
        find_postgres()


def test_a_postgres_on_the_machine_is_the_last_resort(monkeypatch, tmp_path):
    fake = tmp_path / "postgresql" / "16" / "bin"
    fake.mkdir(parents=True)
    for name in ("postgres", "initdb"):
        (fake / name).write_text("#!/bin/sh\necho 'postgres (PostgreSQL) 16.3'\n")
        (fake / name).chmod(0o755)
    monkeypatch.setattr("portal.runner.binaries.WHEELS", ())
    monkeypatch.setattr("portal.runner.binaries.ON_THE_MACHINE", (f"{tmp_path}/postgresql/*/bin",))
    monkeypatch.setattr("shutil.which", lambda _: None)
    found = find_postgres()
    assert (found.directory, found.major) == (fake, 16)


def test_a_server_is_known_by_its_socket_folder_alone(server):
    assert Server(server.socket_directory).app_url == server.app_url
