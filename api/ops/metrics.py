"""Prometheus metrics at /metrics, named as vLLM's, so that its dashboards need a new prefix only.

Owns names, labels and buckets; `docs/metrics.md` explains each metric. Label values come from short
fixed lists and never contain users' text or ids. The only file that imports `prometheus_client`.
"""

from collections.abc import Callable, Collection, Iterable, Iterator

from fastapi import APIRouter
from prometheus_client import (
    CONTENT_TYPE_PLAIN_0_0_4,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Metric,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily
from prometheus_client.registry import Collector
from starlette.responses import Response

from chat.models import Timing
from chat.serving.engines import Engines
from chat.serving.models import EngineInfo, Phase
from chat.serving.observer import GenerationSummary, Source
from chat.serving.ports import Engine

PREFIX = "qwen_chat:"
SECOND = f"{PREFIX}second_"
"""Prefix of the second engine's metrics, if there is one."""

FIRST_TOKEN_S = (0.02, 0.05, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80, 160)
PER_TOKEN_S = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5)
REQUEST_S = (0.3, 0.5, 1, 1.5, 2, 2.5, 5, 10, 15, 20, 30, 40, 50, 60, 120, 240, 480, 960)

METHODS = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})
"""Clients can send any method; each unknown one would become a time series for ever."""


class Metrics:
    """Counts answers (as a `chat.serving.observer.Observer`) and HTTP responses."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self._success = self._counter("request_success", "Answers that ended", "finished_reason")
        self._failure = self._counter("request_failure", "Answers that failed", "code")
        self._refused = self._counter("request_refused", "Requests without a place", "code")
        self._prompt = self._counter("prompt_tokens", "Tokens read")
        self._generated = self._counter("generation_tokens", "Tokens written")
        self._reusable = self._counter("prefix_cache_queries", "Prompt tokens looked for in cache")
        self._reused = self._counter("prefix_cache_hits", "Prompt tokens found in the cache")
        self._repeated = self._counter("response_cache_hits", "Answers given again as they were")
        self._first_token = self._histogram("time_to_first_token_seconds", FIRST_TOKEN_S)
        self._per_token = self._histogram("time_per_output_token_seconds", PER_TOKEN_S)
        self._queue = self._histogram("request_queue_time_seconds", REQUEST_S)
        self._prefill = self._histogram("request_prefill_time_seconds", REQUEST_S)
        self._whole = self._histogram("e2e_request_latency_seconds", REQUEST_S)
        self._job_failures = Counter(
            f"{PREFIX}background_job_failures",
            "Failures of jobs of the app itself",
            ("job",),
            registry=self._registry,
        )
        self._http = Counter(
            f"{PREFIX}http_responses",
            "Responses by route",
            ("route", "method", "status"),
            registry=self._registry,
        )

    def watch(self, engines: Engines, waiting: Callable[[], int]) -> None:
        """Add the engines' metrics; `waiting` returns the length of the admission queue."""
        self._registry.register(EngineCollector(engines.first, waiting))
        if engines.second:
            self._registry.register(EngineCollector(engines.second, prefix=SECOND))

    def watch_jobs(self, failing: Callable[[], Collection[str]]) -> None:
        """Add a gauge of the app's background jobs that keep failing."""
        name, what = f"{PREFIX}background_jobs_failing", "Jobs that failed several times in a row"
        Gauge(name, what, registry=self._registry).set_function(lambda: len(failing()))

    def job_failed(self, job: str) -> None:
        """Count a failure of a job (a `chat.serving.background.JobObserver`)."""
        self._job_failures.labels(job).inc()

    def ended(self, summary: GenerationSummary) -> None:
        """Count an answer that has ended."""
        source = summary.source.value
        (self._failure if summary.failed else self._success).labels(summary.reason, source).inc()
        if summary.from_cache:
            self._repeated.labels(source).inc()
            return
        if summary.usage:
            self._prompt.labels(source).inc(summary.usage.prompt_tokens)
            self._generated.labels(source).inc(summary.usage.completion_tokens)
        if summary.timing:
            self._time(source, summary.timing)
        if summary.usage and summary.timing:
            self._reusable.labels(source).inc(summary.usage.prompt_tokens)
            self._reused.labels(source).inc(summary.timing.reused_prompt_tokens)

    def refused(self, source: Source, code: str) -> None:
        """Count a request that was refused before it was queued."""
        self._refused.labels(code, source.value).inc()

    def answered(self, route: str, method: str, status: int) -> None:
        """Count an HTTP response; `route` is a key of the permissions' table, or "other"."""
        method_label = method if method in METHODS else "other"
        self._http.labels(route, method_label, str(status)).inc()

    def text(self) -> bytes:
        """All metrics in Prometheus' text format."""
        return generate_latest(_WithoutCreated(self._registry))

    def _time(self, source: str, timing: Timing) -> None:
        self._queue.labels(source).observe(timing.queue_s)
        if timing.ttft_s:  # there was a first token
            self._prefill.labels(source).observe(timing.prefill_s)
            self._first_token.labels(source).observe(timing.queue_s + timing.ttft_s)
        if timing.decode_tokens_per_s:
            self._per_token.labels(source).observe(1 / timing.decode_tokens_per_s)
        if timing.total_s:
            self._whole.labels(source).observe(timing.queue_s + timing.total_s)

    def _counter(self, name: str, what: str, *labels: str) -> Counter:
        return Counter(PREFIX + name, what, (*labels, "door"), registry=self._registry)

    def _histogram(self, name: str, buckets: tuple[float, ...]) -> Histogram:
        what = name.replace("_", " ").removesuffix(" seconds").capitalize() + " in seconds"
        registry = self._registry
        return Histogram(PREFIX + name, what, ("door",), buckets=buckets, registry=registry)


