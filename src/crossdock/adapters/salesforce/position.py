"""Where we stand in each topic, as one opaque text that the hub stores with every batch.

Beside the replay id it keeps the time up to which a topic was seen: when the replay id is of no use any more,
that time is where the gap begins.
"""

from collections.abc import Mapping

import msgspec

from crossdock.kit.clock import Instant


class TopicPosition(msgspec.Struct, frozen=True, array_like=True):
    """The last event seen of a topic (`replay_id` is empty where none was yet) and the org's time then."""

    replay_id: bytes
    at: Instant


class Positions(msgspec.Struct, frozen=True):
    """The position in every topic; `version` guards the text's form."""

    topics: Mapping[str, TopicPosition] = {}
    version: int = 1


def encode_position(topics: Mapping[str, TopicPosition]) -> str:
    """The text for these positions."""
    return msgspec.json.encode(Positions(topics=topics)).decode("ascii")


def decode_position(text: str) -> Mapping[str, TopicPosition]:
    """The positions in a text; nothing for an empty one. Raises ValueError for a text we did not write."""
    if not text:
        return {}
    try:
        positions = msgspec.json.decode(text, type=Positions)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise ValueError("the stored position is not one of ours") from error
    if positions.version != 1:
        raise ValueError("the stored position is of another version")
    return positions.topics
