"""What is masked, what is not, and that no text takes long."""

import sys
from types import FrameType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from formats.redaction.redactor import (
    LONGEST_NAME,
    MOST_NAMES,
    PLACEHOLDERS,
    NameTooLong,
    Redactor,
    TooManyNames,
    names_of,
)

NAMES = ["张伟", "Bob Smith", "José", "Ann", "O'Neil", "(x)"]


def masked(text: str) -> str:
    return Redactor(NAMES).mask(text)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("write to ann.b+c@mail.example.org.", "write to [email]."),
        ("我的邮箱是foo@qq.com，谢谢", "我的邮箱是[email]，谢谢"),
        ("邮箱：ｆｏｏ＠ｑｑ．ｃｏｍ，谢谢", "邮箱：[email]，谢谢"),
        ("call +44 20 7946 0958 now", "call [phone] now"),
        ("call 0044 20 7946 0958", "call [phone]"),
        ("+1 (555) 123-4567", "[phone]"),
        ("555-123-4567", "[phone]"),
        ("电话13812345678。", "电话[phone]。"),
        ("138-1234-5678 / 138 1234 5678", "[phone] / [phone]"),
        ("+86 13812345678", "[phone]"),
        ("座机010-62345678", "座机[phone]"),
        ("身份证11010519491231002X。", "身份证[id]。"),
        ("身份证11010519491231002x", "身份证[id]"),
        ("110105 19491231 002X, 110105-19491231-002X", "[id], [id]"),
        ("１１０１０５１９４９１２３１００２Ｘ", "[id]"),
        ("110221196505050018", "[id]"),  # of a county that is no more
        ("810000199001010019", "[id]"),  # of Hong Kong
        ("4111 1111 1111 1111, 4111111111111111", "[card], [card]"),
        ("3782 822463 10005", "[card]"),
        ("3056 930902 5904", "[card]"),
        ("卡号4111-1111-1111-1111。", "卡号[card]。"),
        ("6222 0212 3456 7890 128", "[card]"),
        ("6222021234567890128", "[card]"),
        ("2026 4111 1111 1111 1111", "2026 [card]"),
        ("４１１１　１１１１　１１１１　１１１１", "[card]"),
        ("DE89 3704 0044 0532 0130 00 please", "[iban] please"),
        ("GB82WEST12345698765432", "[iban]"),
        ("账号DE89370400440532013000。", "账号[iban]。"),
        ("DE89-3704-0044-0532-0130-00", "[iban]"),
        ("FR14 2004 1010 0505 0001 3M02 606", "[iban]"),
        ("FR14 20041 01005 0500013M026 06", "[iban]"),
        ("gb82 west 1234 5698 7654 32 and", "[iban] and"),
        ("NO93 8601 1117 947, NO9386011117947", "[iban], [iban]"),
        ("CH93 0076 2011 6238 5295 7", "[iban]"),
        ("MT84 MALT 0110 0001 2345 MTLC AST0 01S", "[iban]"),
        ("DE89 3704 0044 0532 0130 00 GB82 WEST 1234 5698 7654 32", "[iban] [iban]"),
        ("AA11 1111 1111 DE89 3704 0044 0532 0130 00", "AA11 1111 1111 [iban]"),
        ("张伟和bob  smith", "[name]和[name]"),
        ("问Bob Smith吧, JOSÉ! O'Neil", "问[name]吧, [name]! [name]"),
        ("Jose\u0301 (x)", "[name] [name]"),
        ("ann@example.org is Ann", "[email] is [name]"),
    ],
)
def test_personal_data_are_masked(text: str, left: str) -> None:
    assert masked(text) == left


