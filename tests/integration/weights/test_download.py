"""Downloads from a local hub that implements both protocols."""

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import pytest

import download_model
from chat.errors import ModelUnavailable
from chat.serving.models import LoadStage
from engine.weights.card import ModelCard, read_card
from engine.weights.download import Downloader
from engine.weights.fetch import Sources, fetch_model
from engine.weights.hubs import Hub, HuggingFace, ModelScope, Unreachable
from engine.weights.progress import DownloadProgress
from engine.weights.resolve import ResolvedModel
from engine.weights.verify import find_problems, sha256_of
from tests import hub_server
from tests.hub_server import COMMIT, Repo, serve_hub
from tests.tiny_model import SHARDS, write_tiny_model

HUB_ID = "Qwen/Qwen2.5-0.5B-Instruct"
NOWHERE = "http://127.0.0.1:9"  # the discard port: nobody listens


class NewHub(Protocol):
    def __call__(self, endpoint: str) -> Hub: ...


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The hub libraries read tokens and settings from the home folder."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    folder = write_tiny_model(tmp_path / "offered")
    for unwanted in ("README.md", "pytorch_model.bin", "modeling_evil.py"):
        (folder / unwanted).write_text("not wanted")
    return Repo(folder)


@pytest.fixture
def server(repo: Repo) -> Iterator[hub_server.Hub]:
    with serve_hub({HUB_ID: repo}) as server:
        yield server


@pytest.fixture(params=[HuggingFace, ModelScope])
def new_hub(request: pytest.FixtureRequest) -> NewHub:
    new_hub: NewHub = request.param
    return new_hub


@pytest.fixture
def model(tmp_path: Path) -> ResolvedModel:
    return ResolvedModel(
        "Qwen2.5-0.5B-Instruct", HUB_ID, tmp_path / "models" / "mine", "Apache-2.0"
    )


def fetch(hub: Hub, folder: Path, free_bytes: int = 10**12) -> list[DownloadProgress]:
    reported: list[DownloadProgress] = []
    listing = hub.listing(HUB_ID, None)
    card = ModelCard(name="mine", source=hub.name, revision=listing.revision)
    downloader = Downloader(
        hub, reported.append, lambda path: free_bytes, retry_waits_s=(0.01, 0.01)
    )
    downloader.download(listing, folder, card)
    return reported


def test_a_model_is_downloaded_completely_with_its_card(
    new_hub: NewHub, server: hub_server.Hub, repo: Repo, model: ResolvedModel
) -> None:
    hub = new_hub(server.url)
    folder = fetch_model(model, no_starter(hub), lambda progress: None, revision=None)
    assert find_problems(folder, hashes=True) == []
    card = read_card(folder)
    assert (card.source, card.revision, card.licence) == (hub.name, COMMIT, "Apache-2.0")
    assert card.hub_id == HUB_ID
    assert {name: record.sha256 for name, record in card.files.items()} == {
        name: sha256_of(repo.folder / name)
        for name in (*SHARDS, "config.json", "tokenizer.json", "model.safetensors.index.json")
    }


def test_nothing_but_weights_and_their_configuration_is_fetched(
    new_hub: NewHub, server: hub_server.Hub, tmp_path: Path
) -> None:
    fetch(new_hub(server.url), tmp_path / "mine")
    suffixes = {path.suffix for path in (tmp_path / "mine").iterdir()}
    assert suffixes == {".safetensors", ".json"}


def test_a_dropped_connection_is_resumed_where_it_broke(
    new_hub: NewHub, server: hub_server.Hub, repo: Repo, tmp_path: Path
) -> None:
    repo.drop_after[SHARDS[0]] = 60_000
    fetch(new_hub(server.url), tmp_path / "mine")
    assert find_problems(tmp_path / "mine", hashes=True) == []
    first, second = server.ranges(SHARDS[0])
    assert first == ""
    assert second.startswith("bytes=")
    assert 0 < int(second[6:-1]) <= 65_536


def test_a_lost_connection_is_an_error_and_the_partial_file_is_kept(
    new_hub: NewHub, server: hub_server.Hub, repo: Repo, tmp_path: Path
) -> None:
    repo.drop_always[SHARDS[0]] = 60_000
    with pytest.raises(ModelUnavailable, match="it goes on where it stopped"):
        fetch(new_hub(server.url), tmp_path / "mine")
    [part] = (tmp_path / "mine").glob(f"{SHARDS[0]}.*.part")
    assert 0 < part.stat().st_size < (repo.folder / SHARDS[0]).stat().st_size


