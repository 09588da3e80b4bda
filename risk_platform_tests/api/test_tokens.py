"""Forged access tokens, every kind we could think of: none of them is anybody's."""

import base64
import json
import time
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from risk_platform.api.keys import token_key, token_key_file
from risk_platform.api.tokens import LIFETIME_SECONDS, AccessTokens, TokenRefusedError
from risk_platform.operations.accounts import Role
from risk_platform_tests.api.site import Site

Forge = Callable[["Forger"], str]


class Forger:
    """Who has seen one good token, and even our key where that is what is tried."""

    def __init__(self, token: str, key: Ed25519PrivateKey) -> None:
        self.token, self.key = token, key
        self.header, self.claims, self.signature = token.split(".")
        self.public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    def signed(self, header: dict[str, Any] | None = None, **claims: Any) -> str:
        """A token with our own signature whose header or claims are not what we issue; None leaves one out."""
        head = decoded(self.header) | (header or {})
        body = {k: v for k, v in (decoded(self.claims) | claims).items() if v is not None}
        head = {k: v for k, v in head.items() if v is not None}
        signing = f"{encoded(head)}.{encoded(body)}"
        return f"{signing}.{base64url(self.key.sign(signing.encode()))}"

    def unsigned(self, algorithm: str) -> str:
        """A token that says it needs no signature."""
        return f"{encoded(decoded(self.header) | {'alg': algorithm})}.{self.claims}."

    def stranger(self) -> str:
        """A token in our form signed by another key."""
        return jwt.encode(
            decoded(self.claims), Ed25519PrivateKey.generate(), "EdDSA", headers=decoded(self.header)
        )

    def symmetric(self) -> str:
        """The classical confusion: our public key as the secret of an HMAC."""
        import hashlib
        import hmac

        signing = f"{encoded(decoded(self.header) | {'alg': 'HS256'})}.{self.claims}"
        return f"{signing}.{base64url(hmac.new(self.public, signing.encode(), hashlib.sha256).digest())}"

    def embedded_key(self) -> str:
        """A token that brings the key to check it with."""
        own = Ed25519PrivateKey.generate()
        jwk = {"kty": "OKP", "crv": "Ed25519", "x": base64url(own.public_key().public_bytes_raw())}
        signing = f"{encoded(decoded(self.header) | {'jwk': jwk})}.{self.claims}"
        return f"{signing}.{base64url(own.sign(signing.encode()))}"

    def raised(self) -> str:
        """Another's identifier under the old signature."""
        return f"{self.header}.{encoded(decoded(self.claims) | {'sub': 'admin'})}.{self.signature}"


def decoded(part: str) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return value


def encoded(value: dict[str, Any]) -> str:
    return base64url(json.dumps(value).encode())


def base64url(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


NOW = int(time.time())
FORGED: dict[str, Forge] = {
    "one part": lambda f: f.header,
    "no signature": lambda f: f"{f.header}.{f.claims}.",
    "cut signature": lambda f: f.token[:-4],
    "turned signature": lambda f: f"{f.header}.{f.claims}.{f.signature[::-1]}",
    "alg none": lambda f: f.unsigned("none"),
    "alg NoNe": lambda f: f.unsigned("NoNe"),
    "HMAC with the public key": Forger.symmetric,
    "another key": Forger.stranger,
    "its own key": Forger.embedded_key,
    "another subject": Forger.raised,
    "unknown crit": lambda f: f.signed({"crit": ["b64"], "b64": False}),
    "jku": lambda f: f.signed({"jku": "https://example.com/keys"}),
    "x5u": lambda f: f.signed({"x5u": "https://example.com/cert"}),
    "another kid": lambda f: f.signed({"kid": "../../etc/passwd"}),
    "no kid": lambda f: f.signed({"kid": None}),
    "another type": lambda f: f.signed({"typ": "JWT"}),
    "no type": lambda f: f.signed({"typ": None}),
    "another issuer": lambda f: f.signed(iss="elsewhere"),
    "another audience": lambda f: f.signed(aud="elsewhere"),
    "several audiences": lambda f: f.signed(aud=["risk-platform", "elsewhere"]),
    "no audience": lambda f: f.signed(aud=None),
    "no expiry": lambda f: f.signed(exp=None),
    "no session": lambda f: f.signed(sid=None),
    "expired": lambda f: f.signed(iat=NOW - 1200, nbf=NOW - 1200, exp=NOW - 600),
    "good for ever": lambda f: f.signed(exp=10**30),
    "expiry as text": lambda f: f.signed(exp=str(NOW + 600)),
    "expiry as a fraction": lambda f: f.signed(exp=NOW + 600.5),
    "issued tomorrow": lambda f: f.signed(iat=NOW + 86_400, nbf=NOW + 86_400, exp=NOW + 87_000),
    "valid from tomorrow": lambda f: f.signed(nbf=NOW + 86_400),
    "a claim more": lambda f: f.signed(role="Admin"),
    "session as a number": lambda f: f.signed(sid=1),
    "another session": lambda f: f.signed(sid="0" * 32),
    "four parts": lambda f: f"{f.token}.{f.signature}",
    "very long": lambda f: f.token + "A" * 10_000,
}


@pytest.fixture(scope="module")
def forger(running: Site) -> Forger:
    token = running.signed_in("admin@example.com").headers["Authorization"].removeprefix("Bearer ")
    return Forger(token, token_key(token_key_file(running.settings.home)))


def test_the_forger_can_forge(forger: Forger, running: Site) -> None:
    headers = {"Authorization": f"Bearer {forger.signed()}"}
    assert running.anonymous().get("/api/v1/auth/me", headers=headers).status_code == 200


@pytest.mark.parametrize("name", FORGED)
def test_a_forged_token_is_nobodys(name: str, forger: Forger, running: Site) -> None:
    headers = {"Authorization": f"Bearer {FORGED[name](forger)}"}
    answer = running.anonymous().get("/api/v1/auth/me", headers=headers)
    assert (answer.status_code, answer.json()["status"]) == (401, 401)
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize("header", ["Basic YTpi", "Bearer", "Token x"])
def test_another_scheme_is_nobodys(header: str, running: Site) -> None:
    answer = running.anonymous().get("/api/v1/auth/me", headers={"Authorization": header})
    assert answer.status_code == 401


def test_a_token_lives_ten_minutes(forger: Forger) -> None:
    tokens, issued = AccessTokens(forger.key), decoded(forger.claims)["iat"]
    assert tokens.session_id(forger.token, issued + LIFETIME_SECONDS - 1) == decoded(forger.claims)["sid"]
    for moment in (issued - 1, issued + LIFETIME_SECONDS):
        with pytest.raises(TokenRefusedError):
            tokens.session_id(forger.token, moment)


def test_a_token_is_of_a_role_no_longer_than_its_user(forger: Forger) -> None:
    assert "role" not in decoded(forger.claims)
    assert Role.ADMIN.value not in forger.token
