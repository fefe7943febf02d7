"""The store's schema, step by step. alembic is imported only when a step is due.

`HEAD` is the newest revision; whoever adds one moves it. Revisions count up, so that a database that a newer
tracelm wrote can be told.
"""

import logging
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from sqlalchemy import Connection

HEAD: Final = "0010"
VERSION_TABLE: Final = "tracelm_schema"


def upgrade(connection: "Connection") -> None:
    """Bring the database up to `HEAD` in the transaction that `connection` has open: wholly or not."""
    log = logging.getLogger("alembic")
    level = log.level
    log.setLevel(logging.WARNING)  # its progress is no news for the program that is traced
    try:
        from alembic import command
        from alembic.config import Config

        config = Config()
        config.set_main_option("script_location", "tracelm.store:migrations")
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    finally:
        log.setLevel(level)
