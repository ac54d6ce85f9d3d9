"""Renders the chat template on its input, in a process of its own with little time and memory.

Started by `engine.weights.templates`, which knows how it ended. A template that fails is not judged
here: whoever uses it reports that.
"""

import contextlib
import json
import re
import resource
import sys
from typing import Any, NoReturn

from jinja2 import TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

CPU_S = 3
MEMORY_BYTES = 2**30
MAX_OUTPUT = 2**20
TOO_MUCH = 3
"""Exit code for a template that needs too much memory or writes too much."""

CALL = {"type": "function", "function": {"name": "f", "arguments": {"x": 1}}}
MESSAGES: list[dict[str, Any]] = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "Hello"},
    {"role": "assistant", "content": "", "tool_calls": [CALL]},
    {"role": "tool", "content": "1", "name": "f"},
    {"role": "assistant", "content": "Hello."},
    {"role": "user", "content": "Bye"},
]
TOOLS = [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]


def main() -> int:
    """Render the template from standard input; the exit code reports an exceeded bound."""
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    text = re.sub(r"\{%-?\s*(end)?generation\s*-?%\}", "", sys.stdin.read())
    try:
        for messages, tools in ((MESSAGES[:2], None), (MESSAGES, TOOLS)):
            with contextlib.suppress(
                TemplateError, RecursionError, TypeError, ValueError, LookupError
            ):
                if _length(text, messages, tools) > MAX_OUTPUT:
                    return TOO_MUCH
    except MemoryError:
        return TOO_MUCH
    return 0


def _length(text: str, messages: list[dict[str, Any]], tools: list[dict[str, Any]] | None) -> int:
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols"]
    )
    environment.filters["tojson"] = json.dumps
    environment.globals["raise_exception"] = _refuse
    environment.globals["strftime_now"] = str
    template, length = environment.from_string(text), 0
    for piece in template.generate(messages=messages, tools=tools, add_generation_prompt=True):
        length += len(piece)
        if length > MAX_OUTPUT:
            break
    return length


def _refuse(message: str) -> NoReturn:
    raise TemplateError(message)


if __name__ == "__main__":
    sys.exit(main())
