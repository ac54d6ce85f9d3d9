"""The oldest safe versions of packages; checked at each start."""

from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version

from packaging.version import Version

from chat.errors import StartupError

MINIMUM_VERSIONS: Mapping[str, str] = {
    "gradio": "6.25",  # respects our CORS middleware; fixes of file and proxy routes
    "python-multipart": "0.0.34",  # denial of service by crafted forms
    "starlette": "1.0.1",  # checks bypassed by a crafted Host header
    "torch": "2.6",  # code execution when weights are loaded
    "transformers": "5.20",  # control tokens typed by users stay text
}
ADVICE = "Run ./start.sh, or: pip install -r requirements.txt"


def check_minimum_versions(minimums: Mapping[str, str] = MINIMUM_VERSIONS) -> None:
    """Raise StartupError if a package is missing or older than its minimum version."""
    for package, minimum in minimums.items():
        try:
            installed = version(package)
        except PackageNotFoundError:
            raise StartupError(f"{package} is not installed. {ADVICE}") from None
        if Version(installed) < Version(minimum):
            raise StartupError(
                f"{package} {installed} is too old to be safe: {minimum} is needed. {ADVICE}"
            )
