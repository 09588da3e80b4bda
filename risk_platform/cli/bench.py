"""`risk-platform bench …`: every figure beside a peer or limit measured in the same run."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from risk_platform.cli.figures import report

bench = typer.Typer(no_args_is_help=True, help=__doc__)

JsonFile = Annotated[Path | None, typer.Option("--json", help="Write the figures to this file as well.")]
Payments = Annotated[Path, typer.Option(help="Payments file, CSV or Parquet.")]
Mapping = Annotated[str, typer.Option(help="Shipped mapping, or a mapping file.", metavar="NAME|PATH")]


@bench.command("simulate")
def bench_simulate(json_file: JsonFile = None) -> None:
    """A million simulated payments against the limits for time and memory."""
    from risk_platform.cli.bench_simulate import simulation_figures

    report(simulation_figures(), Console(), json_file)


@bench.command("features")
def bench_features(file: Payments, mapping: Mapping = "handbook", json_file: JsonFile = None) -> None:
    """Batch features against the rolling code in pandas, the same definitions on the same payments."""
    from risk_platform.cli.bench_features import feature_figures

    report(feature_figures(file, mapping), Console(), json_file)


@bench.command("scaling")
def bench_scaling(json_file: JsonFile = None) -> None:
    """Ingest and features from half a million to five million simulated payments: time and peak memory."""
    from risk_platform.cli.bench_features import scaling_figures

    report(scaling_figures(), Console(), json_file)


@bench.command("decisions")
def bench_decisions(file: Payments, mapping: Mapping = "handbook", json_file: JsonFile = None) -> None:
    """From file to decisions, as multiples of a bare LightGBM predict on the same payments."""
    from risk_platform.cli.bench_decisions import decision_figures

    console = Console()
    progress: Callable[[str], None] = partial(console.print, style="dim", highlight=False)
    report(decision_figures(file, mapping, progress), console, json_file)


@bench.command("decide")
def bench_decide(json_file: JsonFile = None) -> None:
    """Live decisions end to end against a bare LightGBM predict: payments a second, and one payment's p99."""
    from risk_platform.cli.bench_decide import decide_figures

    console = Console()
    progress: Callable[[str], None] = partial(console.print, style="dim", highlight=False)
    report(decide_figures(progress), console, json_file)


@bench.command("api")
def bench_api(
    minutes: Annotated[float, typer.Option(help="How long single decisions are asked for.", min=0.1)] = 1,
    rate: Annotated[float, typer.Option(help="Single decisions a second.", min=1)] = 300,
    workers: Annotated[int, typer.Option(help="API worker processes.", min=1, max=16)] = 1,
    json_file: JsonFile = None,
) -> None:
    """The service over HTTP: latency at a steady rate, payments a second in batches, memory."""
    from risk_platform.cli.bench_api import api_figures

    console = Console()
    progress: Callable[[str], None] = partial(console.print, style="dim", highlight=False)
    report(api_figures(minutes, rate, workers, progress), console, json_file)


@bench.command("live")
def bench_live(
    minutes: Annotated[float, typer.Option(help="How long files are dropped.", min=0.1)] = 3,
    json_file: JsonFile = None,
) -> None:
    """Live files: seconds from the landing folder to the alert in the API and to the payment in the lake."""
    from risk_platform.cli.bench_live import live_figures

    console = Console()
    progress: Callable[[str], None] = partial(console.print, style="dim", highlight=False)
    report(live_figures(minutes, progress), console, json_file)


@bench.command("memory")
def bench_memory(json_file: JsonFile = None) -> None:
    """State of the online features in a scaled run, extrapolated to 100 million payments of a million customers."""
    from risk_platform.cli.bench_memory import memory_figures

    console = Console()
    progress: Callable[[str], None] = partial(console.print, style="dim", highlight=False)
    report(memory_figures(progress), console, json_file)
