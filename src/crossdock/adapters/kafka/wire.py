"""Kafka's own words: headers and error codes, by the names that the client library gives them."""
# ruff: noqa: SLF001 - names with an underscore are the library's own errors, not private ones

from typing import Final

from confluent_kafka import KafkaError

SYSTEM: Final = "kafka"

CONTENT_TYPE: Final = "content-type"
CLOUD_EVENT_JSON: Final = "application/cloudevents+json; charset=UTF-8"
EVENT_ID: Final = "ce_id"

REFUSALS: Final = frozenset(
    {
        KafkaError._AUTHENTICATION,
        KafkaError.SASL_AUTHENTICATION_FAILED,
        KafkaError.TOPIC_AUTHORIZATION_FAILED,
        KafkaError.GROUP_AUTHORIZATION_FAILED,
        KafkaError.CLUSTER_AUTHORIZATION_FAILED,
    }
)
"""The credential is not good, or may not do this."""

NO_TOPIC: Final = frozenset(
    {KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC, KafkaError._UNKNOWN_PARTITION}
)
TOO_LARGE: Final = frozenset({KafkaError.MSG_SIZE_TOO_LARGE, KafkaError.RECORD_LIST_TOO_LARGE})

PASSING: Final = frozenset({KafkaError._PARTITION_EOF, KafkaError._TRANSPORT, KafkaError._ALL_BROKERS_DOWN})
"""What a consumer hears while its library mends the connection by itself."""
