"""Whose alerts are: the user that a request names, and whether work can be given to them."""

from risk_platform.api.problems import Problem
from risk_platform.api.roles import Permission, allowed
from risk_platform.api.routes.alert_bodies import Assignment
from risk_platform.api.service import Service
from risk_platform.operations.accounts import User
from risk_platform.operations.alert_selection import AssignedTo

_FIELD = "assignee"


def assignee_of(service: Service, body: Assignment) -> str | None:
    """user_id of whom an alert shall be given to, None for nobody.

    Raises a 422 problem when there is no such user, or work cannot be given to them.
    """
    if body.assignee is None:
        return None
    user = _named(service, body.assignee)
    if user.state != "active":
        raise Problem(
            422, f"The account of {user.email} is {user.state}; choose an active user.", field=_FIELD
        )
    if not allowed(user.role, Permission.WORK_ALERTS):
        raise Problem(
            422, f"{user.email} is {user.role} and may not work on alerts; choose another user.", field=_FIELD
        )
    return user.user_id


def owner_asked_for(service: Service, asking: User, assignee: str) -> AssignedTo:
    """Whose alerts `asking` wants to see: `me`, `none`, a user_id, or an address where they may know it.

    Raises a 403 problem for who may not know addresses, 422 when there is no such user.
    """
    if assignee == "none":
        return AssignedTo(None)
    if assignee == "me":
        return AssignedTo(asking.user_id)
    if "@" in assignee and not allowed(asking.role, Permission.WORK_ALERTS):
        raise Problem(403, "Only who may work on alerts may ask by address; give the user_id.", field=_FIELD)
    return AssignedTo(_named(service, assignee).user_id)


def _named(service: Service, name: str) -> User:
    accounts = service.accounts
    user = accounts.by_email(name) if "@" in name else accounts.by_id(name)
    if user is None:
        raise Problem(422, "There is no such user; GET /api/v1/alerts/assignees lists them.", field=_FIELD)
    return user
