"""Runs of events for the store, small and exact."""

import json

import numpy as np
import pyarrow as pa

from risk_platform.operations.records import Events, Run, body_hashes

KNOWN = 1_780_000_000_000_000


def payment_run(sequence: int, transaction_ids: list[str], scores: list[float]) -> Run:
    """Payments of the source `upi` that alert from a score of 0.75 on."""
    lines = [
        json.dumps({"amount_minor": 100 * at, "customer_id": "C1", "transaction_id": name}).encode()
        for at, name in enumerate(transaction_ids)
    ]
    events = Events("payment", ["upi"] * len(lines), transaction_ids, lines)
    hashes = body_hashes(lines)
    return Run(
        sequence,
        KNOWN + sequence,
        "Asia/Kolkata",
        events,
        hashes,
        decisions(sequence, transaction_ids, scores),
    )


def decisions(sequence: int, transaction_ids: list[str], scores: list[float]) -> pa.RecordBatch:
    count = len(scores)
    alerted = [score >= 0.75 for score in scores]
    return pa.record_batch(
        {
            "decision_id": [f"D{name}" for name in transaction_ids],
            "source": ["upi"] * count,
            "transaction_id": transaction_ids,
            "sequence": pa.array(range(sequence, sequence + count), pa.int64()),
            "probability": scores,
            "score": scores,
            "level": ["HIGH" if alert else "LOW" for alert in alerted],
            "advice": ["hold" if alert else "allow" for alert in alerted],
            "alerted": alerted,
            "feature_values": pa.array(
                [[np.nextafter(score, 1), None] for score in scores], pa.list_(pa.float64())
            ),
        }
    )


def control_run(sequence: int, name: str, value: dict[str, object]) -> Run:
    lines = [json.dumps({"name": name, "value": value}).encode()]
    events = Events("control", ["engine"], [f"control-{sequence}"], lines)
    return Run(sequence, KNOWN + sequence, "Asia/Kolkata", events, body_hashes(lines))
