"""Settings from flags, QWEN_CHAT_* variables and .env, in this order of precedence.

The only reader of the three. Owns names, bounds and defaults; knows nothing of their use.
"""

import argparse
import difflib
import ipaddress
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, CliSettingsSource, NoDecode, SettingsConfigDict
from pydantic_settings import SettingsError as CliError

from env_file import SettingsError as SettingsError  # noqa: PLC0414 - exported
from env_file import read_env_file

PREFIX = "QWEN_CHAT_"
TESTS_PREFIX = "QWEN_CHAT_TEST_"  # the test suite's own; apps that it starts inherit them
ENV_FILE = Path(".env")


def expand_home(path: Path) -> Path:
    """The path with a leading `~` or `~user` replaced by that home folder. Raises ValueError."""
    try:
        return path.expanduser()
    except RuntimeError:
        raise ValueError(f"there is no home folder for {path.parts[0]}") from None


def path_argument(text: str) -> Path:
    """A path of the command line, with `~` expanded: the `type` of an argparse argument.

    The shell leaves `~` alone within `--flag=~/folder` and within quotes.
    """
    try:
        return expand_home(Path(text))
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


Names = Annotated[tuple[str, ...], NoDecode]
HomePath = Annotated[Path, AfterValidator(expand_home)]
"""A path in which `~` stands for the home folder, whatever source it comes from."""


