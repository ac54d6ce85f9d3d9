"""Clients of the two model hubs with one protocol: list a model's files, and fetch one.

Owns which files of a repository are needed. Knows nothing of folders, disks or progress bars. The
hub libraries read addresses and tokens themselves: HF_ENDPOINT, HF_TOKEN, MODELSCOPE_….
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import PurePosixPath
from typing import Any, BinaryIO, Protocol

import httpx2
from huggingface_hub import HfApi, get_session, get_token, hf_hub_url
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from modelscope_hub import HubApi
from modelscope_hub.errors import HubError, NetworkError, NotExistError, ServerError

from chat.errors import ModelUnavailable

CONTACT_TIMEOUT_S = 5.0
"""Time for a hub to answer, before the next source is tried."""
READ_TIMEOUT_S = 20.0
"""Longest silence of a download, before it is retried."""
MODEL_FILES = ("*.safetensors", "*.json", "*.jinja", "merges.txt", "LICENSE*")


class Unreachable(ModelUnavailable):
    """The source does not answer; another one may."""


class NotOffered(ModelUnavailable):
    """The source answers, but does not give this model."""


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file of a repository: size in bytes, sha256 if the hub states it, and its URL."""

    path: str
    size: int
    sha256: str | None
    url: str


@dataclass(frozen=True, slots=True)
class Listing:
    """The needed files of a model at one commit, `revision`."""

    hub_id: str
    revision: str
    licence: str
    files: Sequence[RemoteFile]

    @property
    def size(self) -> int:
        return sum(file.size for file in self.files)


class Hub(Protocol):
    """A place that offers models."""

    @property
    def name(self) -> str:
        """The value of --source."""

    @property
    def title(self) -> str:
        """The name in messages."""

    def listing(self, hub_id: str, revision: str | None) -> Listing:
        """The model's files. Raises Unreachable or NotOffered."""

    def fetch(self, file: RemoteFile, into: BinaryIO, advance: Callable[[int], None]) -> None:
        """Append the bytes that `into` does not have yet. Raises Unreachable."""


class HuggingFace:
    """huggingface.co, or the mirror that HF_ENDPOINT names."""

    name = "huggingface"
    title = "Hugging Face"

    def __init__(self, endpoint: str | None = None) -> None:
        self._api = HfApi(endpoint=endpoint)

    def listing(self, hub_id: str, revision: str | None) -> Listing:
        with _plain_errors(self.title, hub_id):
            info = self._api.model_info(
                hub_id, revision=revision, files_metadata=True, timeout=CONTACT_TIMEOUT_S
            )
        commit = info.sha or revision or "main"
        return Listing(
            hub_id=hub_id,
            revision=commit,
            licence=next((tag[8:] for tag in info.tags or () if tag.startswith("license:")), ""),
            files=[
                RemoteFile(
                    path=item.rfilename,
                    size=item.size or 0,
                    sha256=item.lfs.sha256 if item.lfs else None,
                    url=hf_hub_url(
                        hub_id, item.rfilename, revision=commit, endpoint=self._api.endpoint
                    ),
                )
                for item in info.siblings or ()
                if is_model_file(item.rfilename)
            ],
        )

    def fetch(self, file: RemoteFile, into: BinaryIO, advance: Callable[[int], None]) -> None:
        _get(self.title, file, _bearer(get_token()), into, advance)


class ModelScope:
    """modelscope.cn, or the address in MODELSCOPE_ENDPOINT."""

    name = "modelscope"
    title = "ModelScope"

    def __init__(self, endpoint: str | None = None) -> None:
        self._client = HubApi(endpoint=endpoint).legacy

    def listing(self, hub_id: str, revision: str | None) -> Listing:
        branch = revision or "master"
        with _plain_errors(self.title, hub_id):
            # The library retries for minutes, so check first that the host answers.
            httpx2.head(self._client.endpoint, timeout=CONTACT_TIMEOUT_S)
            entries = self._client.list_repo_files(hub_id, "model", revision=branch)
        newest = max(entries, key=lambda entry: entry.get("CommittedDate") or 0, default={})
        return Listing(
            hub_id=hub_id,
            revision=newest.get("Revision") or branch,
            licence="",
            files=[self._file(hub_id, branch, entry) for entry in entries if _is_file(entry)],
        )

    def _file(self, hub_id: str, branch: str, entry: Mapping[str, Any]) -> RemoteFile:
        return RemoteFile(
            path=entry["Path"],
            size=int(entry.get("Size") or 0),
            sha256=entry.get("Sha256") or None,
            url=self._client.get_download_url(hub_id, "model", entry["Path"], branch),
        )

    def fetch(self, file: RemoteFile, into: BinaryIO, advance: Callable[[int], None]) -> None:
        _get(self.title, file, _bearer(self._client.token), into, advance)


def is_model_file(path: str) -> bool:
    """Whether the file is needed: safetensors, configuration or tokenizer at the top level."""
    return PurePosixPath(path).name == path and any(fnmatch(path, item) for item in MODEL_FILES)


def _is_file(entry: Mapping[str, Any]) -> bool:
    return entry.get("Type") != "tree" and is_model_file(str(entry.get("Path")))


def _bearer(token: str | None) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"} if token else {}


def _get(
    title: str,
    file: RemoteFile,
    headers: dict[str, str],
    into: BinaryIO,
    advance: Callable[[int], None],
) -> None:
    """Download the rest of a file over HTTP, writing each chunk as it arrives.

    Not by the hub libraries: one discards partial files when interrupted, the other buffers ten
    megabytes before it writes, which a bad connection may never deliver in one piece.
    """
    start = into.tell()
    if start == file.size:
        return
    request_headers = headers | {"Accept-Encoding": "identity"}
    if start:
        request_headers["Range"] = f"bytes={start}-"
    with (
        _plain_errors(title, file.path),
        get_session().stream(
            "GET", file.url, headers=request_headers, timeout=READ_TIMEOUT_S, follow_redirects=True
        ) as answer,
    ):
        answer.raise_for_status()
        if start and answer.status_code != httpx2.codes.PARTIAL_CONTENT:
            into.truncate(0)  # some servers ignore Range, often for small files
            advance(-start)
        for chunk in answer.iter_raw():
            into.write(chunk)
            advance(len(chunk))


@contextmanager
def _plain_errors(title: str, what: str) -> Iterator[None]:
    """Convert the libraries' errors to Unreachable or NotOffered."""
    try:
        yield
    except (RepositoryNotFoundError, NotExistError, HFValidationError) as error:
        gated = isinstance(error, GatedRepoError)
        why = "asks for a login to give" if gated else "does not have"
        raise NotOffered(f"{title} {why} {what}") from error
    except RevisionNotFoundError as error:
        raise NotOffered(f"{title} does not have that revision of {what}") from error
    except (HfHubHTTPError, httpx2.HTTPStatusError) as error:
        raise Unreachable(f"{title} answers {error.response.status_code} for {what}") from error
    except (httpx2.HTTPError, OfflineModeIsEnabled, NetworkError, ServerError) as error:
        raise Unreachable(f"{title} does not answer") from error
    except HubError as error:
        raise Unreachable(f"{title} refuses {what}") from error
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        # Another server answers, such as the login page of a captive portal.
        raise Unreachable(f"{title} is not what answers at its address") from error
