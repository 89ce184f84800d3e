"""Prevents: a vendor's folder that is registered and half done: an event that nobody reads, a webhook that is believed
unsigned, a body that crashes the gateway instead of being refused.

Every platform passes by being there; nothing is listed here but exceptions, each with its reason.
To mend a failure, write what the message names; a new vendor's folder is done when this file is green.
"""

import importlib
import inspect
import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin
from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

import platforms
from models.event import Event, checked_data
from platforms import capabilities
from platforms.base import IGNORED, Body, Call, Idempotent, Inbound, Incoming, PlatformSettings, Token
from platforms.errors import BadSignature, Malformed

PLATFORMS = platforms.all_platforms()
INBOUND = {name: platform.inbound for name, platform in PLATFORMS.items() if platform.inbound is not None}
FOLDER = Path(platforms.__file__).parent
CONTENT_TYPES = {
    ".json": "application/json",
    ".form": "application/x-www-form-urlencoded",
    ".xml": "text/xml",
}
HEADINGS = [
    *("Set up", "Settings", "Actions", "Events", "Limits", "Limitations and quirks", "Sources"),
]
NOW = datetime(2026, 1, 15, 17, 0, tzinfo=UTC)

NO_REPLAY_WINDOW = {
    "activecampaign": "no time is signed; repeats are told by source id",
    "airtable": "the MAC covers the body alone, and a repeated ping only makes the upkeep look once more",
    "docusign": "the signature covers the body alone; an envelope ends once",
    "dropbox": "the signature covers the body alone; a replayed ping is one more look",
    "dynamics": "a secret header has no time; a request only makes us look",
    "notion": "the signature covers the body alone; a repeated signal only makes the upkeep look once more",
    "pipedrive": "HTTP Basic holds no time; repeats are told by source id",
    "salesforce": "a secret header has no time; repeats are told by source id",
    "sendspark": "nothing is signed, so no time is; repeats are told by source id",
    "asana": "the signature covers the body alone; a delivery only says where to look, and tasks are read afterwards",
    "delighted": "the signature covers the body alone; repeats are told by source id",
    "intercom": "the signature covers the body alone; repeats are told by the notification's id",
    "trello": "the signature covers body and address, no time; repeats are told by the action's id",
    "zoho": "the token holds no time; a notification only makes us look",
    "twilio": "the signature covers address and parameters, and no time; repeats are told by source id",
    "wootric": "the signature covers the body alone; repeats are told by source id",
}
"""Vendors whose signature holds for ever, and why."""

UNSIGNED_BODY = {
    "activecampaign": "ActiveCampaign signs nothing; the secret is in the address",
    "dynamics": "Dataverse signs nothing: a secret header, and a request only makes us look",
    "pipedrive": "signs nothing: HTTP Basic proves the sender",
    "zoho": "signs nothing: a token in the body or the address, and a request only makes us look",
    "salesforce": "a flow signs nothing: a secret header proves the sender",
    "sendspark": "signs nothing: a secret in the webhook's address, and the state is read back",
}
"""Vendors that prove themselves by a secret in URL or header and sign no body, and why."""

OWN_NAME = {
    "hubspot": "the app's CLIENT_SECRET, fixed in the first release",
    "sendgrid": "a public key, WEBHOOK_PUBLIC_KEY: nothing that is kept secret",
}
"""Vendors whose webhooks are not verified by `OVATION_{PLATFORM}__WEBHOOK_SECRET`, and by what instead."""

WEBHOOK_SECRETS = {"boxli": "whsec_{}aaaa"}
"""Vendors whose secret has a form of its own."""


def fixtures(name: str) -> list[Path]:
    folder = FOLDER / name / "fixtures"
    return sorted(p for p in folder.glob("*") if p.suffix in CONTENT_TYPES and not p.name.endswith(".out.json"))


FIXTURES = [pytest.param(n, path, id=f"{n}-{path.name}") for n in INBOUND for path in fixtures(n)]
each_platform = pytest.mark.parametrize("name", PLATFORMS)
each_inbound = pytest.mark.parametrize("name", INBOUND)
each_fixture = pytest.mark.parametrize(("name", "path"), FIXTURES)
fuzzed = settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


# Settings of any platform, by looking at its fields.


def _types(annotation: Any) -> set[Any]:
    return set(get_args(annotation)) if get_origin(annotation) in (Union, UnionType) else {annotation}


