"""Settings: three sources, one set of names, and a plain sentence for every mistake."""

import codecs
from pathlib import Path

import pytest
from pydantic import ValidationError

from config import (
    PREFIX,
    Settings,
    SettingsError,
    flag,
    is_loopback,
    read_settings,
)
from env_file import MAX_ENV_FILE_BYTES

NOWHERE = Path("does-not-exist.env")
PATHS = [name for name, field in Settings.model_fields.items() if field.annotation is Path]


def read(*arguments: str, env_file: Path = NOWHERE, **environment: str) -> Settings:
    return read_settings(arguments, environment, env_file)


def test_without_anything_set_the_defaults_hold() -> None:
    settings = read()
    assert (settings.host, settings.port, settings.model) == ("127.0.0.1", 7860, "auto")
    assert settings.context_length == 8192


def test_a_flag_beats_the_environment_which_beats_the_file(tmp_path: Path) -> None:
    env_file = tmp_path / ".env"
    env_file.write_text("QWEN_CHAT_PORT=1\nQWEN_CHAT_MODEL=from-file\nQWEN_CHAT_QUEUE_SIZE=3\n")
    settings = read(
        "--port", "3", env_file=env_file, QWEN_CHAT_PORT="2", QWEN_CHAT_MODEL="from-environment"
    )
    assert (settings.port, settings.model, settings.queue_size) == (3, "from-environment", 3)


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_is_explained(name: str) -> None:
    assert Settings.model_fields[name].description


