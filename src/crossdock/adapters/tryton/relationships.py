"""For which business a person stands: a relation of the module party_relationship, where Tryton has it.

The relation is made with the person's party, in the same call, and is of one type; what people relate by others is
their matter. To whom somebody belongs is the word of each record, so no relation is changed later.
"""

from collections.abc import Mapping
from typing import Any, Final

from crossdock.adapters.tryton import party_mapping
from crossdock.adapters.tryton.client import TrytonClient
from crossdock.adapters.tryton.settings import TrytonSettings
from crossdock.canonical.party import ExternalReference
from crossdock.identity.golden.fields import Fields

FIELD: Final = ("party.party", "relations")
TYPE: Final = "party.relation.type"
RIGHTS: Final[Mapping[str, tuple[str, ...]]] = {"party.relation": ("read", "create"), TYPE: ("read",)}
MODULE: Final = "party_relationship"


class Relationships:
    """Asks Tryton for its type of relation. Raises what `TrytonClient` raises."""

    def __init__(self, client: TrytonClient, settings: TrytonSettings) -> None:
        self._client = client
        self._name = settings.contact_relation

    async def are_there(self) -> bool:
        """Whether the module is activated, and relations are wanted."""
        return bool(self._name) and await self._client.has_field(*FIELD)

    async def values(self, said: Fields) -> dict[str, Any]:
        """What makes a new party somebody who stands for a business; nothing where that is not kept."""
        if said.get("hierarchy.relation") != "contact" or not await self.are_there():
            return {}
        parts = [said.get(f"hierarchy.parent.{part}") for part in ("system", "kind", "value")]
        business = party_mapping.id_of(ExternalReference(*map(str, parts))) if None not in parts else None
        kind = await self._type()
        if business is None or kind is None:
            return {}
        return {"relations": [["create", [{"to": business, "type": kind}]]]}

    async def exempt(self) -> str:
        """Why relations are not kept, in words; empty where they are."""
        if not self._name:
            return "relations of contacts are not wanted (contact_relation)"
        if not await self._client.has_field(*FIELD):
            return f"relations of contacts are not kept: the module {MODULE} is not activated"
        if await self._type() is None:
            return f"relations of contacts are not kept: there is no type of relation {self._name!r}"
        return ""

    async def _type(self) -> int | None:
        found = await self._client.search_read(TYPE, [("name", "=", self._name)], ["id"])
        return min((int(row["id"]) for row in found), default=None)