def dummies(kind: type[PlatformSettings]) -> Body:
    """A value for each text and each secret that has none: the stand-in's, which are well formed, else made up."""
    stand_in = importlib.import_module(f"{kind.__module__}.stand_in").STAND_IN.settings()
    values: Body = {name: getattr(stand_in, name) for name in stand_in.model_fields_set}
    for name, field in kind.model_fields.items():
        if name in values or not (field.is_required() or field.default is None):
            continue
        types = _types(field.annotation) - {NoneType}
        if SecretStr in types:
            values[name] = SecretStr(f"dummy-{name}")
        elif str in types:
            values[name] = f"https://{name}.example" if "url" in name else f"dummy-{name}"
    return values


def dummy_settings(name: str) -> PlatformSettings:
    return PLATFORMS[name].settings(**dummies(PLATFORMS[name].settings))


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in [v for v in os.environ if v.startswith("OVATION_")]:
        monkeypatch.delenv(variable)


# Deliveries.


def url_of(name: str, query: Body) -> str:
    return f"https://ovation.example/webhooks/{name}" + (f"?{urlencode(query)}" if query else "")


def signed(name: str, body: bytes, content_type: str, own: PlatformSettings, at: datetime = NOW) -> Incoming:
    inbound = INBOUND[name]
    query = inbound.sign_query(own) if inbound.sign_query else {}
    url = url_of(name, query)
    headers = {key.lower(): value for key, value in inbound.sign(body, own, url, at).items()}
    return Incoming("POST", url, {"content-type": content_type, **headers}, query, body)


def plain(name: str, body: bytes, content_type: str) -> Incoming:
    return Incoming("POST", url_of(name, {}), {"content-type": content_type}, {}, body)


def heard(inbound: Inbound, incoming: Incoming, own: PlatformSettings) -> list[Event]:
    """What the gateway makes of a delivery; names that are ignored or unknown give nothing."""
    events: list[Event] = []
    for vendors_name, item in inbound.unpack(incoming):
        assert isinstance(vendors_name, str)
        assert isinstance(item, dict)
        read = inbound.read(vendors_name, item, own)
        if isinstance(read, list):
            events += read
    for event in events:
        checked_data(event.type, event.data)
    return events


def heard_or_malformed(name: str, incoming: Incoming) -> None:
    try:
        heard(INBOUND[name], incoming, dummy_settings(name))
    except Malformed as refused:
        assert str(refused), "a refusal says what is wrong"


# The folder and the declaration.


@each_platform
def test_folder_has_every_file(name: str) -> None:
    wanted = {"__init__.py", "README.md", "client.py", "stand_in.py"}
    if name in INBOUND:
        wanted |= {"webhook.py", "fixtures"}
    there = {path.name for path in (FOLDER / name).iterdir()}
    assert wanted <= there, f"platforms/{name}/ lacks {sorted(wanted - there)}"


@each_platform
def test_readme_has_the_headings_of_all(name: str) -> None:
    lines = (FOLDER / name / "README.md").read_text().splitlines()
    assert lines[0] == f"# {PLATFORMS[name].label}"
    assert [line[3:] for line in lines if line.startswith("## ")] == HEADINGS


@each_platform
def test_declaration_is_complete(name: str) -> None:
    platform = PLATFORMS[name]
    assert platform.name == name, "the folder's name is the platform's"
    assert platform.label
    assert 0 < platform.limit <= 1000
    assert platform.actions or platform.inbound, "a platform does something"
    kind = platform.settings
    assert kind.model_config.get("env_prefix") == f"OVATION_{name.upper()}__"
    assert not set(kind.required) - set(kind.model_fields), "`required` names fields"
    assert not set(kind.required_in) - set(kind.model_fields), "`required_in` names fields"
    assert platform.headers(dummy_settings(name), Token("t")) is not None
    taken = [action.takes for action in platform.actions]
    assert len(taken) == len(set(taken)), "one action of a type"


@each_platform
def test_every_action_belongs_to_a_capability_and_names_its_document(name: str) -> None:
    known = {kind for kinds in capabilities.CAPABILITIES.values() for kind in kinds}
    for action in PLATFORMS[name].actions:
        assert action.takes in known, f"{action.takes.__name__} is in no capability"
        assert action.document, f"{action.takes.__name__}: name the vendor's document it follows"
        assert action.talk.__doc__, f"{action.talk.__name__} says which operation it follows"
        assert isinstance(action.repeat, Idempotent) or action.repeat.how, "say what to look at in doubt"


