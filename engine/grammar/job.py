"""What an answer must look like, in words: a job for the compiler, and the key of its grammar."""

import json

from chat.tools import Extras


def job_of(extras: Extras) -> str | None:
    """The job that `extras` ask for; None where the model may write what it likes."""
    if extras.shape is not None:
        return json.dumps({"schema": extras.shape.schema})
    if not extras.tools:
        return None
    allowed = [
        {"name": tool.name, "parameters": tool.parameters}
        for tool in extras.tools
        if not extras.rules.names or tool.name in extras.rules.names
    ]
    rules = extras.rules
    return json.dumps({"tools": allowed, "required": rules.required, "parallel": rules.parallel})
