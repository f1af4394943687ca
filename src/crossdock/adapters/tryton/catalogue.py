"""Currencies, countries, units and warehouses by their codes, read at most every few minutes."""

import asyncio
from collections.abc import Mapping
from typing import TypeVar

from crossdock.adapters.tryton.client import TrytonClient, as_rows
from crossdock.adapters.tryton.mapping import UNITS, Catalogue
from crossdock.adapters.tryton.settings import TrytonSettings
from crossdock.adapters.tryton.wire import CodeRow, Row, SubdivisionRow, UnitRow, WarehouseRow, fields_of
from crossdock.kit.clock import Clock, Instant, seconds_to_us

RowKind = TypeVar("RowKind", bound=Row)


class CatalogueReader:
    """Reads the catalogue when it is older than `catalogue_seconds`; several that need it read it once."""

    def __init__(self, client: TrytonClient, settings: TrytonSettings, clock: Clock) -> None:
        self._client = client
        self._clock = clock
        self._age_max = seconds_to_us(settings.catalogue_seconds)
        self._symbols: Mapping[str, str] = {**UNITS, **settings.units}
        self._reading = asyncio.Lock()
        self._read_at: Instant = 0
        self._catalogue: Catalogue | None = None

    async def get(self) -> Catalogue:
        """The catalogue; it may be as old as `catalogue_seconds`."""
        async with self._reading:
            now = self._clock.now()
            if self._catalogue is None or now - self._read_at > self._age_max:
                self._catalogue = await self._read()
                self._read_at = now
            return self._catalogue

    async def _read(self) -> Catalogue:
        currencies = await self._rows("currency.currency", CodeRow)
        countries = await self._rows("country.country", CodeRow)
        units = {row.symbol: row for row in await self._rows("product.uom", UnitRow)}
        warehouses = as_rows(
            await self._client.search_read(
                "stock.location", [("type", "=", "warehouse")], fields_of(WarehouseRow)
            ),
            WarehouseRow,
        )
        return Catalogue(
            currencies={row.code: row.id for row in currencies if row.code},
            countries={row.code: row.id for row in countries if row.code},
            subdivisions=tuple(await self._rows("country.subdivision", SubdivisionRow)),
            units={code: units[symbol] for code, symbol in self._symbols.items() if symbol in units},
            warehouses={row.code or row.name: row for row in warehouses},
        )

    async def _rows(self, model: str, kind: type[RowKind], *domain: object) -> list[RowKind]:
        return as_rows(await self._client.search_read(model, domain, fields_of(kind)), kind)