def test_a_server_that_ignores_ranges_is_read_from_the_beginning(
    new_hub: NewHub, server: hub_server.Hub, repo: Repo, tmp_path: Path
) -> None:
    repo.drop_after[SHARDS[0]] = 60_000
    repo.ignores_ranges = True
    reported = fetch(new_hub(server.url), tmp_path / "mine")
    assert find_problems(tmp_path / "mine", hashes=True) == []
    assert reported[-1].bytes == reported[-1].total


def test_an_earlier_partial_file_is_completed_and_not_fetched_again(
    new_hub: NewHub, server: hub_server.Hub, repo: Repo, tmp_path: Path
) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    data = (repo.folder / SHARDS[1]).read_bytes()
    part = folder / f"{SHARDS[1]}.{sha256_of(repo.folder / SHARDS[1])[:8]}.part"
    part.write_bytes(data[:1000])
    (folder / SHARDS[0]).write_bytes((repo.folder / SHARDS[0]).read_bytes())
    fetch(new_hub(server.url), folder)
    assert server.ranges(SHARDS[0]) == []
    assert server.ranges(SHARDS[1]) == ["bytes=1000-"]
    assert find_problems(folder, hashes=True) == []
    assert list(folder.glob("*.part")) == []


def test_progress_counts_every_byte_and_ends_at_one(
    new_hub: NewHub, server: hub_server.Hub, repo: Repo, tmp_path: Path
) -> None:
    reported = fetch(new_hub(server.url), tmp_path / "mine")
    model = [path for path in repo.folder.iterdir() if path.suffix in (".json", ".safetensors")]
    last = [progress for progress in reported if progress.stage is LoadStage.DOWNLOAD][-1]
    assert last.bytes == last.total == sum(path.stat().st_size for path in model)
    assert last.progress == 1.0


def test_a_file_with_a_wrong_sha256_is_refused_and_deleted(
    new_hub: NewHub, server: hub_server.Hub, repo: Repo, tmp_path: Path
) -> None:
    repo.wrong_bytes.add(SHARDS[0])
    with pytest.raises(ModelUnavailable, match=f"{SHARDS[0]} arrived damaged"):
        fetch(new_hub(server.url), tmp_path / "mine")
    assert not list((tmp_path / "mine").glob(f"{SHARDS[0]}*"))


def test_a_repository_with_a_missing_shard_is_not_complete(
    new_hub: NewHub, server: hub_server.Hub, repo: Repo, tmp_path: Path
) -> None:
    (repo.folder / SHARDS[1]).unlink()
    with pytest.raises(ModelUnavailable, match=f"{SHARDS[1]}: missing"):
        fetch(new_hub(server.url), tmp_path / "mine")


def test_a_full_disk_is_detected_before_the_first_byte(
    new_hub: NewHub, server: hub_server.Hub, tmp_path: Path
) -> None:
    with pytest.raises(ModelUnavailable, match=r"0\.2 GB are needed, 0\.1 GB are free"):
        fetch(new_hub(server.url), tmp_path / "mine", free_bytes=100_000_000)
    assert server.ranges(SHARDS[0]) == []
    assert not (tmp_path / "mine").exists()


def test_weights_that_are_not_safetensors_are_refused(
    new_hub: NewHub, server: hub_server.Hub, repo: Repo, tmp_path: Path
) -> None:
    for shard in SHARDS:
        (repo.folder / shard).rename(repo.folder / f"{shard}.bin")
    with pytest.raises(ModelUnavailable, match="without weights as safetensors"):
        fetch(new_hub(server.url), tmp_path / "mine")


def test_a_complete_model_is_checked_without_any_network(
    server: hub_server.Hub, model: ResolvedModel
) -> None:
    fetch_model(model, no_starter(HuggingFace(server.url)), lambda progress: None, revision=None)
    silent = no_starter(HuggingFace(NOWHERE))
    assert fetch_model(model, silent, lambda progress: None, revision=None) == model.folder


def test_only_the_damaged_file_is_fetched_again(
    server: hub_server.Hub, model: ResolvedModel
) -> None:
    sources = no_starter(HuggingFace(server.url))
    fetch_model(model, sources, lambda progress: None, revision=None)
    server.requests.clear()
    (model.folder / SHARDS[1]).write_bytes(b"damaged")
    fetch_model(model, sources, lambda progress: None, revision=None)
    assert find_problems(model.folder, hashes=True) == []
    assert server.ranges(SHARDS[0]) == []
    assert server.ranges(SHARDS[1]) == [""]


