"""`python -m portal.runner`: everything Countersign needs, in one foreground process tree."""

import argparse
import os
import socket
import sys
import time

from portal.runner.account import AccountError
from portal.runner.addresses import APP, OWNER, SEALER, server_url
from portal.runner.binaries import BinariesError
from portal.runner.broker import BrokerError, prepare_broker
from portal.runner.cluster import ClusterError, prepare_cluster, starting
from portal.runner.home import HomeError, only_run, secret_key_file
from portal.runner.log import Log
from portal.runner.metrics import Metrics
from portal.runner.options import (
    CHECKOUT,
    OptionError,
    Options,
    check_port,
    python,
    read_options,
)
from portal.runner.process import Command
from portal.runner.tree import Child, ChildFailed, StopRequested, Tree, stop_signals

FIRST_PAGE_SECONDS = 60.0
WORKER = ("-m", "portal.runner.worker", "portal.config.celery:app")
PROBLEMS = (
    AccountError,
    BinariesError,
    BrokerError,
    ChildFailed,
    ClusterError,
    HomeError,
    OptionError,
)


def main() -> int:
    """Start, supervise and stop the tree; the exit code of the command."""
    parser = argparse.ArgumentParser(prog="python -m portal.runner", description=__doc__)
    parser.add_argument(
        "--with-parent",
        action="store_true",
        help="stop when the process that started this one is gone",
    )
    arguments = parser.parse_args()
    log = Log()
    try:
        with stop_signals():
            options = read_options()
            with only_run(options.home) as lock:
                tree = Tree(log, held_open=[lock], with_parent=arguments.with_parent)
                _run(tree, options, log)
    except StopRequested:
        return 0
    except PROBLEMS as problem:
        log.say(f"Countersign did not start. {problem}")
        return 1
    return 0


def _run(tree: Tree, options: Options, log: Log) -> None:
    begun = time.monotonic()
    try:
        check_port(options)
        _set_up(tree, options, log)
        log.say(f"Ready after {time.monotonic() - begun:.1f} s: {options.url}")
        log.say("Ctrl-C stops everything.")
        tree.supervise()
    finally:
        log.say("stopping")
        tree.stop()


def _set_up(tree: Tree, options: Options, log: Log) -> None:
    """Start everything in order; return when the first page answers."""
    app_url, owner_url, sealer_url = options.database_url, options.owner_url, ""
    if not app_url:
        app_url, owner_url, sealer_url = _start_database(tree, options, log)
    broker_url = options.broker_url or _start_broker(tree, options, log)
    environment = options.environment(
        database_url=app_url, broker_url=broker_url, secret=secret_key_file(options.home)
    )
    log.say("bringing the tables up to date")
    as_owner = {**environment, "DATABASE_URL": owner_url}
    # Migrations and the ledger's months to come in one process: each start of Django is a second.
    tree.run("migrate", _python(as_owner, "manage.py", "ledger_partitions", "--migrate", "-v", "0"))
    if options.demo:
        log.say("loading the demo company (COUNTERSIGN_DEMO=0 leaves it out)")
        place = ("--home", str(options.home), "--url", options.url)
        metrics = ("--metrics", Metrics(options.home / "demo").url)
        tree.run("demo", _python(environment, "manage.py", "demo", "--quiet", *place, *metrics))
    _start_sealer(tree, {**environment, "DATABASE_URL": sealer_url}, log)
    log.say("starting web and worker (with beat)")
    web = _python(environment, "-m", "portal.config.server")
    worker = _python(environment, *WORKER, str(options.home / "beat-schedule"))
    tree.start("web", lambda: web)
    tree.start("worker", lambda: worker)
    _wait_for_first_page(tree, options)
    if options.demo:
        show = _python(environment, "manage.py", "demo", "--show", *place)
        for line in tree.run("demo", show, show=False):
            log.plain(line)


def _start_database(tree: Tree, options: Options, log: Log) -> tuple[str, str, str]:
    """The URLs of the app, of the owner and of the sealer."""
    directory = options.home / "postgres"
    log.say("starting the database (set DATABASE_URL to use your own)")
    with starting(directory):
        cluster = prepare_cluster(directory, durable=True)
        if (pid := cluster.running_server()) is not None:
            raise ClusterError(f"Another PostgreSQL (process {pid}) already serves {cluster.data}.")

        def command() -> Command:
            cluster.forget_dead_server()
            return cluster.command()

        tree.start("database", command)
        sockets = cluster.socket_directory
        tree.run("database", _python(dict(os.environ), "-m", "portal.runner.prepare", str(sockets)))
    return server_url(sockets, APP), server_url(sockets, OWNER), server_url(sockets, SEALER)


def _start_sealer(tree: Tree, environment: dict[str, str], log: Log) -> None:
    """Only beside an embedded database: elsewhere it must be an account of its own."""
    if not environment["DATABASE_URL"]:
        log.say("no sealer is started for a database of your own: see docs/how-to")
        return
    log.say("starting the sealer")
    sealer = _python(environment, "-m", "portal.sealer")
    tree.start("sealer", lambda: sealer)


def _start_broker(tree: Tree, options: Options, log: Log) -> str:
    log.say("starting the broker (set BROKER_URL to use your own)")
    broker = prepare_broker(options.home / "broker")
    child: Child = tree.start("broker", broker.command)
    broker.wait_ready(lambda: child.alive)
    return broker.url


def _python(environment: dict[str, str], *arguments: str) -> Command:
    return Command(python(*arguments), environment, CHECKOUT)


def _wait_for_first_page(tree: Tree, options: Options) -> None:
    deadline = time.monotonic() + FIRST_PAGE_SECONDS
    while not _first_page_answers(options):
        tree.check()
        if time.monotonic() > deadline:
            raise ChildFailed(f"No page at {options.url} after {FIRST_PAGE_SECONDS:g} s.")
        time.sleep(0.1)


def _first_page_answers(options: Options) -> bool:
    """Whether `/healthz` answers 200; by hand, because an HTTP library would stay in memory."""
    request = (
        f"GET /healthz HTTP/1.1\r\nHost: localhost:{options.port}\r\nConnection: close\r\n\r\n"
    )
    try:
        with socket.create_connection((options.local_host, options.port), timeout=5) as page:
            page.sendall(request.encode())
            return b" 200 " in page.recv(64).split(b"\r\n", 1)[0] + b" "
    except OSError:
        return False


if __name__ == "__main__":
    sys.exit(main())
