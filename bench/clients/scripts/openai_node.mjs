// OpenAI's npm client: chat completions and responses.

import assert from "node:assert/strict";
import OpenAI from "openai";
import { LengthFinishReasonError } from "openai/core/error";
import { maxTokens, model, run, timeout } from "./steps.mjs";

const client = new OpenAI({ maxRetries: 0, timeout });
const question = [{ role: "user", content: "What is the weather in Paris?" }];
const parameters = {
  type: "object",
  properties: { city: { type: "string", maxLength: 20 } },
  required: ["city"],
  additionalProperties: false,
};
const weather = { type: "function", function: { name: "weather", parameters } };
const schema = {
  type: "object",
  properties: { name: { enum: ["Ann", "Bob"] }, age: { type: "integer", minimum: 0, maximum: 99 } },
  required: ["name", "age"],
  additionalProperties: false,
};

async function models() {
  const { data } = await client.models.list();
  assert.equal((await client.models.retrieve(data[0].id)).id, data[0].id);
}

async function chat() {
  const settings = { model, messages: question, max_completion_tokens: maxTokens };
  const answer = await client.chat.completions.create(settings);
  assert.ok(answer.choices[0].message.content);
}

async function streaming() {
  const stream = client.chat.completions.stream({
    model,
    messages: question,
    max_completion_tokens: maxTokens,
    stream_options: { include_usage: true },
  });
  assert.ok((await stream.finalMessage()).content);
  assert.ok((await stream.totalUsage()).completion_tokens);
}

async function tools() {
  const asked = { model, messages: question, tools: [weather], tool_choice: "required" };
  const { message } = (await client.chat.completions.create(asked)).choices[0];
  const results = message.tool_calls.map(({ id }) => ({
    role: "tool",
    tool_call_id: id,
    content: "17 degrees",
  }));
  const messages = [...question, message, ...results];
  const settings = { model, messages, tools: [weather], max_completion_tokens: maxTokens };
  await client.chat.completions.create(settings);
}

async function runTools() {
  const runner = client.chat.completions.runTools(
    {
      model,
      messages: question,
      stream: true,
      tools: [
        {
          type: "function",
          function: { ...weather.function, parse: JSON.parse, function: () => "17 degrees" },
        },
      ],
      max_completion_tokens: maxTokens,
    },
    { maxChatCompletions: 2 },
  );
  try {
    await runner.done();
  } catch (fault) {
    if (!(fault instanceof LengthFinishReasonError)) throw fault; // the answer was cut: no matter
  }
}

async function structured() {
  const answer = await client.chat.completions.parse({
    model,
    messages: [{ role: "user", content: "Ann is 30." }],
    response_format: { type: "json_schema", json_schema: { name: "person", schema, strict: true } },
    max_completion_tokens: maxTokens,
  });
  assert.deepEqual(Object.keys(answer.choices[0].message.parsed), ["name", "age"]);
}

async function response() {
  const settings = { model, input: "Hi", max_output_tokens: maxTokens };
  assert.ok((await client.responses.create(settings)).output_text);
}

async function responseTools() {
  const stream = client.responses.stream({
    model,
    input: question,
    tools: [{ type: "function", name: "weather", parameters, strict: true }],
    tool_choice: "required",
  });
  const { output } = await stream.finalResponse();
  assert.ok(output.some(({ type }) => type === "function_call"));
}

await run({
  models,
  chat,
  streaming,
  tools,
  "streamed tools by runTools": runTools,
  "structured output": structured,
  responses: response,
  "streamed responses with tools": responseTools,
});
