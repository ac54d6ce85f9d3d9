"""Every word the page shows, in English and Chinese. Knows no component and no domain value."""

from collections.abc import Mapping
from enum import StrEnum


class Language(StrEnum):
    """The languages of the page; the value is also the HTML `lang`."""

    EN = "en"
    ZH = "zh"


NAMES: Mapping[Language, str] = {Language.ZH: "中", Language.EN: "EN"}
"""What the switch shows: the same in every language, so that nobody is locked out."""

EN: Mapping[str, str] = {
    # Controls. These words are also the accessible names.
    "message": "Message",
    "send": "Send",
    "stop": "Stop",
    "new-chat": "New chat",
    "retry": "Retry",
    "copy": "Copy",
    "copied": "Copied",
    "system-prompt": "System prompt",
    "settings": "Settings",
    "conversations": "Conversations",
    "language": "Language",
    "theme": "Dark or light",
    "close": "Close",
    "scroll-down": "To the newest message",
    "clear": "Clear conversation",
    "clear-question": "Delete this conversation for good?",
    "clear-yes": "Delete",
    "clear-no": "Keep",
    # The composer and what stands around it.
    "message-placeholder": "Ask anything · Shift+Enter: new line",
    "notice": "AI-generated, check before use",
    "transcript": "Conversation",
    "starter-model": "This is a small starter model for code (0.5B): expect mistakes. "
    "Fetch a real one, then restart:",
    "one-at-a-time": "This model is spread over several devices: "
    "answers are written one at a time.",
    "open-to-network": "This page is open to the network without a login: "
    "everybody who reaches it can read and write all conversations.",
    # The empty page.
    "welcome-title": "What would you like to know?",
    "welcome-text": "A private chat with {model}. It runs on this server; "
    "nothing you write leaves it.",
    "welcome-text-loading": "A private chat with Qwen2.5. It runs on this server; "
    "nothing you write leaves it.",
    "example-1": "Explain how a hash table works, with a small Python example",
    "example-2": "Solve x² − 5x + 6 = 0 step by step",
    "example-3": "Write a polite e-mail that moves a meeting to Thursday",
    "example-4": "Compare lists, tuples and sets of Python in a table",
    # The list of conversations.
    "today": "Today",
    "last-7-days": "Last 7 days",
    "older": "Older",
    "no-conversations": "Your conversations will be listed here.",
    "show-more": "Show more",
    "being-answered": "being answered",
    # The model's state.
    "state-loading": "Loading",
    "state-ready": "Ready",
    "state-degraded": "Recovering",
    "state-dead": "Not running",
    "stage-download": "Downloading the model",
    "stage-convert": "Converting the model",
    "stage-verify": "Checking the files",
    "stage-load": "Loading the model",
    "stage-warm-up": "Warming up",
    "no-model": "Model not known yet",
    "loading-hint": "You can already write; sending works as soon as the model is ready.",
    "dead-hint": "The model could not be started. The server's log says why.",
    "seconds-left": "about {seconds} s left",
    "minutes-left": "about {minutes} min left",
    # Under an answer.
    "waiting": "Waiting",
    "ahead-0": "next in line",
    "ahead": "{count} ahead of you",
    "wait": "about {seconds} s",
    "reading": "Reading the prompt",
    "writing": "Writing",
    "tokens": "{count} tokens",
    "first-token": "first token {seconds} s",
    "rate": "{rate} tokens/s",
    "reused": "reused {reused} / {prompt}",
    "cut-by-length": "Cut at the longest allowed answer.",
    "stopped": "Stopped.",
    "interrupted": "Interrupted when the server was stopped. What was written is kept.",
    "dropped-1": "The first turn is no longer in the context",
    "dropped": "The first {count} turns are no longer in the context",
    # Settings.
    "system-prompt-info": "What the model is told before the conversation begins.",
    "sampling": "Sampling",
    "sampling-info": "Empty fields take the model's own defaults, which they show.",
    "temperature": "Temperature",
    "temperature-info": "0 always takes the likeliest word; higher is more varied",
    "top_p": "Top-p",
    "top_p-info": "Choose among the likeliest words up to this share",
    "top_k": "Top-k",
    "top_k-info": "Choose among this many words; 0 takes all",
    "repetition_penalty": "Repetition penalty",
    "repetition_penalty-info": "Above 1 discourages repeating",
    "max_new_tokens": "Longest answer (tokens)",
    "max_new_tokens-info": "The answer is cut here",
    "seed": "Seed",
    "seed-info": "The same seed repeats the same answer",
    "stop_strings": "Stop strings",
    "stop_strings-info": "One a line; the answer ends before the first that appears",
    "random": "random",
    "none": "none",
    # What went wrong, by code: on the way in …
    "error-empty_message": "Write something first.",
    "error-bad_text": "The text holds characters that cannot be stored (NUL or half of a "
    "surrogate pair). Remove them and send again.",
    "error-message_too_long": "The text has {characters} characters; at most {limit} are taken. "
    "Shorten it and send again.",
    "error-invalid_setting": "{name} must be between {low} and {high}.",
    "error-bad_preset_name": "Give the preset a name of 1 to {limit} characters in one line.",
    "error-bad_preset_questions": "A preset takes up to {count} opening questions of 1 to {limit} "
    "characters each, without control characters.",
    "error-context_length_exceeded": "This message has {tokens} tokens; the model takes {limit}. "
    "Shorten it and send again.",
    "error-answer_running": "An answer is still being written here. Stop it, or wait for its end.",
    "error-conversation_moved": "The conversation went on in another tab; here is its end now.",
    "error-not_found": "This conversation does not exist any more.",
    "error-server_overloaded": "Too many questions are waiting ({limit}). Try again in a moment; "
    "your text is still in the box.",
    "error-shutting_down": "The server is being stopped. Your text is still in the box.",
    "error-engine_not_ready": "The model is not ready yet. Your text stays in the box; "
    "send it as soon as the dot is green.",
    "error-bad_request": "This cannot be done here.",
    "error-store_failed": "The conversation could not be saved or read. Is the disk full, or the "
    "database gone?",
    "error-internal_error": "Something went wrong. The server's log has the details.",
    # … and in place of an answer.
    "answer-queue_timeout": "The wait for a free place took too long. Please try again.",
    "answer-request_timeout": "The answer took longer than allowed and was ended. "
    "Please try again, or ask for less.",
    "answer-engine_stalled": "The model stopped responding. Please try again.",
    "answer-out_of_memory": "The model ran out of memory on this answer. "
    "Please try again with a shorter conversation.",
    "answer-failed": "Sorry, this answer could not be written. Please try again.",
}

