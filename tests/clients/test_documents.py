"""Every example in the documents, unchanged, against the app on real weights."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.clients.server import ROOT, Server

DOCUMENTS = ("docs/api.md", "README.md", "README.zh-CN.md")
ADDRESS, KEY = "http://127.0.0.1:7860", "sk-any"
BLOCK = re.compile(r"^```(sh|python)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def examples() -> list[tuple[str, int, str, str]]:
    """The examples that call the API: document, number, language and text."""
    return [
        (document, number, language, body)
        for document in DOCUMENTS
        for number, (language, body) in enumerate(
            BLOCK.findall((ROOT / document).read_text(encoding="utf-8"))
        )
        if "curl" in body or "openai" in body
    ]


@pytest.mark.model
@pytest.mark.parametrize(
    ("language", "body"),
    [(language, body) for _, _, language, body in examples()],
    ids=[f"{document}-{number}" for document, number, _, _ in examples()],
)
def test_an_example_of_the_documents_is_answered(
    language: str, body: str, server: Server, tmp_path: Path
) -> None:
    (tmp_path / ".curlrc").write_text("fail-with-body\n")
    body = body.replace(ADDRESS, server.address).replace(KEY, server.key)
    command = ["bash", "-ec", body] if language == "sh" else [sys.executable, "-c", body]
    ran = subprocess.run(
        command,
        env={**server.variables, "CURL_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert ran.stdout.strip()
    if "data: " in ran.stdout:
        assert ran.stdout.endswith("data: [DONE]\n\n")
