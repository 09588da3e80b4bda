"""From a stopped engine to a running one: snapshot or history, then the rest of the inbox, checked on the way."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from risk_platform.errors import ContractError, LakeError
from risk_platform.intake.core import Core
from risk_platform.intake.history import History, HistoryVersion
from risk_platform.intake.policy import Policy, PolicyMaker
from risk_platform.intake.snapshots import Snapshots
from risk_platform.intake.state import FeatureState
from risk_platform.lake.lake import Lake
from risk_platform.operations.records import StoredRun, Tail
from risk_platform.operations.store import Store

Told = Callable[[str], None]
_REPORT_EVERY = 100_000


@dataclass(frozen=True)
class Sources:
    """Where a feature state comes from: made anew, or restored from a snapshot; and the lake with its history."""

    make: Callable[[], FeatureState]
    restore: Callable[[Path], FeatureState]
    lake: Lake


@dataclass(frozen=True)
class Restored:
    """A feature state, the point of the inbox it stands at, and the policy in force there."""

    features: FeatureState
    tail: Tail
    policy: Policy


def restore(
    store: Store, snapshots: Snapshots, sources: Sources, maker: PolicyMaker, first: Policy, told: Told
) -> Restored:
    """The newest state that can be had without the inbox: a snapshot, or the history before the first event."""
    for snapshot in snapshots.usable():
        try:
            features = sources.restore(snapshot.state)
        except ContractError as error:
            told(f"Snapshot {snapshot.state.parent} cannot be used: {error}")
            continue
        told(f"Snapshot at sequence {snapshot.tail.sequence:,} restored")
        policy = first
        for change in store.control_history(snapshot.tail.sequence):
            policy = maker.after(policy, change.name, change.value)
        return Restored(features, snapshot.tail, policy)
    features = sources.make()
    for change in store.control_history():
        if change.name == "history":
            version = HistoryVersion(change.value["transactions"], change.value["judgements"])
            warm_start(features, History(sources.lake, version), told)
    return Restored(features, Tail(0, 0), first)


def warm_start(features: FeatureState, history: History, told: Told) -> None:
    """Tell `features` a history; raises LakeError when the lake has it no more."""
    told_at = 0

    def progress(done: int, total: int) -> None:
        nonlocal told_at
        if done - told_at >= _REPORT_EVERY or done == total:
            told(f"History: {done:,} of {total:,} payments")
            told_at = done

    try:
        last = history.last_date
        if last is not None:
            features.warm(history, until=last, progress=progress)
    except LakeError as error:
        raise LakeError(
            f"The history that this store began with cannot be read ({error}) and no snapshot is left; "
            "restore a snapshot from a copy."
        ) from error


def catch_up(store: Store, core: Core, told: Told) -> int:
    """Replay the inbox behind the core and hold each decision against the stored one; returns the events replayed.

    Raises ContractError naming the first payment on which the engine would decide otherwise today. Decisions
    with a bundle that can be loaded no more cannot be checked: they are counted and told.
    """
    last, events, unchecked = store.tail().sequence, 0, 0
    told_at = _REPORT_EVERY
    for run in store.runs(core.tail.sequence):
        decisions = core.replay(run)
        if decisions is not None:
            unchecked += not _checked(store, run, decisions, core.policy)
        events += run.events
        if events >= told_at:
            told(f"Inbox: sequence {core.tail.sequence:,} of {last:,}")
            told_at += _REPORT_EVERY
    if unchecked:
        told(f"{unchecked:,} batches were decided with a bundle that cannot be loaded now; not checked")
    return events


def _checked(store: Store, run: StoredRun, decisions: pa.RecordBatch, policy: Policy) -> bool:
    """Whether the decisions could be checked; raises ContractError when they differ."""
    stored = store.decisions_of_run(run.sequence)
    if stored.serialize().equals(decisions.serialize()):
        return True
    if policy.bundle is None and stored.column("bundle_hash").null_count < stored.num_rows:
        return False
    raise ContractError(_difference(stored, decisions))


def _difference(stored: pa.RecordBatch, decisions: pa.RecordBatch) -> str:
    for name in stored.schema.names:
        before = stored.column(name).to_pylist()
        now = decisions.column(name).to_pylist() if name in decisions.schema.names else [None] * len(before)
        for row, (was, would_be) in enumerate(zip(before, now, strict=True)):
            if was != would_be:
                sequence = stored.column("sequence")[row].as_py()
                return (
                    f"Replaying the inbox gives another decision at sequence {sequence}: {name} was {was!r} and is "
                    f"now {would_be!r}. Was the platform, the lake or the snapshot changed? Start the version that "
                    "wrote this store."
                )
    return (
        "Replaying the inbox gives other bytes for equal decisions; start the version that wrote this store."
    )
