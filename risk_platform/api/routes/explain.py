"""Why a payment got its decision, in words."""

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from risk_platform.api.guard import requires
from risk_platform.api.problems import ProblemDetails
from risk_platform.api.roles import Permission
from risk_platform.api.routes.risk import found_payment
from risk_platform.api.service import Wired
from risk_platform.decisions.levels import Advice, Level

router = APIRouter(prefix="/explain", tags=["explain"])
_RESPONSES: dict[int | str, dict[str, Any]] = {404: {"model": ProblemDetails}}


class Asked(BaseModel):
    """The payment whose decision is to be told."""

    model_config = ConfigDict(extra="forbid")

    transaction_id: Annotated[
        str,
        Field(
            max_length=300, description="TRANSACTION_ID, or SOURCE:TRANSACTION_ID.", examples=["upi:T-1001"]
        ),
    ]


class ReasonTold(BaseModel):
    """One reason: a code, its sentence, and how far it moved the log odds (positive: riskier)."""

    code: str
    title: str
    sentence: str
    attribution: float
    feature: str = Field(description="The feature that moved it most; empty for a rule's reason.")


class Told(BaseModel):
    """A decision in words. Attributions and base add up to the margin."""

    source: str
    transaction_id: str
    decision_id: str
    level: Level
    advice: Advice
    score: float
    margin: float | None
    base: float | None
    text: str = Field(description="The reasons that raised the risk, strongest first.")
    reasons: list[ReasonTold]


@router.post("/risk", responses=_RESPONSES, dependencies=requires(Permission.EXPLAIN))
def explain(body: Asked, service: Wired) -> Told:
    """Tell the decision on a payment: what rules found, and what moved the model how far."""
    item = found_payment(service, body.transaction_id)
    told = service.explainer.explain(item.decision, item.payment)
    decided = {name: item.decision[name] for name in ("decision_id", "level", "advice", "score", "margin")}
    return Told(
        source=item.payment["source"],
        transaction_id=item.payment["transaction_id"],
        base=told.base,
        text=told.text,
        reasons=[ReasonTold(**vars(reason)) for reason in told.reasons],
        **decided,
    )
