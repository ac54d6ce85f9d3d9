"""lm-evaluation-harness' "local-completions" and "local-chat-completions", without data sets."""

import math
import os
from typing import Any

from lm_eval.api.instance import Instance
from lm_eval.models.openai_completions import LocalChatCompletion, LocalCompletionsAPI

from bench.clients.scripts.steps import BASE_URL, MODEL, run

QUESTION = "The capital of France is"


def completions() -> Any:
    return LocalCompletionsAPI(
        base_url=f"{BASE_URL}/completions",
        model=MODEL,
        tokenizer=os.environ["QWEN_CHAT_MODEL_FOLDER"],
        tokenizer_backend="huggingface",
        batch_size=2,
        max_retries=1,
    )


def instances(kind: str, *arguments: tuple[Any, ...]) -> list[Any]:
    return [
        Instance(request_type=kind, doc={}, arguments=one, idx=number)
        for number, one in enumerate(arguments)
    ]


def log_likelihoods() -> None:
    asked = instances("loglikelihood", (QUESTION, " Paris"), (QUESTION, " a big city"))
    scores = completions().loglikelihood(asked)
    assert len(scores) == 2
    assert all(math.isfinite(score) and score < 0 for score, _ in scores)


def rolling() -> None:
    (score,) = completions().loglikelihood_rolling(
        instances("loglikelihood_rolling", (f"{QUESTION} Paris.",))
    )
    assert math.isfinite(score)
    assert score < 0


def generation() -> None:
    settings = {"until": ["\n\n"], "max_gen_toks": 8}
    asked = instances("generate_until", (QUESTION, settings), ("1, 2, 3,", settings))
    assert len(completions().generate_until(asked)) == 2


def chat_generation() -> None:
    model = LocalChatCompletion(base_url=f"{BASE_URL}/chat/completions", model=MODEL, max_retries=1)
    messages = model.apply_chat_template([{"role": "user", "content": "Hi"}])
    asked = instances("generate_until", (messages, {"until": ["\n\n"], "max_gen_toks": 8}))
    assert len(model.generate_until(asked)) == 1


if __name__ == "__main__":
    run(
        {
            "log-likelihoods": log_likelihoods,
            "rolling log-likelihoods": rolling,
            "generation": generation,
            "generation by chat": chat_generation,
        }
    )