class Settings(BaseSettings):
    """Every setting: as a flag, as a variable (QWEN_CHAT_PORT for --port), or as a line of .env."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        frozen=True,
        extra="ignore",  # `read_settings` refuses unknown names and suggests the nearest one
        cli_kebab_case=True,
        cli_implicit_flags=True,
        cli_hide_none_type=True,
        cli_avoid_json=True,
    )

    host: str = Field(
        "127.0.0.1",
        description="address or name to listen on; 0.0.0.0 is every IPv4 address, :: every address",
    )
    port: int = Field(7860, ge=0, le=65535, description="port to listen on; 0 takes a free one")
    insecure_open: bool = Field(
        False,
        description="no login on a host that is not loopback; refused once there are accounts",
    )
    allowed_hosts: Names = Field(
        (), description="further names under which browsers may reach the app, comma-separated"
    )
    allowed_origins: Names = Field(
        (),
        description="other origins that may call the app, comma-separated: web pages, and apps and "
        "browser extensions such as app://obsidian.md or vscode-webview://*",
    )
    root_path: str = Field("", description="path under which a reverse proxy serves the app")
    public_url: str | None = Field(
        None,
        description="address at which others reach the app, for links and QR codes, such as "
        "https://chat.example.org; otherwise found out",
    )
    trusted_proxies: Names = Field(
        (),
        description="addresses or networks of reverse proxies whose X-Forwarded-* is believed, "
        "comma-separated",
    )

    sign_in_header: str | None = Field(
        None, description="header in which a trusted proxy names the person it has signed in"
    )
    oidc_issuer: str | None = Field(
        None, description="address of an OpenID provider that people may sign in with"
    )
    oidc_client_id: str = Field("qwen-chat", description="what the OpenID provider calls this app")
    oidc_client_secret: str | None = Field(
        None, description="secret of this app at the OpenID provider; better as a variable"
    )
    oidc_allow_new: bool = Field(
        False,
        description="who is new and comes by the OpenID provider becomes a member",
    )

    model: str = Field(
        "auto",
        description="catalogue name (python download_model.py --list), folder or hub id; "
        "auto picks by free memory",
    )
    models_dir: HomePath = Field(Path("models"), description="folder of downloaded models")
    source: Literal["auto", "huggingface", "modelscope", "starter"] = Field(
        "auto", description="where models come from"
    )
    quantization: Literal["auto", "none", "int8", "nf4"] = Field(
        "auto", description="weights in bf16/fp16 (none), or packed by bitsandbytes"
    )
    second_model: str | None = Field(
        None,
        description="a second model for campaigns and regression cases that compare, named as "
        "--model is",
    )
    second_quantization: Literal["auto", "none", "int8", "nf4"] | None = Field(
        None,
        description="how the weights of the second model are packed; without --second-model the "
        "first one is loaded once more",
    )
    device: Literal["auto", "cpu", "cuda"] = Field("auto", description="where the model runs")

    context_length: int = Field(
        8192,
        ge=512,
        description="tokens of prompt and answer together, up to the model's own limit",
    )
    keep_turns: int | None = Field(
        None, ge=1, description="send only the last N turns to the model; otherwise all that fit"
    )
    max_new_tokens: int | None = Field(
        None, ge=1, description="longest answer in tokens; otherwise a quarter of the context"
    )
    max_concurrent: int = Field(8, ge=1, le=256, description="answers written at once")
    kv_cache_gib: float | None = Field(
        None, gt=0, description="memory for the KV cache in GiB; otherwise chosen by free memory"
    )
    queue_size: int = Field(64, ge=0, le=10_000, description="questions that may wait for a place")
    user_running: int = Field(
        2,
        ge=1,
        description="answers written for one account at once; a blind comparison needs two",
    )
    user_waiting: int = Field(
        4,
        ge=0,
        description="questions of one account that may wait; its programs' are counted apart",
    )
    requests_per_minute: int = Field(
        20, ge=0, description="questions that one account may ask in a minute; 0 sets no bound"
    )
    address_requests_per_minute: int = Field(
        100,
        ge=0,
        description="questions of all accounts at one address in a minute; 0 sets no bound",
    )
    tokens_per_day: int = Field(
        0,
        ge=0,
        description="tokens, read and written, that a member may use in a day; 0 sets no bound, "
        "guests have what their link gives",
    )
    prefix_sharing: Literal["per-user", "all"] = Field(
        "per-user",
        description="for whom the beginning of a prompt that was read before is not read again; "
        "all is faster where many begin alike, but tells by its speed what others have sent",
    )
    response_cache_mib: int = Field(
        16,
        ge=0,
        le=65_536,
        description="memory for answers of the API that are given again, where they would come "
        "out the same; 0 keeps none",
    )
    api_strict: bool = Field(
        False,
        description="the API refuses parameters that it does not know or that have no effect; "
        "otherwise it ignores them and names them in a header",
    )
    queue_timeout_s: float = Field(120, gt=0, description="longest wait for a place")
    stall_timeout_s: float = Field(
        60, gt=0, description="longest silence of the engine: no prefill chunk and no token"
    )
    request_timeout_s: float = Field(600, gt=0, description="longest time for one answer")
    shutdown_notice_s: float = Field(
        2,
        ge=0,
        le=600,
        description="time for which /readyz says 503 before new work is refused when the app is "
        "stopped; skipped if nobody asked /readyz in the last minute",
    )
    shutdown_grace_s: float = Field(
        10, ge=0, description="time that running answers get to finish when the app is stopped"
    )

    sharing: bool = Field(
        True,
        description="members may share a conversation by a link that shows a copy without login",
    )

    data_dir: HomePath = Field(Path("data"), description="folder of the database")
    database_url: str | None = Field(
        None, description="SQLAlchemy URL of a PostgreSQL database instead of SQLite in data-dir"
    )
    retention_days: int | None = Field(
        None,
        ge=1,
        le=36_500,
        description="destroy conversations, ratings and votes that nobody touched for so many days",
    )
    log_file: HomePath = Field(
        Path("server.log"), description="log file, rotated at 10 MB, five kept"
    )
    log_format: Literal["text", "json"] = Field("text", description="log lines as text or JSON")

    @property
    def second(self) -> "Settings | None":
        """The settings with the second model in place of the first; None without one."""
        if self.second_model is None and self.second_quantization is None:
            return None
        return self.model_copy(
            update={
                "model": self.second_model or self.model,
                "quantization": self.second_quantization or "auto",
                "second_model": None,
                "second_quantization": None,
            }
        )

    @property
    def public_base(self) -> str:
        """What links to others begin with, without a slash at the end; empty: to be found out."""
        if self.public_url and not urlsplit(self.public_url).path:
            return self.public_url + self.root_path
        return self.public_url or ""

    @field_validator("allowed_hosts", "allowed_origins", "trusted_proxies", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            value = value.split(",")
        if isinstance(value, Sequence):
            return tuple(name.strip() for name in value if str(name).strip())
        return value

    @field_validator("host")
    @classmethod
    def _host(cls, value: str) -> str:
        plain = value.strip().removeprefix("[").removesuffix("]")  # "[::1]", as in an address
        if not plain:
            raise ValueError("must be an address or a name, such as 127.0.0.1")
        return plain

    @field_validator("root_path")
    @classmethod
    def _root_path(cls, value: str) -> str:
        if value and not value.startswith("/"):
            raise ValueError(f"must begin with a slash, such as /{value}")
        return value.rstrip("/")

    @field_validator("public_url")
    @classmethod
    def _public_url(cls, value: str | None) -> str | None:
        if value is None:
            return None
        plain = value.strip().rstrip("/")
        parts = urlsplit(plain)  # raises ValueError for a broken IPv6 address
        if parts.scheme not in ("http", "https") or not parts.hostname or plain.split() != [plain]:
            raise ValueError("must be an address such as https://chat.example.org")
        if parts.query or parts.fragment or parts.username is not None:
            raise ValueError("must end with the host or a path, and hold no name and password")
        return plain

    @model_validator(mode="after")
    def _header_of_a_proxy(self) -> Self:
        if self.sign_in_header and not self.trusted_proxies:
            raise ValueError("--sign-in-header needs --trusted-proxies: who else may say it")
        return self

    @model_validator(mode="after")
    def _answer_fits_context(self) -> Self:
        if self.max_new_tokens is not None and self.max_new_tokens >= self.context_length:
            raise ValueError(
                f"--max-new-tokens ({self.max_new_tokens}) must be smaller than "
                f"--context-length ({self.context_length})"
            )
        return self


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach `host`."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def flag(field_name: str) -> str:
    """The command line's name of a field: "--max-new-tokens"."""
    return "--" + field_name.replace("_", "-")


