"""Payments as a payment system sends them."""

from datetime import UTC, datetime, timedelta
from typing import Any

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


def payment(number: int, **changes: Any) -> dict[str, Any]:
    """The payment T<number>, made `number` seconds before two hours ago, every tenth of a large amount."""
    return {
        "source": "upi",
        "transaction_id": f"T{number}",
        "event_time": (NOW - timedelta(hours=2) + timedelta(seconds=number)).isoformat(),
        "customer_id": f"C{number % 7}",
        "counterparty_id": f"M{number % 5}",
        "counterparty_type": "merchant",
        "kind": "purchase",
        "status": "completed",
        "amount_minor": 9_000_000 if number % 10 == 9 else 1_000 + number,
        "currency": "INR",
        "channel": "UPI",
        "city": "Navi Mumbai",
        "latitude": 19.0,
        "longitude": 73.0,
        "country": "IN",
    } | changes


def payments(first: int, last: int) -> list[dict[str, Any]]:
    """The payments with those numbers, both included."""
    return [payment(number) for number in range(first, last + 1)]
