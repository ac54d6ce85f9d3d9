"""Chat templates of a model folder: refuses those that do not end, before one is used.

A template is a program. It is tried in a process of its own, because nothing else can be stopped
while it computes.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from chat.errors import ModelUnavailable
from engine.weights.template_probe import TOO_MUCH

PROBE = Path(__file__).with_name("template_probe.py")
PATIENCE_S = 60.0
"""Wall-clock bound. The probe's own is in processor time, which a busy machine does not use up."""


def check_templates(folder: Path) -> None:
    """Raises ModelUnavailable for a template that does not end in time, or writes without end."""
    for name, template in _templates(folder):
        command = [sys.executable, "-I", str(PROBE)]
        try:
            ended = subprocess.run(  # noqa: S603 - our own program, the template is its input
                command,
                input=template.encode("utf-8", "replace"),
                capture_output=True,
                timeout=PATIENCE_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            ended = None
        # A code above zero other than the probe's own is a fault of the probe, not of the template.
        if ended is None or ended.returncode < 0 or ended.returncode == TOO_MUCH:
            raise ModelUnavailable(
                f"The chat template in {folder / name} does not end, or writes without end. "
                "Take the model from its maker again."
            )


def _templates(folder: Path) -> Iterator[tuple[str, str]]:
    """(file, template) for each template that a tokenizer could use."""
    for path in sorted(path for path in folder.glob("**/*.jinja") if path.is_file()):
        yield str(path.relative_to(folder)), path.read_text("utf-8", "replace")
    for name in ("tokenizer_config.json", "chat_template.json"):
        try:
            stored = json.loads((folder / name).read_text("utf-8"))["chat_template"]
        except (OSError, ValueError, KeyError, TypeError):
            continue
        for one in stored if isinstance(stored, list) else [stored]:
            template = one.get("template") if isinstance(one, dict) else one
            if isinstance(template, str):
                yield name, template
