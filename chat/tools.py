"""What programs ask of an answer beyond a conversation: tools, a given shape, probabilities.

Frozen values without behaviour. Knows no grammar, no template and no wire format.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tool:
    """A function that the model may ask for. `parameters` is the text of a JSON schema."""

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
    """What is new of call number `index`: `id` and `name` once, at its beginning, then arguments.

    A call whose JSON is broken has `broken` in its last piece; `arguments` is then what was left
    of the text as it was written.
    """

    index: int
    id: str = ""
    name: str = ""
    arguments: str = ""
    broken: bool = False


@dataclass(frozen=True, slots=True)
class ToolRules:
    """How tools may be called: `required` asks for a call, `names` are those allowed (empty: all).

    Without `parallel` the answer ends after one call.
    """

    required: bool = False
    names: tuple[str, ...] = ()
    parallel: bool = True


@dataclass(frozen=True, slots=True)
class JsonShape:
    """The answer is one JSON value: any object, or what the `schema`, the text of one, allows."""

    schema: str | None = None


@dataclass(frozen=True, slots=True)
class TokenScore:
    """A token, its bytes, and the logarithm of its probability before any setting changed it.

    `best` are the most likely ones in its place, best first; theirs are empty.
    """

    token: str
    data: bytes
    logprob: float
    best: tuple["TokenScore", ...] = ()


@dataclass(frozen=True, slots=True)
class Extras:
    """Everything asked beyond a conversation.

    A `shape` and tools that are `required` exclude each other. `top_logprobs` None asks for no
    probabilities, 0 for those of the written tokens alone.
    """

    tools: tuple[Tool, ...] = ()
    rules: ToolRules = ToolRules()
    shape: JsonShape | None = None
    top_logprobs: int | None = None


NO_EXTRAS = Extras()


@dataclass(frozen=True, slots=True)
class EngineLoad:
    """How busy the engine is: rows in the batch, requests waiting for it, share of the cache used.

    `generated_tokens` is the count since the start.
    """

    running: int = 0
    waiting: int = 0
    cache_used: float = 0.0
    generated_tokens: int = 0
