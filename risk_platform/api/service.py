"""What the routes work with: one set of it for each worker process."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Self

from anyio import CapacityLimiter
from fastapi import Depends
from fastapi.requests import HTTPConnection
from sqlalchemy.engine import URL
from sqlalchemy.engine import Engine as Database

from risk_platform.api.keys import token_key, token_key_file
from risk_platform.api.limits import RateLimits, Rates
from risk_platform.api.metrics import Metrics
from risk_platform.api.passwords import Passwords
from risk_platform.api.sessions import Sessions
from risk_platform.api.stream.health import engine_health
from risk_platform.api.stream.hub import Hub
from risk_platform.api.stream.notices import Notices, RedisNotices
from risk_platform.api.tokens import AccessTokens
from risk_platform.api.turns import Turns
from risk_platform.api.verified_heads import VerifiedHeads
from risk_platform.decisions.archive import Archive
from risk_platform.decisions.explanation import Explainer
from risk_platform.decisions.reasons import ReasonDictionary
from risk_platform.home import Home
from risk_platform.intake.announcing import channel_of
from risk_platform.intake.async_client import EngineLink
from risk_platform.intake.events import micros
from risk_platform.intake.service import socket_path
from risk_platform.operations.accounts import Accounts
from risk_platform.operations.alerts import AlertQueue
from risk_platform.operations.database import bring_up_to_date, database_url, open_database
from risk_platform.operations.feed import DecisionFeed
from risk_platform.operations.idempotency import IdempotencyKeys, keys_database
from risk_platform.operations.inbox_feed import InboxFeed
from risk_platform.operations.store import Reached
from risk_platform.operations.tickets import Tickets
from risk_platform.operations.workers import Worker
from risk_platform.settings import Settings

Clock = Callable[[], datetime]
_WAITING_REQUESTS, _WAITING_BATCHES = 1_000, 8
# A hash takes a whole core: sign-ins wait for one another, never decisions for them.
_HASHES_AT_ONCE = 1
_FOLLOWING = 1
_BATCHES_AT_ONCE = 2


@dataclass(frozen=True)
class Service:
    """The service of one installation; batches have an engine connection of their own, so that single
    payments never wait behind them."""

    clock: Clock
    home: Home
    database: Database
    accounts: Accounts
    worker: Worker
    keys: IdempotencyKeys
    alerts: AlertQueue
    feed: DecisionFeed
    engine: EngineLink
    batches: EngineLink
    batch_turns: Turns
    tokens: AccessTokens
    sessions: Sessions
    passwords: Passwords
    hashing: CapacityLimiter
    limits: RateLimits
    explainer: Explainer
    heads: VerifiedHeads
    metrics: Metrics
    reached: Reached
    tickets: Tickets
    allowed_origins: tuple[str, ...]
    hub: Hub

    @classmethod
    def open(cls, settings: Settings, home: Home, clock: Clock, rates: Rates, reached: Reached) -> Self:
        """The service on the store and the engine of the installation; `reached` is told each stage of a request.

        Raises ServiceError when the store cannot be reached, SettingsError when the signing key is not safe.
        """
        store = database_url(settings.database_url, home.root)
        database = open_database(store)
        bring_up_to_date(database)
        worker = Worker(home.work / "api-workers")
        tokens = AccessTokens(token_key(token_key_file(home.root)))
        accounts, metrics = Accounts(database), Metrics()
        engine = EngineLink(socket_path(home), _WAITING_REQUESTS)
        return cls(
            clock=clock,
            home=home,
            database=database,
            accounts=accounts,
            worker=worker,
            keys=IdempotencyKeys(keys_database(store), worker),
            alerts=AlertQueue(database),
            feed=DecisionFeed(database),
            engine=engine,
            batches=EngineLink(socket_path(home), _WAITING_BATCHES),
            batch_turns=Turns(_BATCHES_AT_ONCE, _WAITING_BATCHES),
            tokens=tokens,
            sessions=Sessions(tokens, accounts, remote=database.dialect.name != "sqlite"),
            passwords=Passwords(),
            hashing=CapacityLimiter(_HASHES_AT_ONCE),
            limits=_limits(settings.redis_url, store, rates),
            explainer=Explainer(Archive.of(home), ReasonDictionary.shipped()),
            heads=VerifiedHeads(home.root),
            metrics=metrics,
            reached=reached,
            tickets=Tickets(database),
            allowed_origins=tuple(settings.allowed_origins),
            hub=_hub(database, accounts, engine, _notices(settings.redis_url, store, home), clock, metrics),
        )

    async def close(self) -> None:
        """Close every connection."""
        await self.hub.close()
        await self.engine.close()
        await self.batches.close()
        self.worker.close()
        self.keys.close()
        self.database.dispose()

    @property
    def now(self) -> int:
        """This moment in µs since 1970."""
        return micros(self.clock())


async def service_of(connection: HTTPConnection) -> Service:
    """The service that the app of a request or a WebSocket has."""
    service: Service = connection.app.state.service
    return service


def _hub(
    database: Database,
    accounts: Accounts,
    engine: EngineLink,
    notices: Notices,
    clock: Clock,
    metrics: Metrics,
) -> Hub:
    return Hub(
        InboxFeed(database),
        accounts,
        notices,
        lambda: engine_health(engine),
        lambda: micros(clock()),
        metrics.stream,
    )


def _limits(redis_url: str | None, store: URL, rates: Rates) -> RateLimits:
    return (
        RateLimits(rates) if redis_url is None else RateLimits.in_redis(rates, redis_url, channel_of(store))
    )


def _notices(redis_url: str | None, store: URL, home: Home) -> Notices:
    if redis_url is None:
        return EngineLink(socket_path(home), _FOLLOWING)
    return RedisNotices(redis_url, channel_of(store))


Wired = Annotated[Service, Depends(service_of)]
