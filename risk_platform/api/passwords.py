"""Passwords: argon2id hashes, and what a password must be."""

from functools import cached_property

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from risk_platform.errors import InputError

SHORTEST, LONGEST = 12, 128
# The OWASP setting with the most memory: 46 MiB, one pass, one lane.
_MEMORY_KIB, _PASSES, _LANES = 47_104, 1, 1


class Passwords:
    """Hashes passwords and compares them with hashes; each takes about a twentieth of a second."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher(_PASSES, _MEMORY_KIB, _LANES)

    def hash(self, password: str) -> str:
        """The argon2id hash of a password; raises InputError when it is too short, too long or one character."""
        if not SHORTEST <= len(password) <= LONGEST or len(set(password)) < 4:
            raise InputError(
                f"A password has {SHORTEST} to {LONGEST} characters, at least four different ones; "
                "choose a longer one."
            )
        return self._hasher.hash(password)

    def matches(self, password_hash: str | None, password: str) -> bool:
        """Whether it is the password of that hash; without a hash it takes as long and is not."""
        try:
            known = self._hasher.verify(password_hash or self._nobodys, password)
        except (VerificationError, InvalidHashError):
            return False
        return known and password_hash is not None

    def is_outdated(self, password_hash: str) -> bool:
        """Whether a hash was made with other costs than today's."""
        return self._hasher.check_needs_rehash(password_hash)

    @cached_property
    def _nobodys(self) -> str:
        return self._hasher.hash("nobody has this password")
