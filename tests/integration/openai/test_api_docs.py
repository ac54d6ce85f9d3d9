"""/docs and /openapi.json: the routes for programs, without resources of other hosts."""

import re

import jsonschema
import pytest

from api.openai.ignored_fields import HINTS
from tests.programs import CHAT, HI, RESPONSES, TEXT, Programs, events


async def test_the_openapi_document_has_only_the_routes_for_programs() -> None:
    document = (await Programs().client.get("/openapi.json")).json()
    assert document["paths"].keys() == {
        CHAT,
        RESPONSES,
        TEXT,
        "/v1",
        "/v1/models",
        "/v1/models/{model}",
        "/v1/tokenize",
    }
    for operations in document["paths"].values():
        for operation in operations.values():
            assert operation["summary"]
            assert {"200", "401", "404", "422", "429", "503"} <= operation["responses"].keys()


async def test_responses_and_errors_match_the_openapi_document() -> None:
    programs = Programs()
    document = (await programs.client.get("/openapi.json")).json()

    def check(path: str, method: str, status: int, body: object) -> None:
        answers = document["paths"][path][method]["responses"]
        schema = answers[str(status)]["content"]["application/json"]["schema"]
        whole = {**schema, "components": document["components"]}
        jsonschema.validate(body, whole)

    for path, answer in (
        (CHAT, await programs.chat()),
        (CHAT, await programs.chat(logprobs=True, top_logprobs=2)),
        (CHAT, await programs.chat(temperature=9)),
        (CHAT, await programs.chat(model="x")),
        (RESPONSES, await programs.client.post(RESPONSES, json={"model": "default", "input": "x"})),
        (RESPONSES, await programs.client.post(RESPONSES, json={"model": "default"})),
        (TEXT, await programs.text(logprobs=2)),
        (TEXT, await programs.text("")),
        ("/v1/tokenize", await programs.client.post("/v1/tokenize", json={"prompt": "x"})),
    ):
        check(path, "post", answer.status_code, answer.json())
    check("/v1/models", "get", 200, (await programs.client.get("/v1/models")).json())


async def test_the_examples_of_the_document_are_answered() -> None:
    programs = Programs()
    document = (await programs.client.get("/openapi.json")).json()
    schemas = document["components"]["schemas"]
    for path, name in (
        (CHAT, "ChatRequest"),
        (TEXT, "CompletionRequest"),
        (RESPONSES, "ResponsesRequest"),
        ("/v1/tokenize", "TokenizeRequest"),
    ):
        for example in schemas[name]["examples"]:
            jsonschema.validate(example, {**schemas[name], "components": document["components"]})
            assert (await programs.client.post(path, json=example)).status_code == 200


@pytest.mark.parametrize("name", HINTS)
async def test_parameters_with_a_hint_are_not_in_the_openapi_document(name: str) -> None:
    document = (await Programs().client.get("/openapi.json")).json()
    properties = document["components"]["schemas"]["ChatRequest"]["properties"]
    assert name not in properties or name in ("messages", "modalities")


async def test_the_documentation_page_loads_nothing_from_other_hosts() -> None:
    programs = Programs()
    page = await programs.client.get("/docs")
    assert page.headers["content-type"].startswith("text/html")
    assert "http" not in page.text
    there = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(there) == 3
    for address in there:
        assert (await programs.client.get(f"/{address}")).status_code == 200


async def test_a_stream_has_the_documented_headers() -> None:
    answer = await Programs().client.post(CHAT, json={**HI, "stream": True})
    assert events(answer)[-1] == "[DONE]"
    assert answer.headers["openai-processing-ms"].isdecimal()
    assert answer.headers["x-request-id"]
