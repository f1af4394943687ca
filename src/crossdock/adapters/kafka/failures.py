"""What goes wrong with Kafka, by what the hub does next; the broker's code is kept, its words are not."""

from confluent_kafka import KafkaError, KafkaException

from crossdock.adapters.kafka.wire import NO_TOPIC, REFUSALS, SYSTEM, TOO_LARGE
from crossdock.kit.errors import (
    CrossdockError,
    Finding,
    Invalid,
    Misconfigured,
    NotAuthorized,
    OutcomeUnknown,
    Unavailable,
)


def error_of(raised: KafkaException | KafkaError) -> KafkaError:
    """The library's error, however it came."""
    if isinstance(raised, KafkaError):
        return raised
    error = raised.args[0]
    assert isinstance(error, KafkaError)
    return error


def failure(error: KafkaError, *, writes: bool) -> CrossdockError:
    """The error behind the library's. A write that may have reached a broker is unheard of."""
    code, vendor_code = error.code(), error.name()
    if code in REFUSALS:
        return refused(vendor_code)
    if code in TOO_LARGE:
        return _too_large(vendor_code)
    if code in NO_TOPIC:
        return no_topic(vendor_code)
    if writes:
        words = "Kafka did not acknowledge in time; the message may be stored"
        return OutcomeUnknown(words, code="answer-lost", system=SYSTEM, vendor_code=vendor_code)
    return Unavailable("Kafka cannot be reached", code="unreachable", system=SYSTEM, vendor_code=vendor_code)


def refused(vendor_code: str) -> NotAuthorized:
    """The credential is not good, or may not do this."""
    words = "Kafka refuses the credential, or what it may do"
    return NotAuthorized(words, code="credential-refused", system=SYSTEM, vendor_code=vendor_code)


def no_topic(vendor_code: str = "") -> Misconfigured:
    """The topic is not there."""
    words = "The topic named in the settings does not exist"
    return Misconfigured(words, code="topic-missing", system=SYSTEM, vendor_code=vendor_code)


def _too_large(vendor_code: str) -> Invalid:
    finding = Finding(code="event-too-large", path="$.data", message="more than Kafka takes in one message")
    return Invalid(
        "The event is larger than Kafka takes",
        code="event-too-large",
        system=SYSTEM,
        vendor_code=vendor_code,
        findings=[finding],
    )
