"""The settings: from arguments, the environment, `[tool.liquid_background]`, in that order."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, AliasChoices, Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from liquid_background.allowed import shortened
from liquid_background.errors import SettingsError
from liquid_background.job import MAX_RETRYING, MAX_TIMEOUT, SITE
from liquid_background.nearest import nearest
from liquid_background.pyproject import FILE, TABLE, line_of_key, read_table
from liquid_background.urls import mask_url
from liquid_background.withheld import check_pattern
from liquid_background.wrong_settings import PREFIX, explained

_SHORTEST_KEY: Final = 16  # characters of a signing key: fewer could be guessed from a signature that someone has seen
_SIGNING_KEY: Final = f"{PREFIX}SIGNING_KEY"

SECRET_NAMES: Final = (
    "password", "passwd", "secret", "token", "api_key", "apikey", "authorization", "cookie", "card", "cvv",
)  # fmt: skip

LOG_LEVELS: Final = ("debug", "info", "warning", "error")
LOG_FORMATS: Final = ("text", "json")

MAX_LEASE: Final = 3_600
"""Seconds; the most that LEASE may say."""
FAILURE_TTL: Final = 2_592_000
"""Seconds that a failed job's record is kept by default: 30 days."""


class Settings(BaseSettings):
    """Frozen settings. Each may be an argument, `LIQUID_BACKGROUND_<NAME>` or a key of the pyproject table."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        frozen=True,
        extra="forbid",
        env_ignore_empty=True,
        populate_by_name=True,
        hide_input_in_errors=True,
    )

    templates: Path = Field(Path("templates"), description="Folder with pages/, partials/, layouts/, consumers/.")
    redis_url: str | None = Field(
        None,
        validation_alias=AliasChoices("LIQUID_BACKGROUND_REDIS_URL", "REDIS_URL"),
        description="URL of the store: redis://, rediss://, unix://, or of its Sentinels, redis+sentinel:// or "
        "rediss+sentinel://; without one, an embedded Valkey server runs in the data folder.",
    )
    data_dir: Path = Field(Path(".liquid-background"), description="Folder of the embedded store.")
    store_timeout: float = Field(
        2.0,
        ge=0.1,
        le=300,
        description="Seconds that pages, and calls of the application, wait for a store that says nothing.",
    )
    site: str = Field(
        "",
        description="Name of this site where several share a store, 1 to 40 letters, digits, - and _: it stands before "
        "its queues (`shop.high`) and in our own keys.",
    )
    app: str | None = Field(
        None, description="module:attr of the application's Engine, or of a function that makes it."
    )
    job_timeout: float = Field(
        300.0, gt=0, le=MAX_TIMEOUT, description="Seconds that one attempt may take; kept with a job when it is sent."
    )
    job_timeout_high: float | None = Field(
        None, gt=0, le=MAX_TIMEOUT, description="Seconds for high-priority jobs; JOB_TIMEOUT when not given."
    )
    job_timeout_default: float | None = Field(
        None, gt=0, le=MAX_TIMEOUT, description="Seconds for default-priority jobs; JOB_TIMEOUT when not given."
    )
    job_timeout_low: float | None = Field(
        None, gt=0, le=MAX_TIMEOUT, description="Seconds for low-priority jobs; JOB_TIMEOUT when not given."
    )
    environment_name: str = Field(
        "", description="Name of what this runs as, such as staging: `{% log …, env: 'staging' %}` logs only there."
    )
    retry_delays: Annotated[tuple[float, ...], NoDecode] = Field(
        (5.0, 30.0, 120.0, 600.0),
        description="Seconds before attempts 2, 3, 4 and 5; the last one repeats. Kept with a job when it is sent.",
    )
    lease: float = Field(
        3.0, ge=0.2, le=MAX_LEASE, description="Seconds that a worker's claim on a job lasts without being renewed."
    )
    processes: int = Field(
        default_factory=lambda: os.cpu_count() or 1, ge=1, le=256, description="Child processes of a worker."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="Least of what `poscli worker` logs on stderr."
    )
    log_format: Literal["text", "json"] = Field("text", description="How it does: `json` is one object a line.")
    low_share: int = Field(0, ge=0, le=90, description="Percent of the claims that go to low-priority jobs.")
    memory_limit: int = Field(512, ge=64, description="Megabytes of memory that a worker child may use.")
    recycle_jobs: int = Field(10_000, ge=1, description="Jobs after which a worker child is replaced.")
    page_timeout: float = Field(10.0, gt=0, le=3600, description="Seconds that rendering one page may take.")
    compile: bool = Field(True, description="Whether templates that are rendered often become Python functions.")
    dialect: Literal["", "platformos"] = Field(
        "", description="Forms of templates beyond standard Liquid: `platformos`; see docs/porting.md."
    )
    ejs_tags: bool = Field(True, description="Whether <% background %> means {% background %}.")
    log_limit: int = Field(
        100_000,
        ge=100,
        description="Entries that the job log keeps. Lines of templates push out none of the newest half of it in ends "
        "of attempts.",
    )
    result_ttl: int = Field(3600, ge=1, description="Seconds that a completed job's record is kept.")
    keep_results: Literal["all", "functions", "none"] = Field(
        "all",
        description="Whose results a worker keeps: those of `all` jobs, of Python `functions`, or of `none`.",
    )
    failure_ttl: int = Field(FAILURE_TTL, ge=1, description="Seconds that a failed job's record is kept.")
    secret_names: Annotated[tuple[str, ...], NoDecode] = Field(
        SECRET_NAMES,
        description="Parts of names whose values are masked when shown; event consumers see no headers and session "
        "values of such names.",
    )
    never_ship: Annotated[tuple[Annotated[str, AfterValidator(check_pattern)], ...], NoDecode] = Field(
        (),
        description="Values that no job, event or line of a template in the log is given, by their paths: `user.card`, "
        "`*.password`; see docs/values.md.",
    )
    event_context: Annotated[tuple[Literal["cookies", "cookie", "authorization"], ...], NoDecode] = Field(
        (), description="Secrets of the request that event consumers may see: cookies, and headers by name."
    )
    front_matter_schedules: bool = Field(
        True, description="Whether a partial or page may carry a schedule in its front matter."
    )
    alerts: Path | None = Field(
        None,
        description="Folder with the templates of alerts, outside of TEMPLATES; without one no alert is sent. See "
        "docs/alerts.md.",
    )
    alert_window: float = Field(
        3600.0, ge=1, le=604_800, description="Seconds in which alerts of one cause are one, with the count since."
    )
    alert_cap: int = Field(30, ge=1, le=10_000, description="Alerts that are sent in an hour, of all causes together.")
    queue_late: float = Field(
        300.0, ge=0, le=604_800, description="Seconds of waiting from which a queue's oldest job is an alert; 0: never."
    )
    dev: bool = Field(
        False, description="Whether this is development, where engine.enqueue retries twice instead of 6 times."
    )
    signing_key: Annotated[tuple[SecretStr, ...], NoDecode] = Field(
        (),
        validate_default=False,  # without a key nothing is signed; a key that is given must be one
        description="Keys of 16 characters or more that sign jobs: the first one signs, every one verifies.",
    )

    def __init__(self, **given: Any) -> None:
        """Read the settings: those that are given, then the others.

        Raises:
            SettingsError: naming the setting and what is wrong with it.
        """
        for name in sorted(given.keys() - Settings.model_fields.keys()):
            raise SettingsError(f"unknown setting {shortened(name)}; {_advice(name)}")
        try:
            super().__init__(**given)
        except ValidationError as error:
            raise SettingsError(explained(Settings.model_fields, error, given)) from error

    def __setattr__(self, name: str, value: object) -> None:
        """Refuse a change.

        Raises:
            SettingsError: in any case.
        """
        if name in Settings.model_fields:
            raise SettingsError(f"setting {name}: settings do not change once they are made; make new ones with it")
        super().__setattr__(name, value)

    @field_validator("retry_delays", "secret_names", "signing_key", "event_context", "never_ship", mode="before")
    @classmethod
    def _split_commas(cls, value: Any) -> Any:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("redis_url", "app", "secret_names", "signing_key")
    @classmethod
    def _check_text(cls, value: Any) -> Any:
        for text in value if isinstance(value, tuple) else [value]:
            shown = text.get_secret_value() if isinstance(text, SecretStr) else text or ""
            if any("\ud800" <= character <= "\udfff" for character in shown):  # what Python makes of other bytes
                raise ValueError("it must be UTF-8 text")
        return value

    @field_validator("site")
    @classmethod
    def _check_site(cls, value: str) -> str:
        if value and not SITE.fullmatch(value):
            raise ValueError(f"{shortened(value)} is not 1 to 40 letters, digits, - and _")
        return value

    @field_validator("alerts")
    @classmethod
    def _check_alerts(cls, value: Path | None, info: ValidationInfo) -> Path | None:
        site = info.data.get("templates")
        if value is not None and site is not None and value.resolve().is_relative_to(site.resolve()):
            raise ValueError(
                f"{shortened(str(value))} is in the site's folder, whose authors would read all errors there"
            )
        return value

    @field_validator("retry_delays")
    @classmethod
    def _check_delays(cls, value: tuple[float, ...]) -> tuple[float, ...]:
        if not value or any(not 0 <= seconds <= MAX_RETRYING for seconds in value):
            raise ValueError("give one or more waits in seconds, each from 0 to 7 days, such as 5,30,120,600")
        return value

    @field_validator("signing_key")
    @classmethod
    def _check_keys(cls, value: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        if not value or any(len(key.get_secret_value().strip()) < _SHORTEST_KEY for key in value):
            raise ValueError(
                f"give one or more keys of at least {_SHORTEST_KEY} characters, separated by commas, such as "
                "`python -c 'import secrets; print(secrets.token_urlsafe(32))'` prints; leave it out to sign nothing"
            )
        return value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        # An empty variable counts as not given, but an empty key must not run jobs unsigned that were to be signed.
        blank = any(name.upper() == _SIGNING_KEY and not value for name, value in os.environ.items())
        blank_key = InitSettingsSource(settings_cls, {"signing_key": ""} if blank else {})
        return init_settings, blank_key, env_settings, InitSettingsSource(settings_cls, _table())

    def __repr_args__(self) -> Iterable[tuple[str | None, Any]]:
        """Return what `repr` and `str` show: everything but the store's password."""
        for name, value in super().__repr_args__():
            yield name, mask_url(value) if name == "redis_url" and isinstance(value, str) else value

    def job_timeout_of(self, priority: str) -> float:
        """Return the seconds that one attempt of a job of a priority may take, unless the job says it itself."""
        given: float | None = getattr(self, f"job_timeout_{priority}", None)
        return self.job_timeout if given is None else given

    def waits(self, max_attempts: int) -> tuple[float, ...]:
        """Return the seconds to wait before attempts 2 … max_attempts; empty for one attempt."""
        delays = self.retry_delays
        return tuple(delays[min(index, len(delays) - 1)] for index in range(max_attempts - 1))


