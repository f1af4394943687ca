"""The recipes a worker has. During an upgrade there are workers with older and with newer ones.

A run belongs to a version of its process. Who does not know that version leaves the run to others; who knows
how to go on with it makes it a run of his own version, so that no older recipe is followed from there on.
"""

from collections.abc import Sequence
from typing import Any

from crossdock.durable.process import Process
from crossdock.durable.records import Known
from crossdock.kit.errors import Misconfigured


class Cookbook:
    """Processes by name and version. Raises Misconfigured where two go by the same."""

    def __init__(self, processes: Sequence[Process[Any]]) -> None:
        self._recipes: dict[tuple[str, int], Process[Any]] = {}
        for process in processes:
            if (process.name, process.version) in self._recipes:
                raise Misconfigured(
                    f"there are two processes {process.name} of version {process.version}", code="process-twice"
                )
            self._recipes[process.name, process.version] = process
        newest: dict[str, Process[Any]] = {}
        for process in sorted(processes, key=lambda process: process.version):
            newest[process.name] = process
        self._newest = newest
        self.known: Known = {
            **{
                (process.name, earlier): process.version
                for process in sorted(processes, key=lambda process: process.version)
                for earlier in process.continues
            },
            **{key: key[1] for key in self._recipes},
        }

    def recipe(self, name: str, version: int) -> Process[Any] | None:
        """The recipe by which a run of that version is carried on here, if any is."""
        carried_on_as = self.known.get((name, version))
        return None if carried_on_as is None else self._recipes[name, carried_on_as]

    def nearest(self, name: str, version: int) -> Process[Any] | None:
        """The same, or the newest of that name: for looking at a run, and for giving back what it holds."""
        return self.recipe(name, version) or self._newest.get(name)
