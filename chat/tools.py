"""Values of the API beyond conversations: tools, structured output, log probabilities.

Frozen. Knows no grammar, no template and no wire format.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tool:
    """A function that the model may call. `parameters` is a JSON schema as text.

    The arguments of a `strict` tool always fit it; those of others only where a call is required.
    """

    name: str
    description: str = ""
    parameters: str = "{}"
    strict: bool = False


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call that the model asked for. `arguments` is the text it wrote: JSON, if all went well."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class CallPiece:
    """A delta of call number `index`: first `id` and `name`, then parts of the arguments.

    The last delta of a call with invalid JSON has `broken`; its `arguments` are the rest of the raw
    text.
    """

    index: int
    id: str = ""
    name: str = ""
    arguments: str = ""
    broken: bool = False


@dataclass(frozen=True, slots=True)
class ToolRules:
    """The tool choice: `required` forces a call, `names` are the allowed tools (empty: all).

    Without `parallel` the answer ends after one call.
    """

    required: bool = False
    names: tuple[str, ...] = ()
    parallel: bool = True


@dataclass(frozen=True, slots=True)
class JsonShape:
    """The answer is one JSON value: any object, or what the JSON `schema` (as text) allows."""

    schema: str | None = None


@dataclass(frozen=True, slots=True)
class TokenScore:
    """A token, its bytes, and its log probability before sampling settings are applied.

    `best` are the most likely tokens at this position, best first; their own `best` is empty.
    """

    token: str
    data: bytes
    logprob: float
    best: tuple["TokenScore", ...] = ()


@dataclass(frozen=True, slots=True)
class Extras:
    """Options of a completion beyond a conversation.

    With a `shape` and tools the answer is calls or of that shape; `required` tools leave only
    calls. `top_logprobs` None requests no log probabilities, 0 only those of the generated tokens;
    `prompt_scores` adds those of the prompt's tokens. With `prompt_only` nothing is generated.
    `min_p` is the least probability of a token as a share of the likeliest one's; `logit_bias`
    are additions to the logits of token ids.
    """

    tools: tuple[Tool, ...] = ()
    rules: ToolRules = ToolRules()
    shape: JsonShape | None = None
    top_logprobs: int | None = None
    prompt_scores: bool = False
    prompt_only: bool = False
    min_p: float = 0.0
    logit_bias: tuple[tuple[int, float], ...] = ()

    @property
    def constrains_text(self) -> bool:
        """Whether a grammar decides what can be written: a shape, required calls, strict tools."""
        forced = bool(self.tools) and self.rules.required
        return self.shape is not None or forced or any(tool.strict for tool in self.tools)


NO_EXTRAS = Extras()


@dataclass(frozen=True, slots=True)
class EngineLoad:
    """The load of an engine: rows in the batch, waiting requests, used share of the KV cache.

    `generated_tokens` counts since the start.
    """

    running: int = 0
    waiting: int = 0
    cache_used: float = 0.0
    generated_tokens: int = 0
