"""What the hub promises for such an evening, each checked on what the ERP, Salesforce and the events say."""

from bisect import bisect_right, insort
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from statistics import median

import msgspec

from crossdock.canonical.status import OrderStatus
from crossdock.durable.lanes import LaneLimits
from crossdock.insight.wording import duration_in_words
from crossdock.kit.clock import seconds_to_us
from crossdock.policies.order_status import urgency_of
from crossdock.rehearsal.black_friday.plan import is_blocked
from crossdock.rehearsal.black_friday.story import LaneSample, Story, Told

EXCEPTIONS_MAX = 5
SLACK_SECONDS = 60.0
"""What was taken up before is not called back for who comes later: so long it may go on."""

OVERTAKEN_MAX = 10
"""One may go before its turn to probe a lane, and some are under way when a closed lane opens."""

TOLD_WITHIN_SECONDS = 30.0
LONG_SECONDS = 60.0
PRESSING_SECONDS = 300.0
RECOVERY_FACTOR = 2.0
NORMAL_AGE_SECONDS = 30.0
"""Where no open order is older, the evening is normal again."""

REFUSED_PER_MINUTE_MAX = 12.0
THROTTLED_SHARE_MAX = 0.2
GROUP_MIN = 5


class Promise(msgspec.Struct, frozen=True, kw_only=True):
    """Whether it held, the figure that says so, and the first exceptions where it did not."""

    name: str
    held: bool
    figure: str
    exceptions: tuple[str, ...] = ()


def check_promises(told: Told) -> list[Promise]:
    """All of them."""
    return [check(told) for check in PROMISES]


def words(seconds: float) -> str:
    """A duration for people."""
    return duration_in_words(seconds_to_us(seconds))


def _promise(name: str, figure: str, exceptions: Sequence[str]) -> Promise:
    return Promise(name=name, held=not exceptions, figure=figure, exceptions=tuple(exceptions[:EXCEPTIONS_MAX]))


# ── the books ───────────────────────────────────────────────────────────────────────────────────────


def nothing_lost(told: Told) -> Promise:
    """Every order that arrived ended: in the ERP, or refused for the reason it had to be refused."""
    exceptions = list(told.faults)
    for story in told.stories:
        due = OrderStatus.REFUSED if is_blocked(story.order.customer.number) else OrderStatus.ACCEPTED
        if story.captured_at is None:
            exceptions.append(f"{story.order.order_id} arrived and was never captured")
        elif story.ended != due or (due is OrderStatus.ACCEPTED and not story.documents):
            there = "in the ERP" if story.documents else "not in the ERP"
            exceptions.append(f"{story.order.order_id} is {story.ended or 'undecided'} and {there}")
    ends = Counter(story.ended for story in told.stories)
    accepted, refused = ends[OrderStatus.ACCEPTED], ends[OrderStatus.REFUSED]
    figure = f"{len(told.stories)} arrived: {accepted} accepted, {refused} refused"
    return _promise("nothing lost", figure, exceptions)


def nothing_twice(told: Told) -> Promise:
    """One order in the ERP per order, and its end told once."""
    exceptions = [
        f"{story.order.order_id} is {len(story.documents)} times in the ERP and ended {story.ends} times"
        for story in told.stories
        if len(story.documents) > 1 or story.ends > 1
    ]
    booked = sum(len(story.documents) for story in told.stories)
    return _promise("nothing twice", f"{booked} in the ERP, one per order", exceptions)


def money_equal(told: Told) -> Promise:
    """What the hub says was accepted is worth what stands in the ERP's books."""
    exceptions, total = [], Decimal(0)
    for story in told.stories:
        booked = sum((book.order.net().decimal for book in story.documents), Decimal(0))
        total += booked
        if booked != Decimal(story.net):
            exceptions.append(f"{story.order.order_id}: {story.net} here, {booked} in the ERP")
    return _promise("money equal on both sides", f"{total} EUR", exceptions)


# ── turns ───────────────────────────────────────────────────────────────────────────────────────────


