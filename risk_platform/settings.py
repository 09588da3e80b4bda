"""One typed object for every RISK_* setting, read once from the environment and `.env`."""

from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from risk_platform.durations import parse_duration
from risk_platform.errors import SettingsError


class Settings(BaseSettings):
    """What an operator may set; every field is documented in the README with its default."""

    model_config = SettingsConfigDict(env_prefix="RISK_", env_file=".env", extra="ignore", frozen=True)

    home: Path = Field(
        Path(".risk"), description="Folder of lake, MLflow store, landing folder and Dagster home."
    )
    start_date: date = Field(date(2026, 1, 1), description="First daily partition.")
    timezone: str = Field("Asia/Kolkata", description="Time zone whose midnight begins a business day.")
    label_maturity: timedelta = Field(
        timedelta(days=7), description="Age at which a payment nobody reported counts as known good."
    )
    late_tolerance: timedelta = Field(
        timedelta(hours=24),
        description="How far a live payment may be behind the newest one; later ones are refused.",
    )
    batch_size: int = Field(
        1000, ge=1, le=100_000, description="Most live payments that are decided and committed together."
    )
    database_url: str | None = Field(
        None, description="Operational store, a PostgreSQL address; default a SQLite file in RISK_HOME."
    )
    redis_url: str | None = Field(
        None,
        description="Redis address; unset, API workers follow the engine's socket and count rates each for itself.",
    )
    api_url: str = Field(
        "http://127.0.0.1:8000", description="Where the risk desk and the live simulator find the service."
    )
    allowed_origins: list[str] = Field(
        default_factory=list,
        description="Origins, as JSON, whose pages may open the live stream beside the API's own.",
    )
    lake_uri: str | None = Field(
        None, description="Lake root, a path or an object-store URI; default RISK_HOME/lake."
    )
    lake_options: dict[str, str] = Field(
        default_factory=dict, description="Object-store options as JSON (keys, endpoint, region)."
    )
    mlflow_tracking_uri: str | None = Field(
        None, description="MLflow store; default a SQLite file in RISK_HOME."
    )
    neo4j_uri: str | None = Field(
        None, description="Bolt address of Neo4j; unset leaves the graph in the lake only."
    )
    neo4j_user: str = Field("neo4j", description="Neo4j user.")
    neo4j_password: SecretStr = Field(SecretStr(""), description="Neo4j password.")
    low_threshold: float = Field(0.3, gt=0, lt=1, description="Upper bound of level LOW.")
    medium_threshold: float = Field(0.5, gt=0, lt=1, description="Upper bound of level MEDIUM.")
    high_threshold: float = Field(0.8, gt=0, lt=1, description="Upper bound of level HIGH; CRITICAL above.")
    alert_threshold: float = Field(
        0.75, gt=0, lt=1, description="Score from which a decision raises an alert."
    )
    alert_budget: float = Field(
        0.005, gt=0, lt=1, description="Share of payments an analyst team can look at."
    )

    @field_validator("timezone")
    @classmethod
    def _known_timezone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(f"{value!r} is not an IANA time zone such as Asia/Kolkata") from error
        return value

    @field_validator("label_maturity", "late_tolerance", mode="before")
    @classmethod
    def _written_duration(cls, value: object) -> object:
        return parse_duration(value) if isinstance(value, str) else value

    @model_validator(mode="after")
    def _levels_ascend(self) -> Self:
        if not self.low_threshold < self.medium_threshold < self.high_threshold:
            raise ValueError("RISK_LOW_THRESHOLD < RISK_MEDIUM_THRESHOLD < RISK_HIGH_THRESHOLD must hold")
        return self

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    @property
    def lake_root(self) -> str:
        return self.lake_uri or str(self.home.absolute() / "lake")

    @property
    def tracking_uri(self) -> str:
        return self.mlflow_tracking_uri or f"sqlite:///{self.home.absolute() / 'mlflow.db'}"


def load_settings(**overrides: object) -> Settings:
    """Settings from the environment and `.env`, with `overrides` on top.

    Raises SettingsError naming every wrong variable.
    """
    try:
        return Settings(**overrides)  # type: ignore[arg-type]
    except ValidationError as error:
        problems = "; ".join(f"{_variable(item['loc'])}: {item['msg']}" for item in error.errors())
        raise SettingsError(f"A setting is wrong: {problems}.") from error


def _variable(location: tuple[int | str, ...]) -> str:
    return "_".join(("RISK", *(str(part) for part in location))).upper() if location else "settings"


@cache
def settings() -> Settings:
    """The settings of this process, read once."""
    return load_settings()
