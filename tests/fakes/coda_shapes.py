"""The shapes that Coda publishes for its answers (OpenAPI of REST API v1), as far as the loopback server goes, and closed: nothing else may be in."""

from typing import Any

from jsonschema import Draft202012Validator, FormatChecker

_TEXT: dict[str, Any] = {"type": "string"}
_URL: dict[str, Any] = {"type": "string", "pattern": "^https?://"}
_INSTANT: dict[str, Any] = {"type": "string", "format": "date-time"}
_FORMATS = (
    "text person lookup number percent currency date dateTime time duration email link slider scale image attachments button checkbox select"
    " packObject reaction canvas other"
)


def _closed(required: dict[str, Any], optional: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"type": "object", "required": list(required), "additionalProperties": False, "properties": required | (optional or {})}


def _type(name: str) -> dict[str, Any]:
    return {"const": name}


def _list_of(item: dict[str, Any], **optional: Any) -> dict[str, Any]:
    paging = {"href": _URL, "nextPageToken": _TEXT, "nextPageLink": _URL}
    return _closed({"items": {"type": "array", "items": item}}, paging | optional)


_PAGE = _closed({"id": _TEXT, "type": _type("page"), "browserLink": _URL, "href": _URL, "name": _TEXT})
_TABLE_REFERENCE = _closed(
    {
        "id": {"type": "string", "pattern": "^(grid|table)-"},
        "type": _type("table"),
        "tableType": {"enum": ["table", "view"]},
        "browserLink": _URL,
        "href": _URL,
        "name": _TEXT,
    },
    {"parent": _PAGE},
)
_COLUMN_ID: dict[str, Any] = {"type": "string", "pattern": "^c-"}
_COLUMN_REFERENCE = _closed({"id": _COLUMN_ID, "type": _type("column"), "href": _URL})
_TABLE = _closed(
    _TABLE_REFERENCE["properties"]
    | {
        "displayColumn": _COLUMN_REFERENCE,
        "rowCount": {"type": "integer"},
        "sorts": {"type": "array"},
        "layout": _TEXT,
        "createdAt": _INSTANT,
        "updatedAt": _INSTANT,
    },
    {"parentTable": _TABLE_REFERENCE},
)
_SIMPLE_FORMAT = {"type": {"enum": [each for each in _FORMATS.split() if each != "lookup"]}, "isArray": {"type": "boolean"}}
_COLUMN_FORMAT = {
    "oneOf": [
        _closed(_SIMPLE_FORMAT, {"options": {"type": "array", "items": _closed({"name": _TEXT})}}),
        _closed({"type": _type("lookup"), "isArray": {"type": "boolean"}, "table": _TABLE_REFERENCE}),
    ]
}
_OF_COLUMN = {"display": {"type": "boolean"}, "calculated": {"type": "boolean"}, "formula": _TEXT, "defaultValue": _TEXT}
_COLUMN = _closed(_COLUMN_REFERENCE["properties"] | {"name": _TEXT, "format": _COLUMN_FORMAT}, _OF_COLUMN)
_COLUMN_DETAIL = _closed(_COLUMN_REFERENCE["properties"] | {"name": _TEXT, "format": _COLUMN_FORMAT, "parent": _TABLE_REFERENCE}, _OF_COLUMN)
_LINKED = {"@context": _URL}
_ROW_VALUE = _closed(
    _LINKED
    | {
        "@type": _type("StructuredValue"),
        "additionalType": _type("row"),
        "name": _TEXT,
        "url": _URL,
        "tableId": _TEXT,
        "rowId": {"type": "string", "pattern": "^i-"},
        "tableUrl": _URL,
    }
)
_PERSON = _closed(_LINKED | {"@type": _type("Person"), "name": _TEXT, "email": _TEXT})
_ONE_VALUE = {"anyOf": [{"type": ["string", "number", "boolean"]}, _ROW_VALUE, _PERSON]}
_VALUE = {"anyOf": [_ONE_VALUE, {"type": "array", "items": _ONE_VALUE}]}
_OF_ROW = {
    "id": {"type": "string", "pattern": "^i-"},
    "type": _type("row"),
    "href": _URL,
    "name": _TEXT,
    "index": {"type": "integer"},
    "browserLink": _URL,
    "createdAt": _INSTANT,
    "updatedAt": _INSTANT,
    "values": {"type": "object", "additionalProperties": _VALUE},
}
_WORKSPACE = _closed({"id": _TEXT, "type": _type("workspace"), "browserLink": _URL}, {"organizationId": _TEXT, "name": _TEXT})
_FOLDER = _closed({"id": _TEXT, "type": _type("folder"), "browserLink": _URL}, {"name": _TEXT})
_DOC = _closed(
    {"id": _TEXT, "type": _type("doc"), "href": _URL, "browserLink": _URL, "name": _TEXT, "owner": _TEXT, "ownerName": _TEXT}
    | {"createdAt": _INSTANT, "updatedAt": _INSTANT, "workspace": _WORKSPACE, "folder": _FOLDER, "workspaceId": _TEXT, "folderId": _TEXT}
)
_ROW_IDS = {"type": "array", "items": {"type": "string"}}
_SHAPES: dict[str, dict[str, Any]] = {
    "whoami": _closed(
        {"name": _TEXT, "loginId": _TEXT, "type": _type("user"), "scoped": {"type": "boolean"}, "tokenName": _TEXT}
        | {"href": _URL, "workspace": _WORKSPACE},
        {"pictureLink": _URL},
    ),
    "docs": _list_of(_DOC),
    "doc": _DOC,
    "tables": _list_of(_TABLE_REFERENCE),
    "table": _TABLE,
    "columns": _list_of(_COLUMN),
    "column": _COLUMN_DETAIL,
    "rows": _list_of(_closed(_OF_ROW), nextSyncToken=_TEXT),
    "row": _closed(_OF_ROW | {"parent": _TABLE_REFERENCE}),
    "upsert": _closed({"requestId": _TEXT}, {"addedRowIds": _ROW_IDS}),
    "update": _closed({"requestId": _TEXT, "id": _TEXT}),
    "delete": _closed({"requestId": _TEXT, "id": _TEXT}),
    "delete_rows": _closed({"requestId": _TEXT, "rowIds": _ROW_IDS}),
    "mutation": _closed({"completed": {"type": "boolean"}}, {"warning": _TEXT}),
    "error": _closed({"statusCode": {"type": "number"}, "statusMessage": _TEXT, "message": _TEXT}),
}
_VALIDATORS = {route: Draft202012Validator(shape, format_checker=FormatChecker()) for route, shape in _SHAPES.items()}


def fits(route: str, content: Any) -> None:
    """Raises jsonschema's ValidationError when Coda would not answer like this."""
    _VALIDATORS[route].validate(content)
