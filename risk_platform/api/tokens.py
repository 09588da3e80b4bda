"""Access tokens: short-lived signed statements that a session is somebody's (JWT, RFC 9068 with EdDSA)."""

import hashlib
import secrets
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from risk_platform.operations.accounts import Session

LIFETIME_SECONDS = 600
_ALGORITHM, _TYPE = "EdDSA", "at+jwt"
_ISSUER = _AUDIENCE = "risk-platform"
_LONGEST = 2048
# A signature takes longer to verify than everything else about a request, and comes again with each.
_MOST_KNOWN = 4096
_CLAIMS = {"iss", "aud", "sub", "sid", "jti", "iat", "nbf", "exp"}
# Time is ours to judge, with the service's own clock.
_OPTIONS: Any = {
    "require": sorted(_CLAIMS),
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
    "strict_aud": True,
}


class TokenRefusedError(Exception):
    """The token is none of ours, or not of now."""


@dataclass(frozen=True)
class _Verified:
    """A token that was signed here: its session, and from when to when (seconds) it is good."""

    session_id: str
    valid_from: int
    expires: int


class AccessTokens:
    """Signs and checks access tokens with the key of one installation."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        self._public = key.public_key()
        self._known: OrderedDict[str, _Verified] = OrderedDict()
        self._header = {
            "typ": _TYPE,
            "alg": _ALGORITHM,
            "kid": hashlib.sha256(self._public.public_bytes_raw()).hexdigest()[:16],
        }

    def issue(self, session: Session, now: int) -> str:
        """A token of the session, good for `LIFETIME_SECONDS` from `now` (seconds)."""
        claims = {
            "iss": _ISSUER,
            "aud": _AUDIENCE,
            "sub": session.user.user_id,
            "sid": session.session_id,
            "jti": secrets.token_hex(16),
            "iat": now,
            "nbf": now,
            "exp": now + LIFETIME_SECONDS,
        }
        return jwt.encode(claims, self._key, _ALGORITHM, headers=self._header)

    def session_id(self, token: str, now: int) -> str:
        """The session that a token is of; raises TokenRefusedError for any token not issued here and good now."""
        verified = self._known.get(token)
        if verified is None:
            verified = self._known[token] = self._verified(token)
            if len(self._known) > _MOST_KNOWN:
                self._known.popitem(last=False)
        if not verified.valid_from <= now < verified.expires:
            raise TokenRefusedError
        return verified.session_id

    def _verified(self, token: str) -> "_Verified":
        """What a token says that was signed here; whether it is good now is not looked at."""
        if len(token) > _LONGEST:
            raise TokenRefusedError
        try:
            # The header is what we write and nothing else: no other algorithm, no key of the caller's, no `crit`.
            if jwt.get_unverified_header(token) != self._header:
                raise TokenRefusedError
            claims = jwt.decode(
                token,
                self._public,
                algorithms=[_ALGORITHM],
                audience=_AUDIENCE,
                issuer=_ISSUER,
                options=_OPTIONS,
            )
        except (jwt.InvalidTokenError, ValueError) as error:
            raise TokenRefusedError from error
        times = [claims[name] for name in ("iat", "nbf", "exp")]
        texts = [claims[name] for name in ("sub", "sid", "jti")]
        if set(claims) != _CLAIMS or {*map(type, times)} != {int} or {*map(type, texts)} != {str}:
            raise TokenRefusedError
        issued, valid_from, expires = times
        if not (issued == valid_from and expires == issued + LIFETIME_SECONDS):
            raise TokenRefusedError
        return _Verified(str(claims["sid"]), valid_from, expires)
