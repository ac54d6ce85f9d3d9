"""The app does not start with packages that are too old to be safe."""

import pytest

from api.ops.minimum_versions import MINIMUM_VERSIONS, check_minimum_versions
from chat.errors import StartupError


def test_the_installed_versions_are_new_enough() -> None:
    check_minimum_versions()
    assert {
        "gradio",
        "starlette",
        "torch",
        "transformers",
        "python-multipart",
    } == MINIMUM_VERSIONS.keys()


def test_a_package_below_its_minimum_version_is_named_with_advice() -> None:
    with pytest.raises(StartupError, match=r"^starlette .* is too old .* 99 is needed.*start\.sh"):
        check_minimum_versions({"starlette": "99"})


def test_a_missing_package_is_named() -> None:
    with pytest.raises(StartupError, match=r"^no-such-package is not installed"):
        check_minimum_versions({"no-such-package": "1"})
