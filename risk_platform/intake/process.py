"""The engine of an installation, put together: owned store, restored state, first control events, a running engine."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

from risk_platform.decisions.archive import Archive, current_rule_book
from risk_platform.decisions.levels import Thresholds
from risk_platform.decisions.reasons import ReasonDictionary
from risk_platform.features.online.engine import OnlineFeatures
from risk_platform.features.spec import load_feature_vars
from risk_platform.home import Home
from risk_platform.intake.core import Core
from risk_platform.intake.engine import Clock, Engine
from risk_platform.intake.events import Columns, live_fields, micros
from risk_platform.intake.history import History, HistoryVersion
from risk_platform.intake.lines import as_table
from risk_platform.intake.policy import ControlName, PolicyMaker, rules_value, thresholds_value
from risk_platform.intake.recovery import Sources, Told, catch_up, restore, warm_start
from risk_platform.intake.rehearsal import rehearse
from risk_platform.intake.snapshots import Snapshots
from risk_platform.intake.stamping import stamped
from risk_platform.lake.lake import Lake
from risk_platform.models.champion import has_champion, load_champion
from risk_platform.operations.database import database_url
from risk_platform.operations.store import Reached, Store, StoreWriter
from risk_platform.settings import Settings

# How many batches may wait: at 30,000 payments/s, half a second.
_QUEUED_BATCHES = 16


@dataclass(frozen=True)
class Running:
    """A running engine with its store and snapshots, and how many events it replayed to get there."""

    engine: Engine
    store: Store
    snapshots: Snapshots
    replayed: int


@contextmanager
def running_engine(
    settings: Settings, home: Home, clock: Clock, told: Told, reached: Reached = lambda _: None
) -> Iterator[Running]:
    """The one engine of the installation, ready for submissions; leaving answers what waits and stops it.

    Raises ServiceError while another engine owns the store, ContractError when the inbox replays to other
    decisions than it holds.
    """
    store = Store.open(database_url(settings.database_url, home.root))
    try:
        with store.writer() as writer:
            snapshots = Snapshots(home.root / "snapshots", store)
            core, replayed = _restored(settings, home, store, writer, snapshots, clock, told)
            engine = Engine(
                core,
                writer,
                clock,
                batch_size=settings.batch_size,
                queue_limit=_QUEUED_BATCHES * settings.batch_size,
                reached=reached,
            )
            try:
                yield Running(engine, store, snapshots, replayed)
            finally:
                engine.close()
    finally:
        store.close()


def _restored(
    settings: Settings,
    home: Home,
    store: Store,
    writer: StoreWriter,
    snapshots: Snapshots,
    clock: Clock,
    told: Told,
) -> tuple[Core, int]:
    sources = feature_sources(settings)
    maker = PolicyMaker(Archive.of(home), warmed_up(sources, settings.timezone))
    first = maker.first(Thresholds.from_settings(settings))
    rehearse(first, maker.features, settings.timezone)
    state = restore(store, snapshots, sources, maker, first, told)
    core = Core(
        store,
        state.features,
        maker,
        state.policy,
        state.tail,
        timezone=settings.timezone,
        late_tolerance=settings.late_tolerance,
    )
    replayed = catch_up(store, core, told)
    if not core.tail.sequence:
        version = HistoryVersion.now(sources.lake)
        _put_in_place(core, writer, clock, _first_controls(settings, home, core, asdict(version)))
        warm_start(core.features, History(sources.lake, version), told)
    return core, replayed


def warmed_up(sources: Sources, timezone: str) -> tuple[str, ...]:
    """The names of the features, once a state that is thrown away has seen a payment.

    Its kernels are compiled then, which the first caller would have to wait for.
    """
    state = sources.make()
    nobody: Columns = {field.name: [field.default] for field in live_fields("payments")}
    payment = nobody | {"event_time": [0], "amount_minor": [0], "customer_id": [""], "transaction_id": [""]}
    state.observe(
        stamped(as_table(payment | {"source": [""], "channel": ["UPI"]}, "payments"), 1, 1, timezone)
    )
    return state.names


def feature_sources(settings: Settings) -> Sources:
    """Where the online features of the installation come from."""
    variables = load_feature_vars()

    def make() -> OnlineFeatures:
        return OnlineFeatures(
            variables,
            label_maturity=settings.label_maturity,
            timezone=settings.timezone,
            late_tolerance=settings.late_tolerance,
        )

    return Sources(
        make,
        OnlineFeatures.restore,
        Lake(settings.lake_root, settings.lake_options),
    )


def _first_controls(
    settings: Settings, home: Home, core: Core, history: Mapping[str, Any]
) -> dict[ControlName, Mapping[str, Any]]:
    """What a new store begins with: the settings' thresholds, the installation's rules, and the champion if any."""
    rules = current_rule_book(home, core.features.names, ReasonDictionary.shipped())
    controls: dict[ControlName, Mapping[str, Any]] = {
        "history": history,
        "thresholds": thresholds_value(Thresholds.from_settings(settings)),
        "rules": rules_value(rules),
    }
    if has_champion(home.bundles):
        controls["bundle"] = {"bundle_hash": load_champion(home.bundles).hash}
    return controls


def _put_in_place(
    core: Core, writer: StoreWriter, clock: Clock, controls: Mapping[ControlName, Mapping[str, Any]]
) -> None:
    steps = [core.control(name, value, micros(clock())) for name, value in controls.items()]
    runs = [step.finish().run for step in steps]
    writer.commit([run for run in runs if run is not None])
