"""What the process of a rehearsal is handed, and what it tells."""

import msgspec

from crossdock.identity.golden.ownership import Ownership
from crossdock.identity.golden.rehearsing import Consequences, Regrouped
from crossdock.identity.matching.model import Bands
from crossdock.identity.recognition.rehearsing import SaidRehearsed, SourceChange


class RehearsalAsked(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is tried: another model (as JSON), other bands, another ownership. What is not named stays as it is.

    `by` is who asked for it.
    """

    model: bytes = b""
    bands: Bands | None = None
    ownership: Ownership | None = None
    by: str = ""

    @property
    def weighs(self) -> bool:
        """Whether people's words about pairs are tried: where that is asked for, or nothing else is."""
        return self.ownership is None or bool(self.model) or self.bands is not None


class RehearsalTold(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it. `sources` and `regrouped` are told where another model or other bands were tried."""

    words: SaidRehearsed | None = None
    sources: tuple[SourceChange, ...] = ()
    regrouped: Regrouped | None = None
    ownership: Consequences | None = None

    @property
    def against(self) -> bool:
        """Whether anything would be judged against somebody's word."""
        return bool(self.words and self.words.contradicted) or any(each.pins.newly for each in self.consequences)

    @property
    def consequences(self) -> list[Consequences]:
        """What would follow of all that was tried."""
        regrouped = [self.regrouped.consequences] if self.regrouped else []
        return regrouped + ([self.ownership] if self.ownership else [])
