"""The tokens that end an answer, from all the places that a model folder may name them in.

Fine-tunes name them in some places only, and several of them: the token that ends a turn stands in
the template, the one that ends a text in a configuration.
"""

import json
import logging
from collections.abc import Iterable
from pathlib import Path

from chat.errors import ModelUnavailable

log = logging.getLogger(__name__)

FILES = ("generation_config.json", "config.json")
"""Read here and not by transformers, which fills in what config.json leaves out: an id that may
belong to an ordinary word."""


def end_tokens_in(folder: Path) -> list[object]:
    """What the configurations of a model folder give as `eos_token_id`: an id, a list, or anything.

    Sizes and levels of the files have been checked: `engine.weights.bounds`.
    """
    found = []
    for name in FILES:
        try:
            content = json.loads((folder / name).read_bytes())
        except (OSError, ValueError):
            continue  # reported where the file is needed
        found.append(content.get("eos_token_id") if isinstance(content, dict) else None)
    return found


def end_tokens(stated: Iterable[object], vocabulary: int) -> frozenset[int]:
    """The ids of the tokens that end an answer, of all that is stated.

    `vocabulary` is the number of tokens. Raises ModelUnavailable if there are none.
    """
    ends = frozenset[int]().union(*(_ids(value, vocabulary) for value in stated))
    if not ends:
        raise ModelUnavailable(
            "Nothing in the model's folder says which token ends an answer: name it as "
            "eos_token_id in generation_config.json."
        )
    return ends


def _ids(value: object, vocabulary: int) -> frozenset[int]:
    """The ids in an id or a list of ids; what is none is logged and left out."""
    values = value if isinstance(value, list | tuple) else [] if value is None else [value]
    valid = [one for one in values if type(one) is int and 0 <= one < vocabulary]
    if len(valid) < len(values):
        log.warning("eos_token_id %.200r names tokens that the model does not have", value)
    return frozenset(valid)
