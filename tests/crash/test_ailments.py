"""What befalls a hub for a while, as it would befall a real one."""

from bench.crash.ailments import HOUR_US, ShiftedClock

from crossdock.kit.clock import MICROSECONDS


def test_a_machine_whose_clock_is_set_does_not_skip_what_its_hub_waits_for() -> None:
    clock = ShiftedClock()
    for shift_us in (HOUR_US, -HOUR_US):
        before = clock.now()
        clock.shift_us = shift_us
        assert before <= clock.now() < before + MICROSECONDS
