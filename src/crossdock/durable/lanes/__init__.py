"""Lanes: the guarded ways to the systems. Every outside call goes through the lane of its system.

A lane holds what the system bears, over all workers and across restarts: concurrency, rate, daily budget. It
lets calls go in order of priority, of which age is a part; stops when the system does not answer, is throttled
or refuses our credential; and turns work away rather than keep much of it in memory (`LaneClosed`).
"""

from crossdock.durable.lanes.batcher import Batcher
from crossdock.durable.lanes.guard import guard
from crossdock.durable.lanes.lane import Lane
from crossdock.durable.lanes.ledger import BudgetGrant, LaneLedger, pause_lane, resume_lane
from crossdock.durable.lanes.limits import CURRENT_PRIORITY, CURRENT_SINCE, PRIORITY_DEFAULT, LaneLimits
from crossdock.durable.lanes.memory import MemoryLedger
from crossdock.durable.lanes.record import Intervention, LaneAlert, LaneClosed, LaneRecord, LaneState, lane_subject
from crossdock.durable.lanes.slots import SlotAsk, SlotShare
from crossdock.durable.lanes.watch import Lanes

__all__ = [
    "CURRENT_PRIORITY",
    "CURRENT_SINCE",
    "PRIORITY_DEFAULT",
    "Batcher",
    "BudgetGrant",
    "Intervention",
    "Lane",
    "LaneAlert",
    "LaneClosed",
    "LaneLedger",
    "LaneLimits",
    "LaneRecord",
    "LaneState",
    "Lanes",
    "MemoryLedger",
    "SlotAsk",
    "SlotShare",
    "guard",
    "lane_subject",
    "pause_lane",
    "resume_lane",
]
