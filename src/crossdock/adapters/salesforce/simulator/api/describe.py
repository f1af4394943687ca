"""Describing the org: which objects and fields the integration user sees."""

from typing import Any

from crossdock.adapters.salesforce.simulator.api.call import Answer, Call, Desk, table
from crossdock.adapters.salesforce.simulator.org import Org
from crossdock.adapters.salesforce.simulator.tables.moments import http_date, parse_http_date, stamp_text
from crossdock.adapters.salesforce.simulator.tables.schema import NUMBER_TYPES, TEXT_TYPES, Field, Schema, SObject
from crossdock.kit.clock import MICROSECONDS

ROUTES = table()
_SOAP_TYPES = {
    "id": "tns:ID",
    "reference": "tns:ID",
    "boolean": "xsd:boolean",
    "int": "xsd:int",
    "double": "xsd:double",
    "currency": "xsd:double",
    "percent": "xsd:double",
    "date": "xsd:date",
    "datetime": "xsd:dateTime",
    "complexvalue": "mns:Metadata",
}


@ROUTES.add("GET", "sobjects")
def all_objects(desk: Desk, call: Call) -> Answer:
    """Every object, in short."""
    objects = [object_summary(sobject, call.version) for sobject in desk.org.schema if sobject.kind != "tooling"]
    return Answer(content={"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": objects})


@ROUTES.add("GET", "sobjects/{sobject}/describe")
def one_object(desk: Desk, call: Call) -> Answer:
    """One object with all its fields."""
    sobject = desk.org.schema.get(call.variables["sobject"])
    changed_at = desk.org.schema_changed_at
    headers = {"last-modified": http_date(stamp_text(changed_at))}
    since = parse_http_date(call.headers.get("if-modified-since", ""))
    if since is not None and changed_at // MICROSECONDS <= since // MICROSECONDS:
        return Answer(status=304, headers=headers)
    return Answer(content=description(desk.org, sobject, call.version), headers=headers)


def object_summary(sobject: SObject, version: str) -> dict[str, Any]:
    """An object as `describe global` lists it."""
    url = f"/services/data/v{version}/sobjects/{sobject.name}"
    event = sobject.kind == "event"
    label = sobject.definition.label or sobject.name.removesuffix("__c").removesuffix("__e").replace("_", " ")
    return {
        "activateable": False,
        "associateEntityType": None,
        "associateParentEntity": None,
        "createable": True,
        "custom": sobject.custom,
        "customSetting": False,
        "deepCloneable": False,
        "deletable": not event,
        "deprecatedAndHidden": False,
        "feedEnabled": False,
        "hasSubtypes": False,
        "isInterface": False,
        "isSubtype": False,
        "keyPrefix": sobject.prefix,
        "label": label,
        "labelPlural": sobject.definition.plural or f"{label}s",
        "layoutable": not event,
        "mergeable": False,
        "mruEnabled": not event,
        "name": sobject.name,
        "queryable": not event,
        "replicateable": not event,
        "retrieveable": not event,
        "searchable": not event,
        "triggerable": True,
        "undeletable": not event,
        "updateable": not event,
        "urls": {
            "rowTemplate": f"{url}/{{ID}}",
            "describe": f"{url}/describe",
            "sobject": url,
        },
    }


def description(org: Org, sobject: SObject, version: str) -> dict[str, Any]:
    """An object in full; fields that the user may not see are simply not there."""
    children: list[dict[str, Any]] = [
        {
            "cascadeDelete": child.on_delete == "cascade",
            "childSObject": child.sobject,
            "deprecatedAndHidden": False,
            "field": child.field,
            "junctionIdListNames": [],
            "junctionReferenceTo": [],
            "relationshipName": child.relationship or None,
            "restrictedDelete": child.on_delete == "restrict",
        }
        for child in org.schema.children(sobject.name)
    ]
    fields = [
        field_description(org.schema, sobject, field)
        for field in sobject.fields.values()
        if org.schema.visible(sobject, field)
    ]
    compounds = [_compound(name) for name in sobject.compounds if name not in sobject.fields]
    return {
        **object_summary(sobject, version),
        "actionOverrides": [],
        "childRelationships": children,
        "compactLayoutable": True,
        "defaultImplementation": None,
        "extendedBy": None,
        "extendsInterfaces": None,
        "fields": fields + compounds,
        "implementedBy": None,
        "implementsInterfaces": None,
        "listviewable": None,
        "lookupLayoutable": None,
        "namedLayoutInfos": [],
        "networkScopeFieldName": None,
        "recordTypeInfos": [],
        "searchLayoutable": True,
        "sobjectDescribeOption": "FULL",
        "supportedScopes": [{"label": "All records", "name": "everything"}],
    }


