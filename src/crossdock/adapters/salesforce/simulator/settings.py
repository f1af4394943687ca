"""How the simulated org behaves where real ones differ, or where a test must not wait as long as a real one."""

import msgspec


class OrgSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Limits, manners and pace of one org. Times are seconds of the simulator's clock unless they say otherwise.

    A merge moves rows over without firing their triggers; whether it announces them is not documented, and by
    default it does not (`merge_announces_children`). The `*_wait_seconds` of the event bus are real seconds: they
    pace threads, not data. `without` are objects that the org lacks, since their feature is off.
    """

    organization: str = "Crossdock Trading"
    username: str = "integration@crossdock.example"
    password: str = "correct-horse"  # noqa: S105 - the simulator's own, printed when it starts
    client_id: str = "3MVG9.crossdock"
    client_secret: str = "crossdock-secret"  # noqa: S105 - the same
    session_seconds: float = 7_200.0
    api_requests_per_day: int = 100_000
    query_page_rows: int = 2_000
    cursor_seconds: float = 172_800.0
    bulk_polls_queued: int = 1
    bulk_polls_in_progress: int = 1
    event_retention_seconds: float = 259_200.0
    event_deliveries_per_day: int = 50_000
    keepalive_wait_seconds: float = 60.0
    credit_wait_seconds: float = 60.0
    publish_idle_wait_seconds: float = 70.0
    commit_gather_wait_seconds: float = 0.2
    lock_hold_seconds: float = 0.0
    merge_announces_children: bool = False
    without: tuple[str, ...] = ()
