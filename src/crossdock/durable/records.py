"""What the engine writes and reads: plain records, gathered by the committer, applied by a store.

Times are instants (microseconds, UTC). Payloads are JSON bytes, so that an operator can read and repair them.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import msgspec

from crossdock.kit.clock import Instant
from crossdock.kit.errors import Finding

Known = Mapping[tuple[str, int], int]
"""What a worker can carry out: by process and version of a run, the version under which it is carried on."""

READY_QUEUE = "ready"
LANE_QUEUE_PREFIX = "lane:"


class RunState(StrEnum):
    """Where a run stands. Runs of one subject go one after another: later ones are `queued`."""

    READY = "ready"
    RUNNING = "running"
    WAITING = "waiting"
    QUEUED = "queued"
    PARKED = "parked"
    DONE = "done"
    SKIPPED = "skipped"


ERASED = b'{"erased":true}'
"""What a store reads out in the place of a payload that told of somebody who was forgotten since."""
FINAL_STATES = frozenset({RunState.DONE, RunState.SKIPPED})


class StepState(StrEnum):
    """What is known of a step.

    `intent`: a write may be under way. `unheard`: nobody heard its outcome, as was noticed at the row's time.
    `delayed`: certainly not done, to be tried again. `done` and `refused` are final and come out the same on
    every replay.
    """

    INTENT = "intent"
    UNHEARD = "unheard"
    DELAYED = "delayed"
    DONE = "done"
    REFUSED = "refused"


IN_DOUBT = frozenset({StepState.INTENT, StepState.UNHEARD})
"""Whether the write took effect has to be asked before anything else."""


class JournalRow(msgspec.Struct, frozen=True, gc=False):
    """One step of one run. `attempts` counts calls that were made; `at` is when it came to this state."""

    step: str
    state: StepState
    payload: bytes
    attempts: int
    at: Instant


class Outgoing(msgspec.Struct, frozen=True):
    """An event on its way into the outbox; `data` is the JSON of a contract."""

    type: str
    subject: str
    data: bytes
    correlation_id: str = ""


class Parking(msgspec.Struct, frozen=True, kw_only=True):
    """Why work stands still and whose it is.

    `category` is the recovery that the error asks for. `signature` groups equal causes (`v1:` names the way
    it is computed). `severity` runs from 1 (look today) to 4 (money is being lost now).
    """

    category: str
    code: str
    signature: str
    reason: str
    owner: str
    severity: int
    step: str = ""
    system: str = ""
    vendor_code: str = ""
    domain: str = ""
    at_risk: str = ""
    findings: tuple[Finding, ...] = ()


class Effect(msgspec.Struct, frozen=True):
    """A change to the hub's own records that commits together with the step. Rooms above define their own."""


class EffectStep(msgspec.Struct, frozen=True):
    """An effect and the step under which the store journals what it found."""

    step: str
    effect: Effect


class RunStart(msgspec.Struct, frozen=True, kw_only=True):
    """A run to begin; beginning it twice begins it once. With `parking` it begins parked."""

    run_id: str
    process: str
    version: int
    subject: str
    input: bytes
    priority: int = 5
    correlation_id: str = ""
    parking: Parking | None = None
    value: Any = None
    """What `input` decodes to, where the starter has it: spares a run that begins here the decoding."""


class Transition(msgspec.Struct, frozen=True, kw_only=True):
    """Where the run goes now. `queue` names who may take it up: ready, `lane:…`, or nobody but `wake_at`."""

    state: RunState
    queue: str = ""
    wake_at: Instant | None = None
    waiting_on: str = ""
    result: bytes = b""
    parking: Parking | None = None


class InboxRow(msgspec.Struct, frozen=True):
    """An arrival. The same (source, external_id) is taken once; another `digest` under it is a conflict."""

    source: str
    external_id: str
    digest: str


class CursorWrite(msgspec.Struct, frozen=True):
    """How far a source was read or a subscription got; written only while `holder` holds it."""

    name: str
    position: str
    holder: str


class Commit(msgspec.Struct, kw_only=True):
    """All that must become true together for one run, one arrival or one subscription.

    With a `run_id` the commit is fenced: it applies only while the worker still owns that epoch of the run.
    With an `inbox` row it applies only where the row is new. `lease_to`: runs it starts begin with that worker.
    """

    run_id: str = ""
    epoch: int = 0
    journal: tuple[JournalRow, ...] = ()
    effects: tuple[EffectStep, ...] = ()
    events: tuple[Outgoing, ...] = ()
    starts: tuple[RunStart, ...] = ()
    transition: Transition | None = None
    inbox: InboxRow | None = None
    cursor: CursorWrite | None = None
    lease_to: str = ""


class Fate(StrEnum):
    """What became of a commit."""

    APPLIED = "applied"
    FENCED = "fenced"
    DUPLICATE = "duplicate"
    CONFLICT = "conflict"


class Outcome(msgspec.Struct, gc=False):
    """The store's answer to one commit. `findings` are the journalled results of its effects, in order.

    `leased` are the runs among its starts that begin with the worker that asked for them.
    """

    fate: Fate
    findings: tuple[bytes, ...] = ()
    leased: tuple[str, ...] = ()


APPLIED = Outcome(Fate.APPLIED)
FENCED = Outcome(Fate.FENCED)


class SignalRow(msgspec.Struct, frozen=True):
    """A signal that reached a run."""

    name: str
    payload: bytes


class ClaimedRun(msgspec.Struct, kw_only=True):
    """A run that this worker now owns, with all that its journal knows."""

    run_id: str
    process: str
    version: int
    subject: str
    epoch: int
    priority: int
    correlation_id: str
    input: bytes
    created_at: Instant
    told: str = ""
    value: Any = None
    journal: tuple[JournalRow, ...] = ()
    signals: tuple[SignalRow, ...] = ()


class StoredEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An event in the outbox; `sequence` grows in the order of commits."""

    sequence: int
    event_id: str
    type: str
    subject: str
    correlation_id: str
    at: Instant
    data: bytes
