"""Who may say what: declared ownership by domain and by field, checked with the path to every fault.

    domains:
      billing:  {rule: owner, owner: erp, others: propose, readers: [salesforce]}
      shipping: {rule: newest_valid, writers: [salesforce, erp], readers: [salesforce, erp]}
    fields:
      contact.email: {rule: most_trusted, trust: {erp: 90, shop: 60}, half_life_days: 365, readers: [salesforce]}

Requirements: CUS-01, CUS-02, CUS-04 to CUS-08, CUS-11.
"""

from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from crossdock.identity.golden.fields import CATALOGUE, Domain, begins, field_of, pattern_of
from crossdock.kit.errors import Finding

RuleName = Literal["most_trusted", "newest_valid", "owner", "precedence"]
Trust = Annotated[int, Meta(ge=1, le=100)]
_NEEDS: Mapping[RuleName, str] = {
    "owner": "owner",
    "precedence": "precedence",
    "newest_valid": "writers",
    "most_trusted": "trust",
}


class Rule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the golden value of a field is found, and who is told it.

    `owner`: this system's word, empty or not. `precedence`: the first of these that has a value. `newest_valid`:
    the latest valid statement of the `writers`. `most_trusted`: the highest `trust` (1 to 100), halved every
    `half_life_days` (0: never) since the value was stated.

    What anybody else says is refused, or proposed to the owner (`others`). `initial`: while the owner has said
    nothing at all, what others say holds provisionally. `readers` are told the golden value.
    `fresh_within_seconds`: so long the systems whose word counts may go unheard of (0: nobody asks).
    """

    rule: RuleName
    owner: str = ""
    precedence: tuple[str, ...] = ()
    writers: tuple[str, ...] = ()
    trust: Mapping[str, Trust] = {}
    half_life_days: Annotated[float, Meta(ge=0)] = 0.0
    others: Literal["propose", "refuse"] = "refuse"
    initial: bool = False
    readers: tuple[str, ...] = ()
    fresh_within_seconds: Annotated[float, Meta(ge=0)] = 0.0

    @property
    def named_in(self) -> str:
        """The setting that says whose word counts."""
        return _NEEDS[self.rule]

    @property
    def may_write(self) -> tuple[str, ...]:
        """Whose word counts, in the order in which a tie is settled."""
        by_rule = {
            "owner": (self.owner,),
            "precedence": self.precedence,
            "newest_valid": self.writers,
            "most_trusted": tuple(sorted(self.trust, key=lambda system: (-self.trust[system], system))),
        }
        return by_rule[self.rule]


OnMerge = Literal["block", "leave", "link", "merge"]


class Merging(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What happens in a system that has a record of each of two customers who turn out to be one.

    `leave`: nothing. `link`: both stay and refer to each other. `block`: the one too many can be used no more.
    `merge`: it becomes part of the other, for good. Where such a merge turns out wrong, `on_unmerge` says whether
    the customer who has no record there any more gets a new one.
    """

    on_merge: OnMerge = "leave"
    on_unmerge: Literal["leave", "recreate"] = "leave"