def test_help_names_every_flag(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        read("--help")
    printed = capsys.readouterr().out
    assert all(flag(name) in printed for name in Settings.model_fields)


def test_a_misspelt_flag_is_refused_with_the_nearest_right_one() -> None:
    with pytest.raises(SettingsError, match=r"no flag --prot\. Did you mean --port\?"):
        read("--prot", "7861")


def test_a_misspelt_variable_is_refused_with_the_nearest_right_one() -> None:
    with pytest.raises(SettingsError, match="Did you mean QWEN_CHAT_QUANTIZATION"):
        read(QWEN_CHAT_QUANTISATION="nf4")


def test_a_misspelt_name_in_the_file_is_refused_and_the_file_is_named(tmp_path: Path) -> None:
    env_file = tmp_path / ".env"
    env_file.write_text("QWEN_CHAT_HOTS=127.0.0.1\n")
    with pytest.raises(SettingsError, match=r"\.env.*QWEN_CHAT_HOST"):
        read(env_file=env_file)


def test_unrelated_variables_are_ignored() -> None:
    assert read(PATH="/bin", QWEN_OTHER="1").port == 7860


def test_variables_of_the_test_suite_are_not_settings() -> None:
    assert read_settings([], {"QWEN_CHAT_TEST_MODEL": "x"}, Path("no-such.env")).model == "auto"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--port", "high"], "--port 'high'"),
        (["--port", "70000"], "less than or equal to 65535"),
        (["--quantization", "int4"], "'auto', 'none', 'int8' or 'nf4'"),
        (["--max-new-tokens", "9000"], "smaller than --context-length"),
        (["--port"], "expected one argument"),
        (["surplus"], "surplus"),
        (["--root-path", "chat"], "must begin with a slash"),
        (["--host", "[]"], "must be an address"),
    ],
)
def test_a_bad_value_is_one_sentence_that_names_the_setting(
    arguments: list[str], sentence: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        read(*arguments)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("192.168.1.5", False),
        ("chat.example", False),
    ],
)
def test_loopback_is_distinguished_from_the_network(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback


def test_names_are_split_at_commas() -> None:
    assert read("--allowed-hosts", "a.example, b.example").allowed_hosts == (
        "a.example",
        "b.example",
    )
    assert read(QWEN_CHAT_ALLOWED_ORIGINS="https://a.example").allowed_origins == (
        "https://a.example",
    )


def test_settings_cannot_be_changed_after_they_were_read() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        setattr(read(), "port", 1)  # noqa: B010 - the checker forbids the plain form


def test_the_prefix_is_the_products() -> None:
    assert PREFIX == "QWEN_CHAT_"


def test_there_is_no_second_model_unless_it_is_asked_for() -> None:
    assert read().second is None


@pytest.mark.parametrize(
    ("flags", "model", "quantization"),
    [
        (["--second-quantization", "nf4"], "Qwen2.5-7B-Instruct", "nf4"),
        (["--second-model", "Qwen2.5-3B-Instruct"], "Qwen2.5-3B-Instruct", "auto"),
        (["--second-model", "b", "--second-quantization", "int8"], "b", "int8"),
    ],
)
def test_the_second_model_is_another_or_the_first_one_packed_otherwise(
    flags: list[str], model: str, quantization: str
) -> None:
    settings = read("--model", "Qwen2.5-7B-Instruct", "--quantization", "none", *flags)
    assert settings.second
    assert (settings.second.model, settings.second.quantization) == (model, quantization)
    assert settings.second.second is None
    assert (settings.model, settings.quantization) == ("Qwen2.5-7B-Instruct", "none")


@pytest.mark.parametrize("name", PATHS)
def test_a_tilde_stands_for_the_home_folder_in_every_path(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    variable = PREFIX + name.upper()
    env_file = tmp_path / ".env"
    env_file.write_text(f"{variable}=~/in-file\n")
    assert getattr(read(env_file=env_file), name) == tmp_path / "in-file"
    from_variable = read_settings([], {variable: "~/in-variable"}, NOWHERE)
    assert getattr(from_variable, name) == tmp_path / "in-variable"
    assert getattr(read(f"{flag(name)}=~/in-flag"), name) == tmp_path / "in-flag"
    assert getattr(read(flag(name), "here~/x"), name) == Path("here~/x")


def test_an_unknown_users_home_folder_is_one_sentence() -> None:
    with pytest.raises(SettingsError, match=r"--data-dir .*no home folder for ~no-such-user"):
        read("--data-dir", "~no-such-user/data")


LINE = "QWEN_CHAT_OIDC_CLIENT_ID=café\n"


@pytest.mark.parametrize(
    "data",
    [
        LINE.encode(),
        codecs.BOM_UTF8 + LINE.encode(),
        LINE.replace("\n", "\r\n").encode(),
        LINE.replace("\n", "\r").encode(),
        codecs.BOM_UTF16_LE + LINE.encode("utf-16-le"),
        codecs.BOM_UTF16_BE + LINE.encode("utf-16-be"),
        codecs.BOM_UTF32_LE + LINE.encode("utf-32-le"),
        codecs.BOM_UTF32_BE + LINE.encode("utf-32-be"),
    ],
)
def test_the_file_is_read_in_every_encoding_that_it_announces(data: bytes, tmp_path: Path) -> None:
    env_file = tmp_path / ".env"
    env_file.write_bytes(data)
    assert read(env_file=env_file).oidc_client_id == "café"


@pytest.mark.parametrize(
    "data",
    [
        LINE.encode("latin-1"),
        b"# caf\xe9\nQWEN_CHAT_PORT=1\n",
        LINE.encode("utf-16-le"),
        LINE.encode("utf-16-be"),
        codecs.BOM_UTF16_LE + b"Q",
        b"QWEN_CHAT_MODEL=a\0b\n",
        b"#" * (MAX_ENV_FILE_BYTES + 1),
    ],
)
def test_a_file_in_an_unknown_encoding_is_refused_with_its_name(
    data: bytes, tmp_path: Path
) -> None:
    env_file = tmp_path / ".env"
    env_file.write_bytes(data)
    with pytest.raises(SettingsError, match=r"\.env ") as caught:
        read(env_file=env_file)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "value", ["chat.example", "ftp://a.example", "https://", "https://u:p@a.example", "http://a/?b"]
)
def test_a_public_address_that_no_browser_could_open_is_refused(value: str) -> None:
    with pytest.raises(SettingsError, match="--public-url"):
        read("--public-url", value)


def test_a_public_address_loses_its_last_slash() -> None:
    assert read("--public-url", " https://chat.example/ ").public_base == "https://chat.example"
