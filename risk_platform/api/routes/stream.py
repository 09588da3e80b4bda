"""The live stream: decisions, alerts, judgements and health as they happen, over a WebSocket."""

from typing import Annotated, TypeVar

from fastapi import APIRouter, Query, WebSocket
from pydantic import BaseModel, Field

from risk_platform.api.guard import SignedIn, requires, ticketed
from risk_platform.api.paging import LARGEST_NUMBER
from risk_platform.api.problems import Problem
from risk_platform.api.roles import Permission, allowed
from risk_platform.api.service import Wired
from risk_platform.api.stream.listener import Listener
from risk_platform.api.stream.messages import NEEDED, Topic, Wanted, text_of
from risk_platform.decisions.levels import Level
from risk_platform.operations.accounts import Session

router = APIRouter(tags=["auth"])
stream_router = APIRouter()
PATH = "/ws/risk-stream"
TICKET_SECONDS = 30
MOST_LISTENERS = 500
_Named = TypeVar("_Named", Topic, Level)


class Ticket(BaseModel):
    """What opens the live stream once."""

    ticket: str
    expires_in: int = Field(default=TICKET_SECONDS, description="Seconds that it is good for.")


@router.post("/auth/ticket", status_code=201, dependencies=requires(Permission.READ_RISK))
def ticket(session: SignedIn, service: Wired) -> Ticket:
    """A ticket for the WebSocket `/ws/risk-stream?ticket=…`: good once, so that no token stands in an address."""
    given = service.tickets.give(session.session_id, service.now, TICKET_SECONDS * 1_000_000)
    return Ticket(ticket=given)


@stream_router.websocket(PATH, dependencies=ticketed(Permission.READ_RISK))
async def risk_stream(
    socket: WebSocket,
    session: SignedIn,
    service: Wired,
    topics: Annotated[list[str] | None, Query()] = None,
    levels: Annotated[list[str] | None, Query()] = None,
    after: Annotated[int | None, Query(ge=0, le=LARGEST_NUMBER)] = None,
) -> None:
    """Pass on what is wanted until the listener goes, is too slow, or may hear it no more."""
    wanted = _wanted(session, topics, levels)
    if service.hub.listeners >= MOST_LISTENERS:
        raise Problem(503, "Too many listen already; try again later.", {"Retry-After": "30"})
    listener = Listener(socket, session, wanted, service.metrics.stream)
    try:
        begin = await service.hub.enter(listener, after)
    except ValueError as error:
        raise Problem(422, f"{error}; leave `after` out to begin there.", field="after") from None
    try:
        await socket.accept()
        described = {"topics": sorted(wanted.topics), "levels": sorted(wanted.levels)}
        await socket.send_text(text_of(begin, ["opened"], described))
        end = await listener.serve(service.hub.catch_up(listener, begin))
        if end is not None:
            service.metrics.stream.ends.labels(str(end.code)).inc()
            await listener.close(end)
    finally:
        await service.hub.leave(listener)


def _wanted(session: Session, topics: list[str] | None, levels: list[str] | None) -> Wanted:
    named = frozenset(_member(Topic, name, "topics") for name in _split(topics))
    missing = [topic for topic in sorted(named) if not allowed(session.user.role, NEEDED[topic])]
    if missing:
        raise Problem(403, f"The role {session.user.role} may not hear of {missing[0]}.", field="topics")
    chosen = frozenset(_member(Level, name, "levels") for name in _split(levels))
    heard = frozenset(topic for topic in Topic if allowed(session.user.role, NEEDED[topic]))
    return Wanted(named or heard, chosen or frozenset(Level))


def _split(given: list[str] | None) -> list[str]:
    """Names given one by one or with commas between them."""
    return [name for text in given or () for name in text.split(",") if name]


def _member(kind: type[_Named], name: str, field: str) -> _Named:
    try:
        return kind(name)
    except ValueError:
        raise Problem(422, f"{name[:40]!r} is none of {', '.join(kind)}.", field=field) from None
