"""The exported heads of the audit log, each verified once."""

import threading
from pathlib import Path

from risk_platform.audit.heads import SignedHead, read_heads
from risk_platform.audit.keeping import heads_file, public_key_file, read_public_key


class VerifiedHeads:
    """Heads as they are exported; signatures that were verified are not verified again.

    Any thread may ask.
    """

    def __init__(self, home: Path) -> None:
        self._file = heads_file(home)
        self._public_key = public_key_file(home)
        self._heads: list[SignedHead] = []
        self._read = 0
        self._asking = threading.Lock()

    def all(self) -> list[SignedHead]:
        """Every head up to now, sizes growing.

        Raises AuditError naming the line that cannot be trusted, SettingsError when there is no public key.
        """
        with self._asking:
            appended = self._appended()
            if appended:
                # The last one comes along, so that what follows is held against it.
                known = [head.line for head in self._heads[-1:]]
                self._heads += read_heads([*known, *appended], read_public_key(self._public_key))[
                    len(known) :
                ]
                self._read += sum(len(line) + 1 for line in appended)
            return list(self._heads)

    def _appended(self) -> list[bytes]:
        """Whole lines behind those that were read; all of them when the file is another one."""
        if not self._file.exists():
            return []
        with self._file.open("rb") as file:
            last = self._heads[-1].line + b"\n" if self._heads else b""
            file.seek(self._read - len(last))
            if file.read(len(last)) != last:
                self._heads, self._read = [], 0
                file.seek(0)
            return file.read().split(b"\n")[:-1]