ZH: Mapping[str, str] = {
    "message": "消息",
    "send": "发送",
    "stop": "停止",
    "new-chat": "新对话",
    "retry": "重试",
    "copy": "复制",
    "copied": "已复制",
    "system-prompt": "系统提示词",
    "settings": "设置",
    "conversations": "对话列表",
    "language": "语言",
    "theme": "深色或浅色",
    "close": "关闭",
    "scroll-down": "回到最新消息",
    "clear": "清除对话",
    "clear-question": "确定永久删除这个对话？",
    "clear-yes": "删除",
    "clear-no": "保留",
    "message-placeholder": "想问点什么…　Shift+Enter 换行",
    "notice": "AI 生成内容仅供参考，请核实后使用",
    "transcript": "对话",
    "starter-model": "当前是用于代码的小型入门模型（0.5B），难免出错。获取正式模型后请重启：",
    "one-at-a-time": "模型分布在多个设备上，回答只能逐个生成。",
    "open-to-network": "本页面未设登录即对网络开放：能访问到它的人都可以读写全部对话。",
    "welcome-title": "想了解点什么？",
    "welcome-text": "与 {model} 的私密对话。模型运行在这台服务器上，你写的内容不会外传。",
    "welcome-text-loading": "与 Qwen2.5 的私密对话。模型运行在这台服务器上，你写的内容不会外传。",
    "example-1": "用一个简短的 Python 例子解释哈希表的原理",
    "example-2": "一步一步求解方程 x² − 5x + 6 = 0",
    "example-3": "写一封礼貌的邮件，把会议改到周四",
    "example-4": "用表格比较 Python 的列表、元组和集合",
    "today": "今天",
    "last-7-days": "最近 7 天",
    "older": "更早",
    "no-conversations": "你的对话会列在这里。",
    "show-more": "显示更多",
    "being-answered": "正在回答",
    "state-loading": "加载中",
    "state-ready": "就绪",
    "state-degraded": "恢复中",
    "state-dead": "未运行",
    "stage-download": "正在下载模型",
    "stage-convert": "正在转换模型",
    "stage-verify": "正在校验文件",
    "stage-load": "正在加载模型",
    "stage-warm-up": "正在预热",
    "no-model": "尚未确定模型",
    "loading-hint": "可以先写好问题；模型就绪后即可发送。",
    "dead-hint": "模型未能启动，原因见服务器日志。",
    "seconds-left": "约剩 {seconds} 秒",
    "minutes-left": "约剩 {minutes} 分钟",
    "waiting": "排队中",
    "ahead-0": "下一个就是你",
    "ahead": "前面还有 {count} 个",
    "wait": "约 {seconds} 秒",
    "reading": "正在阅读提示",
    "writing": "正在生成",
    "tokens": "{count} tokens",
    "first-token": "首字 {seconds} s",
    "rate": "{rate} token/s",
    "reused": "复用 {reused} / {prompt}",
    "cut-by-length": "已达到回答长度上限，内容被截断。",
    "stopped": "已停止。",
    "interrupted": "服务器停止时中断，已写的内容已保留。",
    "dropped-1": "最早的 1 轮已不在上下文中",
    "dropped": "最早的 {count} 轮已不在上下文中",
    "system-prompt-info": "在对话开始之前告诉模型的话。",
    "sampling": "采样",
    "sampling-info": "留空即采用模型自己的默认值（框中所示）。",
    "temperature": "温度",
    "temperature-info": "0 总取最可能的词；越高越多样",
    "top_p": "Top-p",
    "top_p-info": "只在累计概率达到此值的词中选择",
    "top_k": "Top-k",
    "top_k-info": "只在最可能的若干个词中选择；0 为全部",
    "repetition_penalty": "重复惩罚",
    "repetition_penalty-info": "大于 1 会减少重复",
    "max_new_tokens": "回答长度上限（token）",
    "max_new_tokens-info": "回答到此截断",
    "seed": "随机种子",
    "seed-info": "相同的种子得到相同的回答",
    "stop_strings": "停止字符串",
    "stop_strings-info": "每行一个；回答在最先出现者之前结束",
    "random": "随机",
    "none": "无",
    "error-empty_message": "请先写点什么。",
    "error-bad_text": "文本含有无法保存的字符（NUL 或半个代理对），请删除后再发送。",
    "error-message_too_long": "文本有 {characters} 个字符，最多接受 {limit} 个。请缩短后再发送。",
    "error-invalid_setting": "{name}须在 {low} 与 {high} 之间。",
    "error-bad_preset_name": "请给预设起一个名称：一行，1 至 {limit} 个字符。",
    "error-bad_preset_questions": "预设最多有 {count} 个开场问题，"
    "每个 1 至 {limit} 个字符，不含控制字符。",
    "error-context_length_exceeded": "这条消息有 {tokens} 个 token，模型最多接受 {limit} 个。"
    "请缩短后再发送。",
    "error-answer_running": "这里还有回答正在生成，请停止它或等它结束。",
    "error-conversation_moved": "对话已在另一个标签页中继续，现在显示的是最新内容。",
    "error-not_found": "这个对话已不存在。",
    "error-server_overloaded": "排队的问题太多（{limit} 个）。请稍后再试，你的文字仍在输入框中。",
    "error-shutting_down": "服务器正在停止，你的文字仍在输入框中。",
    "error-engine_not_ready": "模型尚未就绪。你的文字仍在输入框中，等圆点变绿后再发送。",
    "error-bad_request": "这里不能这样做。",
    "error-store_failed": "对话未能保存或读取。磁盘是否已满，或数据库无法连接？",
    "error-internal_error": "出错了，详情见服务器日志。",
    "answer-queue_timeout": "等待空位的时间过长，请重试。",
    "answer-request_timeout": "回答超过允许的时间，已被终止。请重试，或把问题问得小一些。",
    "answer-engine_stalled": "模型停止了响应，请重试。",
    "answer-out_of_memory": "生成这个回答时内存不足，请缩短对话后重试。",
    "answer-failed": "抱歉，这个回答未能生成，请重试。",
}