@each_platform
def test_every_setting_is_in_the_readme(name: str) -> None:
    text = (FOLDER / name / "README.md").read_text()
    kind = PLATFORMS[name].settings
    own = [f for f in kind.model_fields if f not in ("webhook_secret", "rate_limit") or f in kind.required_in]
    missing = [v for f in own if (v := f"OVATION_{name.upper()}__{f.upper()}") not in text]
    assert not missing, f"platforms/{name}/README.md does not explain {missing}"


@each_platform
def test_doctor_begins_with_a_harmless_call(name: str) -> None:
    talk = PLATFORMS[name].doctor(dummy_settings(name))
    assert inspect.isgenerator(talk)
    call = next(talk)
    assert isinstance(call, Call)
    assert not call.writes
    talk.close()


@each_platform
def test_stand_in_is_this_vendors(name: str) -> None:
    stand_in = importlib.import_module(f"platforms.{name}.stand_in").STAND_IN
    assert stand_in.name == name
    assert isinstance(stand_in.settings(), PLATFORMS[name].settings)
    assert not stand_in.settings().missing()
    assert json.dumps(stand_in.books().model_dump(mode="json"))
    assert (stand_in.rate_limited().status, stand_in.broken().status) == (429, 500)


# Webhooks: fixtures become events.


@each_inbound
def test_every_fixture_has_its_events_and_its_source(name: str) -> None:
    folder = FOLDER / name / "fixtures"
    bodies = fixtures(name)
    assert bodies, f"platforms/{name}/fixtures/ has no sample; begin with one"
    sources = (folder / "SOURCES.md").read_text()
    for path in bodies:
        assert path.with_suffix(".out.json").exists(), f"{path.name}: write the events you expect beside it"
        assert path.name in sources, f"{path.name}: say in SOURCES.md where it is from"
    known = {path.name for path in bodies} | {path.with_suffix(".out.json").name for path in bodies} | {"SOURCES.md"}
    strays = sorted(path.name for path in folder.iterdir() if path.name not in known)
    assert not strays, f"platforms/{name}/fixtures/ has files that nothing reads: {strays}"


@each_fixture
def test_fixture_becomes_exactly_its_events(name: str, path: Path) -> None:
    incoming = signed(name, path.read_bytes(), CONTENT_TYPES[path.suffix], dummy_settings(name))
    expected = json.loads(path.with_suffix(".out.json").read_text())
    events = heard(INBOUND[name], incoming, dummy_settings(name))
    assert [shown(event, with_time="at" in e) for event, e in zip(events, expected, strict=False)] == [
        {**e, "at": datetime.fromisoformat(e["at"])} if "at" in e else e for e in expected
    ]
    assert len(events) == len(expected)
    assert {event.source for event in events} <= {name}


def shown(event: Event, *, with_time: bool) -> Body:
    fields = event.model_dump(include={"type", "source", "source_id", "data"}) | {"subject": event.subject.text}
    return fields | ({"at": event.at} if with_time else {})


@each_fixture
def test_a_second_delivery_is_the_same_event(name: str, path: Path) -> None:
    incoming = plain(name, path.read_bytes(), CONTENT_TYPES[path.suffix])
    first, second = (
        [(e.source, e.source_id) for e in heard(INBOUND[name], incoming, dummy_settings(name))] for _ in range(2)
    )
    assert first == second
    assert len(first) == len(set(first)), "two events of one delivery have the same source_id: one would be lost"


@each_inbound
def test_every_event_has_a_fixture_and_every_fixture_an_event(name: str) -> None:
    inbound = INBOUND[name]
    wanted = {event for event, read in inbound.events.items() if read is not IGNORED}  # a poke has a fixture too
    there: set[str] = set()
    for path in fixtures(name):
        there |= {event for event, _ in inbound.unpack(plain(name, path.read_bytes(), CONTENT_TYPES[path.suffix]))}
    assert not there - set(inbound.events), "a fixture's event is not in the table"
    assert not wanted - there, f"no fixture shows {sorted(wanted - there)}"


@each_inbound
def test_every_event_is_in_the_readme(name: str) -> None:
    text = (FOLDER / name / "README.md").read_text()
    section = text.partition("## Events")[2].partition("\n## ")[0]
    missing = [e for e, read in INBOUND[name].events.items() if read is not IGNORED and e not in section]
    assert not missing, f"platforms/{name}/README.md, Events, does not tell of {missing}"


# Webhooks: who may speak.


