"""What every route gets from being declared. The routes here stand for those of events and bookings."""

from __future__ import annotations

import io
from typing import Annotated, Any
from uuid import UUID

import pytest
from pydantic import Field
from werkzeug.test import TestResponse

from evently_core.paging import Page, page_of
from evently_core.values import Role
from evently_flask_api.callers import Caller, Who
from evently_flask_api.headers import MATCHES_NOTHING, Repeat, etag
from evently_flask_api.routes import GROUPS
from evently_flask_api.routing import Answer, Routes
from evently_flask_api.schemas.fields import (
    AnswerModel,
    DryRunQuery,
    Id,
    Instant,
    Integer,
    Listing,
    ListQuery,
    Money,
    NoNul,
    Omissible,
    RequestModel,
    text,
)
from evently_flask_api.services import Services
from tests.api.harness import Api, problem, wrong_fields

SOME_ID = "01890a5d-ac96-774b-bcce-b302099a8057"
LETTERS = "abcde"


class Part(RequestModel):
    label: Annotated[str, text(5, 1), NoNul]
    price: Money | None = None


class Thing(RequestModel):
    """Something with a field of every kind."""

    count: Annotated[Integer, Field(ge=1, le=100)] = 1
    at: Instant | None = None
    owner: Id | None = None
    on: bool = False
    title: Annotated[str, text(10), NoNul] = ""
    role: Role | None = None
    parts: Annotated[tuple[Part, ...], Field(max_length=2)] = ()


class ThingChanges(RequestModel):
    title: Omissible[Annotated[str, text(10)]] = None
    capacity: Annotated[int, Field(ge=1)] | None = None


class Said(AnswerModel):
    said: Any


routes = Routes("Things", "Stand for others.", prefix="/things")


@routes.get()
def list_things(query: ListQuery) -> Listing[str]:
    """List letters."""
    page = query.page()
    after = page.after(lambda key: LETTERS.index(str(key[0])) + 1) or 0
    found: Page[str] = page_of(LETTERS[after : after + page.limit + 1], page.limit, lambda letter: (letter,))
    return Listing[str].of(found)


@routes.post(status=201, headers=("Location", "ETag"))
def make_thing(body: Thing, query: DryRunQuery, repeat: Repeat | None) -> Answer[Said]:
    """Make one."""
    said = {"thing": body, "dry_run": query.dry_run, "print": repeat.fingerprint.hex() if repeat else None}
    return Answer(Said(said=said), headers={"Location": f"/api/v1/things/{SOME_ID}", "ETag": etag(1)})


@routes.patch("/<uuid:thing_id>")
def change_thing(thing_id: UUID, body: ThingChanges, if_match: int | None) -> Said:
    """Change one."""
    return Said(said={"id": thing_id, "given": body.given(), "if_match": if_match})


@routes.post("/<uuid:thing_id>/answer")
def answer_thing(thing_id: UUID, body: Part = Part(label="none")) -> Said:  # noqa: B008  # it is frozen
    """Answer one; without a body too."""
    return Said(said=body.label)


@routes.post("/<uuid:thing_id>/publish", who=Who.ORGANISER)
def publish_thing(thing_id: UUID, caller: Caller, services: Services) -> None:
    """Publish one."""


@routes.get("/whoami")
def whoami(caller: Caller | None) -> Said:
    """Tell who asks, if that is known."""
    return Said(said=caller and caller.user.name)


@pytest.fixture
def things() -> Api:
    return Api.fresh([routes, *GROUPS])


def made(api: Api, body: object, **request: Any) -> TestResponse:
    return api.anyone.post("/things", body, **request)


