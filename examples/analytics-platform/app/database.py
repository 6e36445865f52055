"""The database, as all three units use it."""

import os
import threading

import psycopg2
from psycopg2.extras import RealDictCursor

Error = psycopg2.Error
mine = threading.local()


def rows(sql, *values):
    """Run a statement in a transaction of its own, over this thread's connection, and return its rows."""
    known = getattr(mine, "connection", None)
    try:
        return answer(known or connect(), sql, values)
    except (psycopg2.OperationalError, psycopg2.InterfaceError):
        if known is None:
            raise
        return answer(connect(), sql, values)  # the server was restarted since


def connect():
    mine.connection = None
    mine.connection = psycopg2.connect(os.environ["DATABASE_URL"], connect_timeout=10)
    return mine.connection


def answer(connection, sql, values):
    with connection, connection.cursor(cursor_factory=RealDictCursor) as cursor:
        cursor.execute(sql, values)
        return cursor.fetchall() if cursor.description else []
