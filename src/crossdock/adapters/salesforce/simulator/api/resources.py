"""The resources around the data: the version's root, limits, record counts."""

from crossdock.adapters.salesforce.simulator.api.call import Answer, Call, Desk, table

ROUTES = table()
_BULK_QUERY_JOBS = 10_000
_BULK_BATCHES = 15_000
_PUBLISHED_PER_HOUR = 250_000
_RESOURCES = (
    "tooling", "composite", "limits", "query", "queryAll", "recent", "sobjects", "jobs",
)  # fmt: skip


@ROUTES.add("GET", "")
def root(_desk: Desk, call: Call) -> Answer:
    """What this version offers."""
    base = f"/services/data/v{call.version}"
    return Answer(content={name: f"{base}/{name}" for name in _RESOURCES})


@ROUTES.add("GET", "limits")
def limits(desk: Desk, _call: Call) -> Answer:
    """What may still be used today."""
    calls, settings = desk.org.calls, desk.org.settings

    def left(most: int, used: int) -> dict[str, int]:
        return {"Max": most, "Remaining": max(0, most - used)}

    bulk_jobs = len(desk.jobs.all("query"))
    return Answer(
        content={
            "ConcurrentAsyncGetReportInstances": left(200, 0),
            "DailyApiRequests": left(settings.api_requests_per_day, calls.api_used_today),
            "DailyAsyncApexExecutions": left(250_000, 0),
            "DailyBulkApiBatches": left(_BULK_BATCHES, len(desk.jobs.all("ingest"))),
            "DailyBulkV2QueryFileStorageMB": left(976_562, 0),
            "DailyBulkV2QueryJobs": left(_BULK_QUERY_JOBS, bulk_jobs),
            "DailyDeliveredPlatformEvents": left(settings.event_deliveries_per_day, calls.deliveries_today),
            "DailyStreamingApiEvents": left(50_000, 0),
            "DataStorageMB": left(1_024, 0),
            "FileStorageMB": left(1_024, 0),
            "HourlyPublishedPlatformEvents": left(_PUBLISHED_PER_HOUR, calls.events_published),
            "HourlyPublishedStandardVolumePlatformEvents": left(100_000, 0),
        }
    )


@ROUTES.add("GET", "limits/recordCount")
def record_count(desk: Desk, call: Call) -> Answer:
    """How many rows some objects have."""
    names = [name.strip() for name in call.query.get("sObjects", "").split(",") if name.strip()]
    found = [sobject for sobject in desk.org.schema if sobject.kind == "object"]
    counted = [sobject for sobject in found if not names or sobject.name in names]
    return Answer(
        content={
            "sObjects": [
                {
                    "count": sum(not row["IsDeleted"] for row in desk.org.store.table(o).rows.values()),
                    "name": o.name,
                }
                for o in counted
            ]
        }
    )
