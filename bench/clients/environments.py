"""The clients that are tried, and an environment of its own for each, kept for later runs."""

import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ENVIRONMENTS = Path.home() / ".cache" / "qwen-chat" / "clients"
INSTALL_S = 1800.0
"""Seconds that one environment may take."""


@dataclass(frozen=True, slots=True)
class Client:
    """A client: its packages, the first of which is the client itself, and its script.

    A script that ends in `.mjs` is run by Node.js, with packages of npm. `requirements` is a file
    of what the packages need, if they are to be installed without what they say they need.
    """

    name: str
    title: str
    packages: tuple[str, ...]
    script: str
    requirements: str = ""

    @property
    def is_node(self) -> bool:
        return self.script.endswith(".mjs")

    @property
    def version(self) -> str:
        return self.packages[0].replace("==", "@").rpartition("@")[2]

    @property
    def folder(self) -> Path:
        """Shared by clients of the same package and version."""
        package = re.split(r"[=@[]", self.packages[0].removeprefix("@"))[0].replace("/", "-")
        return ENVIRONMENTS / f"{'npm-' if self.is_node else ''}{package}-{self.version}"


CLIENTS: tuple[Client, ...] = (
    Client("openai-python", "OpenAI for Python", ("openai==3.57.0",), "openai_chat.py"),
    Client("openai-node", "OpenAI for Node.js", ("openai@7.59.0",), "openai_node.mjs"),
    Client(
        "openai-responses",
        "OpenAI for Python, responses",
        ("openai==3.57.0",),
        "openai_responses.py",
    ),
    Client("openai-agents", "OpenAI Agents SDK", ("openai-agents==0.24.0",), "openai_agents.py"),
    Client(
        "open-webui",
        "Open WebUI",
        ("open-webui==0.12.4",),
        "open_webui.py",
        "open_webui.txt",  # without torch and the like, which read files and speech
    ),
    Client(
        "qwen-agent",
        "Qwen-Agent",
        # Its package does not name what it imports.
        (
            "qwen-agent==0.0.34",
            "numpy==2.4.6",
            "soundfile==0.14.0",
            "python-dateutil==2.9.0.post0",
            "tqdm==4.70.1",
        ),
        "qwen_agent_client.py",
    ),
    Client("langchain", "LangChain", ("langchain-openai==1.7.4",), "langchain.py"),
    Client(
        "llama-index",
        "LlamaIndex",
        ("llama-index-llms-openai-like==0.8.1",),
        "llama_index.py",
    ),
    Client("litellm", "LiteLLM", ("litellm==1.110.2",), "litellm_sdk.py"),
    Client(
        "pydantic-ai", "Pydantic AI", ("pydantic-ai-slim[openai]==2.68.0",), "pydantic_ai_agent.py"
    ),
    Client("instructor", "Instructor", ("instructor==1.17.0",), "instructor_client.py"),
    Client("smolagents", "smolagents", ("smolagents[openai]==1.26.0",), "smolagents_client.py"),
    Client(
        "ai-sdk",
        "AI SDK",
        ("ai@7.0.173", "@ai-sdk/openai-compatible@3.0.92", "@ai-sdk/openai@4.0.118", "zod@4"),
        "ai_sdk.mjs",
    ),
    Client(
        "lm-eval",
        "lm-evaluation-harness",
        ("lm-eval[api]==0.4.13", "transformers==5.23.0"),
        "lm_eval_client.py",
    ),
    Client("inspect", "Inspect", ("inspect-ai==0.3.285", "openai==3.57.0"), "inspect_client.py"),
)


def prepare(client: Client) -> None:
    """Make the environment of a client if there is none. Raises subprocess.SubprocessError."""
    packages = "\n".join(client.packages)
    complete = client.folder / "complete.txt"  # an install that was cut off has no such file
    if complete.exists() and complete.read_text(encoding="utf-8") == packages:
        return
    shutil.rmtree(client.folder, ignore_errors=True)
    client.folder.mkdir(parents=True)
    _install_node(client) if client.is_node else _install_python(client)
    complete.write_text(packages, encoding="utf-8")


def command_of(client: Client, report: Path) -> list[str]:
    """The command that runs the script of a client, which writes its `report`."""
    if client.is_node:
        scripts = Path(__file__).parent / "scripts"
        for script in scripts.glob("*.mjs"):  # Node.js finds packages beside the script only
            shutil.copy(script, client.folder)
        return [str(_node()), str(client.folder / client.script), str(report)]
    module = f"bench.clients.scripts.{client.script.removesuffix('.py')}"
    return [str(client.folder / "bin" / "python"), "-m", module, str(report)]


def _install_python(client: Client) -> None:
    _run([sys.executable, "-m", "venv", str(client.folder)])
    pip = [str(client.folder / "bin" / "python"), "-m", "pip", "install", "--quiet"]
    pip += ["--disable-pip-version-check", "--no-input"]
    if client.requirements:
        _run([*pip, "-r", str(Path(__file__).with_name(client.requirements))])
        pip.append("--no-deps")
    _run([*pip, *client.packages])


def _install_node(client: Client) -> None:
    (client.folder / "package.json").write_text('{"private": true}', encoding="utf-8")
    npm = [str(_node().with_name("npm")), "install", "--silent", "--ignore-scripts"]
    _run([*npm, "--prefix", str(client.folder), *client.packages])


def _run(command: list[str]) -> None:
    subprocess.run(command, check=True, timeout=INSTALL_S)


def _node() -> Path:
    """Node.js of tests/requirements.txt."""
    return Path(sys.executable).with_name("node")
