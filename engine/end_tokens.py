"""The tokens that end an answer, from all the places that a model folder may name them in.

Fine-tunes name them in some places only, and several of them: the token that ends a turn stands in
the template, the one that ends a text in a configuration. Pure.
"""

import logging
from collections.abc import Collection, Iterable

from chat.errors import ModelUnavailable

log = logging.getLogger(__name__)


def end_tokens(
    stated: object, derived: Iterable[object], *, control: Collection[int], vocabulary: int
) -> frozenset[int]:
    """The ids of the tokens that end an answer. Raises ModelUnavailable if there are none.

    `stated` is what generation_config.json says, an id or a list; it is taken as it is. Of what
    config.json, tokenizer and template say (`derived`), only control tokens are taken: where
    config.json says nothing, the library fills in an id that may belong to an ordinary word.
    """
    of_file = _ids(stated, vocabulary)
    others = frozenset[int]().union(*(_ids(value, vocabulary) for value in derived))
    ends = of_file | (others & frozenset(control))
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
