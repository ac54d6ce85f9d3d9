// Runs the steps of one client and reports each, as steps.py does.

import { appendFileSync } from "node:fs";

export const model = "default";
export const baseURL = process.env.OPENAI_BASE_URL;
export const apiKey = process.env.OPENAI_API_KEY;
export const timeout = 300_000; // of one request, in milliseconds
export const maxTokens = 32; // of one answer: what it says does not matter

/** Run the steps named on the command line, or all; write a JSON line for each into the report. */
export async function run(steps) {
  const [report, ...names] = process.argv.slice(2);
  for (const step of names.length ? names : Object.keys(steps)) {
    let error = null;
    try {
      await steps[step]();
    } catch (fault) {
      error = `${fault.name}: ${fault.message}`;
    }
    appendFileSync(report, `${JSON.stringify({ step, error })}\n`);
  }
}
