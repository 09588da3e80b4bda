"""The work queue against a running service: signing in, taking an alert, resolving it, and what is refused."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from risk_platform.operations.accounts import Role
from risk_platform_tests.api.site import PASSWORD, Site, address, recent, site
from risk_platform_tests.app.test_pages import figures, opened, told


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with site(tmp_path_factory.mktemp("queue") / "home") as running:
        payments = [recent(number, amount_minor=9_000_000) for number in range(1, 5)]
        answer = running.client(Role.SERVICE).post(
            "/api/v1/transactions/batch", json={"transactions": payments}
        )
        assert answer.json()["accepted"] == 4
        yield running


@pytest.fixture
def desk(service: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RISK_HOME", str(service.settings.home))
    monkeypatch.setenv("RISK_API_URL", service.url)


def signed_in(role: Role) -> AppTest:
    app = opened("queue")
    app.text_input(key="email").set_value(address(role))
    app.text_input(key="password").set_value(PASSWORD)
    app.button[0].click().run()
    assert not app.exception
    return app


def chosen(app: AppTest, service: Site, at: int) -> int:
    """Choose the alert at that place of the queue, as a click on its row does."""
    alerts = service.client(Role.ADMIN).get("/api/v1/alerts").json()["items"]
    alert = sorted(alerts, key=lambda each: each["alert_id"])[at]
    app.session_state["alert"] = alert
    app.run()
    assert not app.exception
    return int(alert["alert_id"])


def pressed(app: AppTest, label: str) -> None:
    [button] = [button for button in app.button if button.label == label]
    button.click().run()
    assert not app.exception


@pytest.mark.usefixtures("desk")
class TestQueue:
    def test_a_wrong_password_is_one_sentence(self) -> None:
        app = opened("queue")
        app.text_input(key="email").set_value(address(Role.ANALYST))
        app.text_input(key="password").set_value("wrong")
        app.button[0].click().run()
        assert [error.value for error in app.error] == ["No active user has this address and password."]

    def test_the_queue_shows_what_is_at_stake(self) -> None:
        app = signed_in(Role.ANALYST)
        assert figures(app)["Open"] == "4"
        assert [metric.delta for metric in app.metric][:2] == ["4 nobody's", "0 yours"]
        table = app.dataframe[0].value
        assert set(table["amount_minor"]) == {"₹90,000.00"}
        assert sorted(table["transaction_id"]) == ["T1", "T2", "T3", "T4"]

    def test_an_alert_is_taken_and_resolved_with_a_note(self, service: Site) -> None:
        app = signed_in(Role.ANALYST)
        number = chosen(app, service, 0)
        pressed(app, "Acknowledge")
        assert "Assigned to **you**" in told(app)
        app.button_group(key=f"verdict_{number}").set_value(True)
        app.text_area(key=f"note_{number}").set_value("Called the customer.")
        pressed(app, "Resolve")
        assert "Resolved as fraud by you." in told(app)
        assert "> Called the customer." in told(app)
        [resolved] = (
            service.client(Role.ADMIN).get("/api/v1/alerts", params={"state": "resolved"}).json()["items"]
        )
        assert (resolved["alert_id"], resolved["is_fraud"]) == (number, True)

    def test_a_verdict_has_to_be_given(self, service: Site) -> None:
        app = signed_in(Role.ANALYST)
        chosen(app, service, 1)
        pressed(app, "Acknowledge")
        pressed(app, "Resolve")
        assert [error.value for error in app.error] == ["Say whether it is fraud or genuine."]

    def test_another_users_alert_is_taken_over_on_purpose(self, service: Site) -> None:
        app = signed_in(Role.ADMIN)
        number = chosen(app, service, 2)
        service.client(Role.ANALYST).post(f"/api/v1/alerts/{number}/acknowledge", json={})
        pressed(app, "Acknowledge")
        assert [error.value for error in app.error] == [
            "The alert is another user's; acknowledge it with take_over first."
        ]
        chosen(app, service, 2)
        pressed(app, "Take over")
        assert "Assigned to **you**" in told(app)

    def test_an_alert_is_handed_to_a_colleague_and_found_by_them(self, service: Site) -> None:
        app = signed_in(Role.ADMIN)
        number = chosen(app, service, 3)
        [people] = app.selectbox
        assert people.options == ["Nobody", "You", address(Role.ANALYST)]
        people.select(address(Role.ANALYST)).run()
        pressed(app, "Assign")
        assert f"Assigned to **{address(Role.ANALYST)}**" in told(app)
        assert [button.label for button in app.button] == ["Take over", "Assign", "Sign out"]
        app = signed_in(Role.ANALYST)
        app.button_group(key="owner").set_value("Mine").run()
        table = app.dataframe[0].value
        assert table[["transaction_id", "assigned_to"]].to_numpy().tolist() == [["T4", "you"]]
        chosen(app, service, 3)
        app.selectbox[0].select("Nobody").run()
        pressed(app, "Assign")
        assert "Assigned to **nobody**" in told(app)
        assert "No alert of yours is open." in told(app)
        app.button_group(key="owner").set_value("Nobody's").run()
        assert app.dataframe[0].value["transaction_id"].tolist() == ["T4"]
        found = service.client(Role.ADMIN).get(f"/api/v1/alerts/{number}").json()
        assert (found["state"], found["assigned_to"]) == ("open", None)

    def test_who_may_only_look_is_told_so(self, service: Site) -> None:
        app = signed_in(Role.VIEWER)
        chosen(app, service, 3)
        assert "As Viewer you may look at alerts, not work on them." in told(app)
        assert [button.label for button in app.button] == ["Sign out"]

    def test_who_may_see_no_alert_is_told_so(self) -> None:
        assert "As Service you may not see alerts." in told(signed_in(Role.SERVICE))

    def test_signing_out_ends_the_session(self) -> None:
        app = signed_in(Role.ANALYST)
        app.button(key="sign_out").click().run()
        assert app.text_input(key="email").value == ""


def test_without_a_service_the_desk_only_reads(desk_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RISK_HOME", str(desk_home))
    monkeypatch.setenv("RISK_API_URL", "http://127.0.0.1:9")
    app = opened("queue")
    assert "No service answers at http://127.0.0.1:9" in told(app)
    assert not app.text_input
    assert "Sign in to work on alerts" not in told(opened("alerts"))