class EngineCollector(Collector):
    """Reads an engine's state at each scrape."""

    def __init__(
        self, engine: Engine, waiting: Callable[[], int] = lambda: 0, *, prefix: str = PREFIX
    ) -> None:
        self._engine = engine
        self._waiting = waiting
        self._prefix = prefix

    def collect(self) -> Iterable[Metric]:
        load, ready = self._engine.load, self._engine.state.phase is Phase.READY
        waiting = self._waiting() + load.waiting
        gauge, written = self._gauge, f"{self._prefix}engine_generated_tokens"
        yield gauge("engine_ready", "1 while the model can answer", float(ready))
        yield gauge("num_requests_running", "Rows of the batch in use", load.running)
        yield gauge("num_requests_waiting", "Requests that wait for a row", waiting)
        yield gauge("kv_cache_usage_perc", "KV cache in use, 1 is all of it", load.cache_used)
        what = "Tokens written since the start, also of answers that have not ended"
        yield CounterMetricFamily(written, what, load.generated_tokens)
        if info := self._engine.info:
            yield self._about(info)
            yield gauge("max_num_seqs", "Rows of the batch", info.max_concurrent)
            what = "Tokens of prompt and answer together"
            yield gauge("max_model_len", what, info.context_length)

    def _gauge(self, name: str, what: str, value: float) -> Metric:
        return GaugeMetricFamily(self._prefix + name, what, value)

    def _about(self, info: EngineInfo) -> Metric:
        about = {
            name: str(getattr(info, name))
            for name in ("engine", "model", "revision", "quantization", "dtype", "device")
        }
        return InfoMetricFamily(f"{self._prefix}model", "What is serving", about)


def metrics_routes(metrics: Metrics) -> APIRouter:
    """GET /metrics."""
    router = APIRouter()

    @router.get("/metrics", include_in_schema=False)
    def exposition() -> Response:
        headers = {"Cache-Control": "no-store"}
        return Response(metrics.text(), headers=headers, media_type=CONTENT_TYPE_PLAIN_0_0_4)

    return router


class _WithoutCreated(Collector):
    """The registry without the `_created` samples, which would double the number of series."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry

    def collect(self) -> Iterator[Metric]:
        for metric in self._registry.collect():
            metric.samples = [s for s in metric.samples if not s.name.endswith("_created")]
            yield metric
