"""Who says what about customers in a crash run, who is told, and how companies become customers."""

from crossdock.identity.golden.fields import Domain
from crossdock.identity.golden.ownership import Merging, Ownership, Rule
from crossdock.policies.customer_onboarding import ApprovalLevel, CreditRules, OnboardingRules

ERP, CRM, SHOP = "erp", "crm", "shop"
DOORS = (CRM, SHOP)
"""Where customers come in. In the ERP the hub makes them."""

MARK = "crossdock"
APPROVER, TERMS = "anna", "N30"
_THE_ERPS = Rule(rule="owner", owner=ERP, readers=(CRM,))
_PROPOSED = Rule(rule="owner", owner=ERP, others="propose", initial=True, readers=(CRM,))

OWNERSHIP = Ownership(
    domains=dict.fromkeys(Domain, _THE_ERPS)
    | {
        Domain.IDENTITY: Rule(rule="precedence", precedence=(CRM, SHOP, ERP), readers=(CRM, SHOP, ERP)),
        Domain.CONTACT: Rule(rule="newest_valid", writers=(CRM, SHOP, ERP), readers=(CRM, SHOP, ERP)),
        Domain.SHIPPING: Rule(rule="newest_valid", writers=(CRM, ERP), readers=(CRM, ERP)),
        Domain.CONSENT: Rule(rule="owner", owner=CRM, readers=(ERP,), others="propose"),
        Domain.LEGAL_IDENTITY: _PROPOSED,
        Domain.BILLING: _PROPOSED,
        Domain.TAX: Rule(rule="owner", owner=ERP, others="propose", readers=(CRM,)),
    },
    clock_tolerance_seconds=0.02,
    marks=(MARK,),
    creates=(ERP,),
    merging={CRM: Merging(on_merge="link"), ERP: Merging(on_merge="block")},
)

ONBOARDING = OnboardingRules(
    erp=ERP,
    credit=CreditRules(
        currency="EUR",
        levels=(ApprovalLevel(team="credit", approvers=(APPROVER,)),),
        limit="5000",
        terms=TERMS,
    ),
)