@each_fixture
def test_a_signed_delivery_is_believed(name: str, path: Path) -> None:
    own = dummy_settings(name)
    INBOUND[name].verify(signed(name, path.read_bytes(), CONTENT_TYPES[path.suffix], own), own, NOW)


@each_fixture
def test_one_byte_changed_is_refused(name: str, path: Path) -> None:
    own, body = dummy_settings(name), path.read_bytes().rstrip()
    incoming = signed(name, body, CONTENT_TYPES[path.suffix], own)
    letters = [i for i, byte in enumerate(body) if chr(byte).isalpha() and chr(byte).isascii()]
    for place in (letters[0], letters[len(letters) // 2], letters[-1]):
        changed = body[:place] + bytes([body[place] ^ 0x02]) + body[place + 1 :]
        tampered = Incoming(incoming.method, incoming.url, incoming.headers, incoming.query, changed)
        assert_refused(name, tampered, own, unless=name in UNSIGNED_BODY)


def assert_refused(name: str, incoming: Incoming, own: PlatformSettings, *, unless: bool = False) -> None:
    if unless:
        INBOUND[name].verify(incoming, own, NOW)  # an exception that is none any more is to be struck off its list
        return
    with pytest.raises(BadSignature) as refused:
        INBOUND[name].verify(incoming, own, NOW)
    assert str(refused.value), "a refusal says what is wrong"
    for secret in own.secrets():
        assert secret not in str(refused.value)


@each_fixture
def test_no_signature_is_refused(name: str, path: Path) -> None:
    assert_refused(name, plain(name, path.read_bytes(), CONTENT_TYPES[path.suffix]), dummy_settings(name))


@each_fixture
def test_another_secret_is_refused(name: str, path: Path) -> None:
    kind = PLATFORMS[name].settings
    others = {key: SecretStr("another") if isinstance(v, SecretStr) else v for key, v in dummies(kind).items()}
    try:
        incoming = signed(name, path.read_bytes(), CONTENT_TYPES[path.suffix], kind(**others))
    except ValueError:
        pytest.skip("the secret is a key that cannot be made up")
    assert_refused(name, incoming, dummy_settings(name))


@each_fixture
def test_without_a_secret_in_the_settings_nothing_is_believed(name: str, path: Path) -> None:
    kind = PLATFORMS[name].settings
    incoming = signed(name, path.read_bytes(), CONTENT_TYPES[path.suffix], dummy_settings(name))
    bare = kind(**{key: value for key, value in dummies(kind).items() if key == "base_url"})
    blank = {key: SecretStr("") if isinstance(v, SecretStr) else v for key, v in dummies(kind).items()}
    empty = kind(**{key: "" if key in kind.required_in else v for key, v in blank.items()})
    assert_refused(name, incoming, bare)
    assert_refused(name, incoming, empty)


@pytest.mark.parametrize("name", sorted(set(INBOUND) - set(OWN_NAME)))
def test_the_webhook_secret_that_is_set_is_the_one_that_counts(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """`OVATION_{PLATFORM}__WEBHOOK_SECRET`, whatever the vendor calls it: what is signed with it is believed, and
    nothing signed with another, though all other secrets are right."""
    kind, path = PLATFORMS[name].settings, fixtures(name)[0]
    rest = {key: value for key, value in dummies(kind).items() if not key.endswith("webhook_secret")}
    told = {}
    for word in ("t0ld", "an0ther"):
        monkeypatch.setenv(f"OVATION_{name.upper()}__WEBHOOK_SECRET", WEBHOOK_SECRETS.get(name, "{}").format(word))
        told[word] = kind(**rest)
    incoming = signed(name, path.read_bytes(), CONTENT_TYPES[path.suffix], told["t0ld"])
    INBOUND[name].verify(incoming, told["t0ld"], NOW)
    assert_refused(name, incoming, told["an0ther"])


@each_inbound
def test_whoever_set_the_webhook_secret_is_not_asked_for_it(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    kind = PLATFORMS[name].settings
    wanted = kind().missing(kind.required_in)
    assert wanted or not kind.required_in
    if name in OWN_NAME:
        return
    monkeypatch.setenv(f"OVATION_{name.upper()}__WEBHOOK_SECRET", WEBHOOK_SECRETS.get(name, "{}").format("told"))
    assert kind().missing(kind.required_in) == []


@each_fixture
def test_an_old_delivery_is_refused(name: str, path: Path) -> None:
    own = dummy_settings(name)
    days_ago = signed(name, path.read_bytes(), CONTENT_TYPES[path.suffix], own, NOW - timedelta(days=2))
    assert_refused(name, days_ago, own, unless=name in NO_REPLAY_WINDOW)


def test_exceptions_name_platforms() -> None:
    listed = {*NO_REPLAY_WINDOW, *UNSIGNED_BODY, *OWN_NAME}
    assert not listed - set(INBOUND), "strike off the exceptions of platforms that are gone"


# Webhooks: junk.

JUNK: list[Any] = [
    *(None, True, -1, 0, 1.5, 10**30, "", "unheard.of", "x" * 400, "\x00", "\ud800", "é@", [], ["x"], {}, {"x": 1}),
    *("9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00", 253402300800),
]
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
content_types = st.sampled_from([*CONTENT_TYPES.values(), "", "multipart/form-data; boundary=x", "text/plain"])


@each_inbound
@fuzzed
@given(body=st.binary(max_size=200), content_type=content_types)
def test_random_bytes_are_malformed_or_nothing(name: str, body: bytes, content_type: str) -> None:
    heard_or_malformed(name, plain(name, body, content_type))


@each_inbound
@fuzzed
@given(body=json_values)
def test_random_json_is_malformed_or_nothing(name: str, body: Any) -> None:
    heard_or_malformed(name, plain(name, json.dumps(body).encode(), "application/json"))


@each_inbound
@pytest.mark.parametrize(
    "body",
    [b"", b"[" * 100_000, b"9" * 5000, b'{"a":' * 5000, b"\xff\xfe", b"a[b]=1&a=2", b"&=&[]=1&a[[b]]=2"],
    ids=["empty", "deep", "long number", "deep object", "not UTF-8", "collision", "odd form"],
)
@pytest.mark.parametrize("content_type", CONTENT_TYPES.values())
def test_hostile_bodies_are_malformed_or_nothing(name: str, body: bytes, content_type: str) -> None:
    heard_or_malformed(name, plain(name, body, content_type))


@each_fixture
def test_a_fixture_with_one_value_spoilt_is_read_or_malformed(name: str, path: Path) -> None:
    """Also unheard-of event names: the value that names the event is spoilt like the others."""
    for body in spoilt(path):
        heard_or_malformed(name, plain(name, body, CONTENT_TYPES[path.suffix]))


def spoilt(path: Path) -> Iterator[bytes]:
    if path.suffix == ".json":
        original = path.read_text()
        for place in places(json.loads(original)):
            for junk in JUNK:
                yield json.dumps(replaced(json.loads(original), place, junk)).encode()
    if path.suffix == ".form":
        pairs = parse_qsl(path.read_text(), keep_blank_values=True)
        for number, (field, _) in enumerate(pairs):
            for junk in JUNK:
                text = json.dumps(junk) if isinstance(junk, list | dict) else str(junk)
                yield urlencode([*pairs[:number], (field, text), *pairs[number + 1 :]], errors="replace").encode()


def places(value: Any, here: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The paths of all values within."""
    within = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in within:
        yield (*here, key)
        yield from places(inner, (*here, key))


def replaced(root: Any, place: tuple[Any, ...], junk: Any) -> Any:
    node = root
    for key in place[:-1]:
        node = node[key]
    node[place[-1]] = junk
    return root


@each_inbound
@fuzzed
@given(value=st.text(alphabet=st.characters(max_codepoint=255), max_size=80))
def test_odd_signature_headers_are_refused(name: str, value: str) -> None:
    own, body = dummy_settings(name), b"{}"
    incoming = signed(name, body, "application/json", own)
    headers = {key: v if key == "content-type" else value for key, v in incoming.headers.items()}
    query = dict.fromkeys(incoming.query, value)
    odd = Incoming("POST", url_of(name, query), headers, query, body)
    with pytest.raises(BadSignature):
        INBOUND[name].verify(odd, own, NOW)


@each_inbound
@fuzzed
@given(body=json_values, method=st.sampled_from(["GET", "HEAD", "POST"]))
def test_no_stranger_crashes_the_handshake(name: str, body: Any, method: str) -> None:
    handshake = INBOUND[name].handshake
    if handshake is None:
        return
    incoming = Incoming(method, url_of(name, {}), {"content-type": "application/json"}, {}, json.dumps(body).encode())
    try:
        handshake(incoming, dummy_settings(name))
    except (BadSignature, Malformed) as refused:
        assert str(refused)
