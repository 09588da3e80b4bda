"""Decisions as rows of the lake table `decisions`."""

import hashlib
from binascii import b2a_hex
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from risk_platform.decisions.arrow_form import Ends, Form, Texts, joined, texts_of
from risk_platform.decisions.arrow_message import new_page
from risk_platform.decisions.decision_message import ADVICE, decisions_size, write_decisions
from risk_platform.decisions.levels import LEVELS, Advice, Thresholds
from risk_platform.decisions.rules.columns import Seen, ticks
from risk_platform.kernels import settling
from risk_platform.lake.tables import DECISIONS

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
DecidedBy = Literal["engine", "batch"]
KEYS = ("source", "transaction_id", "event_time", "event_date")

_FINGERPRINT = 16
# From so many payments on, hashing them side by side is faster.
_SIDE_BY_SIDE = 16
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_FORM = Form(DECISIONS.schema)
_TEXT, _WHOLE = pa.string(), pa.int64()
_COUNTS_KEPT = 64
_ENGINES_KEPT = 8


@dataclass(frozen=True)
class Hashes:
    """What a decision was made with: SHA-256 of bundle (None: there was none), rule book and thresholds."""

    bundle: str | None
    rules: str
    thresholds: str


@dataclass(frozen=True)
class Decided:
    """A batch of n decisions as arrays.

    Margins and probabilities (NaN where degraded), scores, ranks (places in `LEVELS`), advice (the place in
    `Advice` that rules ask for at least), alerted and `explained` have length n, as has `why_not` unless the
    model judged all. `feature_values` is (n × features), `rule_values` (n × features of rules alone).
    `attributions` (× (features + 1)) has a row for each explained one in their order; `reason_codes` and `hits` have
    an entry for each decision, None for none.
    """

    margins: Floats
    probabilities: Floats
    scores: Floats
    ranks: npt.NDArray[np.intp]
    advice: npt.NDArray[np.intp]
    alerted: Bools
    why_not: list[str | None] | None
    feature_values: Floats
    rule_values: Floats
    explained: Bools
    attributions: Floats
    reason_codes: list[list[str] | None]
    hits: list[list[str] | None]
    hashes: Hashes
    features_version: int
    decided_time: datetime
    decided_by: DecidedBy


def decision_rows(seen: Seen, decided: Decided, thresholds: Thresholds) -> pa.RecordBatch:
    """Rows of `decisions`, one for each payment, in the registry's columns and types."""
    source, name = _texts(seen, "source"), _texts(seen, "transaction_id")
    keys = (
        _decision_ids(source, name, decided.hashes),
        texts_of(source),
        texts_of(name),
        seen.event_times,
        seen.event_dates,
        *_sequence(seen),
    )
    moment = (decided.decided_time - _EPOCH) // _MICROSECOND
    words = _words(decided.hashes, decided.decided_by)
    advice = np.maximum(thresholds.advice_places[decided.ranks], decided.advice) + ADVICE
    shared = (moment, decided.features_version, decided.hashes.bundle is not None, words)
    judged = (
        *(decided.probabilities, decided.scores, decided.margins),
        *(decided.ranks, advice, decided.alerted),
    )
    seen_values = (
        *(*_flat(decided.feature_values), *_flat(decided.rule_values), *_flat(decided.attributions)),
        *(_all(True, len(decided.explained)), decided.explained),
    )
    told = (*_degraded(decided), *_lists(decided.reason_codes), *_lists(decided.hits))
    page = new_page(len(_FORM.header) + _FORM.padding + _size(keys, shared, seen_values, told))
    written = _write(page, (_FORM.header, _FORM.places), keys, shared, judged, seen_values, told)
    return _FORM.read(page[0][:written])


_size = settling(decisions_size)
_write = settling(write_decisions)


def _flat(rows: Floats) -> tuple[Floats, int]:
    """The numbers of all rows, and how many each has."""
    return rows.ravel(), rows.shape[1]


def _texts(seen: Seen, name: str) -> pa.Array:
    column = seen.column(name)
    return column if column.type.equals(_TEXT) else column.cast(_TEXT)


def _sequence(seen: Seen) -> tuple[npt.NDArray[np.signedinteger], Bools]:
    """Inbox positions, and which payments have one because they came in live; null for history."""
    if not seen.has("sequence"):
        return np.zeros(seen.count, dtype=np.int64), _all(False, seen.count)
    stated = seen.column("sequence")
    known = stated.is_valid().to_numpy(zero_copy_only=False) if stated.null_count else _all(True, seen.count)
    return ticks(stated, _WHOLE), known


def _degraded(decided: Decided) -> tuple[Texts, Bools]:
    """Why the model could not be used, and where that is so."""
    if decided.why_not is None:
        return _no_texts(len(decided.scores)), _all(False, len(decided.scores))
    known = np.array([reason is not None for reason in decided.why_not], dtype=np.bool_)
    return joined([reason or "" for reason in decided.why_not]), known


def _lists(rows: Sequence[Sequence[str] | None]) -> tuple[Texts, Ends]:
    """All texts of the rows, and how many there are up to the end of each row."""
    if not any(rows):
        return _no_texts(0), _no_texts(len(rows))[0]
    ends = np.zeros(len(rows) + 1, dtype=np.int32)
    np.cumsum([len(row) if row else 0 for row in rows], out=ends[1:])
    return joined([text for row in rows if row for text in row]), ends


@lru_cache(_COUNTS_KEPT)
def _all(value: bool, count: int) -> Bools:
    return np.full(count, value, dtype=np.bool_)


@lru_cache(_COUNTS_KEPT)
def _no_texts(count: int) -> Texts:
    return np.zeros(count + 1, dtype=np.int32), np.frombuffer(b"", np.uint8)


@lru_cache(_ENGINES_KEPT)
def _words(hashes: Hashes, decided_by: DecidedBy) -> Texts:
    return joined([*LEVELS, *Advice, decided_by, hashes.rules, hashes.thresholds, hashes.bundle or ""])


def _decision_ids(sources: pa.Array, identifiers: pa.Array, hashes: Hashes) -> Texts:
    """Identifiers that the same payment, bundle, rules and thresholds always get."""
    if len(sources) >= _SIDE_BY_SIDE:
        from risk_platform.audit.lanes import text_digests

        digests = text_digests(_base(hashes), [sources, identifiers])[:, :_FINGERPRINT].tobytes()
    else:
        base, names = _base(hashes), zip(sources.to_pylist(), identifiers.to_pylist(), strict=True)
        told = [base + f"\x1f{source}\x1f{identifier}".encode() for source, identifier in names]
        digests = b"".join([hashlib.sha256(each).digest()[:_FINGERPRINT] for each in told])
    return _ends_of_ids(len(sources)), np.frombuffer(b2a_hex(digests), np.uint8)


@lru_cache(_COUNTS_KEPT)
def _ends_of_ids(count: int) -> Ends:
    return np.arange(count + 1, dtype=np.int32) * np.int32(2 * _FINGERPRINT)


@lru_cache(_ENGINES_KEPT)
def _base(hashes: Hashes) -> bytes:
    return hashlib.sha256(f"{hashes.bundle}\x1f{hashes.rules}\x1f{hashes.thresholds}".encode()).digest()
