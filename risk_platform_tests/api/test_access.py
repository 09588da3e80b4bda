"""Who may do what: every role against every route of the app, and what happens when a role changes."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute, iter_route_contexts

from risk_platform.api.app import DIRECT, create_app
from risk_platform.api.guard import Guard, guard_of, refuse_unguarded_routes
from risk_platform.api.limits import Rates
from risk_platform.api.passwords import Passwords
from risk_platform.api.roles import GRANTS, Permission
from risk_platform.errors import SettingsError
from risk_platform.operations.accounts import Accounts, Role
from risk_platform.operations.database import database_url, open_database
from risk_platform.settings import Settings
from risk_platform_tests.api.site import PASSWORD, Site, address, recent

Route = tuple[str, str, Permission | None]


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> FastAPI:
    settings = Settings(_env_file=None, home=tmp_path_factory.mktemp("app") / "home")  # type: ignore[call-arg]
    return create_app(settings, lambda: datetime.now(UTC), Rates())


def routes_of(app: FastAPI) -> list[Route]:
    """Method, path and permission of every route; None where anybody may come."""
    found: list[Route] = []
    for context in iter_route_contexts(app.routes):
        route = context.original_route
        if isinstance(route, APIRoute):
            guard = guard_of(route)
            permission = guard.permission if isinstance(guard, Guard) else None
            found += [(method, str(context.path), permission) for method in sorted(route.methods or ())]
    return found


OPEN = {
    ("POST", "/api/v1/auth/register"),
    ("POST", "/api/v1/auth/login"),
    ("POST", "/api/v1/auth/refresh"),
    ("GET", "/api/v1/health"),
    ("GET", "/api/v1/health/live"),
    ("GET", "/metrics"),
    ("GET", "/docs"),
    ("GET", "/redoc"),
    ("GET", "/openapi.json"),
}


def test_every_role_at_every_route(app: FastAPI, running: Site) -> None:
    routes = routes_of(app)
    assert {(method, path) for method, path, permission in routes if permission is None} == OPEN
    for method, path, permission in routes:
        if permission is None or path.endswith("/logout"):
            continue
        concrete = re.sub(r"\{\w+\}", "999999", path)
        for role in Role:
            answer = running.client(role).request(method, concrete)
            if permission in GRANTS[role]:
                assert answer.status_code not in (401, 403), (role, method, path, answer.text)
            else:
                assert answer.status_code == 403, (role, method, path, answer.text)
        assert running.anonymous().request(method, concrete).status_code == 401, (method, path)


def test_a_service_sends_and_sees_nothing() -> None:
    assert GRANTS[Role.SERVICE] == {
        Permission.SEND_PAYMENTS,
        Permission.SEND_OUTCOMES,
        Permission.OWN_ACCOUNT,
    }


def test_a_route_without_a_permission_stops_the_start() -> None:
    app, router = FastAPI(openapi_url=None, docs_url=None, redoc_url=None), APIRouter()
    router.get("/secrets")(lambda: "everything")
    app.include_router(router, prefix="/api")
    with pytest.raises(SettingsError, match="/api/secrets"):
        refuse_unguarded_routes(app, frozenset())


def test_who_registers_waits_for_an_admin(running: Site) -> None:
    newcomer, admin = running.anonymous(), running.client(Role.ADMIN)
    credentials = {"email": "New@Example.com", "password": PASSWORD}
    for _ in range(2):
        assert newcomer.post("/api/v1/auth/register", json=credentials).json() == {"status": "pending"}
    assert newcomer.post("/api/v1/auth/login", json=credentials).status_code == 403
    pending = admin.get("/api/v1/users", params={"state": "pending"}).json()["items"]
    assert [item["email"] for item in pending] == ["new@example.com"]
    user = pending[0]["user_id"]
    assert admin.post(f"/api/v1/users/{user}/role", json={"role": "Root"}).status_code == 422
    assert admin.post(f"/api/v1/users/{user}/role", json={"role": "Viewer"}).json()["state"] == "active"
    assert newcomer.post("/api/v1/auth/login", json=credentials).status_code == 200


def test_nobody_raises_themselves_by_registering(running: Site) -> None:
    body = {"email": "eve@example.com", "password": PASSWORD, "role": "Admin"}
    answer = running.anonymous().post("/api/v1/auth/register", json=body)
    assert (answer.status_code, answer.json()["field"]) == (422, "role")


@pytest.fixture
def somebody(running: Site) -> tuple[str, str]:
    """Identifier and address of an Analyst of one test."""
    database = open_database(database_url(None, running.settings.home))
    accounts = Accounts(database)
    email = f"somebody{len(accounts.page('', 500))}@example.com"
    user = accounts.add(email, Passwords().hash(PASSWORD), Role.ANALYST, 0, "test")
    database.dispose()
    return user.user_id, email


def test_a_demotion_holds_with_the_next_request(running: Site, somebody: tuple[str, str]) -> None:
    user_id, email = somebody
    client, admin = running.signed_in(email), running.client(Role.ADMIN)
    assert client.post("/api/v1/explain/risk", json={"transaction_id": "none"}).status_code == 404
    admin.post(f"/api/v1/users/{user_id}/role", json={"role": "Viewer"})
    assert client.post("/api/v1/explain/risk", json={"transaction_id": "none"}).status_code == 403
    admin.post(f"/api/v1/users/{user_id}/disable")
    assert client.get("/api/v1/risk/live").status_code == 401
    credentials = {"email": email, "password": PASSWORD}
    assert client.post("/api/v1/auth/login", json=credentials).status_code == 403


def test_a_refresh_token_is_good_once(running: Site, somebody: tuple[str, str]) -> None:
    client = running.anonymous()
    first = client.post("/api/v1/auth/login", json={"email": somebody[1], "password": PASSWORD}).json()
    assert (first["token_type"], first["expires_in"]) == ("Bearer", 600)
    second = client.post("/api/v1/auth/refresh", json={"refresh_token": first["refresh_token"]})
    assert second.status_code == 200
    client.headers["Authorization"] = f"Bearer {second.json()['access_token']}"
    assert client.get("/api/v1/auth/me").json()["email"] == somebody[1]
    stolen = client.post("/api/v1/auth/refresh", json={"refresh_token": first["refresh_token"]})
    assert stolen.status_code == 401
    # One of the two is a thief, so both are out.
    own = client.post("/api/v1/auth/refresh", json={"refresh_token": second.json()["refresh_token"]})
    assert own.status_code == 401
    assert client.get("/api/v1/auth/me").status_code == 401


def test_who_logs_out_is_out(running: Site, somebody: tuple[str, str]) -> None:
    client = running.signed_in(somebody[1])
    assert client.post("/api/v1/auth/logout").status_code == 204
    assert client.get("/api/v1/auth/me").status_code == 401


def test_an_unknown_address_and_a_wrong_password_look_alike(running: Site) -> None:
    client = running.anonymous()
    told = [
        client.post("/api/v1/auth/login", json={"email": email, "password": "no such password"})
        for email in (address(Role.ADMIN), "nobody@example.com")
    ]
    assert told[0].status_code == told[1].status_code == 401
    assert told[0].content == told[1].content


@pytest.mark.parametrize("password", ["short", "aaaaaaaaaaaaaaaa", "x" * 129])
def test_a_weak_password_is_refused_without_being_told_back(running: Site, password: str) -> None:
    body = {"email": "weak@example.com", "password": password}
    answer = running.anonymous().post("/api/v1/auth/register", json=body)
    assert answer.status_code == 422
    assert password not in answer.text


def test_nobody_changes_their_own_access(running: Site) -> None:
    admin = running.client(Role.ADMIN)
    user_id = admin.get("/api/v1/auth/me").json()["user_id"]
    assert admin.post(f"/api/v1/users/{user_id}/disable").status_code == 409
    assert admin.post("/api/v1/users/none/disable").status_code == 404


def test_a_viewer_sees_no_parties(running: Site) -> None:
    running.client(Role.SERVICE).post("/api/v1/transactions", json=recent(900))
    viewer, analyst = running.client(Role.VIEWER), running.client(Role.ANALYST)
    assert viewer.get("/api/v1/risk/upi:T900").json()["customer_id"] is None
    assert analyst.get("/api/v1/risk/upi:T900").json()["customer_id"] == "C4"
    assert viewer.get("/api/v1/risk/history", params={"customer_id": "C4"}).status_code == 403
    assert viewer.get("/api/v1/alerts", params={"customer_id": "C4"}).status_code == 403


def test_the_signing_key_is_its_owners_alone(running: Site, tmp_path: Path) -> None:
    key = running.settings.home / "api" / "token_key.pem"
    assert key.stat().st_mode & 0o777 == 0o600
    copy = tmp_path / "home" / "api" / "token_key.pem"
    copy.parent.mkdir(parents=True)
    copy.write_bytes(key.read_bytes())
    copy.chmod(0o644)
    settings = Settings(_env_file=None, home=tmp_path / "home")  # type: ignore[call-arg]
    with pytest.raises(SettingsError, match="chmod 600"):
        create_app(settings, lambda: datetime.now(UTC), Rates())


def test_routes_served_directly_are_routes_of_the_app_with_the_same_guard(app: FastAPI) -> None:
    served = {
        str(context.path): context.original_route
        for context in iter_route_contexts(app.routes)
        if isinstance(context.original_route, APIRoute)
    }
    assert set(DIRECT) == {"/api/v1/transactions", "/api/v1/transactions/batch"}
    for path, direct in DIRECT.items():
        route = served[path]
        assert isinstance(route, APIRoute)
        assert (route.methods, route.endpoint, guard_of(route)) == ({"POST"}, direct.endpoint, direct.guard)
