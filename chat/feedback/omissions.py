"""Why a rated answer or a vote is not in a file for training."""

from collections.abc import Mapping
from enum import StrEnum


class Omission(StrEnum):
    """A reason to leave something out of a file for training."""

    TIE = "tie"
    BOTH_BAD = "both-bad"
    SYSTEM_PROMPTS = "system-prompts"
    EARLIER_TURNS = "earlier-turns"
    DELETED = "deleted"
    NOT_EXACT = "not-exact"
    UNUSABLE = "unusable"
    CUT = "cut"
    NO_TEXT = "no-text"
    SAME = "same"
    NOT_LIKED = "not-liked"
    ALONE = "alone"


IN_WORDS: Mapping[Omission, str] = {
    Omission.TIE: "ties",
    Omission.BOTH_BAD: "votes for “both bad”",
    Omission.SYSTEM_PROMPTS: "votes between different system prompts",
    Omission.EARLIER_TURNS: "votes after different earlier turns",
    Omission.DELETED: "with a deleted answer",
    Omission.NOT_EXACT: "without the exact prompt",
    Omission.UNUSABLE: "found not usable by a review",
    Omission.CUT: "with an answer that was stopped or cut off",
    Omission.NO_TEXT: "with an answer without text",
    Omission.SAME: "with two equal answers",
    Omission.NOT_LIKED: "not rated good by everybody, and not corrected",
    Omission.ALONE: "without a correction and without an answer to the same prompt to compare with",
}
"""What stands behind a count, for programs; the pages have their own words."""


def in_words(omissions: Mapping[Omission, int]) -> str:
    """The counts by reason, most frequent first: "3 ties, 1 found not usable by a review"."""
    ranked = sorted(omissions.items(), key=lambda item: -item[1])
    return ", ".join(f"{count} {IN_WORDS[reason]}" for reason, count in ranked if count)
