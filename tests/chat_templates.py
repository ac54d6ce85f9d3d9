"""Chat templates as fine-tunes have them: a line each in corpora/chat_templates.jsonl."""

import json
from dataclasses import dataclass
from pathlib import Path

from transformers import PreTrainedTokenizerFast

from tests.tiny import tiny_tokenizer


@dataclass(frozen=True)
class TemplateCase:
    """A template of the tiny tokenizer's tokens, and what is to be found out about it."""

    name: str
    takes_system: bool
    end: str | None
    template: str

    def tokenizer(self) -> PreTrainedTokenizerFast:
        tokenizer = tiny_tokenizer()
        tokenizer.chat_template = self.template
        return tokenizer


CORPUS = Path(__file__).parent / "corpora" / "chat_templates.jsonl"
CASES = [TemplateCase(**json.loads(line)) for line in CORPUS.read_text("utf-8").splitlines()]
FOLDING = [case for case in CASES if not case.takes_system]