def urgent_first(told: Told) -> Promise:
    """Of what arrived in the same minute and had to wait, the urgent waits less than the patient."""
    minutes: Mapping[int, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for story in told.stories:
        waited = story.waited()
        if waited is not None and story.documents:
            minutes[int(story.arrived_at // 60)][story.band].append(waited)
    exceptions, compared = [], 0
    for minute, bands in minutes.items():
        urgent, patient = bands["urgent"], bands["patient"]
        if min(len(urgent), len(patient)) < GROUP_MIN or median(patient) < LONG_SECONDS:
            continue
        compared += 1
        if median(urgent) > median(patient):
            exceptions.append(
                f"minute {minute}: urgent waited {words(median(urgent))}, patient {words(median(patient))}"
            )
    longest = {band: words(_longest(told, band)) for band in ("urgent", "patient")}
    figure = (
        f"urgent waited {longest['urgent']} at most, patient {longest['patient']}; {compared} minutes compared"
    )
    return _promise("urgent orders first", figure, exceptions)


def never_starved(told: Told) -> Promise:
    """Ageing bounds the wait: a patient order is overtaken for so many minutes as it lacks urgency, no longer."""
    worst, exceptions = 0, []
    for story, overtakers in _overtaken(told.stories):
        worst = max(worst, overtakers)
        if overtakers > OVERTAKEN_MAX:
            exceptions.append(f"{story.order.order_id} was overtaken by {overtakers} when its turn had come")
    exceptions += [f"{story.order.order_id} still waits" for story in told.stories if story.decided_at is None]
    figure = f"when its turn had come, nobody was overtaken by more than {worst} others ({OVERTAKEN_MAX} allowed)"
    return _promise("late, but never starved", figure, exceptions)


def _overtaken(stories: Sequence[Story]) -> Iterator[tuple[Story, int]]:
    """Each order the ERP took, and how many with a turn clearly after its own went while it waited.

    What was under way when it arrived did not overtake it, so that its first minute does not count.
    """
    happened: list[tuple[float, bool, Story]] = []
    for story in stories:
        if story.documents and story.decided_at is not None:
            happened.append((story.decided_at, True, story))
            if story.arrived_at + SLACK_SECONDS < story.decided_at:
                happened.append((story.arrived_at + SLACK_SECONDS, False, story))
    went: list[float] = []
    before: dict[str, int] = {}
    for _, goes, story in sorted(happened, key=lambda each: each[:2]):
        turn = _turn_of(story)
        later = len(went) - bisect_right(went, turn + SLACK_SECONDS)
        if not goes:
            before[story.order.order_id] = later
            continue
        if story.order.order_id in before:
            yield story, later - before[story.order.order_id]
        insort(went, turn)


def _turn_of(story: Story) -> float:
    return story.arrived_at + story.order.priority * LaneLimits().ageing_step_seconds


def _longest(told: Told, band: str) -> float:
    return max((story.waited() or 0.0 for story in told.stories if story.band == band), default=0.0)


# ── the systems ─────────────────────────────────────────────────────────────────────────────────────


def erp_left_alone(told: Told) -> Promise:
    """While the ERP is away it is only probed, and its 429s are heeded: few calls run into them."""
    refused, sent, landed = (told.erp_calls.get(name, 0) for name in ("connection refused", "sent", "landed"))
    throttled = sent - landed
    allowed = REFUSED_PER_MINUTE_MAX * (told.evening.outage_minutes + 1)
    exceptions = []
    if refused > allowed:
        exceptions.append(f"{refused} calls to an ERP that was away, {allowed:.0f} allowed")
    if throttled > THROTTLED_SHARE_MAX * max(sent, 1):
        exceptions.append(f"{throttled} of {sent} calls were answered 429")
    share = throttled / max(sent, 1)
    figure = f"{throttled} of {sent} calls answered 429 ({share:.1%}), {refused} while it was away"
    return _promise("ERP protected", figure, exceptions)


def quota_kept(told: Told) -> Promise:
    """The day's calls last until midnight: what can wait was shed for that, and it was said."""
    exceptions = []
    if told.status_calls > told.evening.calls_left:
        exceptions.append(f"{told.status_calls} calls to Salesforce of {told.evening.calls_left} that were left")
    shed = [sample for sample in told.lanes if sample.ceiling < urgency_of(OrderStatus.ACCEPTED)]
    if shed and not any("budget runs short" in sample.feedback for sample in shed):
        exceptions.append("statuses were held back for the quota, and nothing said so")
    held_back = f"what can wait was held back for {words(_seconds_of(told.lanes, shed))}"
    figure = f"{told.status_calls} of {told.evening.calls_left} calls used before midnight; "
    return _promise(
        "Salesforce quota kept", figure + (held_back if shed else "nothing had to be shed"), exceptions
    )


def _seconds_of(all_samples: Sequence[LaneSample], some: Sequence[LaneSample]) -> float:
    span = all_samples[-1].at - all_samples[0].at
    return span * len(some) / max(len(all_samples) - 1, 1)


def pressing_shown(told: Told) -> Promise:
    """What the buyer or the order desk must act on is shown soon, also when the quota is short."""
    worst, exceptions = 0.0, []
    for story in told.stories:
        if story.ended is not OrderStatus.REFUSED or story.decided_at is None:
            continue
        late = (story.shown_at if story.shown_at is not None else told.evening.ends_at) - story.decided_at
        worst = max(worst, late)
        if late > PRESSING_SECONDS:
            exceptions.append(f"{story.order.order_id} was refused, and that was shown {words(late)} later")
    figure = f"refusals shown within {words(worst)}"
    return _promise("pressing statuses shown at once", figure, exceptions)


def statuses_honest(told: Told) -> Promise:
    """Who waits for an ERP that is away is told so, and since when and why; in the end every record is right."""
    waited, exceptions = 0, []
    away_at, back_at = told.evening.outage_at + TOLD_WITHIN_SECONDS, told.evening.outage_ends_at
    for story in told.stories:
        took = story.waited()
        if story.shown_at is None:
            exceptions.append(f"{story.order.order_id} is {story.ended or 'undecided'}, and not shown so")
        if took is None or took < LONG_SECONDS or not away_at < story.arrived_at < back_at:
            continue
        waited += 1
        if story.waiting_at is None or story.waiting_at - story.arrived_at > TOLD_WITHIN_SECONDS:
            exceptions.append(f"{story.order.order_id} waited {words(took)}, and was not told as waiting")
        elif "waiting for the ERP" not in story.waiting_reason:
            exceptions.append(f"{story.order.order_id} waits for an unnamed reason: {story.waiting_reason}")
    delays = (story.shown_at - story.decided_at for story in told.stories if story.shown_at and story.decided_at)
    late = max(delays, default=0.0)
    figure = (
        f"{waited} came while the ERP was away and were told so; every record is right, at most {words(late)} late"
    )
    return _promise("statuses honest", figure, exceptions)


def recovered(told: Told) -> Promise:
    """Twice the outage after it ended, no open order is older than half a minute."""
    back, allowed = told.evening.outage_ends_at, RECOVERY_FACTOR * told.evening.outage_minutes * 60
    late = [story for story in told.stories if (story.waited() or told.evening.ends_at) > NORMAL_AGE_SECONDS]
    ends = [
        story.decided_at if story.decided_at is not None else told.evening.ends_at
        for story in late
        if story.arrived_at <= back + allowed
    ]
    took = max(0.0, max(ends, default=back) - back)
    exceptions = []
    if took > allowed:
        exceptions.append(f"back to normal {words(took)} after the ERP was back, {words(allowed)} allowed")
        exceptions.append(_what_the_erp_could(told))
    figure = f"normal {words(took)} after the ERP was back ({words(allowed)} allowed)"
    return _promise("recovered within twice the outage", figure, exceptions)


def _what_the_erp_could(told: Told) -> str:
    """Whether any hub could have: the ERP's rate is what there is."""
    evening = told.evening
    calls_each = told.erp_calls.get("landed", 0) / max(sum(len(story.documents) for story in told.stories), 1)
    orders_per_second = evening.erp_per_second / max(calls_each, 1.0)
    waiting = sum(story.open_at(evening.burst_ends_at) for story in told.stories)
    best = evening.burst_ends_at + waiting / orders_per_second - evening.outage_ends_at
    return (
        f"at {evening.erp_per_second:g} calls a second, {calls_each:.1f} an order, the ERP itself takes "
        f"{words(best)} for what waited"
    )


PROMISES: Sequence[Callable[[Told], Promise]] = (
    nothing_lost,
    nothing_twice,
    money_equal,
    urgent_first,
    never_starved,
    erp_left_alone,
    quota_kept,
    pressing_shown,
    statuses_honest,
    recovered,
)