@pytest.mark.parametrize(
    "text",
    [
        "x² − 5x + 6 = 0, so x = 2 or x = 3",
        "3.14159265358979323846",
        "2026-11-22 12:00:00",
        "7+12345678 = 12345685",
        "10000000000000000",
        "110105194912310021",  # the check digit is wrong
        "4111 1111 1111 1112",
        "DE88370400440532013000",
        "NO94 8601 1117 947",
        "ZZ89370400440532013000",
        "110105194913310020",  # there is no month 13
        "-220289699947514112",  # nor a year 9699 with a month 94
        "2019 2020 2021 2022 2023 2024",
        "4111 1111 1111",
        "订单 2345-6789",
        "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16",
        "192.168.100.100:8080",
        "Annabelle and Joséphine and Joann",
        "@decorator, user@localhost",
        "name email phone [1]",
    ],
)
def test_similar_text_is_not_masked(text: str) -> None:
    assert masked(text) == text


def test_masked_items_are_counted() -> None:
    redactor = Redactor(NAMES)
    for text in ("Ann: a@b.cn, c@d.cn", "13812345678 张伟"):
        redactor.mask(text)
    assert redactor.masked == {"name": 2, "email": 2, "phone": 1}


def test_a_placeholder_is_not_a_name() -> None:
    assert Redactor(["email", "name"]).mask("a@b.cn, my name") == "[email], my [name]"


def test_a_list_of_names_has_one_on_each_line() -> None:
    listed = f"  Ann  Lee \n\nAnn Lee\nX\n张伟\n{'y' * LONGEST_NAME}\n"
    assert names_of(listed) == ["Ann Lee", "张伟", "y" * LONGEST_NAME]
    assert Redactor(names_of("")).mask("Ann") == "Ann"


def test_no_name_of_a_list_is_silently_dropped_or_truncated() -> None:
    many = [f"name {number}" for number in range(MOST_NAMES)]
    assert list(names_of("\n".join([*many, *many]))) == many
    with pytest.raises(TooManyNames, match="At most 2,000 names can be masked; these are 2,001"):
        names_of("\n".join([*many, "Ann"]))
    with pytest.raises(NameTooLong, match=r"Line 3 .* more than 100 characters"):
        names_of(f"Ann\n\n{'y' * (LONGEST_NAME + 1)}")


@given(st.text())
def test_masking_twice_changes_nothing(text: str) -> None:
    once = masked(text)
    assert masked(once) == once


@given(st.lists(st.sampled_from([*"0123456789+-. ()@aA张", "\n", "4111", "DE89", "@b.cn"])))
def test_any_text_is_masked_completely(pieces: list[str]) -> None:
    redactor = Redactor(NAMES)
    left = redactor.mask("".join(pieces) + " end a@b.cn")
    assert left.endswith(" end [email]")
    assert set(redactor.masked) <= set(PLACEHOLDERS)


def calls(text: str) -> int:
    """How many functions are called to mask the text: the same on every machine."""
    count = 0

    def count_call(frame: FrameType, event: str, argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    redactor = Redactor()
    sys.setprofile(count_call)
    try:
        redactor.mask(text)
    finally:
        sys.setprofile(None)
    return count


READS_ON = ["张", "4111 ", "AA11 ", "111 ", "001 ", "+1 2 3 4 5 6 7 8 ", "010-62345678 ", "a@b.cn"]
"""Each begins a number that reads on into the next piece, and is checked in parts."""


@pytest.mark.parametrize("piece", READS_ON)
def test_ten_times_the_text_takes_ten_times_the_work(piece: str) -> None:
    text = piece * (20_000 // len(piece))
    calls(text[:100])  # what is loaded once
    tenth, whole = calls(text[: len(text) // 10]), calls(text)
    assert whole <= 10.5 * tenth
    assert whole <= 500 * len(text)


def test_the_work_on_a_long_text_is_bounded() -> None:
    pieces = "".join(READS_ON)
    text = pieces * (100_000 // len(pieces))
    assert calls(text) <= 500 * len(text)


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "piece", ["a", "1", "a@", "+1", "4111 ", "AA11 ", "a.", "(0", "张", "Ann "]
)
def test_no_text_takes_more_than_its_length(piece: str) -> None:
    """Where a pattern went back over what it had read, the longest message would take hours."""
    many = names_of("\n".join(f"{letter}{number}" for number in range(100) for letter in "张Aabn"))
    text = piece * (200_000 // len(piece))
    assert len(Redactor(many).mask(text)) <= 2 * len(text)
