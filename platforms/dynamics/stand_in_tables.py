"""The tables of Dynamics' double: an environment as the README asks for it, with the prefix `new`."""

from dataclasses import dataclass


@dataclass(frozen=True)
class C:
    """A column. `of`: what its values are; `to`: the table a lookup leads to."""

    of: str = "text"
    size: int = 4000
    written: bool = True
    options: tuple[int, ...] = ()
    to: str = ""


_COMMON = {
    "statecode": C("choice", options=(0, 1, 2)),
    "statuscode": C("choice"),
    "createdon": C("time", written=False),
    "modifiedon": C("time", written=False),
    "versionnumber": C("number", written=False),
}
_OWNED = {"_ownerid_value": C("lookup", to="systemusers")}
_STAGE = {"new_ovationref": C(size=100), "new_ovationstage": C(size=20), "new_ovationnotes": C(size=2000)}
_CONSENT = {name: C("boolean") for name in ("donotemail", "donotbulkemail", "donotphone")}
_PERSON = {
    "firstname": C(size=50),
    "lastname": C(size=50),
    "emailaddress1": C("email", 100),
    "telephone1": C(size=50),
    "mobilephone": C(size=50),
}
_ADDRESS = {f"address1_{part}": C(size=100) for part in ("line1", "city", "stateorprovince", "postalcode", "country")}
_REVENUE = {"new_ovationrevenue": C("number"), "new_ovationrevenueeur": C("number")}

TABLES: dict[str, tuple[str, dict[str, C]]] = {
    "contacts": (
        "contactid",
        {
            **_COMMON, **_OWNED, **_PERSON, **_CONSENT, **_REVENUE, "new_referralgivenon": C("time"),
            **_ADDRESS,
            "_parentcustomerid_value": C("lookup", to="accounts"),
        },
    ),
    "leads": (
        "leadid",
        {
            **_COMMON, **_OWNED, **_PERSON, **_CONSENT, **_STAGE, "subject": C(size=300), "companyname": C(size=100),
            "leadsourcecode": C("choice", options=tuple(range(1, 11))),
        },
    ),
    "opportunities": (
        "opportunityid",
        {
            **_COMMON, **_OWNED, **_REVENUE, "name": C(size=300), "new_ovationstage": C(size=20),
            "actualvalue": C("number"), "_originatingleadid_value": C("lookup", to="leads"),
            "_transactioncurrencyid_value": C("lookup", to="transactioncurrencies"),
        },
    ),
    "tasks": (
        "activityid",
        {
            **_COMMON, **_OWNED, "subject": C(size=200), "description": C(size=2000), "scheduledend": C("time"),
            "prioritycode": C("choice", options=(0, 1, 2)), "category": C(size=250), "subcategory": C(size=250),
            "_regardingobjectid_value": C("lookup", to="contacts"),
        },
    ),
    "annotations": (
        "annotationid",
        {**_COMMON, **_OWNED, "subject": C(size=500), "notetext": C(size=100_000),
         "_objectid_value": C("lookup", to="contacts")},
    ),
    "lists": (
        "listid",
        {**_COMMON, **_OWNED, "listname": C(size=128), "type": C("boolean"),
         "createdfromcode": C("choice", options=(1, 2, 4))},
    ),
    "listmembers": (
        "listmemberid",
        {**_COMMON, "_listid_value": C("lookup", to="lists"), "_entityid_value": C("lookup", to="contacts")},
    ),
    "systemusers": ("systemuserid", {**_COMMON, "internalemailaddress": C("email"), "isdisabled": C("boolean")}),
    "accounts": ("accountid", {**_COMMON, **_OWNED, "name": C(size=160)}),
    "transactioncurrencies": ("transactioncurrencyid", {**_COMMON, "isocurrencycode": C(size=5)}),
    "new_ovationreferrals": (
        "new_ovationreferralid",
        {
            **_COMMON, **_OWNED, **_STAGE, "new_name": C(size=100), "new_status": C(size=100),
            "new_amount": C("number"), "new_currency": C(size=3), "new_link": C(size=500),
            "new_submittedon": C("time"),
        },
    ),
    "serviceendpoints": (
        "serviceendpointid",
        {**_COMMON, "name": C(size=160), "url": C(), "contract": C("choice", options=(1, 2, 8)),
         "authtype": C("choice", options=(4, 5, 6)), "authvalue": C()},
    ),
    "sdkmessages": ("sdkmessageid", {**_COMMON, "name": C()}),
    "sdkmessagefilters": (
        "sdkmessagefilterid",
        {**_COMMON, "primaryobjecttypecode": C(), "_sdkmessageid_value": C("lookup", to="sdkmessages")},
    ),
    "sdkmessageprocessingsteps": (
        "sdkmessageprocessingstepid",
        {
            **_COMMON, "name": C(size=256), "stage": C("choice", options=(10, 20, 40)),
            "mode": C("choice", options=(0, 1)), "rank": C("number"), "supporteddeployment": C("number"),
            "asyncautodelete": C("boolean"), "filteringattributes": C(),
            "_eventhandler_value": C("lookup", to="serviceendpoints"),
            "_sdkmessageid_value": C("lookup", to="sdkmessages"),
            "_sdkmessagefilterid_value": C("lookup", to="sdkmessagefilters"),
        },
    ),
}  # fmt: skip

BINDS = {
    "ownerid": "_ownerid_value",
    "regardingobjectid_contact_task": "_regardingobjectid_value",
    "objectid_contact": "_objectid_value",
    "eventhandler_serviceendpoint": "_eventhandler_value",
    "sdkmessageid": "_sdkmessageid_value",
    "sdkmessagefilterid": "_sdkmessagefilterid_value",
}
"""Navigation property of an `@odata.bind` → the lookup it sets."""

RELATIONS = {
    "owninguser": "_ownerid_value",
    "parentcustomerid_account": "_parentcustomerid_value",
    "originatingleadid": "_originatingleadid_value",
    "transactioncurrencyid": "_transactioncurrencyid_value",
    "sdkmessageid": "_sdkmessageid_value",
}
