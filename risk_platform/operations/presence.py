"""Whether an operational store has ever been written to, looked at without making one."""

from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import URL

from risk_platform.operations.database import open_database
from risk_platform.operations.schema import INBOX


def has_inbox(url: URL) -> bool:
    """Whether a store with an inbox is at `url`; raises ServiceError when it cannot be reached."""
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").is_file():
        return False
    database = open_database(url)
    try:
        return sa.inspect(database).has_table(INBOX.name)
    finally:
        database.dispose()
