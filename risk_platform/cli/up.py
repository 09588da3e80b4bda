"""`risk-platform up`: engine, service, Dagster, MLflow and Streamlit together, one Ctrl-C stops all."""

import os
import socket
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from risk_platform.dagster_instance import FILE_NAME, missing_settings
from risk_platform.errors import InputError, ServiceError
from risk_platform.home import Home, prepare_home
from risk_platform.settings import Settings, settings

PROJECT_ROOT = Path(__file__).resolve().parents[2]
LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class Service:
    """One long-lived process: its name, its command line and the port it listens on, if it does."""

    name: str
    command: str
    port: int | None = None
    path: str = ""

    @property
    def address(self) -> str:
        return (
            f"http://{LOOPBACK}:{self.port}{self.path}" if self.port else "decides what the service is sent"
        )


@dataclass(frozen=True)
class Ports:
    """Where the processes listen."""

    api: int
    dagster: int
    mlflow: int
    streamlit: int


def services(current: Settings, ports: Ports) -> list[Service]:
    """The processes of an installation, in the order they are started."""
    folder = Path(sys.executable).parent
    dagster = f"{folder}/dagster dev -w workspace.yaml -h {LOOPBACK} -p {ports.dagster}"
    mlflow = (
        f"{folder}/mlflow ui --backend-store-uri {current.tracking_uri} --host {LOOPBACK} "
        f"--port {ports.mlflow} --workers 1"
    )
    streamlit = (
        f"{folder}/streamlit run streamlit_app/app.py --server.address {LOOPBACK} "
        f"--server.port {ports.streamlit} --server.headless true"
    )
    own = f"{sys.executable} -m risk_platform"
    return [
        Service("engine", f"{own} engine"),
        Service("api", f"{own} api --port {ports.api}", ports.api, "/docs"),
        Service("dagster", dagster, ports.dagster),
        Service("mlflow", mlflow, ports.mlflow),
        Service("streamlit", streamlit, ports.streamlit),
    ]


def process_environment(current: Settings, home: Home, ports: Ports) -> dict[str, str]:
    """Environment of every process: this one's, absolute RISK_HOME, Dagster's own home, where the service is."""
    return {
        **os.environ,
        "RISK_HOME": str(current.home.absolute()),
        "DAGSTER_HOME": str(home.dagster),
        "RISK_API_URL": f"http://{LOOPBACK}:{ports.api}",
        "PYTHONPATH": os.pathsep.join(filter(None, [str(PROJECT_ROOT), os.environ.get("PYTHONPATH")])),
        "PYTHONUNBUFFERED": "1",
        # `dagster dev` recommends a newer command at every start.
        "PYTHONWARNINGS": "ignore:Function `dev_command`",
    }


def refuse_taken_ports(wanted: list[Service]) -> None:
    """Raise InputError when a port is taken, before anything is started."""
    for service in wanted:
        if service.port is None:
            continue
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((LOOPBACK, service.port))
            except OSError:
                raise InputError(
                    f"Port {service.port} for {service.name} is taken; stop what listens there or pass "
                    f"--{service.name}-port."
                ) from None


def refuse_second_engine(home: Home) -> None:
    """Raise ServiceError when an engine of the installation runs already, before anything is started."""
    from risk_platform.intake.client import EngineClient
    from risk_platform.intake.service import socket_path

    try:
        EngineClient(socket_path(home)).close()
    except ServiceError:
        return
    raise ServiceError(
        f"An engine of {home.root} runs already; stop it first, or set RISK_HOME to another folder."
    )


def up(
    api_port: Annotated[int, typer.Option(help="Port of the service.")] = 8000,
    dagster_port: Annotated[int, typer.Option(help="Port of the Dagster UI.")] = 3000,
    mlflow_port: Annotated[int, typer.Option(help="Port of the MLflow UI.")] = 5000,
    streamlit_port: Annotated[int, typer.Option(help="Port of the risk desk.")] = 8501,
) -> None:
    """Start the engine, the service, Dagster, MLflow and the Streamlit risk desk; Ctrl-C stops all."""
    from honcho.manager import Manager

    current = settings()
    home = prepare_home(current)
    ports = Ports(api_port, dagster_port, mlflow_port, streamlit_port)
    wanted = services(current, ports)
    refuse_taken_ports(wanted)
    refuse_second_engine(home)
    manager = Manager()
    environment = process_environment(current, home, ports)
    for service in wanted:
        manager.add_process(service.name, service.command, env=environment, cwd=str(PROJECT_ROOT))
    _tell(wanted, home)
    manager.loop()
    raise SystemExit(manager.returncode or 0)


def _tell(wanted: list[Service], home: Home) -> None:
    """Where everything is, what Dagster's settings lack, and what the engine decides with."""
    from risk_platform.models.champion import has_champion

    console = Console()
    for service in wanted:
        console.print(f"[bold]{service.name:<10}[/bold] {service.address}", highlight=False)
    tell_missing_settings(home, console)
    if not has_champion(home.bundles):
        console.print(
            "[yellow]No model is champion yet: payments are decided by rules alone, and each decision says so. "
            "`risk-platform demo` makes one; the engine takes it up by itself.[/yellow]",
            highlight=False,
        )
    console.print("Ctrl-C stops all of them.\n")


def tell_missing_settings(home: Home, console: Console) -> None:
    """Say which of our settings Dagster's own file lacks, should somebody have changed it."""
    if missing := missing_settings(home.dagster):
        console.print(
            f"[yellow]{home.dagster / FILE_NAME} was changed by hand and says nothing about "
            f"{', '.join(f'`{each}`' for each in missing)}; write that into it, or remove the file to have it "
            "written anew.[/yellow]",
            highlight=False,
            soft_wrap=True,
        )
