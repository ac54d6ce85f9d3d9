"""What ratings and votes teach, and what they do not."""

from dataclasses import replace

import pytest

from chat.campaigns.models import Mode, Plan, Variant, VoteChoice
from chat.conversations.models import Origin
from chat.feedback.models import RatedAnswer, RatingInput, ReviewState, Verdict
from chat.feedback.omissions import Omission, in_words
from chat.feedback.preferences import (
    PreferenceSource,
    example_of,
    may_give_pairs,
    omission_of_example,
    omission_of_pair,
    omission_of_vote,
    pair_of_correction,
    pair_of_vote,
    pairs_of_retries,
    pairs_of_versions,
    prompt_before_answer,
)
from chat.feedback.result_models import RatingFilter, VotedComparison
from chat.feedback.results import is_about
from chat.models import ChatMessage, Finish, Role, Status
from tests.rated import DOWN, UP, exactly, path, rated, snapshot, voted_comparison

CORRECTED = RatingInput(Verdict.DOWN, correction="Thus.")
USABLE, UNUSABLE = ReviewState.USABLE, ReviewState.UNUSABLE


@pytest.mark.parametrize(
    ("item", "source"),
    [
        (rated("e", UP), PreferenceSource.LIKED),
        (rated("e", UP, state=ReviewState.CHECKED), PreferenceSource.LIKED),
        (rated("e", CORRECTED), PreferenceSource.CORRECTION),
        (rated("e", replace(UP, correction="Thus.")), PreferenceSource.CORRECTION),
        (rated("e", CORRECTED, status=Status.STOPPED), PreferenceSource.CORRECTION),
        (rated("e", DOWN, state=USABLE), PreferenceSource.REVIEWED),
        (rated("e", UP, finish=Finish.LENGTH, state=USABLE), PreferenceSource.REVIEWED),
        (rated("e", DOWN), None),
        (rated("e", RatingInput(comment="hm")), None),
        (rated("e", UP, DOWN), None),
        (rated("e", UP, status=Status.STOPPED), None),
        (rated("e", UP, finish=Finish.LENGTH), None),
        (rated("e", UP, state=UNUSABLE), None),
        (rated("e", CORRECTED, state=UNUSABLE), None),
        (rated("e", UP, answer=" "), None),
        (rated("e", UP, answer="", status=Status.STOPPED, state=USABLE), None),
        (rated("e", CORRECTED, answer="", status=Status.STOPPED), PreferenceSource.CORRECTION),
        (rated("e", UP, provenance=None), None),
        (rated("e", CORRECTED, provenance=exactly(())), None),
    ],
)
def test_liked_corrected_and_usable_answers_are_examples(
    item: RatedAnswer, source: PreferenceSource | None
) -> None:
    example = example_of(item)
    assert (example and example.source) == source


def test_a_correction_replaces_the_answer() -> None:
    item = rated("e", CORRECTED)
    example, pair = example_of(item), pair_of_correction(item)
    assert example
    assert pair
    assert example.answer == pair.chosen.text == "Thus."
    assert (pair.chosen.answer_id, pair.rejected.answer_id) == ("", "answer e")
    assert (pair.rejected.text, pair.prompt) == ("So.", item.snapshot.prompt)


def test_a_correction_equal_to_the_answer_is_none() -> None:
    same = RatingInput(Verdict.UP, correction="\nSo. ")
    assert pair_of_correction(rated("e", same)) is None
    assert pair_of_correction(rated("e", UP)) is None
    assert pair_of_correction(rated("e", CORRECTED, answer="")) is None


def test_of_two_corrections_the_newest_counts() -> None:
    newer = replace(CORRECTED, correction="Hence.")
    item = rated("e", CORRECTED, newer)
    later = replace(item.ratings[1], rated_at=item.ratings[1].rated_at.replace(year=2030))
    pair = pair_of_correction(replace(item, ratings=(later, item.ratings[0])))
    assert pair
    assert (pair.chosen.text, pair.user_id) == ("Hence.", "rater 1")


def test_a_liked_answer_wins_over_disliked_ones_to_the_same_prompt() -> None:
    good, bad = rated("good", UP), rated("bad", DOWN, answer="No.")
    others = [
        good,
        bad,
        rated("liked", UP, answer="Yes."),
        rated("same", DOWN),
        rated("another question", DOWN, question="Who?", answer="No."),
        rated("elsewhere", DOWN, answer="No.", conversation_id="elsewhere"),
        rated("another's", DOWN, answer="No.", owner_id="bob"),
        rated("unusable", DOWN, answer="No.", state=UNUSABLE),
        rated("disputed", DOWN, UP, answer="No."),
    ]
    (pair,) = pairs_of_versions(good, others)
    assert (pair.chosen.answer_id, pair.rejected.answer_id) == ("answer good", "answer bad")
    assert list(pairs_of_versions(bad, others)) == []
    assert list(pairs_of_versions(rated("good", UP, status=Status.STOPPED), others)) == []
    assert list(pairs_of_versions(rated("good", UP, state=UNUSABLE), others)) == []


