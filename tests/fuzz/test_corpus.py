"""Hostile requests that no generator finds, on real connections: refused in the error format.

After each of them a valid request is answered.
"""

import gzip
import json
import socket
from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from tests.fuzz.conftest import TIMEOUT_S
from tests.programs import CHAT, HI, RESPONSES, TEXT

JSON = {"Content-Type": "application/json"}
MIB = 2**20
TOOL = {"type": "function", "function": {"name": "time"}}


def chat(**more: Any) -> bytes:
    return json.dumps({**HI, **more}).encode()


def raw(field: bytes) -> bytes:
    """A valid request with a piece of raw JSON in it."""
    return b'{"model": "default", "messages": [{"role": "user", "content": "Hi"}], ' + field + b"}"


def shape(schema: object) -> bytes:
    named = {"name": "x", "schema": schema}
    return chat(response_format={"type": "json_schema", "json_schema": named})


def deep(levels: int, inner: Any = None) -> Any:
    for _ in range(levels):
        inner = {"type": "object", "properties": {"a": inner or {}}}
    return inner


BODIES: Mapping[str, bytes] = {
    "half a surrogate pair": raw(rb'"user": "\ud800"'),
    "half a surrogate pair as a key": raw(rb'"\udfff": 1'),
    "a surrogate as bytes": raw(b'"user": "\xed\xa0\x80"'),
    "NUL": raw(rb'"user": "\u0000"'),
    "NUL as a byte": raw(b'"user": "\x00"'),
    "NaN": raw(b'"temperature": NaN'),
    "Infinity": raw(b'"top_p": -Infinity'),
    "1e999": raw(b'"temperature": 1e999'),
    "2^63": raw(b'"seed": 9223372036854775808'),
    "-2^63": raw(b'"seed": -9223372036854775809'),
    "5,000 digits": raw(b'"seed": ' + b"9" * 5000),
    "a fraction of a million digits": raw(b'"temperature": 0.' + b"1" * MIB + b"e9999999"),
    "an exponent of 5,000 digits": raw(b'"temperature": 1e' + b"9" * 5000),
    "nested lists": raw(b'"metadata": ' + b"[" * 100_000 + b"]" * 100_000),
    "nested objects": raw(b'"metadata": ' + b'{"a":' * 100_000 + b"1" + b"}" * 100_000),
    "a list that never ends": b"[" * MIB,
    "the same key twice": raw(b'"seed": 1, "seed": 2'),
    "a role of a megabyte": chat(messages=[{"role": "x" * MIB, "content": "Hi"}]),
    "a model of a megabyte": chat(model="x" * MIB),
    "a model that is an address": chat(model="http://127.0.0.1:1/v1"),
    "a prompt of a megabyte": chat(messages=[{"role": "user", "content": "x" * MIB}]),
    "10,000 stops": chat(stop=["x"] * 10_000),
    "10,000 tools": chat(tools=[TOOL] * 10_000),
    "10,000 messages": chat(messages=list(HI["messages"]) * 10_000),
    "100,000 parts": chat(
        messages=[{"role": "user", "content": [{"type": "text", "text": "x"}] * 100_000}]
    ),
    "100,000 unknown keys": chat(**{f"x{number}": 1 for number in range(100_000)}),
    "a BOM twice": b"\xef\xbb\xbf" * 2 + chat(),
    "UTF-16": chat().decode().encode("utf-16"),
    "UTF-32": chat().decode().encode("utf-32"),
    "Latin-1": raw('"user": "é"'.encode("latin-1")),
    "gzip": gzip.compress(chat()),
    "two values": chat() + chat(),
    "a form": b"model=default&messages=Hi",
    "an empty body": b"",
    "8 MiB and more": chat(user="x" * (9 * MIB)),
    "n of a million": chat(n=10**6),
    "an address of a server": chat(api_base="http://127.0.0.1:1"),
    "a template": chat(chat_template="{{ cycler.__init__.__globals__ }}"),
    "a picture's address": chat(
        messages=[
            {
                "role": "user",
                "content": [{"type": "image_url", "image_url": {"url": "http://127.0.0.1:1/"}}],
            }
        ]
    ),
    "a tool named as a header": chat(
        tools=[{"type": "function", "function": {"name": "a\r\nX-Evil: 1"}}]
    ),
    "a schema that is a list": chat(
        response_format={"type": "json_schema", "json_schema": {"name": "x", "schema": []}}
    ),
    "a schema deeper than JSON may be": shape(deep(60)),
    "a tool whose schema is text": chat(
        tools=[{"type": "function", "function": {"name": "x", "parameters": "{}"}}]
    ),
}


