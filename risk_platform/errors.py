"""The exceptions of the platform: each message is one sentence that says what is wrong and how to mend it."""


class RiskPlatformError(Exception):
    """Anything the platform refuses; the command line prints it as one line and exits with 1."""


class SettingsError(RiskPlatformError):
    """A setting is missing or wrong; the message names it."""


class InputError(RiskPlatformError):
    """A file, a mapping or an argument given by the user is wrong; nothing was changed."""


class ContractError(RiskPlatformError):
    """Data breaks a contract between two rooms as a whole, so that no part of it may flow on."""


class BundleError(RiskPlatformError):
    """A model bundle is missing, incomplete or not the bytes that were promised."""


class LakeError(RiskPlatformError):
    """A lake table is missing, torn, or another writer was there first."""


class ServiceError(RiskPlatformError):
    """A service that the platform was told to use cannot be reached, or refuses what it is asked."""


class AuditError(RiskPlatformError):
    """The audit trail, or what is kept of it outside the database, is not what was signed."""
