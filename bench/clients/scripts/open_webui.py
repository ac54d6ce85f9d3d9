"""Open WebUI's server, asked as its page asks it."""

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from bench.clients.scripts.steps import BASE_URL, KEY, TIMEOUT_S, run

START_S = 600.0
HI = [{"role": "user", "content": "Hi"}]
SETTINGS = {
    "WEBUI_AUTH": "False",
    "WEBUI_SECRET_KEY": "any",
    "OPENAI_API_BASE_URL": BASE_URL,
    "OPENAI_API_KEY": KEY,
    "ENABLE_OLLAMA_API": "False",
    "OFFLINE_MODE": "True",
    "RAG_EMBEDDING_ENGINE": "openai",
    "ENABLE_VERSION_UPDATE_CHECK": "False",
    "SCARF_NO_ANALYTICS": "true",
    "ANONYMIZED_TELEMETRY": "false",
    "PYTHONPATH": "",  # its server is to find none of our modules
}


@contextmanager
def open_webui() -> Iterator[str]:
    """The address of a server with an empty data folder, when it answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-c", "from open_webui import app; app()", "serve"]
    with (
        tempfile.TemporaryDirectory() as data,
        subprocess.Popen(
            [*command, "--host", "127.0.0.1", "--port", str(port)],
            cwd=data,
            env={**os.environ, **SETTINGS, "DATA_DIR": data},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as process,
    ):
        try:
            wait_for(f"{address}/health", process)
            yield address
        finally:
            process.terminate()


def wait_for(url: str, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        assert process.poll() is None, "Open WebUI ended"
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except (urllib.error.URLError, TimeoutError):
            time.sleep(1)
    raise TimeoutError(url)


class Page:
    """What a signed-in page sends."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._token = ""
        self._token = self.send("/api/v1/auths/signin", {"email": "", "password": ""})["token"]
        self.model = ""
        self.read_models()

    def read_models(self) -> None:
        self.model = self.send("/api/models")["data"][0]["id"]

    def send(self, path: str, body: Any = None) -> Any:
        return json.loads(self.text(path, body))

    def text(self, path: str, body: Any = None) -> str:
        headers = {"Content-Type": "application/json"}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self._address + path, data, headers)
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:
                return str(answer.read().decode())
        except urllib.error.HTTPError as error:
            raise RuntimeError(f"{error.code} {error.read().decode()[:300]}") from error


def main() -> None:
    with open_webui() as address:
        page = Page(address)

        def chat() -> None:
            body = {"model": page.model, "messages": HI, "stream": False}
            answer = page.send("/api/chat/completions", body)
            assert answer["choices"][0]["message"]["content"]

        def streaming() -> None:
            body = {
                "model": page.model,
                "messages": HI,
                "stream": True,
                "stream_options": {"include_usage": True},
                "params": {"temperature": 0.5, "top_p": 0.9, "min_p": 0.0, "seed": 7},
            }
            text = page.text("/api/chat/completions", body)
            assert '"usage"' in text
            assert "data: [DONE]" in text

        def title() -> None:
            messages = [*HI, {"role": "assistant", "content": "Hello"}]
            body = {"model": page.model, "messages": messages, "chat_id": "one"}
            answer = page.send("/api/v1/tasks/title/completions", body)
            assert answer["choices"][0]["message"]["content"]

        run({"models": page.read_models, "chat": chat, "streaming": streaming, "title": title})


if __name__ == "__main__":
    main()