def load_settings(place: str = "", /, **arguments: object) -> Settings:
    """Return the settings; arguments that are None count as not given.

    A variable that begins as settings do and is none is warned of: it may be for another version that runs beside.

    Args:
        place: where the application gives the arguments, each as its variable is called; empty for Python's own.
        arguments: settings that count before those of the environment.

    Raises:
        SettingsError: naming the setting and what is wrong with it.
    """
    given: dict[str, Any] = {name: value for name, value in arguments.items() if value is not None}
    for variable in _unknown_variables():
        nearest = _nearest(variable.upper().removeprefix(PREFIX))
        advice = f"did you mean {PREFIX}{nearest.upper()}?" if nearest else "docs/settings.md lists the settings"
        warnings.warn(f"the variable {variable} is no setting and does nothing; {advice}", stacklevel=1)
    try:
        return Settings(**given)
    except SettingsError as error:
        if place and isinstance(error.__cause__, ValidationError):
            raise SettingsError(explained(Settings.model_fields, error.__cause__, given, place)) from error.__cause__
        raise


def _unknown_variables() -> list[str]:
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    return sorted(
        name
        for name, value in os.environ.items()
        if value and name.upper().startswith(PREFIX) and name.upper() not in known
    )


def _table() -> dict[str, Any]:
    """Return the settings in the pyproject.toml of the working folder.

    Raises:
        SettingsError: when it cannot be read, or has one that is none.
    """
    folder = Path.cwd()
    table = read_table(folder)
    for name in sorted(table.keys() - Settings.model_fields.keys()):
        place = ":".join(map(str, filter(None, (folder / FILE, line_of_key(folder, name)))))
        raise SettingsError(f"{place}: unknown setting {shortened(name)} in [{TABLE}]; {_advice(name)}")
    return table


def _advice(name: str) -> str:
    nearest = _nearest(name)
    return f"did you mean {nearest!r}?" if nearest else f"settings are {', '.join(sorted(Settings.model_fields))}"


def _nearest(name: str) -> str | None:
    """Return the setting that a name is nearest to, if any is near."""
    plain = name.lower().replace("-", "_").removeprefix(PREFIX.lower())
    return nearest(plain, Settings.model_fields) or None