class TestBody:
    def test_may_be_of_every_kind(self, things: Api) -> None:
        sent = {
            "count": 2,
            "at": "2026-12-01T20:00:00.5+02:00",
            "owner": SOME_ID,
            "on": True,
            "title": "Ünïcode 🎫",
            "role": "organiser",
            "parts": [{"label": "a", "price": {"amount": 2500, "currency": "EUR"}}],
        }
        answer = made(things, sent)
        assert answer.status_code == 201
        thing = answer.get_json()["said"]["thing"]
        assert thing == sent | {"at": "2026-12-01T18:00:00.500000Z"}

    @pytest.mark.parametrize(
        ("body", "wrong"),
        [
            ({"count": "1"}, {"count": "wrong_type"}),
            ({"count": 1.5}, {"count": "wrong_type"}),
            ({"count": True}, {"count": "wrong_type"}),
            ({"count": None}, {"count": "wrong_type"}),
            ({"count": 0}, {"count": "out_of_range"}),
            ({"count": -(10**30)}, {"count": "out_of_range"}),
            ({"count": 10**30}, {"count": "out_of_range"}),
            ({"count": 1e300}, {"count": "out_of_range"}),
            ({"on": "true"}, {"on": "wrong_type"}),
            ({"on": 1}, {"on": "wrong_type"}),
            ({"title": 7}, {"title": "wrong_type"}),
            ({"title": "x" * 11}, {"title": "too_long"}),
            ({"title": "a\0b"}, {"title": "invalid_text"}),
            ({"role": "root"}, {"role": "not_allowed"}),
            ({"role": 1}, {"role": "not_allowed"}),
            ({"owner": "me"}, {"owner": "invalid_id"}),
            ({"owner": SOME_ID.replace("-", "")}, {"owner": "invalid_id"}),
            ({"owner": f"urn:uuid:{SOME_ID}"}, {"owner": "invalid_id"}),
            ({"owner": 1}, {"owner": "invalid_id"}),
            ({"at": "2026-12-01"}, {"at": "invalid_time"}),
            ({"at": "2026-12-01T18:00:00"}, {"at": "invalid_time"}),
            ({"at": "2026-02-30T18:00:00Z"}, {"at": "invalid_time"}),
            ({"at": "0001-01-01T00:00:00+14:00"}, {"at": "invalid_time"}),
            ({"at": "9999-12-31T23:59:59-14:00"}, {"at": "invalid_time"}),
            ({"at": "tomorrow"}, {"at": "invalid_time"}),
            ({"at": "1700000000"}, {"at": "invalid_time"}),
            ({"at": 1700000000}, {"at": "invalid_time"}),
            ({"at": "٢٠٢٦-12-01T18:00:00Z"}, {"at": "invalid_time"}),
            ({"parts": {}}, {"parts": "wrong_type"}),
            ({"parts": ["a"]}, {"parts.0": "wrong_type"}),
            ({"parts": [{"label": "a"}] * 3}, {"parts": "too_many"}),
            ({"parts": [{"label": ""}, {}]}, {"parts.0.label": "too_short", "parts.1.label": "required"}),
            (
                {"parts": [{"label": "a", "price": {"amount": -1, "currency": "euro"}}]},
                {"parts.0.price.amount": "out_of_range", "parts.0.price.currency": "invalid_format"},
            ),
            (
                {"parts": [{"label": "a", "price": {"amount": 2.5, "currency": "EUR"}}]},
                {"parts.0.price.amount": "wrong_type"},
            ),
            ({"unheard": 1, "of": 2}, {"unheard": "unknown_field", "of": "unknown_field"}),
            ([], {"body": "wrong_type"}),
            ("text", {"body": "wrong_type"}),
            (7, {"body": "wrong_type"}),
        ],
        ids=lambda value: repr(value)[:60],
    )
    def test_is_told_everything_that_is_wrong_with_it(
        self, things: Api, body: object, wrong: dict[str, str]
    ) -> None:
        assert wrong_fields(made(things, body)) == wrong

    def test_that_is_null_is_no_object(self, things: Api) -> None:
        answer = things.anyone.post("/things", data="null", content_type="application/json")
        assert wrong_fields(answer) == {"body": "wrong_type"}

    def test_may_write_a_whole_number_with_a_fraction_of_zero(self, things: Api) -> None:
        """JSON Schema calls 1.0 an integer."""
        assert made(things, {"count": 7.0}).get_json()["said"]["thing"]["count"] == 7

    def test_is_told_together_with_the_query(self, things: Api) -> None:
        answer = things.anyone.post("/things?dry_run=perhaps&x=1", {"count": 0})
        assert wrong_fields(answer) == {
            "count": "out_of_range",
            "dry_run": "not_a_flag",
            "x": "unknown_field",
        }

    def test_says_what_to_do_in_our_words(self, things: Api) -> None:
        errors = problem(made(things, {"count": 0, "title": "x" * 11}), 422, "validation_failed")["errors"]
        assert [error["message"] for error in errors] == ["Give at least 1.", "Give a length of at most 10."]

    @pytest.mark.parametrize(
        "raw",
        [
            b"",
            b" ",
            b"{",
            b'{"title": "a"',
            b"{'title': 1}",
            b'{"title": "\xff"}',
            b'{"title": "\\ud800"}',
            b'{"count": 01}',
            b"\xef\xbb\xbf{}",
            "{}".encode("utf-16"),
            b"{} {}",
            b"[" * 50_000,
            b'{"a":' * 5_000,
            b'{"count": ' + b"9" * 5_000 + b"}",
        ],
        ids=lambda raw: repr(raw[:20]),
    )
    def test_that_is_no_json_is_malformed(self, things: Api, raw: bytes) -> None:
        answer = things.anyone.post("/things", data=raw, content_type="application/json")
        problem(answer, 400, "malformed_json")

    @pytest.mark.parametrize(
        "kind", ["text/plain", "application/x-www-form-urlencoded", "application/xml", "", "json"]
    )
    def test_must_call_itself_json(self, things: Api, kind: str) -> None:
        problem(things.anyone.post("/things", data="{}", content_type=kind), 415, "unsupported_media_type")

    def test_may_name_its_charset(self, things: Api) -> None:
        answer = things.anyone.post("/things", data="{}", content_type="application/json; charset=utf-8")
        assert answer.status_code == 201

    def test_has_a_largest_size(self, things: Api) -> None:
        fits = b'{"title": ""' + b" " * (64 * 1024 - 13) + b"}"
        sent = {"content_type": "application/json"}
        assert things.anyone.post("/things", data=fits, **sent).status_code == 201
        problem(things.anyone.post("/things", data=fits + b" ", **sent), 413, "body_too_large")

    def test_has_a_largest_size_that_holds_without_a_length_too(self, things: Api) -> None:
        """A body that is sent in chunks does not say how long it will be."""

        def sent(body: bytes) -> TestResponse:
            chunked = {"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"}
            stream = {"input_stream": io.BytesIO(body), "environ_overrides": chunked}
            return things.anyone.post("/things", content_type="application/json", **stream)

        fits = b'{"title": ""}' + b" " * (64 * 1024 - 13)
        assert sent(b"{}").status_code == 201
        assert sent(fits).status_code == 201
        problem(sent(fits + b"and more"), 413, "body_too_large")
        problem(sent(fits + b" " * 10**6), 413, "body_too_large")

    def test_that_was_cut_on_its_way_is_refused(self, things: Api) -> None:
        """What arrived may be JSON by chance."""
        stream = {"input_stream": io.BytesIO(b"{}"), "environ_overrides": {"CONTENT_LENGTH": "30"}}
        answer = things.anyone.post("/things", content_type="application/json", **stream)
        problem(answer, 400, "bad_request")

    def test_with_thousands_of_unknown_fields_is_answered_with_some(self, things: Api) -> None:
        answer = made(things, {f"{number:x}": 0 for number in range(5000)} | {"y" * 5000: 0})
        members = problem(answer, 422, "validation_failed")
        assert len(members["errors"]) == 100
        assert len(answer.data) < 20_000

    def test_names_an_unknown_field_in_short(self, things: Api) -> None:
        [field] = wrong_fields(made(things, {"y" * 5000: 0}))
        assert field == "y" * 200

    def test_may_be_left_out_where_it_may(self, things: Api) -> None:
        path = f"/things/{SOME_ID}/answer"
        assert things.anyone.post(path).get_json() == {"said": "none"}
        assert things.anyone.post(path, {"label": "a"}).get_json() == {"said": "a"}
        assert wrong_fields(things.anyone.post(path, {"label": 1})) == {"label": "wrong_type"}
        problem(things.anyone.post(path, data="label=a"), 415, "unsupported_media_type")

    def test_that_nobody_asked_for_must_be_empty(self, things: Api) -> None:
        """A dry run that is asked for in the wrong place must not become a real one."""
        organiser = things.user(Role.ORGANISER)
        path = f"/things/{SOME_ID}/publish"
        assert organiser.post(path).status_code == 204
        assert organiser.post(path, {}).status_code == 204
        assert wrong_fields(organiser.post(path, {"dry_run": True})) == {"dry_run": "unknown_field"}
        assert wrong_fields(organiser.post(f"{path}?dry_run=true")) == {"dry_run": "unknown_field"}


