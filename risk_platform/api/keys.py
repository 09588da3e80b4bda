"""The key that access tokens are signed with: made on first use, below RISK_HOME, for its owner alone."""

import os
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from risk_platform.errors import SettingsError


def token_key_file(home: Path) -> Path:
    """Where the key of an installation lies."""
    return home / "api" / "token_key.pem"


def token_key(path: Path) -> Ed25519PrivateKey:
    """The key in `path`, made there when there is none.

    Raises SettingsError when it cannot be read or others may read it.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not path.exists():
            _create(path)
        if path.stat().st_mode & 0o077:
            raise SettingsError(f"{path} may be read by others; run chmod 600 on it.")
        key = load_pem_private_key(path.read_bytes(), None)
    except (OSError, ValueError) as error:
        raise SettingsError(f"{path} holds no signing key ({error}); delete it to have one made.") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise SettingsError(f"The key in {path} is not Ed25519; delete it to have one made.")
    return key


def _create(path: Path) -> None:
    content = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        os.write(descriptor, content)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    try:
        # Whoever is first makes the key; another process at the same moment takes that one.
        os.link(unfinished, path)
    except FileExistsError:
        return
    finally:
        unfinished.unlink()