def test_an_unknown_revision_is_an_error(server: hub_server.Hub, model: ResolvedModel) -> None:
    with pytest.raises(ModelUnavailable, match="does not have that revision"):
        fetch_model(
            model,
            no_starter(HuggingFace(server.url)),
            lambda progress: None,
            revision="no-such-branch",
        )


def test_the_second_hub_is_used_if_the_first_does_not_answer(
    server: hub_server.Hub, model: ResolvedModel
) -> None:
    sources = no_starter(HuggingFace(NOWHERE), ModelScope(server.url))
    fetch_model(model, sources, lambda progress: None, revision=None)
    assert read_card(model.folder).source == "modelscope"


def test_an_unavailable_named_model_is_an_error_with_the_sources_tried(
    model: ResolvedModel,
) -> None:
    sources = no_starter(HuggingFace(NOWHERE), ModelScope(NOWHERE))
    with pytest.raises(ModelUnavailable) as caught:
        fetch_model(model, sources, lambda progress: None, revision=None)
    words = str(caught.value)
    assert words.startswith("Qwen2.5-0.5B-Instruct cannot be had: ")
    assert "Hugging Face does not answer; ModelScope does not answer" in words
    assert "--model FOLDER" in words


def test_a_captive_portal_is_not_mistaken_for_a_hub(
    new_hub: NewHub, server: hub_server.Hub
) -> None:
    server.is_captive_portal = True
    with pytest.raises(Unreachable, match="is not what answers"):
        new_hub(server.url).listing(HUB_ID, None)


def test_a_model_that_no_hub_has_is_an_error(server: hub_server.Hub, tmp_path: Path) -> None:
    other = ResolvedModel("Qwen/Nothing", "Qwen/Nothing", tmp_path / "nothing")
    sources = no_starter(HuggingFace(server.url), ModelScope(server.url))
    with pytest.raises(ModelUnavailable) as caught:
        fetch_model(other, sources, lambda progress: None, revision=None)
    assert "Hugging Face does not have Qwen/Nothing" in str(caught.value)
    assert "ModelScope does not have Qwen/Nothing" in str(caught.value)


def test_the_starter_is_used_if_no_hub_answers_and_no_model_was_named(tmp_path: Path) -> None:
    starter = tmp_path / "starter"
    sources = Sources([HuggingFace(NOWHERE), ModelScope(NOWHERE)], lambda report: starter)
    unnamed = ResolvedModel("Qwen2.5-0.5B-Instruct", HUB_ID, tmp_path / "mine", is_named=False)
    assert fetch_model(unnamed, sources, lambda progress: None, revision=None) == starter
    with pytest.raises(ModelUnavailable):  # a hub was named, so no other source is used
        fetch_model(unnamed, sources, lambda progress: None, source="huggingface", revision=None)


def test_the_starter_is_not_used_while_a_hub_answers(
    server: hub_server.Hub, tmp_path: Path
) -> None:
    unnamed = ResolvedModel("Qwen2.5-0.5B-Instruct", HUB_ID, tmp_path / "mine", is_named=False)
    sources = no_starter(HuggingFace(NOWHERE), ModelScope(server.url))
    assert fetch_model(unnamed, sources, lambda progress: None, revision=None) == unnamed.folder


def test_the_command_expands_a_tilde_in_its_paths(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    write_tiny_model(tmp_path / "mine")
    assert download_model.main(["--verify=~/mine"]) == 0
    assert download_model.main(["--model=~/mine"]) == 1
    assert "is a folder already" in capsys.readouterr().out
    options = download_model.build_parser().parse_args(["--models-dir=~/models"])
    assert options.models_dir == tmp_path / "models"


def test_verify_names_a_lost_blob_of_a_snapshot_and_weights_that_cannot_be_loaded(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def refused(folder: Path) -> str:
        assert download_model.main(["--verify", str(folder)]) == 1
        return capsys.readouterr().out

    repository = tmp_path / "models--a--b"
    write_tiny_model(repository / "snapshots/1")
    (repository / "snapshots/1" / SHARDS[0]).unlink()
    (repository / "snapshots/1" / SHARDS[0]).symlink_to("../../blobs/gone")
    assert f"{SHARDS[0]}: missing" in refused(repository)
    (tmp_path / "model.gguf").touch()
    assert "GGUF" in refused(tmp_path)
    assert "GGUF" in refused(tmp_path / "model.gguf")
    assert "There is no folder" in refused(tmp_path / "nowhere")


def no_starter(*hubs: Hub) -> Sources:
    """Sources whose starter must not be used."""

    def refuse(report: object) -> Path:
        raise AssertionError("the starter was taken")

    return Sources(hubs, refuse)
