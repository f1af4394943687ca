"""The page of processes: each recipe with its drawing, its steps and what it tells."""

import inspect
import pkgutil
import re
import textwrap
from collections.abc import Iterator, Sequence
from importlib import import_module
from types import ModuleType
from typing import Any, get_type_hints

from docs.generate.recipe import Recipe, RecipeReader, Step, events_of

from crossdock import processes
from crossdock.durable.parking import owner_of
from crossdock.durable.process import Process
from crossdock.durable.retries import RetryPolicy
from crossdock.kit.errors import Recovery

LINE_CHARACTERS_MAX = 115
_REQUIREMENTS = re.compile(r" \((?:[A-Z]{3}-\d+(?:, )?)+\)")


def processes_page() -> str:
    """Everything between the marks of `docs/processes/README.md`."""
    names = [found.name for found in pkgutil.iter_modules(processes.__path__)]
    modules = [import_module(f"{processes.__name__}.{name}") for name in names]
    return "\n\n".join(part for module in modules for part in _module(module)) + "\n\n" + _owners(modules)


def _module(module: ModuleType) -> Iterator[str]:
    name = module.__name__.rpartition(".")[2]
    yield f"## [{name.replace('_', ' ').capitalize()}](../../src/crossdock/processes/{name}.py)"
    yield from _docstring(inspect.getdoc(module) or "")
    made = list(_processes(module))
    for process in made:
        yield from _process(module, process)
    told = sorted({event for events in events_of(module).values() for event in events})
    if not made and told:
        yield f"It tells {_listed(told)}."


def _docstring(text: str) -> Iterator[str]:
    """Its paragraphs, drawings as they stand; the numbers of requirements are for the source's readers."""
    for paragraph in text.split("\n\n"):
        if all(line.startswith("    ") for line in paragraph.splitlines()):
            yield f"```text\n{textwrap.dedent(paragraph)}\n```"
        elif not paragraph.startswith("Requirements:"):
            yield _REQUIREMENTS.sub("", paragraph)


def _processes(module: ModuleType) -> Iterator[Process[Any]]:
    """The module's processes, as made for a hub. The functions that they run have names of their own."""
    for factory in vars(module).values():
        if inspect.isfunction(factory) and factory.__module__ == module.__name__:
            returned = get_type_hints(factory).get("return")
            if getattr(returned, "__origin__", None) is Process:
                # What a process declares does not depend on whom it works with.
                yield factory(None)


def _process(module: ModuleType, process: Process[Any]) -> Iterator[str]:
    reader = RecipeReader(module)
    reader.follow(process.body.__name__)
    if process.announce.__module__ == module.__name__:
        reader.follow("announce")
    recipe = reader.recipe
    yield f"### `{process.name}`, version {process.version}"
    yield _steps(recipe.steps)
    if recipe.told:
        yield _told(recipe)
    yield _manners(process)


def _steps(steps: Sequence[Step]) -> str:
    lines = ["| step | does | when its answer is lost | undone by |", "|---|---|---|---|"]
    for step in steps:
        name = f"`{step.name}` (pivot)" if step.pivot else f"`{step.name}`"
        lines.append(f"| {name} | {_does(step)} | {_lost(step)} | {_undo(step)} |")
    return "\n".join(lines)


def _does(step: Step) -> str:
    if step.effect:
        along = ", together with what follows" if step.attached else ""
        return f"changes the hub's own records: `{step.effect}`{along}"
    if step.name.startswith(("signal:", "timer:")):
        return "waits as a row, without memory"
    calls = _listed(step.asks)
    return f"writes outside: {calls}" if step.writes_outside else f"calls {calls}"


def _lost(step: Step) -> str:
    if step.recall:
        return f"`{step.recall}` by its key, before anything is repeated"
    if step.writes_outside:
        return "a person is asked"
    return "it is called again" if step.asks else "cannot happen"


def _undo(step: Step) -> str:
    return f"`{step.undo}`" if step.undo else "nothing to undo"


def _told(recipe: Recipe) -> str:
    moments: dict[str, list[str]] = {}
    for event, when in recipe.told:
        moments.setdefault(event, []).append(when)
    lines = ["| tells | when |", "|---|---|"]
    lines += [f"| `{event}` | {'; '.join(whens)} |" for event, whens in moments.items()]
    return "\n".join(lines)


def _manners(process: Process[Any]) -> str:
    said = [
        f"Its runs are named `{process.run_id('<key>')}`.",
        _retries(process.retries),
        f"`{process.owner}` looks first at what stands still, unless the table below says otherwise.",
        *(f"What stands still for `{code}` is for `{desk}`." for code, desk in process.desks.items()),
    ]
    if process.asked_anew:
        said.append(f"When its input is repaired, {_listed(process.asked_anew)} are done anew.")
    return textwrap.fill(" ".join(said), LINE_CHARACTERS_MAX, break_on_hyphens=False)


def _retries(retries: RetryPolicy) -> str:
    return (
        f"A call that fails in passing is made up to {retries.attempts_max} times; the waits grow from "
        f"{retries.first_wait_seconds:g} s to {retries.wait_seconds_max:g} s, unless the system names its own."
    )


def _owners(modules: Sequence[ModuleType]) -> str:
    made = [process for module in modules for process in _processes(module)]
    lines = [
        "## Who looks first at parked work",
        "",
        f"| category | {' | '.join(f'`{process.name}`' for process in made)} |",
        "|---" * (len(made) + 1) + "|",
    ]
    for recovery in Recovery:
        owners = " | ".join(owner_of(recovery, process) for process in made)
        lines.append(f"| `{recovery.value}` | {owners} |")
    return "\n".join(lines)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
