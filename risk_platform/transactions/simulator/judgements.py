"""What becomes known of payments, and when: reports, chargebacks, findings, claims that prove wrong."""

from dataclasses import dataclass

import numpy as np

from risk_platform.transactions.simulator.calendar import HOUR_MS
from risk_platform.transactions.simulator.ledger import LEGITIMATE, Bools, Floats, Ints, Ledger
from risk_platform.transactions.simulator.typologies.registry import TYPOLOGIES, JudgedBy

JUDGES: tuple[JudgedBy, ...] = ("customer", "chargeback", "simulator")
# Genuine payments that somebody disputes; a part of them counts as fraud until the dispute is settled.
_FALSE_CLAIMS_PER_FRAUD = 0.05
_BELIEVED_SHARE = 0.3
_CONFIDENCE = {"customer": 0.8, "chargeback": 0.9, "simulator": 0.95}


@dataclass(frozen=True)
class Judgements:
    """One entry per judgement: position of its payment, verdict, when known, by which of JUDGES."""

    payment: Ints
    is_fraud: Bools
    known_ms: Ints
    judge: Ints
    confidence: Floats


def judge(payments: Ledger, fraud_share: float, rng: np.random.Generator) -> Judgements:
    """The judgements that the payments of one ledger will get, in no order.

    Some frauds are never reported, the others after a delay of their typology; a few genuine payments are
    disputed.
    """
    reported = _reports(payments, rng)
    disputed = _disputes(payments, fraud_share, rng)
    return Judgements(*(np.concatenate(columns) for columns in zip(reported, disputed, strict=True)))


_Columns = tuple[Ints, Bools, Ints, Ints, Floats]


def _reports(payments: Ledger, rng: np.random.Generator) -> _Columns:
    frauds = np.flatnonzero(payments.typology != LEGITIMATE)
    number = payments.typology[frauds] - 1
    rules = [typology.reporting for typology in TYPOLOGIES]
    share, median, spread, earliest, latest, judge_of = (
        np.array(column)[number]
        for column in zip(
            *(
                (
                    r.share,
                    r.median_hours,
                    r.spread,
                    r.earliest_hours,
                    r.latest_hours,
                    JUDGES.index(r.judged_by),
                )
                for r in rules
            ),
            strict=True,
        )
    )
    hours = np.clip(median * np.exp(spread * rng.standard_normal(len(frauds))), earliest, latest)
    known = payments.time_ms[frauds] + (hours * HOUR_MS).astype(np.int64)
    kept = rng.random(len(frauds)) < share
    judges = judge_of.astype(np.int64)[kept]
    return frauds[kept], np.ones(int(kept.sum()), dtype=np.bool_), known[kept], judges, _confidence(judges)


def _disputes(payments: Ledger, fraud_share: float, rng: np.random.Generator) -> _Columns:
    odds = np.where(payments.typology == LEGITIMATE, fraud_share * _FALSE_CLAIMS_PER_FRAUD, 0.0)
    disputed = np.flatnonzero(rng.random(len(payments)) < odds)
    n = len(disputed)
    claimed = payments.time_ms[disputed] + (rng.lognormal(3.0, 1.0, n) * HOUR_MS).astype(np.int64)
    settled = claimed + (rng.uniform(24, 24 * 20, n) * HOUR_MS).astype(np.int64)
    believed = rng.random(n) < _BELIEVED_SHARE
    verdict = np.concatenate([np.ones(int(believed.sum()), dtype=np.bool_), np.zeros(n, dtype=np.bool_)])
    judges = np.where(verdict, JUDGES.index("customer"), JUDGES.index("simulator"))
    confidence = np.where(verdict, 0.5, _CONFIDENCE["simulator"])
    known = np.concatenate([claimed[believed], settled])
    return np.concatenate([disputed[believed], disputed]), verdict, known, judges, confidence


def _confidence(judges: Ints) -> Floats:
    return np.array([_CONFIDENCE[name] for name in JUDGES])[judges]
