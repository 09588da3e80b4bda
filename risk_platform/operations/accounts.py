"""People and systems that sign in, and their sessions with rotating refresh tokens."""

import hashlib
import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine, Row

from risk_platform.audit.commitments import Action
from risk_platform.errors import InputError
from risk_platform.operations.audit_log import record_action
from risk_platform.operations.database import reading_once, writing
from risk_platform.operations.schema import REFRESH_TOKENS, SESSIONS, USERS
from risk_platform.operations.statements import Statement

_SECRET_BYTES = 32
_ID_BYTES = 16


class Role(StrEnum):
    """What somebody may do; a Service is a payment system, which sends and sees nothing else."""

    ADMIN = "Admin"
    ANALYST = "Analyst"
    VIEWER = "Viewer"
    COMPLIANCE = "Compliance"
    SERVICE = "Service"


UserState = Literal["pending", "active", "disabled"]

# Asked at every request: made once, or making it would cost more than asking.
_GOING_ON = (
    sa.select(USERS, SESSIONS.c.session_id)
    .join(SESSIONS, SESSIONS.c.user_id == USERS.c.user_id)
    .where(SESSIONS.c.ended.is_(None), SESSIONS.c.expires_time > sa.bindparam("now"))
    .where(USERS.c.state == "active")
)
_ONE_GOING_ON = Statement(_GOING_ON.where(SESSIONS.c.session_id == sa.bindparam("session_id")))


@dataclass(frozen=True)
class User:
    """Somebody who may sign in once active; `role` is None until an Admin approves. Time in µs."""

    user_id: str
    email: str
    password_hash: str
    role: Role | None
    state: UserState
    created_time: int


@dataclass(frozen=True)
class Session:
    """One sign-in of a user."""

    session_id: str
    user: User


