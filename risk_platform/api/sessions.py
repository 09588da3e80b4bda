"""Whose an access token is, right now."""

from anyio.to_thread import run_sync

from risk_platform.api.tokens import AccessTokens, TokenRefusedError
from risk_platform.operations.accounts import Accounts, Session


class Sessions:
    """Looks up the session of a token and its user at every request, so that a demotion holds with the next one.

    A store that is `remote` is asked in a thread; a file is read quicker than a thread is woken.
    """

    def __init__(self, tokens: AccessTokens, accounts: Accounts, *, remote: bool) -> None:
        self._tokens = tokens
        self._accounts = accounts
        self._remote = remote

    async def of_token(self, token: str, now: int) -> Session | None:
        """The session at `now` (µs); None when the token or the session is not good any more."""
        try:
            session_id = self._tokens.session_id(token, now // 1_000_000)
        except TokenRefusedError:
            return None
        if self._remote:
            return await run_sync(self._accounts.session, session_id, now)
        return self._accounts.session(session_id, now)
