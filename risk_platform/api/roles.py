"""Who may do what: permissions of the service and the roles that have them."""

from collections.abc import Mapping
from enum import StrEnum

from risk_platform.operations.accounts import Role


class Permission(StrEnum):
    """One thing that a route asks for."""

    OWN_ACCOUNT = "own_account"
    SEND_PAYMENTS = "send_payments"
    SEND_OUTCOMES = "send_outcomes"
    JUDGE = "judge"
    READ_RISK = "read_risk"
    SEE_PARTIES = "see_parties"
    READ_ALERTS = "read_alerts"
    WORK_ALERTS = "work_alerts"
    EXPLAIN = "explain"
    CONTROL_MODEL = "control_model"
    MANAGE_USERS = "manage_users"
    READ_AUDIT = "read_audit"


_READING = {Permission.OWN_ACCOUNT, Permission.READ_RISK, Permission.READ_ALERTS}
_SENDING = {Permission.SEND_PAYMENTS, Permission.SEND_OUTCOMES}
_WORKING = {Permission.SEE_PARTIES, Permission.EXPLAIN}
GRANTS: Mapping[Role, frozenset[Permission]] = {
    Role.ADMIN: frozenset(Permission),
    Role.ANALYST: frozenset(_READING | _WORKING | {Permission.WORK_ALERTS, Permission.JUDGE}),
    Role.COMPLIANCE: frozenset(_READING | _WORKING | {Permission.READ_AUDIT}),
    Role.VIEWER: frozenset(_READING),
    Role.SERVICE: frozenset(_SENDING | {Permission.OWN_ACCOUNT}),
}


def allowed(role: Role | None, permission: Permission) -> bool:
    """Whether a role has a permission; nobody without a role has any."""
    return role is not None and permission in GRANTS[role]


def roles_with(permission: Permission) -> list[Role]:
    """The roles that have a permission."""
    return [role for role in Role if permission in GRANTS[role]]