class TestChanges:
    def test_know_what_was_given_and_what_was_not(self, things: Api) -> None:
        def given(body: object) -> object:
            return things.anyone.patch(f"/things/{SOME_ID}", body).get_json()["said"]["given"]

        assert given({}) == {}
        assert given({"title": "new"}) == {"title": "new"}
        assert given({"capacity": None}) == {"capacity": None}  # null means something here

    def test_refuse_null_where_it_means_nothing(self, things: Api) -> None:
        answer = things.anyone.patch(f"/things/{SOME_ID}", {"title": None})
        assert wrong_fields(answer) == {"title": "null"}


class TestQuery:
    def test_has_defaults(self, things: Api) -> None:
        assert things.anyone.get("/things").get_json() == {"items": list(LETTERS), "next_cursor": None}

    def test_pages_through_a_list(self, things: Api) -> None:
        items: list[str] = []
        cursor: str | None = ""
        while cursor is not None:
            more = f"&cursor={cursor}" if cursor else ""
            page = things.anyone.get(f"/things?limit=2{more}").get_json()
            assert len(page["items"]) <= 2
            items += page["items"]
            cursor = page["next_cursor"]
        assert items == list(LETTERS)

    @pytest.mark.parametrize(
        ("query", "wrong"),
        [
            ("limit=0", {"limit": "out_of_range"}),
            ("limit=101", {"limit": "out_of_range"}),
            ("limit=-1", {"limit": "out_of_range"}),
            ("limit=", {"limit": "not_a_number"}),
            ("limit=many", {"limit": "not_a_number"}),
            ("limit=1.0", {"limit": "not_a_number"}),
            ("limit=%2B1", {"limit": "not_a_number"}),
            ("limit=%201", {"limit": "not_a_number"}),
            ("limit=1_0", {"limit": "not_a_number"}),
            ("limit=%D9%A5", {"limit": "not_a_number"}),
            ("limit=" + "9" * 5000, {"limit": "not_a_number"}),
            ("limit=1&limit=2", {"limit": "repeated"}),
            ("cursor=", {"cursor": "too_short"}),
            ("cursor=nonsense", {"cursor": "invalid_cursor"}),
            ("cursor=W10", {"cursor": "invalid_cursor"}),
            ("cursor=%00", {"cursor": "invalid_cursor"}),
            ("cursor=%ED%A0%80", {"cursor": "invalid_cursor"}),
            ("cursor=" + "a" * 501, {"cursor": "too_long"}),
            ("stauts=held", {"stauts": "unknown_field"}),
            ("limit=0&cursor=", {"limit": "out_of_range", "cursor": "too_short"}),
        ],
        ids=lambda value: repr(value)[:40],
    )
    def test_is_told_everything_that_is_wrong_with_it(
        self, things: Api, query: str, wrong: dict[str, str]
    ) -> None:
        assert wrong_fields(things.anyone.get(f"/things?{query}")) == wrong

    def test_knows_flags(self, things: Api) -> None:
        for written, meant in (("true", True), ("false", False)):
            answer = things.anyone.post(f"/things?dry_run={written}", {})
            assert answer.get_json()["said"]["dry_run"] is meant
        for written in ("1", "yes", "True", ""):
            answer = things.anyone.post(f"/things?dry_run={written}", {})
            assert wrong_fields(answer) == {"dry_run": "not_a_flag"}