class Ownership(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The ownership of all fields: a rule per domain, and per field or group where one differs.

    `clock_tolerance_seconds`: so far systems' clocks may be apart. A time further ahead of ours counts as the time
    of arrival, and of two statements less far apart nobody can know which came first. `cannot_know` says what
    happens then, besides the question to a person: `hold` tells nobody until it is answered, `newest` goes on with
    the one that seems newer. `marks` are the origin marks of all hubs that write to these systems, this hub's own
    first; of several the one whose mark comes first in the alphabet leads (see `survivorship`). In `creates` a
    customer that has no record there gets one; in `creates_contacts` somebody who is known only as one of the
    people of a business. `merging` says, by system, what becomes of its records when two customers turn out to be
    one.
    """

    domains: Mapping[Domain, Rule] = {}
    fields: Mapping[str, Rule] = {}
    clock_tolerance_seconds: Annotated[float, Meta(ge=0, le=86_400)] = 300.0
    cannot_know: Literal["hold", "newest"] = "hold"
    marks: tuple[str, ...] = ()
    creates: tuple[str, ...] = ()
    creates_contacts: tuple[str, ...] = ()
    merging: Mapping[str, Merging] = {}

    def rule_of(self, name: str) -> Rule | None:
        """The rule of a field or group: its own, its group's, or its domain's. Raises Invalid for no field."""
        pattern = pattern_of(name)
        own = max((each for each in self.fields if begins(pattern, each)), key=len, default="")
        if own:
            return self.fields[own]
        return self.domains.get(_domain_of(pattern))

    @property
    def leaders(self) -> frozenset[str]:
        """The marks of the hubs whose judgement of what is newer goes before this one's."""
        return frozenset(mark for mark in self.marks if mark < self.marks[0])

    @property
    def systems(self) -> frozenset[str]:
        """Every system that it names."""
        named = {system for rule in self.rules().values() for system in (*rule.may_write, *rule.readers)}
        return frozenset(named | {*self.creates, *self.creates_contacts}) - {""}

    def rules(self) -> Mapping[str, Rule]:
        """Every rule, by where it stands: `domains.billing`, `fields.contact.email`."""
        return {
            **{f"domains.{domain.value}": rule for domain, rule in self.domains.items()},
            **{f"fields.{name}": rule for name, rule in self.fields.items()},
        }


@lru_cache(maxsize=1_024)
def _domain_of(pattern: str) -> Domain:
    """The domain of a field or group, which is asked for with every value. Raises Invalid for no field."""
    below = (field.domain for field in CATALOGUE.values() if begins(field.name, pattern))
    return next(below, None) or field_of(pattern).domain


def check_ownership(ownership: Ownership, systems: Collection[str], place: str = "$") -> list[Finding]:
    """Everything wrong with it, each with its path below `place`.

    Codes: `system-unknown`, `field-unknown`, `owner-missing` (a domain or rule without anybody whose word counts),
    `group-divided` (a rule for a part of what survives only as a whole), `rule-idle` (a setting that the rule
    never looks at).
    """
    findings = [
        Finding("owner-missing", f"{place}.domains", f"nobody owns {domain.value}")
        for domain in Domain
        if domain not in ownership.domains
    ]
    for where, rule in ownership.rules().items():
        findings += _check_rule(rule, systems, f"{place}.{where}")
    for name in ownership.fields:
        findings += _check_name(name, f"{place}.fields.{name}")
    for setting in ("creates", "creates_contacts"):
        for index, system in enumerate(getattr(ownership, setting)):
            if system not in systems:
                message = f"no system is named {system!r}"
                findings.append(Finding("system-unknown", f"{place}.{setting}[{index}]", message))
    for system in ownership.merging:
        if system not in systems:
            message = f"no system is named {system!r}"
            findings.append(Finding("system-unknown", f"{place}.merging.{system}", message))
    return findings


def _check_rule(rule: Rule, systems: Collection[str], place: str) -> list[Finding]:
    findings = []
    needed = rule.named_in
    if not getattr(rule, needed):
        findings.append(Finding("owner-missing", f"{place}.{needed}", f"the rule {rule.rule} needs {needed}"))
    for setting in sorted({*_NEEDS.values()} - {needed}):
        if getattr(rule, setting):
            message = f"the rule {rule.rule} never looks at {setting}"
            findings.append(Finding("rule-idle", f"{place}.{setting}", message))
    if rule.half_life_days and rule.rule != "most_trusted":
        findings.append(Finding("rule-idle", f"{place}.half_life_days", "only trust has a half-life"))
    if rule.initial and rule.rule != "owner":
        findings.append(Finding("rule-idle", f"{place}.initial", "only an owner can be waited for"))
    named = [(needed, system) for system in rule.may_write if system]
    named += [("readers", system) for system in rule.readers]
    findings += [
        Finding("system-unknown", f"{place}.{setting}", f"no system is named {system!r}")
        for setting, system in named
        if system not in systems
    ]
    return findings


def _check_name(name: str, place: str) -> list[Finding]:
    below = [field for field in CATALOGUE.values() if begins(field.name, name)]
    if not below:
        return [Finding("field-unknown", place, "a customer has no field of this name")]
    divided = {field.group for field in below if begins(name, field.group) and name != field.group}
    return [Finding("group-divided", place, f"{group} survives as a whole") for group in sorted(divided)]
