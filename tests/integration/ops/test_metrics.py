"""/metrics: counts of answers, the engine and HTTP, without users' text or ids."""

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from api.edge.options import EdgeOptions
from api.ops.metrics import Metrics
from api.server import build_api
from chat.models import Timing, Usage
from chat.serving.engines import Engines
from chat.serving.errors import Busy
from chat.serving.observer import GenerationSummary, Source
from tests.chat import finished, make_chat
from tests.fakes import REUSED, Script, ScriptedEngine
from tests.house import HOME, client_of

DOCUMENT = Path(__file__).parents[3] / "docs" / "metrics.md"
ENDED = GenerationSummary(
    Source.API,
    "stop",
    usage=Usage(prompt_tokens=100, completion_tokens=21),
    timing=Timing(
        queue_s=1.0,
        prefill_s=0.25,
        ttft_s=0.5,
        total_s=2.5,
        decode_tokens_per_s=10.0,
        reused_prompt_tokens=60,
    ),
)


def samples(metrics: Metrics) -> dict[str, float]:
    """Every sample by its name and labels, in the labels' order."""

    def lines() -> Iterator[tuple[str, float]]:
        for family in text_string_to_metric_families(metrics.text().decode()):
            for sample in family.samples:
                labels = ",".join(f"{key}={sample.labels[key]}" for key in sorted(sample.labels))
                yield sample.name.removeprefix("qwen_chat:") + f"{{{labels}}}", sample.value

    return dict(lines())


def test_a_finished_answer_is_counted_and_timed_from_the_request() -> None:
    metrics = Metrics()
    metrics.ended(ENDED)
    values = samples(metrics)
    expected = {
        "request_success_total{door=api,finished_reason=stop}": 1,
        "prompt_tokens_total{door=api}": 100,
        "generation_tokens_total{door=api}": 21,
        "prefix_cache_queries_total{door=api}": 100,
        "prefix_cache_hits_total{door=api}": 60,
        "request_queue_time_seconds_sum{door=api}": 1.0,
        "request_prefill_time_seconds_sum{door=api}": 0.25,
        "time_to_first_token_seconds_sum{door=api}": 1.5,
        "time_per_output_token_seconds_sum{door=api}": 0.1,
        "e2e_request_latency_seconds_sum{door=api}": 3.5,
        "e2e_request_latency_seconds_bucket{door=api,le=5.0}": 1,
        "e2e_request_latency_seconds_bucket{door=api,le=2.5}": 0,
    }
    assert {name: values[name] for name in expected} == pytest.approx(expected)


def test_failures_and_refusals_are_counted_by_code() -> None:
    metrics = Metrics()
    metrics.ended(GenerationSummary(Source.PAGE, "engine_stalled", failed=True))
    for _ in range(2):
        metrics.refused(Source.API, Busy.code)
    values = samples(metrics)
    assert values["request_failure_total{code=engine_stalled,door=page}"] == 1
    assert values["request_refused_total{code=server_overloaded,door=api}"] == 2
    assert not any(name.startswith(("request_success_total", "e2e_")) for name in values)


def test_exactly_the_exported_metrics_are_documented() -> None:
    metrics = Metrics()
    metrics.watch(Engines(ScriptedEngine()), lambda: 0)
    metrics.watch_jobs(tuple)
    values = {
        (family.name.removesuffix("_total"), family.type)
        for family in text_string_to_metric_families(metrics.text().decode())
        if not family.name.startswith("process_")
    }
    rows = re.findall(r"^\| `(\S+)` \| (\w+) \|", DOCUMENT.read_text("utf-8"), re.MULTILINE)
    assert {(name.removesuffix("_total"), kind) for name, kind in rows} == values