class TestHeaders:
    def test_of_an_answer_are_those_of_the_route(self, things: Api) -> None:
        answer = made(things, {})
        assert answer.headers["Location"] == f"/api/v1/things/{SOME_ID}"
        assert answer.headers["ETag"] == '"1"'

    def test_a_key_stands_for_the_content_however_it_is_written(self, things: Api) -> None:
        def fingerprint(raw: str, path: str = "/things") -> str:
            answer = things.anyone.post(
                path, data=raw, content_type="application/json", headers={"Idempotency-Key": "k"}
            )
            return str(answer.get_json()["said"]["print"])

        same = {
            fingerprint(raw)
            for raw in ("{}", '{ "count": 1 }', '{"title":"","count":1.0}', '{"count":1,"title":""}')
        }
        assert len(same) == 1
        assert fingerprint('{"count": 2}') not in same

    def test_without_a_key_nothing_stands_for_anything(self, things: Api) -> None:
        assert made(things, {}).get_json()["said"]["print"] is None

    @pytest.mark.parametrize(
        ("sent", "version"),
        [
            (None, None),
            ("*", None),
            ('"7"', 7),
            ('"3", "7"', 7),
            ('"abc"', MATCHES_NOTHING),
            ('""', MATCHES_NOTHING),
            ('W/"7"', MATCHES_NOTHING),
            ('"' + "9" * 30 + '"', MATCHES_NOTHING),
        ],
    )
    def test_if_match_asks_for_a_version(self, things: Api, sent: str | None, version: int | None) -> None:
        headers = {} if sent is None else {"If-Match": sent}
        answer = things.anyone.patch(f"/things/{SOME_ID}", {}, headers=headers)
        assert answer.get_json()["said"]["if_match"] == version

    @pytest.mark.parametrize("sent", ["", "7", '"7', '"7" "8"', "*, *", '"7",'])
    def test_if_match_that_holds_no_tags_is_refused(self, things: Api, sent: str) -> None:
        answer = things.anyone.patch(f"/things/{SOME_ID}", {}, headers={"If-Match": sent})
        problem(answer, 400, "invalid_if_match")


