"""What the alert queue is asked and answers."""

from datetime import UTC, datetime
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from risk_platform.api.roles import Permission, allowed
from risk_platform.decisions.levels import Advice, Level
from risk_platform.operations.accounts import Role
from risk_platform.operations.alert_selection import AlertState
from risk_platform.operations.alerts import AssigneeCount

UserName = Annotated[str, StringConstraints(max_length=250, pattern=r"^[^\x00-\x1f]+$")]


class Alert(BaseModel):
    """An alert, what it is about, and what was done about it."""

    alert_id: int = Field(examples=[4711])
    source: str = Field(examples=["upi"])
    transaction_id: str = Field(examples=["T-1001"])
    decision_id: str
    raised_time: datetime
    level: Level
    advice: Advice
    score: float
    probability: float | None
    customer_id: str | None
    amount_minor: int | None
    currency: str | None
    channel: str | None
    expected_loss: float = Field(description="Probability × amount, in minor units.")
    unresolved_of_customer: int | None = Field(
        None, description="Alerts of the customer that wait, this included."
    )
    state: AlertState
    assigned_to: str | None = Field(
        description="user_id of whose it is; null: nobody's.", examples=["9f86d081884c7d65"]
    )
    assignee_email: str | None = Field(
        description="Their address, for who may work on alerts.", examples=["asha@example.com"]
    )
    changed_time: datetime | None
    is_fraud: bool | None
    note: str | None

    @classmethod
    def of(cls, row: dict[str, Any], role: Role | None) -> Self:
        """A row of the queue as a user of that role may see it."""
        given = row | {"alert_id": row["sequence"]}
        for name in ("raised_time", "changed_time"):
            given[name] = None if row[name] is None else datetime.fromtimestamp(row[name] / 1_000_000, UTC)
        if not allowed(role, Permission.SEE_PARTIES):
            given["customer_id"] = None
        if not allowed(role, Permission.WORK_ALERTS):
            given["assignee_email"] = None
        return cls.model_validate({name: given.get(name) for name in cls.model_fields})


class AlertPage(BaseModel):
    """Alerts by expected loss, then by how uncertain the model is, then the oldest first."""

    items: list[Alert]
    next_cursor: str | None


class AssigneeStats(BaseModel):
    """How many alerts of each state somebody has; nobody where `assigned_to` is null."""

    assigned_to: str | None = Field(examples=["9f86d081884c7d65"])
    assignee_email: str | None = Field(
        description="Their address, for who may work on alerts.", examples=["asha@example.com"]
    )
    open: int = Field(examples=[3])
    acknowledged: int = Field(examples=[1])
    resolved: int = Field(examples=[12])

    @classmethod
    def of(cls, count: AssigneeCount, role: Role | None) -> Self:
        """The counts of somebody as a user of that role may see them."""
        return cls(
            assigned_to=count.user_id,
            assignee_email=count.email if allowed(role, Permission.WORK_ALERTS) else None,
            open=count.open,
            acknowledged=count.acknowledged,
            resolved=count.resolved,
        )


class AlertStats(BaseModel):
    """How many alerts were raised, by state, level and verdict, and by whose they are."""

    states: dict[str, int]
    levels: dict[str, int]
    verdicts: dict[str, int]
    assignees: list[AssigneeStats]


class Assignee(BaseModel):
    """Somebody whom alerts can be assigned to."""

    user_id: str = Field(examples=["9f86d081884c7d65"])
    email: str = Field(examples=["asha@example.com"])


class AssigneePage(BaseModel):
    """Those who can be asked to work on an alert, in the order of their addresses."""

    items: list[Assignee]
    next_cursor: str | None


class Assignment(BaseModel):
    """Whose an alert shall be."""

    model_config = ConfigDict(extra="forbid")

    assignee: UserName | None = Field(
        description="`user_id` or address of an active user who may work on alerts; null: nobody.",
        examples=["asha@example.com", None],
    )


class Acknowledgement(BaseModel):
    """Take an alert; one that is another user's only on purpose."""

    model_config = ConfigDict(extra="forbid")

    take_over: bool = False


class Resolution(BaseModel):
    """The verdict on an alert: true positive (fraud) or false positive."""

    model_config = ConfigDict(extra="forbid")

    is_fraud: bool
    note: Annotated[str | None, Field(max_length=2000)] = None
