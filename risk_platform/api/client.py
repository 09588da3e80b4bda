"""A caller's side of the service over HTTP: signed in, refused in sentences."""

from collections.abc import Mapping
from typing import Any, Self

import httpx

from risk_platform.errors import RiskPlatformError, ServiceError

_TIMEOUT_SECONDS = 10.0
_UNAUTHORIZED = 401
_LOWEST_ERROR = 400
_LOWEST_FAILURE = 500


class ApiRefusedError(RiskPlatformError):
    """The service refused a request; `status` is the HTTP status, the text its sentence."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


class ApiClient:
    """The service at `url` for one user; access tokens are renewed while the session lasts.

    Who asks now and then, and may leave without a word, does not `keep_alive` the connection.

    Every call raises ApiRefusedError when the service refuses, ServiceError when it is not there or failed.
    """

    def __init__(self, url: str, *, keep_alive: bool = True) -> None:
        self.url = url.rstrip("/")
        self.email: str | None = None
        self._refresh_token: str | None = None
        limits = httpx.Limits(max_keepalive_connections=None if keep_alive else 0)
        address = f"{self.url}/api/v1/"
        self._http = httpx.Client(base_url=address, timeout=_TIMEOUT_SECONDS, limits=limits, trust_env=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def sign_in(self, email: str, password: str) -> None:
        """Sign in with address and password."""
        self._keep(self._answered("POST", "auth/login", {"email": email, "password": password}))
        self.email = email

    def sign_out(self) -> None:
        """End the session."""
        self.post("auth/logout")
        self.email = self._refresh_token = None
        del self._http.headers["Authorization"]

    def get(self, path: str, **query: object) -> Any:
        """The answer to a GET of that path below /api/v1; a query of None is left out."""
        given = {name: value for name, value in query.items() if value is not None}
        return self._renewed("GET", path, None, given)

    def post(self, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """The answer to a POST of that body."""
        return self._renewed("POST", path, body, {})

    def _renewed(self, method: str, path: str, body: Mapping[str, Any] | None, query: dict[str, Any]) -> Any:
        try:
            return self._answered(method, path, body, query)
        except ApiRefusedError as error:
            if error.status != _UNAUTHORIZED or self._refresh_token is None:
                raise
        self._keep(self._answered("POST", "auth/refresh", {"refresh_token": self._refresh_token}))
        return self._answered(method, path, body, query)

    def _answered(
        self, method: str, path: str, body: Mapping[str, Any] | None, query: dict[str, Any] | None = None
    ) -> Any:
        try:
            answer = self._http.request(method, path, json=body, params=query)
        except httpx.TransportError as error:
            raise ServiceError(
                f"No service answers at {self.url}; start one with `risk-platform api`."
            ) from error
        if answer.status_code >= _LOWEST_FAILURE:
            raise ServiceError(_sentence(answer))
        if answer.status_code >= _LOWEST_ERROR:
            raise ApiRefusedError(answer.status_code, _sentence(answer))
        return answer.json() if answer.content else None

    def _keep(self, tokens: Mapping[str, Any]) -> None:
        self._refresh_token = tokens["refresh_token"]
        self._http.headers["Authorization"] = f"Bearer {tokens['access_token']}"


def _sentence(answer: httpx.Response) -> str:
    """What the problem details say; the status where an answer has none."""
    if answer.headers.get("content-type", "").startswith("application/problem+json"):
        return str(answer.json()["detail"])
    return f"The service answered {answer.status_code}."
