"""`risk-platform up`: Dagster, MLflow and Streamlit together, one Ctrl-C stops all."""

import os
import socket
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from risk_platform.errors import InputError
from risk_platform.home import Home, prepare_home
from risk_platform.settings import Settings, settings

PROJECT_ROOT = Path(__file__).resolve().parents[2]
LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class Service:
    """One long-lived process: its name, its command line and the port it listens on."""

    name: str
    command: str
    port: int

    @property
    def address(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"


def services(current: Settings, dagster_port: int, mlflow_port: int, streamlit_port: int) -> list[Service]:
    """The processes of an installation, in the order they are started."""
    folder = Path(sys.executable).parent
    dagster = f"{folder}/dagster dev -w workspace.yaml -h {LOOPBACK} -p {dagster_port}"
    mlflow = (
        f"{folder}/mlflow ui --backend-store-uri {current.tracking_uri} --host {LOOPBACK} "
        f"--port {mlflow_port} --workers 1"
    )
    streamlit = (
        f"{folder}/streamlit run streamlit_app/app.py --server.address {LOOPBACK} "
        f"--server.port {streamlit_port} --server.headless true"
    )
    return [
        Service("dagster", dagster, dagster_port),
        Service("mlflow", mlflow, mlflow_port),
        Service("streamlit", streamlit, streamlit_port),
    ]


def process_environment(current: Settings, home: Home) -> dict[str, str]:
    """Environment of every process: this one's, with absolute RISK_HOME and Dagster's own home."""
    return {
        **os.environ,
        "RISK_HOME": str(current.home.absolute()),
        "DAGSTER_HOME": str(home.dagster),
        "PYTHONPATH": os.pathsep.join(filter(None, [str(PROJECT_ROOT), os.environ.get("PYTHONPATH")])),
        "PYTHONUNBUFFERED": "1",
        # `dagster dev` recommends a newer command at every start.
        "PYTHONWARNINGS": "ignore:Function `dev_command`",
    }


def refuse_taken_ports(wanted: list[Service]) -> None:
    """Raise InputError when a port is taken, before anything is started."""
    for service in wanted:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((LOOPBACK, service.port))
            except OSError:
                raise InputError(
                    f"Port {service.port} for {service.name} is taken; stop what listens there or pass "
                    f"--{service.name}-port."
                ) from None


def up(
    dagster_port: Annotated[int, typer.Option(help="Port of the Dagster UI.")] = 3000,
    mlflow_port: Annotated[int, typer.Option(help="Port of the MLflow UI.")] = 5000,
    streamlit_port: Annotated[int, typer.Option(help="Port of the risk desk.")] = 8501,
) -> None:
    """Start the Dagster UI, the MLflow UI and the Streamlit risk desk; Ctrl-C stops all."""
    from honcho.manager import Manager

    current = settings()
    home = prepare_home(current)
    wanted = services(current, dagster_port, mlflow_port, streamlit_port)
    refuse_taken_ports(wanted)
    manager = Manager()
    for service in wanted:
        manager.add_process(
            service.name, service.command, env=process_environment(current, home), cwd=str(PROJECT_ROOT)
        )
    console = Console()
    for service in wanted:
        console.print(f"[bold]{service.name:<10}[/bold] {service.address}")
    console.print("Ctrl-C stops all of them.\n")
    manager.loop()
    raise SystemExit(manager.returncode or 0)
