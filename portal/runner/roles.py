"""The database roles: an owner that may change tables, an app that may not, a sealer.

Production runs the same statements once (see the how-to on deployment): the roles here have no
password, because the embedded server is reachable only through a private socket.
"""

from typing import Any

import psycopg
from psycopg import sql

from portal.runner.addresses import APP, OWNER, SEALER

_GRANTS = """
REVOKE ALL ON DATABASE {database} FROM PUBLIC;
GRANT CONNECT ON DATABASE {database} TO {app}, {sealer};
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT ALL ON SCHEMA public TO {owner};
GRANT USAGE ON SCHEMA public TO {app}, {sealer};
ALTER DEFAULT PRIVILEGES FOR ROLE {owner}
    GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {app};
ALTER DEFAULT PRIVILEGES FOR ROLE {owner}
    GRANT USAGE, SELECT ON SEQUENCES TO {app};
"""

Connection = psycopg.Connection[Any]


def prepare_roles(connection: Connection) -> None:
    """Create the three login roles where missing. Needs a superuser (or CREATEROLE)."""
    for role in (OWNER, APP, SEALER):
        found = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role]).fetchone()
        if not found:
            connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(role)))


def create_database(connection: Connection, name: str) -> None:
    """Create a database of the owner where missing. Needs autocommit and a superuser."""
    found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone()
    if not found:
        statement = sql.SQL("CREATE DATABASE {} OWNER {}")
        connection.execute(statement.format(sql.Identifier(name), sql.Identifier(OWNER)))


def prepare_database(connection: Connection) -> None:
    """Set who may do what in the database connected to, now and for tables to come.

    Run it again at any time. Needs a superuser or the owner.
    """
    connection.execute(
        sql.SQL(_GRANTS).format(
            database=sql.Identifier(connection.info.dbname),
            owner=sql.Identifier(OWNER),
            app=sql.Identifier(APP),
            sealer=sql.Identifier(SEALER),
        )
    )
