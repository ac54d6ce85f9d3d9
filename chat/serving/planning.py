"""What a program asks for, what each choice is made from, and the record of what came of it."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from chat.accounts.quotas import QuotaReservation
from chat.models import BarePrompt, FillInPrompt, Prompt, Sampling, TokenPrompt, Usage
from chat.serving.completion import Completion, CompletionRecord
from chat.serving.handle import GenerationResult
from chat.serving.request import GenerationRequest
from chat.serving.response_cache import CachedAnswer
from chat.tools import NO_EXTRAS, Extras, Tool


@dataclass(frozen=True, slots=True)
class CompletionInput:
    """What a program asks for, under the `id` that its answer will have.

    `cached` allows an answer from the response cache; `remembered` answers can be found again.
    """

    id: str
    prompt: Prompt | BarePrompt
    sampling: Sampling = field(default_factory=Sampling)
    extras: Extras = NO_EXTRAS
    cached: bool = True
    remembered: bool = True


@dataclass(slots=True)
class ChoicePlan:
    """What one choice is made from: a request for the engine, or an answer of the cache.

    `digest` is its cache key, if it has one.
    """

    completion_input: CompletionInput
    completion: Completion
    request: GenerationRequest | None
    cached: CachedAnswer | None
    digest: str | None
    reservation: QuotaReservation = field(default_factory=QuotaReservation)


def record_of(plan: ChoicePlan, result: GenerationResult | None) -> CompletionRecord:
    """The record of a choice; without `result` of one that was not started."""
    completion, request = plan.completion, plan.request
    record = CompletionRecord(
        id=completion.id,
        principal=completion.principal,
        created_at=completion.created_at,
        prompt=completion.prompt,
        extras=plan.completion_input.extras,
        text="",
        usage=Usage(0, 0),
    )
    if result is None:
        return record
    return replace(
        record,
        text=result.text[len(request.continued) if request else 0 :],
        usage=result.usage,
        finish=result.finish,
        calls=result.calls,
        scores=result.scores,
        prompt_scores=result.prompt_scores,
        timing=result.timing,
        provenance=result.provenance,
    )


def characters_of(prompt: Prompt | BarePrompt, tools: Sequence[Tool]) -> int:
    return sum(map(len, _texts(prompt))) + sum(
        len(tool.parameters) + len(tool.description) for tool in tools
    )


def _texts(prompt: Prompt | BarePrompt) -> list[str]:
    match prompt:
        case str():
            return [prompt]
        case TokenPrompt():  # its tokens are counted like those of every prompt
            return []
        case FillInPrompt():
            return [prompt.text, prompt.suffix]
    calls = [call.arguments for turn in prompt for call in turn.calls]
    return [*(turn.content for turn in prompt), *calls]
