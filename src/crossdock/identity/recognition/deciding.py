"""Whose a record is: what people said, what ids say, then weights; with the evidence of each step.

A person's word goes before rules, rules before weights. A veto between any two records keeps their parties apart.
"""

from collections.abc import Sequence
from math import inf

import msgspec

from crossdock.identity.matching.model import Bands, Model
from crossdock.identity.matching.online.weighing import Weighing
from crossdock.identity.matching.record import Features, Kind
from crossdock.identity.matching.rules import Rule
from crossdock.identity.matching.scoring import Band, Scorer
from crossdock.identity.matching.weighing import FAR_BELOW
from crossdock.identity.recognition.index import Face, Finding, Nearby, SettleRecord, Weighed

WEIGHED_KEPT_MAX = 5
"""So many candidates are kept with a decision."""
HOPELESS_BITS = 8.0
"""So far below review a candidate is kept only if none is stronger."""
_SAID_SAME, _SAID_NOT_SAME = "steward_same", "steward_not_same"
_RANKS: dict[Band, int] = {"link": 2, "review": 1, "new": 0}


class Judge:
    """A model made ready for populations of any size; one per process and model."""

    def __init__(self, model: Model, bands: Bands | None = None) -> None:
        self.version = model.version
        self._model, self._bands = model, bands
        self._scorers: dict[int, Scorer] = {}

    def settlement(
        self, record: str, features: Features, keys: Sequence[int], nearby: Nearby, new_party_id: str
    ) -> SettleRecord:
        """The decision about a record, as the effect that puts it into the index."""
        finding, seen = self.find(record, features, nearby, new_party_id)
        target = next((one for one in nearby.candidates if one.party_id == finding.party_id), None)
        held = set(target.keys) if target else set()
        return SettleRecord(
            finding=finding,
            features=features,
            keys=tuple(keys),
            added=tuple(key for key in keys if key not in held),
            seen=seen,
            state=nearby.state,
            common=nearby.common,
            creates=target is None,
            version=target.version if target and (features.tax_ids or features.registrations) else -1,
        )

    def find(
        self, record: str, features: Features, nearby: Nearby, new_party_id: str
    ) -> tuple[Finding, dict[str, int]]:
        """Whose the record is, and the parties that were weighed for it with the keys they share."""
        seen = {one.party_id: one.shared for one in nearby.candidates}
        met = self._met(record, features, nearby)
        finding = Finding(
            record=record,
            party_id=new_party_id,
            band="new",
            weighed=self._kept(features, nearby, met),
            keys_skipped=len(nearby.common),
            population=nearby.population,
            model_version=self.version,
        )
        changed = msgspec.structs.replace
        if nearby.party_id:
            return changed(finding, party_id=nearby.party_id, band="link", rule="known"), seen
        apart = {edge.party_id for edge in nearby.edges if edge.verdict == "not_same"}
        together = {edge.party_id for edge in nearby.edges if edge.verdict == "same" and edge.party_id}
        said = sorted(together - apart)
        links = [*said, *(one.party_id for one in met if one.band == "link" and one.party_id not in said)]
        if links:
            rule = _SAID_SAME if said else met[0].rule
            return changed(finding, party_id=links[0], band="link", rule=rule, doubtful=tuple(links[1:])), seen
        doubtful = tuple(one.party_id for one in met if one.band == "review")
        return changed(finding, band="review" if doubtful else "new", doubtful=doubtful), seen

    def _met(self, record: str, features: Features, nearby: Nearby) -> list["_Met"]:
        """Each candidate by its best face, strongest first; where none has hope, the strongest alone."""
        faces = [
            (candidate.party_id, face)
            for candidate in nearby.candidates
            for face in candidate.faces
            if face.record != record
        ]
        if not faces:
            return []
        scorer, kind = self._scorer(nearby.population), features.kind
        weighings = scorer.weigh(features, [face.features for _, face in faces])
        hopeless_below = scorer.bands.of(kind).review - HOPELESS_BITS
        apart = {edge.other for edge in nearby.edges if edge.verdict == "not_same"}
        best: dict[str, _Met] = {}
        least: tuple[str, Face, Weighing | None] | None = None
        least_weight = -inf
        for (party_id, face), weighing in zip(faces, weighings, strict=True):
            weight, rule = (weighing.weight, weighing.rule) if weighing else (FAR_BELOW, Rule.NONE)
            if weight < hopeless_below and not rule and face.record not in apart:
                # Any other is stronger, so no more is wanted than the one that is shown where there is no other.
                if weight > least_weight:
                    least, least_weight = (party_id, face, weighing), weight
                continue
            one = _Met(party_id, face.record, weighing, scorer, kind, is_apart=face.record in apart)
            known = best.get(party_id)
            if known is None or one.strength > known.strength:
                best[party_id] = one
        if least and not best:
            return [_Met(least[0], least[1].record, least[2], scorer, kind, is_apart=False)]
        return sorted(best.values(), key=lambda one: one.strength[1:], reverse=True)

    def _kept(self, features: Features, nearby: Nearby, met: Sequence["_Met"]) -> tuple[Weighed, ...]:
        """The strongest with their evidence, and after the first only those that are not hopeless."""
        scorer = self._scorer(nearby.population)
        kept = []
        for one in met[:WEIGHED_KEPT_MAX]:
            decision = scorer.explain(features.kind, one.weighing)
            if one.is_apart:
                decision = msgspec.structs.replace(decision, band="new", rule=_SAID_NOT_SAME, flips=())
            kept.append(Weighed(party_id=one.party_id, record=one.record, decision=decision))
        return tuple(kept)

    def _scorer(self, population: int) -> Scorer:
        """The prior is right within a factor of two, which is a bit at most."""
        size = max(10, population.bit_length())
        if size not in self._scorers:
            # The prior goes with the population; the model is the one that was trained.
            model = self._model.rescaled(1 << size)
            self._scorers[size] = Scorer(model, self._bands, version=self.version)
        return self._scorers[size]


class _Met:
    """A face of a candidate, what it weighs, and how strongly that speaks."""

    __slots__ = ("band", "is_apart", "party_id", "record", "rule", "strength", "weighing")

    def __init__(
        self,
        party_id: str,
        record: str,
        weighing: Weighing | None,
        scorer: Scorer,
        kind: Kind,
        *,
        is_apart: bool,
    ) -> None:
        self.party_id = party_id
        self.record = record
        self.weighing = weighing
        self.is_apart = is_apart
        rule = weighing.rule if weighing else Rule.NONE
        weight = weighing.weight if weighing else FAR_BELOW
        self.band: Band = "new" if is_apart or weighing is None else scorer.band(kind, weight, rule)
        self.rule = _SAID_NOT_SAME if is_apart else rule.name.lower() if rule else ""
        vetoed = is_apart or rule < Rule.NONE
        # Vetoes first, so that they are never outvoted by another face of the party.
        self.strength = int(vetoed), _RANKS[self.band], int(bool(self.rule)), weight