class Accounts:
    """Users and their sessions, for any process beside the engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lookups = reading_once(engine)

    def add(self, email: str, password_hash: str, role: Role | None, now: int, by: str) -> User:
        """A new user, active with a role and pending without; `by` goes into the audit log.

        Raises InputError when the address is taken.
        """
        state: UserState = "pending" if role is None else "active"
        user = User(secrets.token_hex(_ID_BYTES), email.lower(), password_hash, role, state, now)
        values = vars(user) | {"role": None if role is None else role.value}
        try:
            with writing(self._engine) as connection:
                connection.execute(USERS.insert(), values)
                details = {"email": user.email, "role": values["role"]}
                record_action(connection, Action("user_added", by, user.user_id, now, details))
        except sa.exc.IntegrityError:
            raise InputError(f"There is a user {user.email} already; choose another address.") from None
        return user

    def by_email(self, email: str) -> User | None:
        """The user with that address, in whatever case it is written."""
        return self._user(USERS.c.email == email.lower())

    def by_id(self, user_id: str) -> User | None:
        """The user of that identifier."""
        return self._user(USERS.c.user_id == user_id)

    def page(
        self,
        after: str,
        limit: int,
        state: UserState | None = None,
        roles: Collection[Role] | None = None,
    ) -> list[User]:
        """Users in the order of their addresses, behind `after`: in that state, with one of the roles."""
        query = sa.select(USERS).where(USERS.c.email > after).order_by(USERS.c.email).limit(limit)
        if state is not None:
            query = query.where(USERS.c.state == state)
        if roles is not None:
            query = query.where(USERS.c.role.in_([role.value for role in roles]))
        with self._engine.connect() as connection:
            return [_as_user(row) for row in connection.execute(query)]

    def grant(self, user_id: str, role: Role, now: int, by: str) -> User:
        """Give a user that role, which also approves a pending one; raises InputError when there is none."""
        action = Action("role_granted", by, user_id, now, {"role": role.value})
        return self._update(action, {"role": role.value, "state": "active"}, None)

    def disable(self, user_id: str, now: int, by: str) -> User:
        """Shut a user out and end every session of theirs; raises InputError when there is none."""
        action = Action("user_disabled", by, user_id, now, {})
        return self._update(action, {"state": "disabled"}, "access_changed")

    def keep_hash(self, user_id: str, password_hash: str) -> None:
        """Replace the hash of the same password by a stronger one."""
        with writing(self._engine) as connection:
            connection.execute(_of_user(user_id).values(password_hash=password_hash))

    def sign_in(self, user: User, now: int, lifetime: int) -> tuple[Session, str]:
        """A new session for `lifetime` µs and its first refresh token."""
        session_id = secrets.token_hex(_ID_BYTES)
        row = {"session_id": session_id, "user_id": user.user_id, "expires_time": now + lifetime}
        with writing(self._engine) as connection:
            connection.execute(SESSIONS.insert(), row)
            token = _new_token(connection, session_id)
            record_action(connection, Action("signed_in", user.user_id, session_id, now, {}))
        return Session(session_id, user), token

    def refresh(self, token: str, now: int) -> tuple[Session, str] | None:
        """The session of an unused refresh token and the next token; None when it is not good.

        A token that was used before ends its session: one of the two who had it has stolen it.
        """
        digest = _digest(token)
        with writing(self._engine) as connection:
            row = connection.execute(_with_session(digest)).first()
            if row is None or row.ended is not None or row.expires_time <= now or row.state != "active":
                return None
            if row.used_time is not None:
                connection.execute(_of_session(row.session_id).values(ended="token_reused"))
                record_action(connection, Action("token_reused", row.user_id, row.session_id, now, {}))
                return None
            mine = REFRESH_TOKENS.c.token_hash == digest
            connection.execute(REFRESH_TOKENS.update().where(mine).values(used_time=now))
            return Session(row.session_id, _as_user(row)), _new_token(connection, row.session_id)

    def sign_out(self, session: Session, now: int) -> None:
        """End a session; its access tokens are refused from now on."""
        with writing(self._engine) as connection:
            connection.execute(_of_session(session.session_id).values(ended="signed_out"))
            action = Action("signed_out", session.user.user_id, session.session_id, now, {})
            record_action(connection, action)

    def session(self, session_id: str, now: int) -> Session | None:
        """A session that goes on, with its user as they are now; None when it is over or the user shut out."""
        with self._lookups.connect() as connection:
            row = _ONE_GOING_ON.run(connection, {"session_id": session_id, "now": now}).first()
        return None if row is None else Session(session_id, _as_user(row))

    def sessions(self, session_ids: Sequence[str], now: int) -> dict[str, Session]:
        """Those of the sessions that go on, by their identifiers, each with its user as they are now."""
        query = _GOING_ON.where(SESSIONS.c.session_id.in_(session_ids))
        with self._engine.connect() as connection:
            rows = connection.execute(query, {"now": now}).all()
        return {row.session_id: Session(row.session_id, _as_user(row)) for row in rows}

    def _user(self, condition: sa.ColumnElement[bool]) -> User | None:
        with self._engine.connect() as connection:
            row = connection.execute(sa.select(USERS).where(condition)).first()
        return None if row is None else _as_user(row)

    def _update(self, action: Action, values: dict[str, str], ended: str | None) -> User:
        user_id = action.subject
        with writing(self._engine) as connection:
            connection.execute(_of_user(user_id).values(**values))
            if ended is not None:
                going_on = sa.and_(SESSIONS.c.user_id == user_id, SESSIONS.c.ended.is_(None))
                connection.execute(SESSIONS.update().where(going_on).values(ended=ended))
            row = connection.execute(sa.select(USERS).where(USERS.c.user_id == user_id)).first()
            if row is None:
                raise InputError(f"There is no user {user_id}.")
            record_action(connection, action)
        return _as_user(row)


def _with_session(digest: str) -> sa.Select[Any]:
    return (
        sa.select(
            REFRESH_TOKENS.c.used_time,
            SESSIONS.c.session_id,
            SESSIONS.c.ended,
            SESSIONS.c.expires_time,
            USERS,
        )
        .join(SESSIONS, SESSIONS.c.session_id == REFRESH_TOKENS.c.session_id)
        .join(USERS, USERS.c.user_id == SESSIONS.c.user_id)
        .where(REFRESH_TOKENS.c.token_hash == digest)
    )


def _of_user(user_id: str) -> sa.Update:
    return USERS.update().where(USERS.c.user_id == user_id)


def _of_session(session_id: str) -> sa.Update:
    return SESSIONS.update().where(SESSIONS.c.session_id == session_id)


def _new_token(connection: Connection, session_id: str) -> str:
    token = secrets.token_urlsafe(_SECRET_BYTES)
    connection.execute(REFRESH_TOKENS.insert(), {"token_hash": _digest(token), "session_id": session_id})
    return token


def _digest(token: str) -> str:
    # 256 random bits need no slow hash.
    return hashlib.sha256(token.encode()).hexdigest()


def _as_user(row: Row[Any]) -> User:
    role = None if row.role is None else Role(row.role)
    return User(row.user_id, row.email, row.password_hash, role, row.state, row.created_time)