def test_a_cached_answer_counts_as_a_hit_without_tokens_and_times() -> None:
    metrics = Metrics()
    metrics.ended(
        GenerationSummary(
            Source.API, "stop", usage=ENDED.usage, timing=ENDED.timing, from_cache=True
        )
    )
    values = samples(metrics)
    assert values["response_cache_hits_total{door=api}"] == 1
    assert values["request_success_total{door=api,finished_reason=stop}"] == 1
    assert not any(name.startswith(("prompt_tokens_total", "time_to_first")) for name in values)


def test_the_engine_is_read_at_each_scrape() -> None:
    metrics, engine = Metrics(), ScriptedEngine()
    metrics.watch(Engines(engine), lambda: 3)
    engine.running = 2
    values = samples(metrics)
    assert values["num_requests_running{}"] == 2
    assert values["num_requests_waiting{}"] == 3
    assert values["engine_ready{}"] == 1
    assert values["max_num_seqs{}"] == 8
    assert any("model=Scripted-1B-Instruct,quantization=none" in name for name in values)
    engine.running = 0
    assert samples(metrics)["num_requests_running{}"] == 0


def test_a_second_engine_has_its_own_metrics() -> None:
    metrics, second = Metrics(), ScriptedEngine(model="Scripted-3B-Instruct", running=1)
    metrics.watch(Engines(ScriptedEngine(), second), lambda: 3)
    values = samples(metrics)
    assert (values["num_requests_running{}"], values["second_num_requests_running{}"]) == (0, 1)
    assert (values["num_requests_waiting{}"], values["second_num_requests_waiting{}"]) == (3, 0)
    assert any("second_model" in name and "model=Scripted-3B-Instruct" in name for name in values)


async def test_answers_of_the_page_are_counted() -> None:
    metrics = Metrics()
    chat = make_chat(Script(["Hel", "lo"]), observer=metrics)
    await finished(await chat.ask("a question"))
    values = samples(metrics)
    assert values["request_success_total{door=page,finished_reason=stop}"] == 1
    assert values["generation_tokens_total{door=page}"] == 5
    assert values["prefix_cache_hits_total{door=page}"] <= REUSED


async def test_responses_are_counted_by_route_template_and_not_by_path() -> None:
    metrics = Metrics()
    app = build_api(engine=ScriptedEngine(), edge=EdgeOptions(), metrics=metrics)
    async with client_of(app) as client:
        for path in ("/healthz", "/icons/icon.svg", "/icons/none", "/made-up", "/v1/secret%0A%22"):
            await client.get(path)
        await client.request("BREW", "/healthz")
        await client.get("/healthz", headers={"Host": "evil.example"})
    values = {name: n for name, n in samples(metrics).items() if name.startswith("http_")}
    assert values == {
        "http_responses_total{method=GET,route=/healthz,status=200}": 1,
        "http_responses_total{method=GET,route=/healthz,status=421}": 1,
        "http_responses_total{method=GET,route=/icons/{name},status=200}": 1,
        "http_responses_total{method=GET,route=/icons/{name},status=404}": 1,
        "http_responses_total{method=GET,route=other,status=404}": 2,
        "http_responses_total{method=other,route=/healthz,status=405}": 1,
    }


async def test_an_unexpected_error_is_counted_as_500() -> None:
    metrics = Metrics()
    app = build_api(engine=ScriptedEngine(), edge=EdgeOptions(), metrics=metrics)

    @app.get("/fault")
    async def fault() -> None:
        raise RuntimeError

    async with client_of(app) as client:
        assert (await client.get("/fault")).status_code == 500
    assert samples(metrics)["http_responses_total{method=GET,route=other,status=500}"] == 1


async def test_metrics_are_public_without_accounts() -> None:
    app = build_api(engine=ScriptedEngine(), edge=EdgeOptions())
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=HOME) as client:
        for headers in ({}, {"Authorization": "Bearer whatever"}):
            answer = await client.get("/metrics", headers=headers)
            assert answer.status_code == 200
            assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
            assert answer.headers["cache-control"] == "no-store"
            assert "process_cpu_seconds_total" in answer.text