TEXTS: Mapping[Language, Mapping[str, str]] = {Language.EN: EN, Language.ZH: ZH}


def text(language: Language, key: str, **values: object) -> str:
    """The words for `key`, with `values` filled in."""
    return TEXTS[language][key].format(**values)


def refusal(language: Language, code: str, values: Mapping[str, object]) -> str:
    """The sentence for a request that was refused with that error code."""
    known = TEXTS[language]
    named = dict(values)
    if "name" in named:  # a setting: say it as its field does
        named["name"] = known.get(_field(str(named["name"])), named["name"])
    return known.get(f"error-{code}", known["error-internal_error"]).format(**named)


def fallback_answer(language: Language, code: str | None) -> str:
    """What stands in place of an answer that failed with that error code."""
    known = TEXTS[language]
    return known.get(f"answer-{code}", known["answer-failed"])


def choose_language(remembered: str | None, accept_language: str) -> Language:
    """The language that was chosen before, else the first of the browser's that is ours."""
    if remembered in set(Language):
        return Language(remembered)
    for wish in accept_language.lower().split(","):
        tongue = wish.strip()[:2]
        if tongue in set(Language):
            return Language(tongue)
    return Language.EN


def _field(setting: str) -> str:
    return "stop_strings" if setting == "stop" else setting
