"""Who works at the desk: signed in to the service, or reading only."""

from dataclasses import dataclass

import streamlit as st

from risk_platform.api.client import ApiClient, ApiRefusedError
from risk_platform.errors import RiskPlatformError, ServiceError
from risk_platform.settings import load_settings

_SESSION = "desk_session"
WORKS_ALERTS, READS_ALERTS, EXPLAINS = "work_alerts", "read_alerts", "explain"


@dataclass(frozen=True)
class DeskSession:
    """Somebody signed in: their connection to the service, and what they may do there."""

    client: ApiClient
    user_id: str
    email: str
    role: str
    permissions: frozenset[str]

    def may(self, permission: str) -> bool:
        """Whether the service lets them."""
        return permission in self.permissions


def present() -> DeskSession | None:
    """Who is signed in at this desk; None for nobody."""
    session: DeskSession | None = st.session_state.get(_SESSION)
    return session


def signed_in() -> DeskSession | None:
    """Who is signed in; for nobody the form to sign in, or the sentence that no service runs."""
    session = present()
    if session is not None:
        _signed_in_as(session)
        return session
    url = load_settings().api_url
    if not _answers(url):
        st.warning(
            f"No service answers at {url}, so nothing can be acknowledged or resolved here. "
            "Start it with `risk-platform up`, or set RISK_API_URL. The other pages show what the lake holds.",
            icon=":material/cloud_off:",
        )
        return None
    _form(url)
    return None


def forget() -> None:
    """Leave the desk: whoever comes next signs in."""
    st.session_state.pop(_SESSION, None)


def told(error: RiskPlatformError) -> None:
    """Say what the service refused; one whose session is over signs in again."""
    st.error(str(error), icon=":material/error:")
    if isinstance(error, ApiRefusedError) and error.status == 401:
        forget()


def _answers(url: str) -> bool:
    with ApiClient(url) as client:
        try:
            client.get("health/live")
        except ServiceError:
            return False
        except ApiRefusedError:
            return True
    return True


def _form(url: str) -> None:
    left, _ = st.columns([2, 3])
    with left.form("sign_in", border=True):
        st.subheader("Sign in", anchor=False)
        email = st.text_input("E-mail", key="email", autocomplete="username")
        password = st.text_input("Password", type="password", key="password", autocomplete="current-password")
        if not st.form_submit_button("Sign in", type="primary", width="stretch"):
            return
        try:
            st.session_state[_SESSION] = _session(ApiClient(url, keep_alive=False), email.strip(), password)
        except RiskPlatformError as error:
            st.error(str(error), icon=":material/error:")
            return
    st.rerun()


def _session(client: ApiClient, email: str, password: str) -> DeskSession:
    client.sign_in(email, password)
    me = client.get("auth/me")
    return DeskSession(client, me["user_id"], me["email"], me["role"], frozenset(me["permissions"]))


def _signed_in_as(session: DeskSession) -> None:
    with st.sidebar:
        st.caption(f"Signed in as **{session.email}** ({session.role})")
        if st.button("Sign out", key="sign_out", width="stretch"):
            forget()
            try:
                session.client.sign_out()
            except RiskPlatformError as error:
                st.error(str(error))
                return
            st.rerun()