def test_an_empty_answer_is_in_no_pair() -> None:
    empty, bad = rated("good", UP, answer=" "), rated("bad", DOWN, answer="No.")
    assert list(pairs_of_versions(empty, [bad])) == []
    stopped = rated("bad", DOWN, answer="", status=Status.STOPPED)
    assert list(pairs_of_versions(rated("good", UP), [stopped])) == []
    prompt = (ChatMessage(Role.USER, "Which?"),)
    liked = rated("good", UP, question="Which?", answer="", prompt=prompt)
    assert list(pairs_of_retries(liked, [path("first", "Which?", "Neither.")])) == []


def test_a_liked_answer_wins_over_retried_ones_to_the_same_prompt() -> None:
    good = rated("good", UP, question="Which?", prompt=(ChatMessage(Role.USER, "Which?"),))
    neither = path("first", "Which?", "Neither.")
    others = [
        neither,
        path("same", "Which?", " So.\n"),
        path("empty", "Which?", " "),
        path("elsewhere", "Who?", "Neither."),
        path("other settings", "Which?", "Neither.", system="Sing."),
        path("stopped", "Which?", "Neith", status=Status.STOPPED),
        path("cut", "Which?", "Neith", finish=Finish.LENGTH),
        path("brought", "Which?", "Neither.", origin=Origin.IMPORTED),
        path("edited", "Which?", "Neither.", origin=Origin.EDITED),
        path("unknown", "Which?", "Neither.", provenance=None),
    ]
    (pair,) = pairs_of_retries(good, others)
    assert (pair.source, pair.id) == (PreferenceSource.RETRY, "good.answer first")
    assert (pair.chosen.text, pair.rejected.text) == ("So.", "Neither.")
    assert (pair.rejected.answer_id, pair.user_id) == ("answer first", "ann")
    assert list(pairs_of_retries(rated("bad", DOWN, prompt=good.snapshot.prompt), [neither])) == []
    unusable = rated("good", UP, prompt=good.snapshot.prompt, state=UNUSABLE)
    assert list(pairs_of_retries(unusable, [neither])) == []


def test_a_prompt_ends_before_a_continued_beginning() -> None:
    question = ChatMessage(Role.USER, "Count")
    begun = ChatMessage(Role.ASSISTANT, "1, 2")
    answered = snapshot("e", prompt=(question, begun), answer="1, 2, 3")
    assert answered.provenance
    provenance = replace(answered.provenance, continued_characters=4)
    continued = replace(answered, provenance=provenance)
    assert prompt_before_answer(continued) == (question,)
    assert prompt_before_answer(answered) == (question, begun)
    assert prompt_before_answer(snapshot("e", prompt=(question,), answer="1")) == (question,)
    whole = (question, begun, question)
    assert prompt_before_answer(snapshot("e", prompt=whole, answer="1, 2, 3")) == whole


@pytest.mark.parametrize(
    ("choice", "chosen"),
    [
        (VoteChoice.LEFT, "This"),
        (VoteChoice.RIGHT, "That"),
        (VoteChoice.TIE, None),
        (VoteChoice.BOTH_BAD, None),
    ],
)
def test_a_vote_chooses_between_its_two_answers(choice: VoteChoice, chosen: str | None) -> None:
    pair = pair_of_vote(voted_comparison(choice=choice))
    assert (pair and pair.chosen.text) == chosen
    assert pair is None or {pair.chosen.text, pair.rejected.text} == {"This", "That"}


def test_a_votes_pair_has_the_language_of_the_chosen_answer() -> None:
    right = path("right", "Which?", "那个")
    pair = pair_of_vote(voted_comparison(choice=VoteChoice.RIGHT, right=right))
    assert pair
    assert pair.language == "zh"


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        (RatingFilter(), True),
        (RatingFilter(language="zh"), True),
        (RatingFilter(language="en"), True),
        (RatingFilter(language="fr"), False),
        (RatingFilter(model="Qwen2.5-7B-Instruct"), True),
        (RatingFilter(model="Other"), False),
        (RatingFilter(preset_id="helper", language="zh"), True),
        (RatingFilter(preset_id="other"), False),
    ],
)
def test_a_vote_matches_a_filter_by_either_answer(filters: RatingFilter, found: bool) -> None:
    assert is_about(voted_comparison(right=path("right", "Which?", "那个")), filters) is found


