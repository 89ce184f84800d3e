"""Lists at HubSpot's double. A name is taken once; a membership is kept once however often it is added."""

from platforms.base import Body
from platforms.hubspot.stand_in_answers import operation, read
from platforms.hubspot.stand_in_books import ContactList, Portal, Refused, now
from platforms.hubspot.stand_in_requests import ListBody
from platforms.stand_in import Heard, Route


def _get_list(heard: Heard, books: Portal) -> Body:
    name = heard.params["name"]
    found = next((one for one in books.lists.values() if one.name == name), None)
    if found is None or heard.params["type"] != "0-1":
        words = f"List does not exist with name {name} and object type ID {heard.params['type']}."
        raise Refused(404, words, "OBJECT_NOT_FOUND", subCategory="ILS.LIST_NOT_FOUND")
    return {"list": _shown(found)}


def _create_list(heard: Heard, books: Portal) -> Body:
    asked = read(ListBody, heard.json)
    if asked.objectTypeId != "0-1":
        raise Refused(400, f"{asked.objectTypeId} is not an object type", "VALIDATION_ERROR")
    if any(one.name == asked.name for one in books.lists.values()):
        words = f"List with name '{asked.name}' already exists."
        raise Refused(400, words, "VALIDATION_ERROR", subCategory="ILS.DUPLICATE_LIST_NAMES")
    made = ContactList(id=str(len(books.lists) + 1), name=asked.name, processing_type=asked.processingType)
    books.lists[made.id] = made
    return {"list": _shown(made)}


def _join_list(heard: Heard, books: Portal) -> Body:
    if not isinstance(heard.json, list) or not all(isinstance(one, str) for one in heard.json):
        raise Refused(400, "Invalid input JSON: a list of record ids is expected", "VALIDATION_ERROR")
    found = books.lists.get(heard.params["list"])
    if found is None:
        words = f"List does not exist with ID {heard.params['list']}."
        raise Refused(404, words, "OBJECT_NOT_FOUND", subCategory="ILS.LIST_NOT_FOUND")
    if found.processing_type == "DYNAMIC":
        raise Refused(400, "Records cannot be added to a dynamic list.", "VALIDATION_ERROR")
    added = [one for one in heard.json if one in books.contacts and one not in found.members]
    found.members |= dict.fromkeys(added, now())
    missing = [one for one in heard.json if one not in books.contacts]
    return {"recordsIdsAdded": added, "recordIdsRemoved": [], "recordIdsMissing": missing}


def _shown(found: ContactList) -> Body:
    kind = {"objectTypeId": "0-1", "processingType": found.processing_type, "processingStatus": "COMPLETE"}
    return {"listId": found.id, "listVersion": 1, "name": found.name, **kind}


LIST_ROUTES = [
    Route("GET", "/crm/lists/{version}/object-type-id/{type}/name/{name}", operation(_get_list)),
    Route("POST", "/crm/lists/{version}", operation(_create_list)),
    Route("PUT", "/crm/lists/{version}/{list}/memberships/add", operation(_join_list)),
]
