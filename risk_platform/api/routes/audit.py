"""The audit log: what it says, and the proof that a payment and its decision stand in it."""

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from risk_platform.api.guard import requires
from risk_platform.api.paging import Cursor, Limit, cursor_of, place_of
from risk_platform.api.problems import ProblemDetails
from risk_platform.api.roles import Permission
from risk_platform.api.routes.risk import PaymentName, found_payment
from risk_platform.api.service import Wired
from risk_platform.operations.audit_pages import leaves_before
from risk_platform.operations.audit_proofs import record_proof

router = APIRouter(prefix="/audit", tags=["audit"])


class Leaf(BaseModel):
    """One leaf: a run of the inbox or an action of somebody, in hashes and pseudonyms."""

    position: int
    entry: dict[str, Any]


class LeafPage(BaseModel):
    """Leaves, the newest first."""

    items: list[Leaf]
    next_cursor: str | None


class Proof(BaseModel):
    """From the record to the root that `head` signed; the stand-alone verifier checks it without this service."""

    version: int
    head: dict[str, Any] = Field(description="The signed tree head.")
    leaf: dict[str, Any] = Field(
        description="The leaf of the run, its position, and its path to the head's root."
    )
    record: dict[str, Any] = Field(
        description="Body and decision with their salt, and their path to the leaf."
    )


@router.get("/logs", dependencies=requires(Permission.READ_AUDIT))
def logs(service: Wired, limit: Limit = 50, cursor: Cursor = None) -> LeafPage:
    """The audit log, page by page into the past."""
    before = None if cursor is None else place_of(cursor, int)[0]
    leaves = leaves_before(service.database, before, limit)
    following = cursor_of(leaves[-1].position) if leaves and leaves[-1].position > 0 else None
    items = [Leaf(position=leaf.position, entry=leaf.entry) for leaf in leaves]
    return LeafPage(items=items, next_cursor=following)


@router.get(
    "/proof/{name}",
    dependencies=requires(Permission.READ_AUDIT),
    responses={404: {"model": ProblemDetails}, 422: {"model": ProblemDetails}},
)
def proof(name: PaymentName, service: Wired) -> Proof:
    """The proof of one payment; 422 for some seconds, until a signed head covers it."""
    payment = found_payment(service, name).payment
    heads = service.heads.all()
    told = record_proof(service.database, payment["source"], payment["transaction_id"], heads)
    return Proof.model_validate(told)
