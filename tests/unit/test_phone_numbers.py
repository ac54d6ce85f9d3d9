"""Which telephone numbers are masked, in every way they are written, and what is none."""

import pytest

from formats.redaction.redactor import Redactor


@pytest.mark.parametrize(
    ("text", "left"),
    [
        # Mobile numbers of China
        ("电话13800138000。", "电话[phone]。"),
        ("请打13800138000找我", "请打[phone]找我"),
        ("（13800138000）", "（[phone]）"),
        ("tel13800138000 wx_13800138000", "tel[phone] wx_[phone]"),
        ("Tel.13800138000", "Tel.[phone]"),
        ("+86 138-0013-8000", "[phone]"),
        ("电话+8613800138000。", "电话[phone]。"),
        ("Tel.+86 13800138000", "Tel.[phone]"),
        ("+(86)13800138000", "[phone]"),
        ("8613800138000 / 86-13800138000", "[phone] / [phone]"),
        ("008613800138000", "[phone]"),
        ("１３８００１３８０００", "[phone]"),
        ("＋８６　１３８－００１３－８０００", "[phone]"),
        ("138\u00a00013\u00a08000, 138–0013–8000", "[phone], [phone]"),
        ("17000000000", "[phone]"),  # a virtual operator
        # One after another, and behind other figures
        ("138 0013 8000 139 0013 9000", "[phone] [phone]"),
        ("13800138000/13900139000、13700137000", "[phone]/[phone]、[phone]"),
        ("2 138 1234 5678", "2 [phone]"),
        ("1. 138 1234 5678", "1. [phone]"),
        ("2026年138 1234 5678", "2026年[phone]"),
        ("+86 138 0013 8000 2 times", "[phone] 2 times"),
        # Landlines of China
        ("010-62345678", "[phone]"),
        ("座机01062345678", "座机[phone]"),
        ("(010) 62345678, (010)62345678, （010）62345678", "[phone], [phone], [phone]"),
        ("0755-8266 8888", "[phone]"),
        ("0755 1234 5678", "[phone]"),
        ("010-62345678-801", "[phone]-801"),
        ("021-6234 5678转8001", "[phone]转8001"),
        ("010 62345678 13800138000", "[phone] [phone]"),
        ("+86 10 6234 5678", "[phone]"),
        # Other countries
        ("+44 20 7946 0958", "[phone]"),
        ("+44 (0)20 7946 0958", "[phone]"),
        ("0044 20 7946 0958", "[phone]"),
        ("+1 (212) 555-0123", "[phone]"),
        ("+1-212-555-0123", "[phone]"),
        ("(212) 555-0123, 212-555-0123, 212.555.0123", "[phone], [phone], [phone]"),
        ("+33 1 23 45 67 89", "[phone]"),
        ("+49 30 901820", "[phone]"),
        ("+852 2123 4567 and +886 912 345 678", "[phone] and [phone]"),
        # With a plus, whether it is assigned or not
        ("+86 154 0013 8000", "[phone]"),
        ("+44 13800138000", "[phone]"),
    ],
)
def test_a_phone_number_is_masked(text: str, left: str) -> None:
    assert Redactor().mask(text) == left


@pytest.mark.parametrize(
    "text",
    [
        "1699999999",  # a time in seconds
        "1062345678",  # a landline needs its 0: these are any ten digits
        "95588 10086 12315 4008108888",  # services
        "13 800 138 000 / 1380 0138 000 / 1,380,013,800",
        "138001 38000",
        "订单号 123456789012",
        "订单20261122138001380001",
        "154 0013 8000",  # no operator has it
        "8 13800 1380001",
        "2026-11-22 12:00:00 2026-01-02 13:00",
        "2010-2020, 1990-01-01, 20261122",
        "￥1,380.01 $13800.13",
        "0.13800138000 3.13800138000",
        "v1.13.800138.0001 10.15.7 2.1.0-rc1",
        "192.168.100.100",
        "10.1007/s00453-004-1084-3",
        "ISBN 978-7-111-54742-6",
        "7+13900 a+12345678 5_+12345678",
        "0 1 2 3 4 5 6 7 8 9",
        "0x14200000143",
        "00000012345",
    ],
)
def test_what_is_no_phone_number_stays(text: str) -> None:
    assert Redactor().mask(text) == text


def test_a_sum_behind_a_masked_number_is_not_masked_the_second_time() -> None:
    once = Redactor(["Ann"]).mask("13800138000+12345678, Ann+12345678")
    assert once == "[phone]+12345678, [name]+12345678"
    assert Redactor(["Ann"]).mask(once) == once
