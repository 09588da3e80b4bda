"""`risk-platform reproduce`: one stored decision made again, to the digit."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from risk_platform.decisions.reproduce import Difference, Reproduction
    from risk_platform.decisions.stored import StoredDecision
    from risk_platform.home import Home
    from risk_platform.settings import Settings


def reproduce(
    payment: Annotated[str, typer.Argument(metavar="[SOURCE:]TRANSACTION_ID", help="The decided payment.")],
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write the result to this file as well.")
    ] = None,
) -> None:
    """Recompute a stored decision from what it stored, and check its values against the lake.

    A decision that the lake does not have yet is taken from the operational store. Ends with 1 when anything
    differs.
    """
    result, console = _reproduced(payment), Console()
    name = f"{result.source}:{result.transaction_id}"
    if json_file:
        json_file.write_text(
            json.dumps({**asdict(result), "equal": result.equal}, default=str, indent=2) + "\n"
        )
    if result.equal:
        lake = "no features of it to compare" if result.values is None else "the same values"
        console.print(f"{name}: the decision is reproduced to the digit; the lake holds {lake}.")
        return
    _print_differences(console, f"{name}: what the decision stores and what comes out now", result.decision)
    _print_differences(console, f"{name}: values stored and values of the lake", result.values or ())
    raise typer.Exit(1)


def _reproduced(payment: str) -> "Reproduction":
    from risk_platform.decisions.archive import Archive
    from risk_platform.decisions.reasons import ReasonDictionary
    from risk_platform.decisions.reproduce import reproduce as made_again
    from risk_platform.decisions.stored import find_stored
    from risk_platform.errors import InputError
    from risk_platform.features.spec import load_feature_spec
    from risk_platform.home import prepare_home
    from risk_platform.lake.lake import Lake
    from risk_platform.settings import settings

    current = settings()
    home = prepare_home(current)
    found = find_stored(Lake(current.lake_root, current.lake_options), payment) or _live(
        payment, current, home
    )
    if found is None:
        raise InputError(
            f"Nobody decided {payment}; name it as SOURCE:TRANSACTION_ID, or TRANSACTION_ID where the lake has it."
        )
    archive, names = Archive.of(home), load_feature_spec().names
    return made_again(found.decision, found.payment, found.mart, archive, names, ReasonDictionary.shipped())


def _live(payment: str, current: "Settings", home: "Home") -> "StoredDecision | None":
    """The decision in the operational store, for what the lake does not have yet."""
    from contextlib import closing

    from risk_platform.intake.live_decision import find_live
    from risk_platform.operations.database import database_url
    from risk_platform.operations.store import Store

    url = database_url(current.database_url, home.root)
    if url.get_backend_name() == "sqlite" and not Path(str(url.database)).exists():
        return None
    with closing(Store.open(url)) as store:
        return find_live(store, payment)


def _print_differences(console: Console, title: str, differences: "tuple[Difference, ...]") -> None:
    if not differences:
        return
    table = Table("field", "stored", "found", title=title)
    for difference in differences:
        table.add_row(difference.field, repr(difference.stored), repr(difference.found))
    console.print(table)
