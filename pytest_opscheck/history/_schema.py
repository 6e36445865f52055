"""The tables of a history, and how one of an older version becomes one of this.

A result is a row, and so is each of its measurements. They are stored in the order in which they are asked for: all of
one check, or of one subject, behind each other, by run. Texts that many rows share stand once.
"""

from __future__ import annotations

from ._store import HistoryError, Store, transaction

_FIRST = (
    "CREATE TABLE opscheck_schema (version INTEGER NOT NULL)",
    "INSERT INTO opscheck_schema (version) VALUES (0)",
    # The ends of the chain: the newest run, and the last one that was taken away because of its age.
    """
    CREATE TABLE opscheck_chain (
      newest INTEGER NOT NULL, newest_hash TEXT NOT NULL,
      removed INTEGER NOT NULL, removed_hash TEXT NOT NULL, removed_at TEXT
    )
    """,
    "INSERT INTO opscheck_chain (newest, newest_hash, removed, removed_hash) VALUES (0, '', 0, '')",
    """
    CREATE TABLE opscheck_run (
      seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, suite TEXT, inventory TEXT NOT NULL,
      started TEXT NOT NULL, finished TEXT NOT NULL, exit_status INTEGER NOT NULL, vantage TEXT NOT NULL,
      version TEXT NOT NULL, narrowed INTEGER NOT NULL, more TEXT, before TEXT NOT NULL, hash TEXT NOT NULL
    )
    """,
    "CREATE INDEX opscheck_run_suite ON opscheck_run (inventory, suite, started)",
    "CREATE INDEX opscheck_run_started ON opscheck_run (inventory, started)",
    "CREATE TABLE opscheck_text (id INTEGER PRIMARY KEY, digest TEXT NOT NULL UNIQUE, content TEXT NOT NULL)",
    """
    CREATE TABLE opscheck_series (
      id INTEGER PRIMARY KEY, digest TEXT NOT NULL UNIQUE, inventory TEXT NOT NULL, result TEXT NOT NULL
    )
    """,
    "CREATE INDEX opscheck_series_inventory ON opscheck_series (inventory)",
    """
    CREATE TABLE opscheck_result (
      series INTEGER NOT NULL, run INTEGER NOT NULL, place INTEGER NOT NULL,
      verdict TEXT NOT NULL, severity TEXT, fails INTEGER NOT NULL, message TEXT NOT NULL, blocked_by TEXT,
      action TEXT, pending TEXT, attempts INTEGER NOT NULL, duration_s DOUBLE PRECISION NOT NULL, counters TEXT,
      state TEXT, since TEXT, wrong_since TEXT, changed INTEGER NOT NULL, about INTEGER NOT NULL,
      PRIMARY KEY (series, run, place)
    ){clustered}
    """,
    "CREATE INDEX opscheck_result_run ON opscheck_result (run)",
    "CREATE INDEX opscheck_result_changed ON opscheck_result (run) WHERE changed = 1",
    """
    CREATE TABLE opscheck_subject (
      id INTEGER PRIMARY KEY, digest TEXT NOT NULL UNIQUE, series INTEGER NOT NULL, subject TEXT
    )
    """,
    "CREATE INDEX opscheck_subject_series ON opscheck_subject (series)",
    """
    CREATE TABLE opscheck_measurement (
      subject INTEGER NOT NULL, run INTEGER NOT NULL, place INTEGER NOT NULL, number INTEGER NOT NULL,
      value DOUBLE PRECISION, exact TEXT, breached TEXT, problem TEXT, observed TEXT, about INTEGER NOT NULL,
      PRIMARY KEY (subject, run, place, number)
    ){clustered}
    """,
    "CREATE INDEX opscheck_measurement_run ON opscheck_measurement (run)",
)
_MAINTENANCE = (
    # What somebody began by hand. It belongs to no run, so it is not part of the chain.
    """
    CREATE TABLE opscheck_maintenance (
      number INTEGER PRIMARY KEY, inventory TEXT NOT NULL, started TEXT NOT NULL, ends TEXT NOT NULL,
      why TEXT NOT NULL, who TEXT NOT NULL, targets TEXT NOT NULL, stopped TEXT, stopped_by TEXT
    )
    """,
)
_TOLD = (
    """
    CREATE TABLE opscheck_told (
      number INTEGER PRIMARY KEY, inventory TEXT NOT NULL, channel TEXT NOT NULL, result TEXT NOT NULL,
      event TEXT NOT NULL, severity TEXT, at TEXT NOT NULL
    )
    """,
    "CREATE INDEX opscheck_told_last ON opscheck_told (inventory, channel, result, number)",
)
_SETTLED = (
    # The exit status that a run has got since it was recorded. What was written stays, so it is not part of the chain.
    "ALTER TABLE opscheck_run ADD COLUMN settled INTEGER",
)
_GATES = (
    """
    CREATE TABLE opscheck_gate (
      number INTEGER PRIMARY KEY, inventory TEXT NOT NULL, suite TEXT NOT NULL, at TEXT NOT NULL,
      line TEXT NOT NULL, levels TEXT NOT NULL, baseline TEXT
    )
    """,
    "CREATE INDEX opscheck_gate_suite ON opscheck_gate (inventory, suite, number)",
)
_ANNOUNCED = (
    # What is to come belongs to no run yet, so it is not part of the chain.
    """
    CREATE TABLE opscheck_announced (
      number INTEGER PRIMARY KEY, inventory TEXT NOT NULL, suite TEXT NOT NULL, at TEXT NOT NULL,
      deadline TEXT NOT NULL, digest TEXT NOT NULL, parts TEXT NOT NULL, merged TEXT
    )
    """,
    "CREATE INDEX opscheck_announced_suite ON opscheck_announced (inventory, suite, number)",
)
MIGRATIONS = (_FIRST, _MAINTENANCE, _TOLD, _SETTLED, _GATES, _ANNOUNCED)
"""What makes each version of the one before it. A version that was released is never changed."""
VERSION = len(MIGRATIONS)


def version_of(store: Store) -> int:
    """Return the version of a history's tables, 0 where there are none yet.

    Raises HistoryError for one that this program does not know.
    """
    if not store.has_table("opscheck_schema"):
        return 0
    ((version,),) = store.rows("SELECT version FROM opscheck_schema")
    if version > VERSION:
        raise HistoryError(
            f"the history has version {version}, and this pytest-opscheck supports up to {VERSION}; "
            "upgrade it here too, or give this machine its own history"
        )
    return int(version)


def migrate(store: Store) -> None:
    """Bring a history to this version, each step in a transaction of its own."""
    while (found := version_of(store)) < VERSION:
        with transaction(store, writes=True):
            if store.locked:
                # Two machines may well begin with an empty database at once.
                store.rows("SELECT pg_advisory_xact_lock(7350518)")
            if version_of(store) != found:  # another run has done it meanwhile
                continue
            for statement in MIGRATIONS[found]:
                store.rows(statement.replace("{clustered}", store.clustered))
            store.rows("UPDATE opscheck_schema SET version = ?", (found + 1,))
