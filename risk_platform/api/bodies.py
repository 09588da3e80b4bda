"""Bodies with canonical names: read as they are for the engine's own door to judge, documented from the one record."""

from typing import Any

import orjson
from fastapi import Request

from risk_platform.api.problems import Problem
from risk_platform.intake.events import live_fields
from risk_platform.transactions.canonical import FieldType, RecordKind

MOST_PAYMENTS = 10_000
_TYPES: dict[FieldType, dict[str, Any]] = {
    "identifier": {"type": "string"},
    "text": {"type": "string"},
    "time": {"type": "string", "format": "date-time"},
    "minor": {"type": "integer"},
    "number": {"type": "number"},
    "flag": {"type": "boolean"},
}
PAYMENT_EXAMPLE = {
    "source": "upi",
    "transaction_id": "T-1001",
    "event_time": "2026-11-02T10:15:00+05:30",
    "customer_id": "C-17",
    "counterparty_id": "M-4",
    "counterparty_type": "merchant",
    "amount": "1499.00",
    "currency": "INR",
    "channel": "UPI",
}
JUDGEMENT_EXAMPLE = {
    "source": "upi",
    "transaction_id": "T-1001",
    "is_fraud": True,
    "judged_by": "chargeback",
    "confidence": 0.9,
}
OUTCOME_EXAMPLE = {"source": "upi", "transaction_id": "T-1001", "outcome": "declined"}


def event_schema(kind: RecordKind, example: dict[str, Any]) -> dict[str, Any]:
    """JSON schema of one live event, from the canonical record."""
    properties = {
        field.name: _TYPES[field.type] | ({} if field.default is None else {"default": field.default})
        for field in live_fields(kind)
    }
    if kind == "payments":
        described = "Major units as decimal text; or give `amount_minor`."
        properties["amount"] = {"type": "string", "description": described}
    required = ["source", *(field.name for field in live_fields(kind) if field.required)]
    return {
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
        "example": example,
    }


def documented(schema: dict[str, Any]) -> dict[str, Any]:
    """What a route with such a JSON body adds to the OpenAPI document."""
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


async def json_body(request: Request) -> tuple[bytes, dict[str, Any]]:
    """The body of a request and the JSON object that it is; raises a 400 or 415 problem when it is none."""
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if kind != "application/json":
        raise Problem(415, "The body is to be application/json; say so in Content-Type.")
    content = await request.body()
    try:
        value = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise Problem(400, f"The body is no JSON: {error}.", field="body") from None
    if not isinstance(value, dict):
        raise Problem(400, "The body is to be one JSON object.", field="body")
    return content, value
