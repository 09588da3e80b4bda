"""Sign-in: register, log in, refresh, log out, who am I."""

from typing import Annotated, Literal

from anyio.to_thread import run_sync
from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from risk_platform.api.guard import PUBLIC, SignedIn, address_of, requires
from risk_platform.api.problems import Problem
from risk_platform.api.roles import Permission, allowed
from risk_platform.api.service import Service, Wired
from risk_platform.api.tokens import LIFETIME_SECONDS
from risk_platform.errors import InputError
from risk_platform.operations.accounts import Role, Session, User

router = APIRouter(prefix="/auth", tags=["auth"])
# Who acts in the audit log where nobody is signed in.
_NEWCOMER = "registration"
_SESSION_LIFETIME = 14 * 86_400 * 1_000_000

Email = Annotated[
    str,
    StringConstraints(pattern=r"^[^@\s\x00-\x1f]{1,64}@[^@\s\x00-\x1f]{1,180}$", strip_whitespace=True),
    Field(examples=["asha@example.com"]),
]
Password = Annotated[str, Field(max_length=128, examples=["four quiet green herons"])]


class Credentials(BaseModel):
    """An address and its password."""

    model_config = ConfigDict(extra="forbid")

    email: Email
    password: Password


class RefreshToken(BaseModel):
    """The refresh token of the last answer; it is good once."""

    model_config = ConfigDict(extra="forbid")

    refresh_token: Annotated[str, Field(max_length=200)]


class Tokens(BaseModel):
    """What a client signs its requests with, and what it gets the next ones for."""

    access_token: str
    refresh_token: str
    token_type: Literal["Bearer"] = Field(default="Bearer")
    expires_in: int = Field(
        default=LIFETIME_SECONDS, description="Seconds that the access token is good for."
    )


class Registered(BaseModel):
    """An Admin has to approve who registered."""

    status: str = "pending"


class Me(BaseModel):
    """Who is signed in and what they may do."""

    user_id: str
    email: str
    role: Role | None
    permissions: list[Permission]


@router.post("/register", status_code=202, dependencies=PUBLIC)
async def register(body: Credentials, request: Request, service: Wired) -> Registered:
    """Ask for access. The answer is the same whether the address was known before or not."""
    await service.limits.registration(address_of(request))
    hashed = await run_sync(service.passwords.hash, body.password, limiter=service.hashing)
    try:
        await run_sync(service.accounts.add, body.email, hashed, None, service.now, _NEWCOMER)
    except InputError:
        # Whether somebody has an account here is nobody else's business.
        return Registered()
    return Registered()


@router.post("/login", dependencies=PUBLIC)
async def login(body: Credentials, request: Request, service: Wired) -> Tokens:
    """Sign in with address and password."""
    await service.limits.sign_in(body.email, address_of(request))
    user = await run_sync(service.accounts.by_email, body.email)
    stored = None if user is None else user.password_hash
    known = await run_sync(service.passwords.matches, stored, body.password, limiter=service.hashing)
    if user is None or not known:
        service.metrics.sign_ins.labels("refused").inc()
        raise Problem(401, "No active user has this address and password.")
    if user.state != "active":
        service.metrics.sign_ins.labels(user.state).inc()
        raise Problem(403, f"The account is {user.state}; an Admin can change that.")
    await _strengthen(service, user, body.password)
    session, token = await run_sync(service.accounts.sign_in, user, service.now, _SESSION_LIFETIME)
    service.metrics.sign_ins.labels("accepted").inc()
    return _tokens(service, session, token)


@router.post("/refresh", dependencies=PUBLIC)
async def refresh(body: RefreshToken, service: Wired) -> Tokens:
    """Exchange a refresh token for the next tokens. One that comes twice ends the session it belongs to."""
    found = await run_sync(service.accounts.refresh, body.refresh_token, service.now)
    if found is None:
        raise Problem(401, "The refresh token is not good any more; sign in again.")
    return _tokens(service, *found)


@router.post("/logout", status_code=204, dependencies=requires(Permission.OWN_ACCOUNT))
def logout(session: SignedIn, service: Wired) -> None:
    """End the session: its access and refresh tokens are refused from now on."""
    service.accounts.sign_out(session, service.now)


@router.get("/me", dependencies=requires(Permission.OWN_ACCOUNT))
def me(session: SignedIn) -> Me:
    """Who is signed in, and what they may do right now."""
    user = session.user
    permissions = sorted(each for each in Permission if allowed(user.role, each))
    return Me(user_id=user.user_id, email=user.email, role=user.role, permissions=permissions)


async def _strengthen(service: Service, user: User, password: str) -> None:
    if service.passwords.is_outdated(user.password_hash):
        hashed = await run_sync(service.passwords.hash, password, limiter=service.hashing)
        await run_sync(service.accounts.keep_hash, user.user_id, hashed)


def _tokens(service: Service, session: Session, token: str) -> Tokens:
    access = service.tokens.issue(session, service.now // 1_000_000)
    return Tokens(access_token=access, refresh_token=token)
