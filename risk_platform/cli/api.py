"""`risk-platform api`: the service over HTTP."""

import os
from tempfile import TemporaryDirectory
from typing import Annotated

import typer


def api(
    port: Annotated[int, typer.Option(help="Port to listen on.", min=1, max=65_535)] = 8000,
    workers: Annotated[int, typer.Option(help="Worker processes.", min=1, max=64)] = 1,
    host: Annotated[
        str, typer.Option(help="Address to listen on; put a proxy with TLS before any other.")
    ] = "127.0.0.1",
) -> None:
    """Serve the API until SIGTERM or Ctrl-C; decisions come from the running `risk-platform engine`."""
    import uvicorn

    from risk_platform.api.app import SERVER_OPTIONS
    from risk_platform.api.keys import token_key, token_key_file
    from risk_platform.api.metrics import SHARED_FOLDER
    from risk_platform.home import prepare_home
    from risk_platform.operations.database import bring_up_to_date, database_url, open_database
    from risk_platform.settings import settings

    home = prepare_home(settings())
    token_key(token_key_file(home.root))
    database = open_database(database_url(settings().database_url, home.root))
    bring_up_to_date(database)
    database.dispose()
    with TemporaryDirectory(prefix="metrics-", dir=home.work) as folder:
        if workers > 1:
            os.environ[SHARED_FOLDER] = folder
        uvicorn.run(
            "risk_platform.api.app:served",
            factory=True,
            host=host,
            port=port,
            workers=workers,
            **SERVER_OPTIONS,
        )
