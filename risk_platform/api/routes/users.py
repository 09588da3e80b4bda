"""Users: who may sign in, approved and given a role by an Admin."""

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict

from risk_platform.api.guard import SignedIn, requires
from risk_platform.api.paging import Cursor, Limit, cursor_of, place_of
from risk_platform.api.problems import Problem
from risk_platform.api.roles import Permission
from risk_platform.api.service import Wired
from risk_platform.operations.accounts import Role, Session, User, UserState

router = APIRouter(prefix="/users", tags=["users"], dependencies=[])


class UserShown(BaseModel):
    """One user; `role` is null until an Admin approves."""

    user_id: str
    email: str
    role: Role | None
    state: UserState


class UserPage(BaseModel):
    """Users in the order of their addresses."""

    items: list[UserShown]
    next_cursor: str | None


class NewRole(BaseModel):
    """The role that a user is to have."""

    model_config = ConfigDict(extra="forbid")

    role: Role


@router.get("", dependencies=requires(Permission.MANAGE_USERS))
def users(
    service: Wired, limit: Limit = 50, cursor: Cursor = None, state: UserState | None = None
) -> UserPage:
    """Every user, or those in one state: `pending` ones wait for approval."""
    after = "" if cursor is None else place_of(cursor, str)[0]
    found = service.accounts.page(after, limit, state)
    following = cursor_of(found[-1].email) if len(found) == limit else None
    return UserPage(items=[_shown(user) for user in found], next_cursor=following)


@router.post("/{user_id}/role", dependencies=requires(Permission.MANAGE_USERS))
def grant(user_id: str, body: NewRole, session: SignedIn, service: Wired) -> UserShown:
    """Give a user a role, which also approves a pending one; it takes effect with their next request."""
    _refuse_oneself(user_id, session)
    _refuse_unknown(user_id, service)
    return _shown(service.accounts.grant(user_id, body.role, service.now, session.user.user_id))


@router.post("/{user_id}/disable", dependencies=requires(Permission.MANAGE_USERS))
def disable(user_id: str, session: SignedIn, service: Wired) -> UserShown:
    """Shut a user out at once; a role lets them in again."""
    _refuse_oneself(user_id, session)
    _refuse_unknown(user_id, service)
    return _shown(service.accounts.disable(user_id, service.now, session.user.user_id))


def _refuse_oneself(user_id: str, session: Session) -> None:
    # Otherwise the last Admin could lock everybody out.
    if user_id == session.user.user_id:
        raise Problem(409, "Nobody changes their own access; ask another Admin.")


def _refuse_unknown(user_id: str, service: Wired) -> None:
    if service.accounts.by_id(user_id) is None:
        raise Problem(404, "There is no such user.")


def _shown(user: User) -> UserShown:
    return UserShown(user_id=user.user_id, email=user.email, role=user.role, state=user.state)