def read_settings(
    arguments: Sequence[str] | None = None,
    environment: Mapping[str, str] | None = None,
    env_file: Path = ENV_FILE,
) -> Settings:
    """Settings from the three sources. Raises SettingsError; exits after --help.

    `arguments` and `environment` stand for sys.argv[1:] and os.environ.
    """
    arguments = sys.argv[1:] if arguments is None else arguments
    environment = os.environ if environment is None else environment
    from_file = read_env_file(env_file)
    _refuse_unknown_flags(arguments)
    _refuse_unknown_variables(environment, "the environment")
    _refuse_unknown_variables(from_file, str(env_file))
    try:
        flags = CliSettingsSource[type[Settings]](
            Settings,
            cli_prog_name="python app.py",
            cli_parse_args=list(arguments),
            cli_exit_on_error=False,
        )()
        variables = _by_field(from_file) | _by_field(environment)
        return Settings.model_validate(variables | flags)
    except ValidationError as error:
        raise SettingsError(_sentence(error)) from None
    except CliError as error:
        raise SettingsError(f"{error}. See: python app.py --help") from None


def _by_field(variables: Mapping[str, str | None]) -> dict[str, str]:
    return {
        name.upper().removeprefix(PREFIX).lower(): value
        for name, value in variables.items()
        if name.upper().startswith(PREFIX) and value not in (None, "")
    }


def _refuse_unknown_flags(arguments: Iterable[str]) -> None:
    names = {flag(name) for name in Settings.model_fields}
    names |= {f"--no-{name[2:]}" for name in names} | {"--help"}
    for argument in arguments:
        name = argument.partition("=")[0]
        if name.startswith("--") and name not in names:
            raise SettingsError(f"There is no flag {name}.{_nearest(name, names)}")


def _refuse_unknown_variables(variables: Iterable[str], where: str) -> None:
    names = {PREFIX + name.upper() for name in Settings.model_fields}
    for name in map(str.upper, variables):
        ours = name.startswith(PREFIX) and not name.startswith(TESTS_PREFIX)
        if ours and name not in names:
            raise SettingsError(
                f"There is no setting {name} (found in {where}).{_nearest(name, names)}"
            )


def _nearest(name: str, names: Iterable[str]) -> str:
    matches = difflib.get_close_matches(name, sorted(names), n=1, cutoff=0.5)
    return f" Did you mean {matches[0]}?" if matches else " See: python app.py --help"


def _sentence(error: ValidationError) -> str:
    first = error.errors()[0]
    reason = first["msg"].removeprefix("Value error, ")
    if not first["loc"]:
        return f"{reason[0].upper()}{reason[1:]}."
    name = str(first["loc"][0])
    return f"{flag(name)} {first['input']!r}: {reason[0].lower()}{reason[1:]}."
