"""The live stream as a program hears it: a ticket for each connection, from where it was on."""

import time
from collections.abc import Callable, Iterator, Mapping
from urllib.parse import urlencode

import orjson
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from risk_platform.api.client import ApiClient, ApiRefusedError
from risk_platform.errors import ServiceError

_FIRST_WAIT_SECONDS, _LONGEST_WAIT_SECONDS = 1.0, 30.0


def messages(
    client: ApiClient, wanted: Mapping[str, str], after: int | None, told: Callable[[str], None]
) -> Iterator[str]:
    """Messages as JSON for who signed in, without end: what breaks is opened again behind the last one.

    `wanted` has `topics` and `levels` with commas between names; `told` hears of connections that broke. Raises
    ApiRefusedError when the service refuses, ServiceError when it is not there at the beginning.
    """
    began, wait = False, _FIRST_WAIT_SECONDS
    while True:
        try:
            for text in _connection(client, wanted, after):
                began, wait = True, _FIRST_WAIT_SECONDS
                after = max(after or 0, int(orjson.loads(text)["sequence"]))
                yield text
            why = "the service closed it"
        except (ConnectionClosed, ServiceError) as error:
            if not began:
                raise
            why = str(error)
        told(f"The stream ended ({why}); it goes on behind {after} in {wait:g} s.")
        time.sleep(wait)
        wait = min(_LONGEST_WAIT_SECONDS, 2 * wait)


def _connection(client: ApiClient, wanted: Mapping[str, str], after: int | None) -> Iterator[str]:
    begin = {} if after is None else {"after": str(after)}
    asked = {**wanted, **begin, "ticket": client.post("auth/ticket")["ticket"]}
    address = f"{client.url.replace('http', 'ws', 1)}/ws/risk-stream?{urlencode(asked)}"
    try:
        with connect(address, proxy=None) as socket:
            for text in socket:
                yield str(text)
    except InvalidStatus as refusal:
        detail = orjson.loads(refusal.response.body or b"{}").get("detail", "the service gave no reason")
        raise ApiRefusedError(refusal.response.status_code, str(detail)) from None
    except OSError as error:
        raise ServiceError(f"No stream opens at {client.url} ({error}).") from error
