// OpenAI's own npm client against a running server: OPENAI_BASE_URL and OPENAI_API_KEY say which.

import assert from "node:assert/strict";
import { test } from "node:test";
import OpenAI from "openai";

const client = new OpenAI({ maxRetries: 0, timeout: 240_000 });
const model = "default";
const capital = [{ role: "user", content: "What is the capital of France? One word." }];
const count = [{ role: "user", content: "Count from 1 to 100, separated by spaces." }];
const long = { max_tokens: 60, min_tokens: 60 };
const weather = {
  type: "function",
  function: {
    name: "weather",
    description: "The weather of a city",
    parameters: {
      type: "object",
      properties: { city: { type: "string", maxLength: 20 } },
      required: ["city"],
      additionalProperties: false,
    },
  },
};
const forced = { tools: [weather], tool_choice: "required", parallel_tool_calls: false };

test("an answer has text, reason and usage", async () => {
  const answer = await client.chat.completions.create({ model, messages: capital, max_tokens: 8 });
  assert.ok(answer.choices[0].message.content);
  assert.ok(["stop", "length"].includes(answer.choices[0].finish_reason));
  assert.ok(answer.usage.completion_tokens > 0);
});

test("a stream comes in pieces and ends with its usage", async () => {
  const stream = await client.chat.completions.create({
    model,
    messages: count,
    max_tokens: 8,
    min_tokens: 8, // whatever the model would like to say
    stream: true,
    stream_options: { include_usage: true },
  });
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  assert.ok(chunks.length > 5);
  assert.equal(chunks.at(-2).choices[0].finish_reason, "length");
  assert.equal(chunks.at(-1).usage.completion_tokens, 8);
});

test("a call goes out and its result comes back", async () => {
  const messages = [{ role: "user", content: "What is the weather in Paris?" }];
  const asked = await client.chat.completions.create({ model, messages, ...forced });
  assert.equal(asked.choices[0].finish_reason, "tool_calls");
  const said = asked.choices[0].message;
  messages.push(said);
  for (const call of said.tool_calls) {
    assert.equal(call.function.name, "weather");
    assert.deepEqual(Object.keys(JSON.parse(call.function.arguments)), ["city"]);
    messages.push({ role: "tool", tool_call_id: call.id, content: "17 degrees and rain" });
  }
  const settings = { model, messages, tools: [weather], max_tokens: 8 };
  const told = await client.chat.completions.create(settings);
  assert.equal(told.choices[0].message.role, "assistant");
});

test("a call is put together from a stream", async () => {
  const messages = [{ role: "user", content: "What is the weather in Rome?" }];
  const stream = client.chat.completions.stream({ model, messages, ...forced });
  const answer = await stream.finalChatCompletion();
  const [call] = answer.choices[0].message.tool_calls;
  assert.deepEqual(Object.keys(JSON.parse(call.function.arguments)), ["city"]);
});

test("JSON has the shape that was asked for", async () => {
  const schema = {
    type: "object",
    properties: { name: { enum: ["Ann", "Bob"] }, age: { type: "integer", minimum: 0, maximum: 99 } },
    required: ["name", "age"],
    additionalProperties: false,
  };
  const answer = await client.chat.completions.parse({
    model,
    messages: [{ role: "user", content: "Ann is 30. Write her as JSON." }],
    response_format: { type: "json_schema", json_schema: { name: "person", schema, strict: true } },
    temperature: 0,
  });
  assert.equal(answer.choices[0].finish_reason, "stop");
  assert.deepEqual(Object.keys(answer.choices[0].message.parsed), ["name", "age"]);
});

const tooLong = [{ role: "user", content: "word ".repeat(9000) }];
const refused = [
  [OpenAI.BadRequestError, "context_length_exceeded", { messages: tooLong }],
  [OpenAI.NotFoundError, "model_not_found", { model: "gpt-4o" }],
  [OpenAI.UnprocessableEntityError, "invalid_request", { temperature: 3 }],
];
for (const [kind, code, wrong] of refused) {
  test(`${code} is a ${kind.name}`, async () => {
    const asked = client.chat.completions.create({ model, messages: capital, ...wrong });
    await assert.rejects(asked, (error) => error instanceof kind && error.code === code);
  });
}

test("a wrong key is an AuthenticationError", async () => {
  const stranger = new OpenAI({ apiKey: "sk-wrong", maxRetries: 0 });
  await assert.rejects(stranger.models.list(), OpenAI.AuthenticationError);
});

test("who leaves a stream ends the answer", async () => {
  const stream = await client.chat.completions.create({ model, messages: count, stream: true, ...long });
  let id;
  for await (const chunk of stream) {
    id = chunk.id;
    if (chunk.choices[0].delta.content) break; // which aborts the request
  }
  console.log(`left: ${id}`);
});

test("who waits no longer has a time-out", async () => {
  const asked = client.chat.completions.create({ model, messages: count, ...long }, { timeout: 300 });
  await assert.rejects(asked, OpenAI.APIConnectionTimeoutError);
});

test("the model is found by its name", async () => {
  const { data } = await client.models.list();
  assert.equal(data.length, 1);
  assert.deepEqual(await client.models.retrieve(data[0].id), data[0]);
});

test("bare text is gone on with", async () => {
  const settings = { model, prompt: "def add(a, b):", max_tokens: 8, min_tokens: 8 };
  const answer = await client.completions.create(settings);
  assert.ok(answer.choices[0].text);
  assert.equal(answer.choices[0].finish_reason, "length");
  assert.equal(answer.usage.completion_tokens, 8);
});

test("a response streams its events and is put together", async () => {
  const stream = client.responses.stream({ model, input: "Count from 1 to 100.", max_output_tokens: 8 });
  const kinds = [];
  for await (const event of stream) kinds.push(event.type);
  assert.equal(kinds[0], "response.created");
  assert.ok(kinds.includes("response.output_text.delta"));
  assert.ok(["response.incomplete", "response.completed"].includes(kinds.at(-1)));
});

test("an earlier response is refused with what to send instead", async () => {
  const asked = client.responses.create({ model, input: "Hi", previous_response_id: "resp_1" });
  await assert.rejects(asked, (error) => error.param === "previous_response_id");
});