def field_description(schema: Schema, sobject: SObject, field: Field) -> dict[str, Any]:
    """One field as `describe` tells of it."""
    read_only = (sobject.name, field.name) in schema.read_only
    return {
        **_compound(field.name),
        **_numbers(field),
        "autoNumber": bool(field.auto_number),
        "calculated": field.calculated and not field.auto_number and not field.name_field,
        "caseSensitive": field.case_sensitive,
        "compoundFieldName": field.compound or None,
        "createable": field.createable and not read_only,
        "custom": field.custom,
        "defaultValue": field.default,
        "defaultedOnCreate": field.default is not None or field.type == "boolean",
        "externalId": field.external_id,
        "extraTypeInfo": None,
        "filterable": field.type not in ("textarea", "complexvalue"),
        "groupable": field.type in ("string", "picklist", "reference", "boolean", "date", "int", "id"),
        "idLookup": field.name == "Id" or field.external_id,
        "label": field.label or field.name.removesuffix("__c").replace("_", " "),
        "nameField": field.name_field,
        "nillable": not field.required and field.type not in ("boolean", "id") and field.createable,
        "picklistValues": [
            {
                "active": True,
                "defaultValue": value == field.default,
                "label": value,
                "validFor": None,
                "value": value,
            }
            for value in field.picklist
        ],
        "referenceTo": list(field.refers_to),
        "relationshipName": field.relationship or None,
        "restrictedDelete": field.on_delete == "restrict",
        "restrictedPicklist": field.restricted,
        "cascadeDelete": field.on_delete == "cascade",
        "soapType": _SOAP_TYPES.get(field.type, "xsd:string"),
        "sortable": field.type not in ("textarea", "complexvalue"),
        "type": field.type,
        "unique": field.unique,
        "updateable": field.updateable and not read_only,
    }


def _numbers(field: Field) -> dict[str, Any]:
    length = 18 if field.type in ("id", "reference") else field.length
    whole = field.type == "int"
    return {
        "aggregatable": field.type not in ("boolean", "textarea", "complexvalue"),
        "byteLength": length * 3 if field.type in TEXT_TYPES and not field.refers_to else length,
        "digits": field.precision if whole else 0,
        "length": length,
        "precision": field.precision if field.type in NUMBER_TYPES and not whole else 0,
        "scale": field.scale,
    }


def _compound(name: str) -> dict[str, Any]:
    """A compound field, which can be read but neither filtered by nor written; also every field's defaults."""
    return {
        "aggregatable": False,
        "aiPredictionField": False,
        "autoNumber": False,
        "byteLength": 0,
        "calculated": False,
        "calculatedFormula": None,
        "cascadeDelete": False,
        "caseSensitive": False,
        "compoundFieldName": None,
        "controllerName": None,
        "createable": False,
        "custom": False,
        "defaultValue": None,
        "defaultValueFormula": None,
        "defaultedOnCreate": False,
        "dependentPicklist": False,
        "deprecatedAndHidden": False,
        "digits": 0,
        "displayLocationInDecimal": False,
        "encrypted": False,
        "externalId": False,
        "extraTypeInfo": None,
        "filterable": False,
        "filteredLookupInfo": None,
        "formulaTreatNullNumberAsZero": False,
        "groupable": False,
        "highScaleNumber": False,
        "htmlFormatted": False,
        "idLookup": False,
        "inlineHelpText": None,
        "label": name,
        "length": 0,
        "mask": None,
        "maskType": None,
        "name": name,
        "nameField": False,
        "namePointing": False,
        "nillable": True,
        "permissionable": True,
        "picklistValues": [],
        "polymorphicForeignKey": False,
        "precision": 0,
        "queryByDistance": False,
        "referenceTargetField": None,
        "referenceTo": [],
        "relationshipName": None,
        "relationshipOrder": None,
        "restrictedDelete": False,
        "restrictedPicklist": False,
        "scale": 0,
        "searchPrefilterable": False,
        "soapType": "urn:address",
        "sortable": False,
        "type": "address",
        "unique": False,
        "updateable": False,
        "writeRequiresMasterRead": False,
    }