def test_a_vote_with_deleted_answers_matches_its_campaign_only() -> None:
    deleted = voted_comparison(left=(), right=())
    assert is_about(deleted, RatingFilter())
    assert not is_about(deleted, RatingFilter(language="en"))


def test_a_vote_between_answers_to_different_prompts_is_no_pair() -> None:
    right = path("right", "Which?", "That", system="Be brief.")
    assert pair_of_vote(voted_comparison(right=right)) is None
    left = path("left", "Which?", "This", system="Be brief.")
    assert pair_of_vote(voted_comparison(left=left, right=right))
    assert pair_of_vote(voted_comparison(right=path("right", "Who?", "That"))) is None


def test_a_vote_without_two_complete_answers_is_no_pair() -> None:
    for right in (
        (),
        path("right", "Which?", "That", status=Status.STOPPED),
        path("right", "Which?", "That", finish=Finish.LENGTH),
        path("right", "Which?", "That", provenance=None),
        path("right", "Which?", "This"),
        path("right", "Which?", ""),
        path("right", "Which?", " \n"),
    ):
        assert pair_of_vote(voted_comparison(right=right)) is None
    assert pair_of_vote(voted_comparison(unusable=True)) is None


SUNG = path("right", "Which?", "That", system="Sing.")


@pytest.mark.parametrize(
    ("vote", "omission"),
    [
        (voted_comparison(), None),
        (voted_comparison(choice=VoteChoice.TIE, right=SUNG), Omission.TIE),
        (voted_comparison(choice=VoteChoice.BOTH_BAD), Omission.BOTH_BAD),
        (voted_comparison(right=SUNG), Omission.SYSTEM_PROMPTS),
        (voted_comparison(right=()), Omission.DELETED),
        (voted_comparison(unusable=True), Omission.UNUSABLE),
        (
            voted_comparison(right=path("right", "Which?", "That", provenance=None)),
            Omission.NOT_EXACT,
        ),
        (
            voted_comparison(right=path("right", "Which?", "That", finish=Finish.LENGTH)),
            Omission.CUT,
        ),
        (voted_comparison(right=path("right", "Which?", " ")), Omission.NO_TEXT),
        (voted_comparison(right=path("right", "Which?", "This\n")), Omission.SAME),
        (voted_comparison(right=path("right", "Which now?", "That")), Omission.EARLIER_TURNS),
    ],
)
def test_a_vote_without_a_pair_has_a_reason(
    vote: VotedComparison, omission: Omission | None
) -> None:
    assert omission_of_vote(vote) is omission
    assert (pair_of_vote(vote) is None) == (omission is not None)


@pytest.mark.parametrize(
    ("item", "omission"),
    [
        (rated("e", UP), None),
        (rated("e", DOWN), Omission.NOT_LIKED),
        (rated("e", UP, finish=Finish.LENGTH), Omission.CUT),
        (rated("e", UP, state=UNUSABLE), Omission.UNUSABLE),
        (rated("e", UP, answer=" "), Omission.NO_TEXT),
        (rated("e", UP, provenance=None), Omission.NOT_EXACT),
    ],
)
def test_a_rated_answer_without_an_example_has_a_reason(
    item: RatedAnswer, omission: Omission | None
) -> None:
    assert omission_of_example(item) is omission


def test_a_rated_answer_in_no_pair_has_a_reason_unless_it_is_the_worse_one_of_a_pair() -> None:
    good, bad = rated("good", UP, answer="Good"), rated("bad", DOWN, answer="Bad")
    assert omission_of_pair(bad, [good, bad]) is None
    assert omission_of_pair(bad, [bad]) is Omission.ALONE
    assert omission_of_pair(rated("e", UP, answer=""), []) is Omission.NO_TEXT
    assert omission_of_pair(rated("e", UP, state=UNUSABLE), []) is Omission.UNUSABLE


def test_only_variants_with_one_system_prompt_may_give_pairs() -> None:
    first, second = Variant("A", "Be brief."), Variant("B", "Be brief.", engine="Other")
    assert may_give_pairs(Plan("", Mode.BLIND, (first, second)))
    assert not may_give_pairs(Plan("", Mode.BLIND, (first, replace(second, system_prompt="Sing."))))


def test_reasons_are_listed_by_how_often_they_occur() -> None:
    assert in_words({Omission.TIE: 2, Omission.SYSTEM_PROMPTS: 3, Omission.SAME: 0}) == (
        "3 votes between different system prompts, 2 ties"
    )
