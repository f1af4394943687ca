"""The evening on a page: one file, nothing fetched, light or dark as the reader has it."""

from collections.abc import Sequence

from crossdock.insight.pages import environment
from crossdock.rehearsal.black_friday import curves
from crossdock.rehearsal.black_friday.curves import Chart, Window
from crossdock.rehearsal.black_friday.figures import Figures, Moment, moments
from crossdock.rehearsal.black_friday.promises import Promise, words
from crossdock.rehearsal.black_friday.story import BANDS, LaneSample, Told

SAMPLES_MAX = 400


def report(told: Told, figures: Figures, promises: Sequence[Promise]) -> str:
    """The page."""
    evening, steps = told.evening, moments(told)
    window, whole = curves.window_of(told, steps), Window(evening, 0.0, evening.ends_at)
    return (
        environment("crossdock.rehearsal.black_friday", {"took": words})
        .get_template("report.html")
        .render(
            evening=evening,
            figures=figures,
            promises=promises,
            kept=all(promise.held for promise in promises),
            window=window,
            outage=window.stretch(evening.outage_at, evening.outage_ends_at, "outage", "the ERP is away"),
            charts=[_flow(steps, window), _backlog(steps, window), _ages(steps, window)],
            erp_lane=curves.lane_stretches(told.lanes, window),
            statuses=curves.quota_stretches(told.lanes, whole),
            whole=whole,
            quota=_quota(told.lanes, whole),
            midnight=whole.percent(evening.midnight_at),
        )
    )


def _flow(steps: Sequence[Moment], window: Window) -> Chart:
    top = curves.top_of((max(step.arrived_per_minute, step.accepted_per_minute) for step in steps), of_time=False)
    lines = [
        curves.line("arrived", "arrived", [(step.at, step.arrived_per_minute) for step in steps], window, top),
        curves.line("accepted", "accepted", [(step.at, step.accepted_per_minute) for step in steps], window, top),
    ]
    peak = max(step.arrived_per_minute for step in steps)
    return Chart(
        title="Orders per minute",
        caption="What arrives is captured at once, whatever the ERP does. What the ERP accepts is bounded by its "
        "rate; while it is away, nothing is.",
        words=f"Arrivals reach {peak:.0f} a minute; acceptance stops in the outage, then runs at the ERP's rate.",
        lines=lines,
        rises=curves.rises(top, of_time=False),
    )


def _backlog(steps: Sequence[Moment], window: Window) -> Chart:
    highest = max(step.backlog for step in steps)
    top = curves.top_of([highest], of_time=False)
    return Chart(
        title="Orders that wait",
        caption="Accepted here, not yet by the ERP. They wait as rows in the database, not in memory.",
        words=f"The backlog grows to {highest} and is worked off after the outage.",
        lines=[curves.line("waiting", "backlog", ((step.at, float(step.backlog)) for step in steps), window, top)],
        rises=curves.rises(top, of_time=False),
    )


def _ages(steps: Sequence[Moment], window: Window) -> Chart:
    top = curves.top_of((max(step.oldest_seconds.values()) for step in steps), of_time=True)
    return Chart(
        title="Age of the oldest order that waits",
        caption="Urgent orders go before patient ones that came minutes earlier: a minute per step of priority. "
        "Then the patient one's turn has come, so that it is late and never starved.",
        words="After the outage the age of the oldest urgent order falls first, that of the patient ones last.",
        lines=[
            curves.line(name, band, ((step.at, step.oldest_seconds[band]) for step in steps), window, top)
            for band, name in BANDS.items()
        ],
        rises=curves.rises(top, of_time=True),
    )


def _quota(samples: Sequence[LaneSample], whole: Window) -> Chart:
    left, midnight = whole.evening.calls_left, whole.evening.midnight_at
    top = curves.top_of([float(left)], of_time=False)
    every = max(1, len(samples) // SAMPLES_MAX)
    # Before the lane's first call it has not heard what others used, and after midnight there is a new quota.
    heard = (sample for sample in samples[::every] if sample.quota_left <= left)
    before = [(sample.at, float(sample.quota_left)) for sample in heard if sample.at < midnight]
    return Chart(
        title="Calls to Salesforce that are left today",
        caption="As soon as the day's calls would not last until midnight, only statuses that somebody must act "
        "on go out at once. The others travel in fuller batches, as often as the calls allow.",
        words=f"The {left} calls left are spent slower and last until midnight.",
        lines=[curves.line("calls left", "quota", before, whole, top)],
        rises=curves.rises(top, of_time=False),
    )
