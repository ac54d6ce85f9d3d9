"""The HTML of a conversation, without a browser."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from chat.conversations.jobs import Job
from chat.conversations.models import Attachment, Conversation, Message, Origin, Progress
from chat.conversations.service import ConversationView
from chat.models import ChatOptions, Finish, Provenance, Role, Sampling, Status, Timing, Usage
from chat.serving.models import EngineInfo, EngineState, LoadStage, Phase
from formats.answers.unfinished import settled
from i18n import Language
from tests.fakes import ScriptedEngine
from ui import chrome, render
from ui import message_footer as under_a_message

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
ANSWER = Message(
    id="a1",
    conversation_id="c1",
    parent_id="q1",
    role=Role.ASSISTANT,
    content="Hello **you**",
    status=Status.DONE,
    created_at=NOW,
    finish=Finish.STOP,
    usage=Usage(prompt_tokens=1180, completion_tokens=214),
    timing=Timing(ttft_s=0.412, decode_tokens_per_s=38.64, reused_prompt_tokens=1024),
)


def parts(bubble: render.Bubble) -> list[Any]:
    content = bubble["content"]
    assert isinstance(content, list)
    return [part.get("text", part.get("value")) for part in content]


QUESTION = replace(ANSWER, id="q1", parent_id=None, role=Role.USER, content="Who?", usage=None)


def under(message: Message, language: Language = Language.EN, *, versions: Any = ()) -> str:
    return str(parts(render.answer(message, versions, language))[1])


def path(turns: int, **last: Any) -> list[Message]:
    """That many turns, with the newest answer changed."""
    messages: list[Message] = []
    for turn in range(turns):
        messages += [replace(QUESTION, id=f"q{turn}"), replace(ANSWER, id=f"a{turn}")]
    return [*messages[:-1], replace(messages[-1], **last)]


def opened(messages: list[Message], **more: Any) -> ConversationView:
    conversation = Conversation("c1", "local", "Title", ChatOptions(), None, NOW, NOW)
    return ConversationView(conversation, messages, {}, None, **more)


def test_user_text_is_rendered_literally() -> None:
    question = replace(QUESTION, content='<b>**x**</b> & "y"\n  z')
    [markup] = parts(render.question(question, (), Language.EN))
    assert "&lt;b&gt;**x**&lt;/b&gt; &amp; &#34;y&#34;\n  z" in markup


def test_an_answer_has_its_statistics_below() -> None:
    assert "214 tokens · first token 0.41 s · 38.6 tokens/s · reused 1,024 / 1,180" in under(ANSWER)
    assert "214 token · 首个 token 0.41 s · 38.6 token/s · 复用 1,024 / 1,180" in under(
        ANSWER, Language.ZH
    )


def test_only_available_measurements_are_rendered() -> None:
    bare = replace(ANSWER, usage=None, timing=None)
    assert under_a_message.figures(bare, Language.EN) == ""
    no_reuse = replace(ANSWER, timing=Timing(ttft_s=1.0))
    assert under_a_message.figures(no_reuse, Language.EN) == "214 tokens · first token 1.00 s"


def test_copy_carries_the_text_as_the_model_wrote_it() -> None:
    written = replace(ANSWER, content='<div class="x"> & `y`')
    assert 'data-text="&lt;div class=&#34;x&#34;&gt; &amp; `y`"' in under(written)


def test_every_answer_can_be_tried_again_and_edited() -> None:
    for action in ("copy", "retry", "edit", "message-menu", "details"):
        assert under(ANSWER).count(f'data-do="{action}"') == 1
    assert "data-do" not in under(replace(ANSWER, status=Status.STREAMING))


def test_a_message_with_versions_links_to_the_previous_and_the_next() -> None:
    middle = under(ANSWER, versions=["a0", "a1", "a2"])
    assert "2/3" in middle
    assert 'data-do="show" data-message="a0"' in middle
    assert 'data-do="show" data-message="a2"' in middle
    assert 'data-do="show" disabled' in under(ANSWER, versions=["a0", "a1"])
    assert "versions" not in under(ANSWER, versions=["a1"])


@pytest.mark.parametrize(
    ("origin", "mark"), [(Origin.EDITED, "written by you"), (Origin.IMPORTED, "imported")]
)
def test_text_not_generated_here_is_marked(origin: Origin, mark: str) -> None:
    assert mark in under(replace(ANSWER, origin=origin))
    assert mark not in under(ANSWER)


@pytest.mark.parametrize(
    "change",
    [{"status": Status.STOPPED}, {"status": Status.INTERRUPTED}, {"finish": Finish.LENGTH}],
)
def test_an_answer_that_ended_too_early_can_be_continued(change: Any) -> None:
    assert 'data-do="go-on"' in under(replace(ANSWER, **change))
    assert 'data-do="go-on"' not in under(replace(ANSWER, **change, content=""))
    assert 'data-do="go-on"' not in under(ANSWER)


def test_the_files_of_a_question_are_named_above_it() -> None:
    files = (Attachment("<a>.csv", "x,y\n1,2"), Attachment("b.txt", "b" * 2048))
    [markup] = parts(render.question(replace(QUESTION, attachments=files), (), Language.EN))
    assert "&lt;a&gt;.csv" in markup
    assert "2.0 kB" in markup
    assert 'data-place="1"' in markup
    assert "x,y" not in markup  # its text may be long, and comes when it is asked for


def test_only_the_newest_turn_is_rendered_separately() -> None:
    drawn = render.transcript(opened(path(3)), Language.EN)
    assert (drawn.hidden, len(drawn.earlier), len(drawn.newest)) == (0, 4, 2)
    few = render.transcript(opened(path(3)), Language.EN, hidden=2)
    assert (few.hidden, len(few.earlier), len(few.newest)) == (2, 0, 2)
    all_but_one = render.transcript(opened(path(3)), Language.EN, hidden=9)
    assert (all_but_one.hidden, len(all_but_one.newest)) == (2, 2)


def test_an_answer_without_a_question_is_rendered() -> None:
    imported = [replace(ANSWER, id="a"), *path(1)]
    drawn = render.transcript(opened(imported), Language.EN)
    assert (len(drawn.earlier), len(drawn.newest)) == (1, 2)
    only_answer = render.transcript(opened([ANSWER]), Language.EN)
    assert (len(only_answer.earlier), len(only_answer.newest)) == (0, 1)


def test_an_answer_on_another_branch_is_one_click_away() -> None:
    drawn = render.transcript(opened(path(1), elsewhere="a9"), Language.EN)
    assert 'data-do="show" data-message="a9"' in str(drawn.newest[-1])


@pytest.mark.parametrize(
    ("language", "sentence"),
    [
        (Language.EN, "Sorry, this answer could not be written. Please try again."),
        (Language.ZH, "抱歉，这个回答未能生成，请重试。"),
    ],
)
def test_a_failed_answer_shows_its_error_in_the_language_of_the_page_with_one_retry(
    language: Language, sentence: str
) -> None:
    failed = replace(ANSWER, status=Status.ERROR, error_code="engine_failed", content="half")
    markup = under(failed, language)
    assert sentence in markup
    assert markup.count('data-do="retry"') == 1
    assert "<p>half</p>" in parts(render.answer(failed, (), language))[0]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"status": Status.STOPPED}, "Stopped."),
        ({"status": Status.INTERRUPTED}, "Interrupted"),
        ({"finish": Finish.LENGTH}, "Cut at the maximum answer length."),
    ],
)
def test_an_answer_that_did_not_end_by_itself_shows_the_reason(change: Any, words: str) -> None:
    assert words in under(replace(ANSWER, **change))
    assert words not in under(ANSWER)


@pytest.mark.parametrize(
    ("dropped", "words"),
    [(1, "The first turn is no longer"), (2, "The first 2 turns are no longer")],
)
def test_a_line_marks_the_last_dropped_turn(dropped: int, words: str) -> None:
    provenance = Provenance("m", "r", "none", "e", Sampling(), "", dropped_turns=dropped)
    drawn = render.transcript(opened(path(4, provenance=provenance)), Language.EN)
    noted = [words in str(bubble) for bubble in [*drawn.earlier, *drawn.newest]]
    assert noted == [index == 2 * dropped - 1 for index in range(8)]
    assert "no longer" not in str(render.transcript(opened(path(4)), Language.EN))


def test_the_dropped_turns_line_is_rendered_during_generation() -> None:
    messages = path(4, status=Status.STREAMING)
    job = Job("local", messages[-1], dropped_turns=2)
    drawn = render.transcript(replace(opened(messages), job=job), Language.EN)
    assert ["The first 2 turns" in str(bubble) for bubble in drawn.earlier][3]


@pytest.mark.parametrize(
    ("progress", "text"),
    [
        (Progress("a", position=1), "Waiting · next in line"),
        (Progress("a", position=3, wait_s=12.4), "Waiting · 2 ahead of you · about 12 s"),
        (Progress("a", status=Status.STREAMING), "Reading the prompt"),
        (
            Progress("a", "Hel", Status.STREAMING, tokens_per_s=39.21),
            "Writing · 39.2 tokens/s",
        ),
    ],
)
def test_a_running_answer_shows_its_progress(progress: Progress, text: str) -> None:
    assert under_a_message.live_figures(progress, Language.EN) == text


def test_an_open_message_in_the_store_is_rendered_as_running() -> None:
    message = replace(ANSWER, status=Status.STREAMING)
    assert "Writing" in under(message)


@pytest.mark.parametrize(
    ("written", "rendered"),
    [
        (r"Let \(x = ", "Let "),
        (r"Let \(x = 1\) and \(y", r"Let \(x = 1\) and "),
        ("So $$a = ", "So "),
        ("So $$a$$ holds", "So $$a$$ holds"),
        (r"Then \[ \sum", "Then "),
        ("It costs $5 and $10", "It costs $5 and $10"),
        ("```python\nre.match(r'\\(", "```python\nre.match(r'\\("),
        (r"stray \( " + "x" * 700, r"stray \( " + "x" * 700),
    ],
)
def test_an_unclosed_formula_is_not_rendered_yet(written: str, rendered: str) -> None:
    assert settled(written) == rendered


@pytest.mark.parametrize(
    ("seconds", "words"), [(42.0, "about 42 s left"), (190.0, "about 3 min left")]
)
def test_loading_shows_percent_stage_and_remaining_time(seconds: float, words: str) -> None:
    state = EngineState(Phase.LOADING, LoadStage.DOWNLOAD, 0.42, seconds)
    assert chrome.loading(state, Language.EN) == f"42% · Downloading the model · {words}"


@pytest.mark.parametrize("stage", LoadStage)
@pytest.mark.parametrize("phase", Phase)
@pytest.mark.parametrize("language", Language)
def test_every_engine_state_is_rendered(stage: LoadStage, phase: Phase, language: Language) -> None:
    state = EngineState(phase, stage)
    assert chrome.header(None, state, language)
    assert chrome.welcome(None, state, language)


def test_the_header_shows_the_quantization() -> None:
    info = engine_info()
    ready = EngineState(Phase.READY)
    assert "bf16 · cpu" in chrome.header(info, ready, Language.EN)
    assert "nf4 · cpu" in chrome.header(replace(info, quantization="nf4"), ready, Language.EN)


def test_warnings_are_displayed_above_the_conversation() -> None:
    notes = replace(engine_info(), notes=("starter-model", "one-at-a-time"))
    markup = chrome.banners(notes, Language.EN, open_to_network=True)
    assert "without a login" in markup
    assert "python download_model.py --model Qwen2.5-7B-Instruct" in markup
    assert "one at a time" in markup
    assert chrome.banners(engine_info(), Language.EN, open_to_network=False) == ""


def engine_info() -> EngineInfo:
    info = ScriptedEngine().info
    assert info is not None
    return info
