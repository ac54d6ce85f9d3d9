"""Objects as grammar: members in a fixed order, those that may be missing, names beside others."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from engine.grammar.notation import ESCAPES, PLAIN, Rules, json_text, literal, one_of, without


@dataclass(frozen=True, slots=True)
class Member:
    """A member of an object: its name, the expression of its value, whether it must be there."""

    name: str
    value: str
    required: bool


def members(rules: Rules, declared: Sequence[Member], others: str | None) -> str:
    """An object of the `declared` members in their order, then any number of `others`.

    `others` is the expression of one of them, with its name.
    """
    written = [f"{literal(json_text(one.name) + ': ')} {one.value}" for one in declared]
    rest = "" if others is None else f'(", " {others})*'
    begins = "" if others is None else f"({others} {rest})?"
    # The first that must be there, whatever was written before it, begins a sequence of its own:
    # rules are dear, each of them is kept with a copy of all.
    sure = next((place for place, one in enumerate(declared) if one.required), len(declared))
    for one, text in zip(declared[:sure:-1], written[:sure:-1], strict=True):
        rest = f'(", " {text}){"" if one.required else "?"} {rest}'
    if sure < len(declared):
        begins = f"{written[sure]} {rest}"
        rest = f'", " {begins}'
    for text in reversed(written[:sure]):
        rest = rules.add(rest)
        begins = f"{text} {rest} | {begins or literal('')}"
        rest = f'(", " {text})? {rest}'
    return f'"{{" ({begins or literal("")}) "}}"'


def map_of(member: str, most: int | None, *, empty: bool) -> str:
    """An object of any members that are as the expression `member` says."""
    if most == 0:
        return literal("{}")
    more = f'(", " {member})*' if most is None else f'(", " {member}){{0,{most - 1}}}'
    some = f"{member} {more}"
    return f'"{{" ({some})? "}}"' if empty else f'"{{" {some} "}}"'


def key_beside(rules: Rules, names: Collection[str]) -> str:
    """A string that is none of these."""
    return rf'"\"" {_rest_beside(rules, names)}'


def _rest_beside(rules: Rules, ends: Collection[str]) -> str:
    """The rest of a string, quote included, that is none of `ends`."""
    heads = {end[0] for end in ends if end}
    points = tuple((ord(head), ord(head)) for head in sorted(heads))
    options = [f"{one_of(without(PLAIN, points))} tail"]
    options += [f"{literal(ESCAPES[sign])} tail" for sign in ESCAPES if sign not in heads]
    if "" not in ends:
        options.append(r'"\""')
    for head in sorted(heads):
        rest = _rest_beside(rules, {end[1:] for end in ends if end[:1] == head})
        options.append(f"{literal(ESCAPES.get(head, head))} {rest}")
    return rules.add(" | ".join(options))
