"""The texts of exported pages, in both languages."""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from chat.conversations.models import Message, Origin
from chat.models import Finish, Role, Status


class ExportLanguage(StrEnum):
    """The language of the headings of an export; messages are not translated."""

    EN = "en"
    ZH = "zh"

    @property
    def words(self) -> "Wording":
        return ENGLISH if self is ExportLanguage.EN else CHINESE


@dataclass(frozen=True, slots=True)
class Wording:
    """The texts of one language."""

    tag: str
    user: str
    assistant: str
    system: str
    edited: str
    imported: str
    cut: str
    stopped: str
    interrupted: str
    failed: str
    picture: str
    untitled: str
    notice: str

    def speaker(self, message: Message) -> str:
        return self.user if message.role is Role.USER else self.assistant

    def remarks(self, message: Message) -> list[str]:
        """The details of a message: model, origin and how it ended."""
        ends = {
            Status.STOPPED: self.stopped,
            Status.INTERRUPTED: self.interrupted,
            Status.ERROR: self.failed,
        }
        origins = {Origin.EDITED: self.edited, Origin.IMPORTED: self.imported}
        cut = self.cut if message.finish is Finish.LENGTH else ""
        model = message.provenance.model if message.provenance else ""
        found = [model, origins.get(message.origin, ""), ends.get(message.status, ""), cut]
        return [remark for remark in found if remark]


ENGLISH = Wording(
    tag="en",
    user="You",
    assistant="Assistant",
    system="System prompt",
    edited="edited",
    imported="imported",
    cut="cut off by its length",
    stopped="stopped",
    interrupted="interrupted",
    failed="failed",
    picture="picture",
    untitled="Conversation",
    notice="Written by a language model, which makes mistakes: check what matters.",
)
CHINESE = Wording(
    tag="zh-CN",
    user="您",
    assistant="助手",
    system="系统提示词",
    edited="已编辑",
    imported="已导入",
    cut="因长度被截断",
    stopped="已停止",
    interrupted="已中断",
    failed="失败",
    picture="图片",
    untitled="对话",
    notice="由语言模型生成，可能有误，请核实后使用。",
)


def moment(time: datetime) -> str:
    """A time in UTC, because the reader's time zone is unknown."""
    return time.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
