"""Tickets of the live stream: good once, for a while, for the session that asked."""

from sqlalchemy.engine import URL

from risk_platform.operations.database import bring_up_to_date, open_database
from risk_platform.operations.tickets import Tickets

_SECOND = 1_000_000


def test_a_ticket_is_good_once_and_for_a_while(store_url: URL) -> None:
    database = open_database(store_url)
    bring_up_to_date(database)
    tickets = Tickets(database)
    first, late = (tickets.give(session, 0, 30 * _SECOND) for session in ("s1", "s2"))
    assert tickets.take(first, 29 * _SECOND) == "s1"
    assert tickets.take(first, 29 * _SECOND) is None
    assert tickets.take(late, 30 * _SECOND) is None
    assert tickets.take("no ticket", 0) is None
    database.dispose()
