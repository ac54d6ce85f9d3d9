"""Inspect's evaluations over its provider "openai-api"."""

from inspect_ai import Task, eval_async
from inspect_ai.dataset import Sample
from inspect_ai.model import GenerateConfig, get_model
from inspect_ai.scorer import match
from inspect_ai.solver import generate, use_tools
from inspect_ai.tool import Tool, tool

from bench.clients.scripts.steps import BASE_URL, KEY, MAX_TOKENS, MODEL, run

CONFIG = GenerateConfig(max_tokens=MAX_TOKENS, max_retries=0, temperature=0)


async def evaluate(task: Task) -> None:
    model = get_model(f"openai-api/local/{MODEL}", base_url=BASE_URL, api_key=KEY, config=CONFIG)
    (log,) = await eval_async(task, model=model, log_dir="logs", message_limit=6)
    assert log.status == "success", log.error


async def questions() -> None:
    samples = [Sample(input="1 + 1 = ?", target="2"), Sample(input="2 + 2 = ?", target="4")]
    await evaluate(Task(dataset=samples, solver=generate(), scorer=match()))


def weather() -> Tool:
    async def execute(city: str) -> str:
        """The weather of a city.

        Args:
            city: A city.
        """
        return "17 degrees"

    return execute


async def tools() -> None:
    sample = Sample(input="What is the weather in Paris?", target="17")
    solver = [use_tools(tool(weather)()), generate()]
    await evaluate(Task(dataset=[sample], solver=solver, scorer=match()))


async def log_probabilities() -> None:
    task = Task(
        dataset=[Sample(input="1 + 1 = ?", target="2")],
        solver=generate(logprobs=True, top_logprobs=2),
        scorer=match(),
    )
    await evaluate(task)


if __name__ == "__main__":
    run({"evaluation": questions, "tools": tools, "log probabilities": log_probabilities})
