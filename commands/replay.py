"""`python app.py replay …`: runs regression cases on the command line.

Loads the model itself, and locks the data folder while it runs, unless --beside is set. It prints
a summary; the stored run is on the page of cases.
"""

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from chat.accounts.access import first_admin
from chat.accounts.models import LOCAL, User, utc_now
from chat.conversations.models import Preset
from chat.conversations.presets import Presets
from chat.errors import AppError, NotFound, StartupError
from chat.evaluation.cases import Cases, case_of_file
from chat.evaluation.models import Case, CaseText, CaseVerdict, Result
from chat.evaluation.ports import CaseStore
from chat.evaluation.runs import CaseRunner, PreparedRun, new_run, prepare
from chat.evaluation.shipped_cases import load_shipped_cases
from chat.evaluation.validation import MOST_CASES
from chat.serving.admission import Admission
from chat.serving.engines import Engines
from chat.serving.generation import Generation, Timeouts
from chat.serving.ports import Engine
from commands import replay_words as words
from commands.context import Refused
from config import Settings, SettingsError, flag, path_argument, read_settings
from formats.cases import read_cases
from judging.judge import ProcessJudge
from store import RoutingStore, open_store

ALL_PASSED, NOT_ALL_PASSED, COULD_NOT_RUN, STOPPED = 0, 1, 2, 130
"""Exit codes."""

LANGUAGES = ("en", "zh")

LoadEngine = Callable[[Settings], Awaitable[Engine]]


def main(arguments: Sequence[str], load_engine: LoadEngine) -> int:
    """The command. Its exit code."""
    try:
        own, of_settings = _split(arguments)
        options, settings = _parser().parse_args(own), read_settings(of_settings)
        return asyncio.run(_Command(options, settings, load_engine).run())
    except KeyboardInterrupt:
        return STOPPED
    except Refused as error:  # its message has several lines: what exists instead
        sys.stderr.write(f"qwen-chat: {error}\n")
        return COULD_NOT_RUN
    except (SettingsError, AppError) as error:
        sys.stderr.write(f"qwen-chat: {' '.join(str(error).split())}\n")
        return COULD_NOT_RUN


@dataclass(frozen=True, slots=True)
class _Command:
    options: argparse.Namespace
    settings: Settings
    load_engine: LoadEngine

    async def run(self) -> int:
        """Raises AppError, Refused."""
        store = open_store(
            self.settings.data_dir, self.settings.database_url, beside=self._is_beside
        )
        try:
            await self._open(store)
            user = await _first_admin(store)
            if self.options.list:
                await _list(store, user)
                return ALL_PASSED
            return await self._replay(store, user)
        finally:
            await store.close()

    async def _open(self, store: RoutingStore) -> None:
        """Raises Refused."""
        try:
            await store.open()
        except StartupError as error:
            why = " ".join(str(error).split())
            raise Refused(why if self._is_beside else f"{why} {words.BESIDE}") from None

    @property
    def _is_beside(self) -> bool:
        return bool(self.options.beside or self.options.list)

    async def _replay(self, store: RoutingStore, user: User) -> int:
        case_store, case_service = store.feedback.cases, _case_service(store)
        cases = await self._cases(case_service, user)
        preset, against = await self._preset(store, user), self.options.against
        if against:
            await case_service.run(user, against)  # NotFound before loading the model
        engine = await self.load_engine(self.settings)
        try:
            assert engine.info is not None
            run = new_run(engine.info, user.id, preset, self.options.label, utc_now())
            prepared = await prepare(case_store, user, run, cases, preset=preset, against=against)
            return await self._run(case_store, engine, engine.info.max_concurrent, prepared)
        finally:
            await engine.stop()

    async def _run(self, store: CaseStore, engine: Engine, most: int, prepared: PreparedRun) -> int:
        results: dict[str, Result] = {}

        async def take(case: Case, result: Result) -> None:
            await store.add_result(result)
            results[case.id] = result
            _print_progress(words.progress(len(results), len(prepared.cases), case, result))

        at_once = min(self.settings.max_concurrent, most)
        replayer = CaseRunner(_generation(self.settings, engine), ProcessJudge(), at_once=at_once)
        await store.add_run(prepared.run)
        try:
            await replayer.run(prepared, take)
        finally:  # also after Ctrl+C: print the results so far, which are stored
            await store.end_run(prepared.run.id, utc_now())
            _print(words.report(prepared, results))
        passed = all(result.verdict is CaseVerdict.PASSED for result in results.values())
        return ALL_PASSED if passed else NOT_ALL_PASSED

    async def _cases(self, case_service: Cases, user: User) -> Sequence[Case]:
        """The cases that the flags select. Raises Refused."""
        options = self.options
        cases: list[Case] = []
        if options.file:
            cases += [case_of_file(text, user.id, utc_now()) for text in _read(options.file)]
        if options.all:
            cases += await case_service.list(user)
        if options.shipped:
            cases += load_shipped_cases()
        if not (options.file or options.all or options.shipped):
            raise Refused("Which cases? Name a file, or say --all or --shipped.")
        if not cases:
            raise Refused("There are no cases yet. The shipped ones are run with --shipped.")
        return list({case.id: case for case in cases}.values())

    async def _preset(self, store: RoutingStore, user: User) -> Preset | None:
        """The preset of that id or name. Raises Refused."""
        requested = self.options.preset
        if requested is None:
            return None
        presets = Presets(store)
        if not self._is_beside:
            await presets.ship()
        try:
            return await presets.get(user.id, requested)
        except NotFound:
            usable = {
                preset.ref.id: preset
                for language in LANGUAGES
                for preset in await presets.list(user.id, language)
            }
        for preset in usable.values():
            if preset.text.name.casefold() == requested.casefold():
                return preset
        raise Refused(words.no_preset(requested, usable.values()))


