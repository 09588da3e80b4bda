"""Decided payments: the newest, one by its identifier, the past, and their numbers."""

from collections import Counter
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, Field

from risk_platform.api.decided import Risk, moment, risk_fields
from risk_platform.api.guard import SignedIn, requires
from risk_platform.api.paging import Cursor, FromTime, Limit, ToTime, cursor_of, instant, place_of
from risk_platform.api.problems import Problem, ProblemDetails
from risk_platform.api.roles import Permission, allowed
from risk_platform.api.service import Wired
from risk_platform.decisions.levels import Advice, Level
from risk_platform.operations.accounts import Session
from risk_platform.operations.feed import DecidedPayment, FeedFilter

router = APIRouter(prefix="/risk", tags=["risk"])
PaymentName = Annotated[
    str,
    Path(max_length=300, description="TRANSACTION_ID, or SOURCE:TRANSACTION_ID.", examples=["upi:T-1001"]),
]


class Evidence(Risk):
    """The same with what it was decided with: hashes, the values the model saw, and what each of them did."""

    margin: float | None
    bundle_hash: str | None
    rules_hash: str
    thresholds_hash: str
    feature_values: list[float | None]
    attributions: list[float] | None


class RiskPage(BaseModel):
    """Payments, the newest first. A page may hold fewer than asked for: go on while there is a cursor."""

    items: list[Risk]
    next_cursor: str | None


class RiskStats(BaseModel):
    """Numbers over the newest payments."""

    payments: int
    first_time: datetime | None = Field(description="When the oldest of them became known.")
    last_time: datetime | None
    levels: dict[Level, int]
    advice: dict[Advice, int]
    channels: dict[str, int]
    alerted: int
    degraded: int
    mean_score: float | None


@router.get("/live", dependencies=requires(Permission.READ_RISK))
def live(session: SignedIn, service: Wired, limit: Limit = 50, level: Level | None = None) -> RiskPage:
    """The newest decided payments."""
    page = service.feed.page(FeedFilter(level=level), None, limit)
    return RiskPage(
        items=[_shown(item, session) for item in page.items],
        next_cursor=None if page.before is None else cursor_of(page.before),
    )


@router.get("/history", dependencies=requires(Permission.READ_RISK))
def history(
    session: SignedIn,
    service: Wired,
    limit: Limit = 50,
    cursor: Cursor = None,
    level: Level | None = None,
    customer_id: Annotated[str | None, Query(max_length=200)] = None,
    channel: Annotated[str | None, Query(max_length=20)] = None,
    from_time: FromTime = None,
    to_time: ToTime = None,
) -> RiskPage:
    """Decided payments that came in live, filtered, page by page into the past."""
    if customer_id is not None and not _sees_parties(session):
        raise Problem(403, "Only who may see parties may ask for one.", field="customer_id")
    wanted = FeedFilter(level, customer_id, channel, instant(from_time, "from"), instant(to_time, "to"))
    before = None if cursor is None else place_of(cursor, int)[0]
    page = service.feed.page(wanted, before, limit)
    return RiskPage(
        items=[_shown(item, session) for item in page.items],
        next_cursor=None if page.before is None else cursor_of(page.before),
    )


@router.get("/stats", dependencies=requires(Permission.READ_RISK))
def stats(
    service: Wired, last: Annotated[int, Query(ge=1, le=10_000, description="How many payments.")] = 1_000
) -> RiskStats:
    """Levels, advice, channels and alerts of the newest payments."""
    items = service.feed.page(FeedFilter(), None, last).items
    decisions = [item.decision for item in items]
    return RiskStats(
        payments=len(items),
        first_time=moment(items[-1].known_time) if items else None,
        last_time=moment(items[0].known_time) if items else None,
        levels=dict.fromkeys(Level, 0) | Counter(Level(each["level"]) for each in decisions),
        advice=dict.fromkeys(Advice, 0) | Counter(Advice(each["advice"]) for each in decisions),
        channels=Counter(item.payment["channel"] for item in items),
        alerted=sum(each["alerted"] for each in decisions),
        degraded=sum(each["degraded_reason"] is not None for each in decisions),
        mean_score=sum(each["score"] for each in decisions) / len(items) if items else None,
    )


@router.get(
    "/{name}", dependencies=requires(Permission.READ_RISK), responses={404: {"model": ProblemDetails}}
)
def one(name: PaymentName, session: SignedIn, service: Wired) -> Evidence:
    """One payment with its decision and the evidence for it."""
    item = found_payment(service, name)
    return Evidence.model_validate(_fields(item, session))


def found_payment(service: Wired, name: str) -> DecidedPayment:
    """The decided payment of that name; raises a 404 problem when there is none, 409 when there are several."""
    found = service.feed.find(None, name)
    if not found and ":" in name:
        source, transaction_id = name.split(":", 1)
        found = service.feed.find(source, transaction_id)
    if not found:
        raise Problem(404, "No payment of that name came in live; name it SOURCE:TRANSACTION_ID.")
    if len(found) > 1:
        raise Problem(409, "Several sources have a payment of that name; name it SOURCE:TRANSACTION_ID.")
    return found[0]


def _sees_parties(session: Session) -> bool:
    return allowed(session.user.role, Permission.SEE_PARTIES)


def _shown(item: DecidedPayment, session: Session) -> Risk:
    fields = _fields(item, session)
    return Risk.model_validate({name: fields[name] for name in Risk.model_fields})


def _fields(item: DecidedPayment, session: Session) -> dict[str, Any]:
    given = risk_fields(item.payment, item.decision, item.known_time, sees_parties=_sees_parties(session))
    return {name: given[name] for name in Evidence.model_fields}
