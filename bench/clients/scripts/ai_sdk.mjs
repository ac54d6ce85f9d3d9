// Vercel's AI SDK, over "@ai-sdk/openai-compatible" and over "@ai-sdk/openai" (responses).

import assert from "node:assert/strict";
import { createOpenAI } from "@ai-sdk/openai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { generateText, Output, stepCountIs, streamText, tool } from "ai";
import { z } from "zod";
import { apiKey, baseURL, maxTokens, model, run } from "./steps.mjs";

const compatible = createOpenAICompatible({
  name: "local",
  baseURL,
  apiKey,
  includeUsage: true,
  supportsStructuredOutputs: true,
});
const common = { model: compatible(model), maxRetries: 0, maxOutputTokens: maxTokens };
const weather = tool({
  description: "The weather of a city",
  inputSchema: z.object({ city: z.enum(["Paris", "Rome"]) }),
  execute: async () => "17 degrees",
});
const person = z.object({ name: z.enum(["Ann", "Bob"]), age: z.number().int().min(0).max(99) });

async function textOf(settings) {
  let failure;
  const result = streamText({ ...settings, onError: ({ error }) => (failure = error) });
  let text = "";
  for await (const piece of result.textStream) text += piece;
  if (failure) throw failure;
  return text;
}

async function chat() {
  assert.ok((await generateText({ ...common, instructions: "Be brief.", prompt: "Hi" })).text);
}

async function streaming() {
  assert.ok(await textOf({ ...common, prompt: "Hi" }));
}

async function tools() {
  const { steps } = await generateText({
    ...common,
    tools: { weather },
    toolChoice: "required",
    prompt: "What is the weather in Paris?",
    stopWhen: stepCountIs(2),
  });
  assert.ok(steps[0].toolCalls.length);
}

async function structured() {
  const asked = { ...common, prompt: "Ann is 30.", output: Output.object({ schema: person }) };
  assert.deepEqual(Object.keys((await generateText(asked)).output), ["name", "age"]);
}

async function responses() {
  const openai = createOpenAI({ baseURL, apiKey });
  assert.ok(await textOf({ ...common, model: openai(model), prompt: "Hi" }));
}

await run({ chat, streaming, tools, "structured output": structured, responses });