async def _list(store: RoutingStore, user: User) -> None:
    run_counts = await _case_service(store).runs(user)
    refs = [counted.run.preset for counted in run_counts if counted.run.preset]
    _print(words.runs(run_counts, await Presets(store).names(user.id, refs)))


def _case_service(store: RoutingStore) -> Cases:
    return Cases(store.feedback.cases, store.feedback.results, ProcessJudge())


async def _first_admin(store: RoutingStore) -> User:
    """The owner of the run: the first administrator, or the local user without accounts."""
    return first_admin(await store.accounts.users()) or LOCAL


def _generation(settings: Settings, engine: Engine) -> Generation:
    """A generation service without quotas and metrics; the queue holds all cases."""
    return Generation(
        engines=Engines(engine),
        admission=Admission(max_running=settings.max_concurrent, max_waiting=MOST_CASES),
        timeouts=Timeouts(
            queue_s=settings.queue_timeout_s,
            stall_s=settings.stall_timeout_s,
            request_s=settings.request_timeout_s,
        ),
    )


def _read(path: Path) -> Sequence[CaseText]:
    """Raises Refused, BadImport."""
    try:
        return read_cases(path.read_bytes())
    except OSError as error:
        raise Refused(f"{path} cannot be read: {error.strerror}.") from None


def _print(lines: Iterable[str]) -> None:
    sys.stdout.writelines(f"{line}\n" for line in lines)
    sys.stdout.flush()


def _print_progress(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def _split(arguments: Sequence[str]) -> tuple[Sequence[str], Sequence[str]]:
    """Split the arguments into the command's own and the app's settings, flags with their values.

    argparse's `parse_known_args` would read the value of an unknown flag as the file.
    """
    fields = {flag(name): field for name, field in Settings.model_fields.items()}
    own: list[str] = []
    of_settings: list[str] = []
    rest = iter(arguments)
    for argument in rest:
        name, _, value = argument.partition("=")
        if field := fields.get(name):
            of_settings.append(argument)
            if not value and field.annotation is not bool:
                of_settings.extend(islice(rest, 1))
        else:
            own.append(argument)
    return own, of_settings


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "python app.py replay",
        description="Puts regression cases to a model. Further flags are settings of the app, "
        "--model and --quantization among them. Exit code: 0 all passed, 1 not all, 2 not run.",
        allow_abbrev=False,
    )
    parser.add_argument("file", nargs="?", type=path_argument, help="cases as JSON (docs/cases.md)")
    parser.add_argument("--all", action="store_true", help="the cases that are kept here")
    parser.add_argument("--shipped", action="store_true", help="the cases that come with the app")
    parser.add_argument("--preset", help="id or name of a preset to run them with")
    parser.add_argument("--label", default="", help="a word to know the run by")
    parser.add_argument("--against", metavar="RUN", help="compare with that run's answers")
    parser.add_argument("--list", action="store_true", help="only list the runs there are")
    parser.add_argument(
        "--beside", action="store_true", help="load the model although the app runs here"
    )
    return parser
