"""Why a call on the event bus fails: a gRPC status, and the vendor's own code in the trailers."""

import uuid
from typing import Any, Never

import grpc

_PREFIX = "sfdc.platform.eventbus.grpc."


class Refusal(Exception):
    """One failure; `code` is the vendor's, without the prefix all of them share."""

    def __init__(self, status: grpc.StatusCode, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.status = status
        self.code = code
        self.message = message


def refuse(context: Any, refusal: Refusal, rpc_id: str) -> Never:
    """End the call; does not return."""
    context.set_trailing_metadata((("error-code", _PREFIX + refusal.code), ("rpc-id", rpc_id)))
    context.abort(refusal.status, f"{refusal.message} rpcId: {rpc_id}")
    raise AssertionError("abort returns never")


def new_rpc_id() -> str:
    """What support asks for when a call has failed."""
    return str(uuid.uuid4())


def invalid(code: str, message: str) -> Refusal:
    """The request itself is wrong."""
    return Refusal(grpc.StatusCode.INVALID_ARGUMENT, code, message)


def unavailable() -> Refusal:
    """The bus is down, or the stream was broken off."""
    return Refusal(
        grpc.StatusCode.UNAVAILABLE, "service.unavailable", "The Pub/Sub API service is temporarily unavailable."
    )


def replay_refused() -> Refusal:
    """A position that is malformed, never issued, or kept no longer: the vendor says the same of all three."""
    return invalid(
        "subscription.fetch.replayid.corrupted",
        "The Replay ID validation failed. Ensure that the Replay ID is valid.",
    )


def topic_not_found(topic: str) -> Refusal:
    """There is no such topic or channel."""
    return Refusal(grpc.StatusCode.NOT_FOUND, "topic.not.found", f"The topic {topic} was not found.")


def deliveries_exhausted() -> Refusal:
    """The day's deliveries are used up."""
    return Refusal(
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        "subscription.limit.exceeded",
        "You have exceeded the event delivery limit for your org.",
    )
