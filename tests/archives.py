"""Conversations for tests of files: a fixed one, and Hypothesis strategies."""

from datetime import UTC, datetime, timedelta, timezone

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from chat.conversations.attachments import attachment
from chat.conversations.models import (
    Archive,
    Attachment,
    Conversation,
    Message,
    Origin,
    PresetText,
)
from chat.models import (
    ChatOptions,
    Finish,
    PresetRef,
    Provenance,
    Role,
    Sampling,
    Status,
    Timing,
    Usage,
)
from formats.exporting import Format, export_file
from formats.words import ExportLanguage

unhurried = settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
"""Hypothesis settings without a deadline: the machine may be busy."""

OWNER = "somebody"
NOW = datetime(2026, 11, 22, 9, 30, 15, 123456, UTC)

TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=40)
NAMES = TEXTS.map(lambda text: text[:20])
TIMES = st.timedeltas(timedelta(days=-9999), timedelta(days=9999)).map(lambda ago: NOW - ago)
COUNTS = st.integers(0, 2**53 - 1)
AMOUNTS = st.floats(0, 1e9)
SAMPLINGS = st.builds(
    Sampling,
    temperature=st.none() | st.floats(0, 2),
    top_p=st.none() | st.floats(0.01, 1),
    top_k=st.none() | st.integers(0, 1000),
    repetition_penalty=st.none() | st.floats(0.5, 2),
    max_new_tokens=st.none() | st.integers(1, 131_072),
    seed=st.none() | st.integers(0, 2**53 - 1),
    stop=st.lists(TEXTS.filter(bool), max_size=2).map(tuple),
    presence_penalty=st.none() | st.floats(-2, 2),
    frequency_penalty=st.none() | st.floats(-2, 2),
    min_new_tokens=st.none() | st.integers(0, 131_072),
)
PRESETS = st.builds(PresetRef, id=st.text("abc-1", min_size=1, max_size=8), version=COUNTS)
PROVENANCES = st.builds(
    Provenance,
    model=NAMES,
    revision=NAMES,
    quantization=NAMES,
    engine=NAMES,
    sampling=SAMPLINGS,
    prompt_sha256=NAMES,
    dropped_turns=COUNTS,
    system_prompt=TEXTS,
    preset=st.none() | PRESETS,
    continued_characters=COUNTS,
)
TIMINGS = st.builds(
    Timing,
    queue_s=AMOUNTS,
    prefill_s=AMOUNTS,
    ttft_s=AMOUNTS,
    total_s=AMOUNTS,
    decode_tokens_per_s=AMOUNTS,
    reused_prompt_tokens=COUNTS,
)
ATTACHMENTS = st.builds(attachment, NAMES, TEXTS)
PRESET_TEXTS = st.builds(
    PresetText,
    name=NAMES.filter(bool),
    system_prompt=TEXTS,
    sampling=SAMPLINGS,
    questions=st.lists(TEXTS.filter(bool), max_size=3).map(tuple),
    language=st.sampled_from(["", "zh", "en"]),
)


@st.composite
def archives(draw: st.DrawFn) -> Archive:
    """Any tree of up to eight messages, with any of its messages as the head."""
    ids = [f"m{number}" for number in range(draw(st.integers(0, 8)))]
    messages = [
        Message(
            id=message_id,
            conversation_id="c",
            parent_id=draw(st.sampled_from([None, *ids[:number]])),
            role=draw(st.sampled_from([Role.USER, Role.ASSISTANT])),
            content=draw(TEXTS),
            status=draw(st.sampled_from(Status)),
            created_at=draw(TIMES),
            finish=draw(st.sampled_from([None, Finish.STOP, Finish.LENGTH])),
            usage=draw(st.none() | st.builds(Usage, COUNTS, COUNTS)),
            timing=draw(st.none() | TIMINGS),
            provenance=draw(st.none() | PROVENANCES),
            error_code=draw(st.none() | NAMES),
            attachments=tuple(draw(st.lists(ATTACHMENTS, max_size=2))),
            origin=draw(st.sampled_from(Origin)),
        )
        for number, message_id in enumerate(ids)
    ]
    conversation = Conversation(
        id="c",
        owner_id=OWNER,
        title=draw(NAMES),
        options=ChatOptions(draw(TEXTS), draw(SAMPLINGS), draw(st.none() | PRESETS)),
        head_id=draw(st.sampled_from([None, *ids])),
        created_at=draw(TIMES),
        updated_at=draw(TIMES),
        pinned=draw(st.booleans()),
        archived=draw(st.booleans()),
    )
    return Archive(conversation, tuple(messages))


def example(title: str = "A table", answer: str = "Here it is.") -> Archive:
    """A question with a file, an answer on the selected path, and a sibling of it."""
    conversation = Conversation(
        id="c",
        owner_id=OWNER,
        title=title,
        options=ChatOptions("Be brief.", Sampling(temperature=0.2), PresetRef("maths.en", 3)),
        head_id="shown",
        created_at=NOW,
        updated_at=NOW.astimezone(timezone(timedelta(hours=8))),
        pinned=True,
    )
    question = Message(
        id="question",
        conversation_id="c",
        parent_id=None,
        role=Role.USER,
        content="What is in <the> *table*?",
        status=Status.DONE,
        created_at=NOW,
        attachments=(Attachment("sales.csv", "year,sum\n2026,```3```"),),
    )
    provenance = Provenance(
        "Qwen2.5-7B-Instruct", "r1", "nf4", "local", Sampling(seed=7), "f00", preset=None
    )
    answers = [
        Message(
            id=message_id,
            conversation_id="c",
            parent_id="question",
            role=Role.ASSISTANT,
            content=content,
            status=Status.DONE,
            created_at=NOW,
            finish=Finish.STOP,
            usage=Usage(12, 4),
            timing=Timing(ttft_s=0.25),
            provenance=provenance,
        )
        for message_id, content in [("hidden", "Another version."), ("shown", answer)]
    ]
    return Archive(conversation, (question, *answers))


def exported_file(archive: Archive, kind: Format, language: ExportLanguage) -> bytes:
    """The file of one conversation alone."""
    file = export_file(kind, language, single=True)
    return file.add(archive) + file.end()
