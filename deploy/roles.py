"""The login roles of the embedded PostgreSQL. Each process may do only its own work."""

from collections.abc import Mapping

import psycopg
from psycopg import sql

LOGINS = {
    "throughline_worker": (
        *("throughline_writer", "throughline_reader", "throughline_directory", "throughline_dashboards"),
    ),
    "throughline_intake": ("throughline_reader", "throughline_intake_service"),
    "throughline_projections": ("throughline_projector",),
    "throughline_board": (
        *("throughline_reader", "throughline_dashboards", "throughline_sessions", "throughline_finder"),
        "throughline_entering",
    ),
}
"""Each login role and its groups. The migrations create the groups; docs/roles.md says why."""

KEYHOLDERS = {
    "throughline_worker": ("throughline_keyholder",),
    "throughline_intake": ("throughline_keyholder",),
    "throughline_board": ("throughline_keyholder",),
}
"""The same for the keys' database."""


def make_login_roles(admin_url: str, logins: Mapping[str, tuple[str, ...]] = LOGINS) -> None:
    """Creates the login roles that are missing, and grants each its groups. They have no password.

    Only for the embedded server, whose socket only this user can reach. The database must be migrated.
    """
    with psycopg.connect(admin_url) as connection:
        there = {name for (name,) in connection.execute("select rolname from pg_roles")}
        for login, groups in logins.items():
            if login not in there:
                connection.execute(sql.SQL("create role {} login").format(sql.Identifier(login)))
            granted = sql.SQL(", ").join(map(sql.Identifier, groups))
            connection.execute(sql.SQL("grant {} to {}").format(granted, sql.Identifier(login)))
