"""Whose a record is: what people said, what ids say, then weights; with the evidence of each step.

A person's word goes before rules, rules before weights. A veto between any two records keeps their parties apart.
"""

from collections.abc import Sequence

import msgspec

from crossdock.identity.matching.keys import keys_of
from crossdock.identity.matching.model import Model, Thresholds
from crossdock.identity.matching.record import Features
from crossdock.identity.matching.scoring import Band, Decision, Scorer
from crossdock.identity.recognition.index import Finding, Nearby, SettleRecord, Weighed

WEIGHED_KEPT_MAX = 5
"""So many candidates are kept with a decision."""
_SAID_SAME, _SAID_NOT_SAME = "steward_same", "steward_not_same"
_RANKS: dict[Band, int] = {"link": 2, "review": 1, "new": 0}


class Judge:
    """A model made ready for populations of any size; one per process and model."""

    def __init__(self, model: Model, thresholds: Thresholds | None = None) -> None:
        self.version = model.version
        self._model, self._thresholds = model, thresholds
        self._scorers: dict[int, Scorer] = {}

    def settlement(
        self, record: str, features: Features, keys: Sequence[int], nearby: Nearby, new_party_id: str
    ) -> SettleRecord:
        """The decision about a record, as the effect that puts it into the index."""
        finding, seen = self.find(record, features, nearby, new_party_id)
        target = next((one for one in nearby.candidates if one.party_id == finding.party_id), None)
        held = {key for face in target.faces for key in keys_of(face.features)} if target else set()
        return SettleRecord(
            finding=finding,
            features=features,
            keys=tuple(keys),
            added=tuple(key for key in keys if key not in held),
            seen=seen,
            creates=target is None,
            version=target.version if target and (features.tax_ids or features.registrations) else -1,
        )

    def find(
        self, record: str, features: Features, nearby: Nearby, new_party_id: str
    ) -> tuple[Finding, dict[str, int]]:
        """Whose the record is, and the parties that were weighed for it with the keys they share."""
        seen = {one.party_id: one.shared for one in nearby.candidates}
        weighed = self._weighed(record, features, nearby)
        finding = Finding(
            record=record,
            party_id=new_party_id,
            band="new",
            weighed=tuple(weighed[:WEIGHED_KEPT_MAX]),
            keys_skipped=nearby.keys_skipped,
            population=nearby.population,
            model_version=self.version,
        )
        changed = msgspec.structs.replace
        if nearby.party_id:
            return changed(finding, party_id=nearby.party_id, band="link", rule="known"), seen
        apart = {edge.party_id for edge in nearby.edges if edge.verdict == "not_same"}
        together = {edge.party_id for edge in nearby.edges if edge.verdict == "same" and edge.party_id}
        said = sorted(together - apart)
        linked = [one.party_id for one in weighed if one.decision.band == "link" and one.party_id not in said]
        links = [*said, *linked]
        if links:
            rule = _SAID_SAME if said else weighed[0].decision.rule
            return changed(finding, party_id=links[0], band="link", rule=rule, doubtful=tuple(links[1:])), seen
        doubtful = tuple(one.party_id for one in weighed if one.decision.band == "review")
        return changed(finding, band="review" if doubtful else "new", doubtful=doubtful), seen

    def _weighed(self, record: str, features: Features, nearby: Nearby) -> list[Weighed]:
        """Each candidate by its best face, strongest first."""
        faces = [
            (candidate, face.record, face.features)
            for candidate in nearby.candidates
            for face in candidate.faces
            if face.record != record
        ]
        if not faces:
            return []
        distinct = list(dict.fromkeys(shown for _, _, shown in faces))
        scores = self._scorer(nearby.population).score(features, distinct)
        decided = dict(zip(distinct, scores, strict=True))
        apart = {edge.other for edge in nearby.edges if edge.verdict == "not_same"}
        best: dict[str, Weighed] = {}
        for candidate, other, shown in faces:
            one = Weighed(party_id=candidate.party_id, record=other, decision=self._signed(decided[shown]))
            if other in apart:
                one = _overruled(one, _SAID_NOT_SAME)
            known = best.get(candidate.party_id)
            if known is None or _strength(one) > _strength(known):
                best[candidate.party_id] = one
        return sorted(best.values(), key=lambda one: _strength(one)[1:], reverse=True)

    def _signed(self, decision: Decision) -> Decision:
        """The prior goes with the population; the model is the one that was trained."""
        return msgspec.structs.replace(decision, model_version=self.version)

    def _scorer(self, population: int) -> Scorer:
        """The prior is right within a factor of two, which is a bit at most."""
        size = max(10, population.bit_length())
        if size not in self._scorers:
            self._scorers[size] = Scorer(self._model.rescaled(1 << size), self._thresholds)
        return self._scorers[size]


def _strength(one: Weighed) -> tuple[int, int, int, float]:
    """Vetoes first, so that they are never outvoted by another face of the party."""
    decision = one.decision
    vetoed = bool(decision.rule) and decision.band == "new" and decision.rule != "kinds_differ"
    return int(vetoed), _RANKS[decision.band], int(bool(decision.rule)), decision.weight


def _overruled(one: Weighed, rule: str) -> Weighed:
    return msgspec.structs.replace(
        one, decision=msgspec.structs.replace(one.decision, band="new", rule=rule, flips=())
    )