class TestPath:
    @pytest.mark.parametrize(
        "path_id", ["1", "me", SOME_ID[:-1], SOME_ID.replace("-", ""), f"{SOME_ID}0", "%00", "../x"]
    )
    def test_with_a_malformed_id_leads_nowhere(self, things: Api, path_id: str) -> None:
        problem(things.anyone.patch(f"/things/{path_id}", {}), 404, "not_found")

    def test_gives_its_id(self, things: Api) -> None:
        assert things.anyone.patch(f"/things/{SOME_ID.upper()}", {}).get_json()["said"]["id"] == SOME_ID


class TestWho:
    def test_anyone_may_be_somebody(self, things: Api) -> None:
        assert things.anyone.get("/things/whoami").get_json() == {"said": None}
        assert things.user(name="ada").get("/things/whoami").get_json() == {"said": "ada"}

    def test_anyone_with_a_bad_token_is_told_so(self, things: Api) -> None:
        problem(things.user().bearing("garbage").get("/things/whoami"), 401, "invalid_token")

    @pytest.mark.parametrize(
        ("role", "status"), [(Role.ATTENDEE, 403), (Role.ORGANISER, 204), (Role.ADMIN, 204)]
    )
    def test_organisers_and_admins_may_what_organisers_may(
        self, things: Api, role: Role, status: int
    ) -> None:
        assert things.user(role).post(f"/things/{SOME_ID}/publish").status_code == status


class TestDeclaring:
    def test_a_parameter_that_nobody_supplies_is_our_mistake(self) -> None:
        with pytest.raises(AssertionError, match="nobody gives"):

            @Routes("Wrong", "Wrong.").get()
            def wrong(bodi: Thing) -> Said:
                raise NotImplementedError

    def test_an_unknown_problem_is_our_mistake(self) -> None:
        with pytest.raises(AssertionError, match="unknown problems"):

            @Routes("Wrong", "Wrong.").get(problems=("sold_uot",))
            def wrong() -> Said:
                raise NotImplementedError

    def test_who_must_sign_in_is_a_caller(self) -> None:
        """A route that forgot to ask would be open to everybody."""
        with pytest.raises(AssertionError, match="is a caller"):

            @Routes("Wrong", "Wrong.").get(who=Who.ADMIN)
            def wrong() -> Said:
                raise NotImplementedError

    def test_two_routes_of_one_name_are_our_mistake(self) -> None:
        twice = Routes("Twice", "Twice.")
        for rule in ("/a", "/b"):

            @twice.get(rule)
            def same() -> Said:
                raise NotImplementedError

        with pytest.raises(AssertionError):
            Api.fresh([twice])