IGNORED: Mapping[str, bytes] = {
    "an unknown key of a megabyte": chat(**{"x" * MIB: 1}),
    "a key of another script": chat(**{"名\u202e": 1}),
    "a user of a megabyte": chat(user="x" * MIB),
    "arguments of a template": chat(chat_template_kwargs={"x": "y" * 1000}),
}


@pytest.mark.parametrize("name", BODIES)
def test_a_hostile_body_is_refused_and_the_next_request_is_answered(
    client: httpx.Client, name: str
) -> None:
    answer = client.post(CHAT, content=BODIES[name], headers=JSON)
    is_refused(answer)
    assert "evil" not in str(answer.headers).lower()
    is_well(client)


@pytest.mark.parametrize("name", IGNORED)
def test_a_hostile_field_without_effect_is_ignored_and_named_briefly(
    client: httpx.Client, name: str
) -> None:
    answer = client.post(CHAT, content=IGNORED[name], headers=JSON)
    assert answer.status_code == 200
    named = answer.headers["X-Ignored-Parameters"]
    assert named.isascii()
    assert len(named) <= 80
    is_well(client)


@pytest.mark.parametrize("path", [CHAT, TEXT, RESPONSES, "/v1/tokenize"])
@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": ""},
        {**JSON, "Content-Encoding": "br"},
        {**JSON, "Content-Encoding": "gzip"},  # which the body is not
        {**JSON, "Authorization": "Bearer " + "x" * 100_000},
        {**JSON, **{f"X-{number}": "x" for number in range(1000)}},
        {**JSON, "Host": "evil.example"},
        {**JSON, "Origin": "https://evil.example"},
        {**JSON, "Sec-Fetch-Site": "cross-site"},
        {**JSON, "X-Api-Key": "sk-1", "Authorization": "Bearer sk-2"},
    ],
    ids=lambda headers: str(headers)[:60],
)
def test_hostile_headers_are_refused_and_the_next_request_is_answered(
    client: httpx.Client, path: str, headers: dict[str, str]
) -> None:
    answer = client.post(path, content=chat(), headers=headers)
    assert 400 <= answer.status_code < 500
    is_well(client)


@pytest.mark.parametrize(
    "headers",
    [
        b"Content-Length: -1\r\n\r\n",
        b"Content-Length: 99999999999999999999\r\n\r\n",
        b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
        b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"Transfer-Encoding: chunked\r\n\r\nnonsense\r\n",
        b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n",
        b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        b"X-Request-ID: a\rb\r\nContent-Length: 0\r\n\r\n",
        b"X: \x00\r\nContent-Length: 0\r\n\r\n",
        b"X" * 200_000 + b": 1\r\n\r\n",
        b"Content-Length: 3\r\n\r\n{}",  # and then no more data
    ],
    ids=lambda headers: str(headers)[:40],
)
def test_broken_http_is_refused_and_the_next_request_is_answered(
    client: httpx.Client, headers: bytes
) -> None:
    port = client.base_url.port
    assert port
    head = f"POST {CHAT} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    with socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_S) as connection:
        try:
            connection.sendall(head.encode() + headers)
            connection.shutdown(socket.SHUT_WR)
            answer = connection.recv(100)
        except TimeoutError:  # a hang
            raise
        except OSError:  # cut off before all of it was sent
            answer = b""
    assert answer == b"" or answer.startswith(b"HTTP/1.1 4")
    is_well(client)


@pytest.mark.parametrize("path", ["/v1/models/%00", "/v1/models/%ff", "/v1/models/" + "x" * 5000])
def test_a_strange_model_name_is_not_found(client: httpx.Client, path: str) -> None:
    is_refused(client.get(path))


def is_refused(answer: httpx.Response) -> None:
    assert 400 <= answer.status_code < 500
    error = answer.json()["error"]
    assert error.keys() == {"message", "type", "param", "code"}
    assert error["message"]
    assert len(answer.content) < 1000


def is_well(client: httpx.Client) -> None:
    answer = client.post(CHAT, json=dict(HI))
    assert answer.json()["choices"][0]["message"]["content"] == "Hello"
