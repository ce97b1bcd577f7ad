"""Tickets and check-ins over HTTP."""

from __future__ import annotations

import base64
import re
import xml.etree.ElementTree as ET
import zlib
from datetime import timedelta
from typing import Any

import icalendar
import pytest
import segno
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from evently_wiring.seals import Ed25519Seal
from tests.api.harness import Api, Client, problem, wrong_fields
from tests.api.scene import UNKNOWN, Scene, made, text_of

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def api() -> Api:
    return Api.fresh()


@pytest.fixture
def ana(api: Api) -> Client:
    return api.user(name="Ana")


@pytest.fixture
def scene(api: Api) -> Scene:
    return Scene.on_sale(api, title="Łódź <Trio> & 日本", venue="Kleine Halle")


def tickets(who: Client, booking: dict[str, Any]) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = made(who.get(f"/bookings/{booking['id']}/tickets"))["items"]
    return items


class TestTickets:
    def test_each_seat_has_its_own(self, scene: Scene, ana: Client) -> None:
        booking = scene.booking(ana, 3)
        found = tickets(ana, booking)
        assert [ticket["seat"] for ticket in found] == [1, 2, 3]
        assert len({ticket["code"] for ticket in found}) == 3
        assert {ticket["reference"] for ticket in found} == {booking["reference"]}
        assert {ticket["checked_in_at"] for ticket in found} == {None}

    def test_they_come_in_pages(self, scene: Scene, ana: Client) -> None:
        path = f"/bookings/{scene.booking(ana, 3)['id']}/tickets"
        first = made(ana.get(f"{path}?limit=2"))
        second = made(ana.get(f"{path}?limit=2&cursor={first['next_cursor']}"))
        assert [ticket["seat"] for ticket in first["items"] + second["items"]] == [1, 2, 3]
        assert second["next_cursor"] is None

    @pytest.mark.parametrize("form", ["svg", "pdf"])
    def test_a_hold_has_none_to_show(self, api: Api, ana: Client, form: str) -> None:
        booking = Scene.on_sale(api, policy={"hold_for_seconds": 600}).booking(ana)
        assert tickets(ana, booking) == []
        problem(ana.get(f"/bookings/{booking['id']}/ticket.{form}"), 404, "not_found")

    def test_the_image_shows_each_code_as_its_qr_code(self, scene: Scene, ana: Client) -> None:
        booking = scene.booking(ana, 2)
        answer = ana.get(f"/bookings/{booking['id']}/ticket.svg")
        assert (answer.status_code, answer.content_type) == (200, "image/svg+xml")
        drawn = ET.fromstring(answer.data)
        paths = [path.get("d") for path in drawn.iter(f"{SVG}path")]
        expected = [
            ET.fromstring(segno.make_qr(ticket["code"], error="m").svg_inline(border=4)).find("path")
            for ticket in tickets(ana, booking)
        ]
        assert paths == [path.get("d") for path in expected if path is not None]
        texts = [text.text or "" for text in drawn.iter(f"{SVG}text")]
        assert "Łódź <Trio> & 日本" in texts
        assert any("seat 2 of 2" in text for text in texts)

    def test_the_print_has_a_page_for_each_seat_with_its_code(self, scene: Scene, ana: Client) -> None:
        booking = scene.booking(ana, 2)
        answer = ana.get(f"/bookings/{booking['id']}/ticket.pdf")
        assert (answer.status_code, answer.content_type) == (200, "application/pdf")
        assert booking["reference"] in answer.headers["Content-Disposition"]
        pages = [
            zlib.decompress(stream).decode("cp1252")
            for stream in re.findall(rb"stream\r?\n(.*?)\r?\nendstream", answer.data, re.DOTALL)
            if stream.startswith(b"x")
        ]
        drawn = [page for page in pages if " re" in page]
        assert len(drawn) == 2
        for page, ticket in zip(drawn, tickets(ana, booking), strict=True):
            printed = re.findall(r"\((.*?)(?<!\\)\) Tj", page)
            assert "".join(printed).endswith(ticket["code"])
            assert printed[0] == "Lódz <Trio> & ??"
            modules = sum(map(sum, segno.make_qr(ticket["code"], error="m").matrix))
            assert sum(_module_areas(page)) == pytest.approx(modules, abs=2)


def _module_areas(page: str) -> list[float]:
    """Return how many modules of a QR code each rectangle of a page covers."""
    sizes = [
        (abs(float(width)), abs(float(height)))
        for width, height in re.findall(r"[-\d.]+ [-\d.]+ ([-\d.]+) ([-\d.]+) re f", page)
    ]
    return [width / height for width, height in sizes]


class TestCheckIns:
    def test_somebody_comes_in(self, scene: Scene, ana: Client) -> None:
        booking = scene.booking(ana, 2)
        first, _ = tickets(ana, booking)
        scene.api.clock.advance(timedelta(minutes=1))
        came = made(scene.organiser.post(f"{scene.path}/check-ins", {"code": first["code"]}), 201)
        at = text_of(scene.api.clock.now())
        assert came == {
            "code": first["code"],
            "booking_id": booking["id"],
            "ticket_type_id": scene.kinds[0],
            "reference": booking["reference"],
            "seat": 1,
            "at": at,
        }
        assert [ticket["checked_in_at"] for ticket in tickets(ana, booking)] == [at, None]
        assert made(scene.organiser.get(f"{scene.path}/check-ins")) == {
            "event_id": scene.event_id,
            "expected": 2,
            "checked_in": 1,
            "ticket_types": [{"id": scene.kinds[0], "expected": 2, "checked_in": 1}],
            "items": [came],
            "next_cursor": None,
        }

    def test_a_retry_under_its_key_is_answered_the_same(self, scene: Scene, ana: Client) -> None:
        [ticket] = tickets(ana, scene.booking(ana))
        key = {"Idempotency-Key": "door-1"}
        first, again = (
            scene.organiser.post(f"{scene.path}/check-ins", {"code": ticket["code"]}, headers=key)
            for _ in range(2)
        )
        assert made(again, 201) == made(first, 201)
        assert again.headers["Idempotency-Replayed"] == "true"

    def test_a_refusal_is_kept_under_its_key(self, scene: Scene) -> None:
        key = {"Idempotency-Key": "door-1"}
        for replayed in (None, "true"):
            answer = scene.organiser.post(f"{scene.path}/check-ins", {"code": "nothing"}, headers=key)
            problem(answer, 409, "unknown")
            assert answer.headers.get("Idempotency-Replayed") == replayed

    def test_what_was_noted_without_a_network_is_handed_in_as_often_as_one_likes(
        self, scene: Scene, ana: Client
    ) -> None:
        codes = [ticket["code"] for ticket in tickets(ana, scene.booking(ana, 2))]
        noted = [
            {"code": code, "at": text_of(scene.api.clock.now() + timedelta(seconds=place))}
            for place, code in enumerate([*codes, "nothing"])
        ]
        scene.api.clock.advance(timedelta(hours=1))
        first = made(scene.organiser.post(f"{scene.path}/check-ins", {"codes": noted}), 201)
        assert (first["checked_in"], first["refused"]) == (2, 1)
        assert [result["check_in"] and result["check_in"]["at"] for result in first["results"]] == [
            noted[0]["at"],
            noted[1]["at"],
            None,
        ]
        assert first["results"][2]["reason"]["code"] == "unknown"
        assert made(scene.organiser.post(f"{scene.path}/check-ins", {"codes": noted}), 201) == first
        assert made(scene.organiser.get(f"{scene.path}/check-ins"))["checked_in"] == 2

    def test_undoing_it_twice_is_undoing_it_once(self, scene: Scene, ana: Client) -> None:
        [ticket] = tickets(ana, scene.booking(ana))
        path = f"{scene.path}/check-ins/{ticket['code']}"
        problem(scene.organiser.delete(path), 404, "not_found")
        made(scene.organiser.post(f"{scene.path}/check-ins", {"code": ticket["code"]}), 201)
        for _ in range(2):
            assert scene.organiser.delete(f"{path}?reason=mistake").status_code == 204
        assert made(scene.organiser.get(f"{scene.path}/check-ins"))["checked_in"] == 0
        lines = made(scene.organiser.get(f"{scene.path}/journal"))["items"]
        assert [line["reason"] for line in lines if line["kind"] == "check_in_undone"] == ["mistake"]

    def test_who_is_in_is_listed_from_the_latest(self, scene: Scene, ana: Client) -> None:
        codes = [ticket["code"] for ticket in tickets(ana, scene.booking(ana, 3))]
        for code in codes:
            scene.api.clock.advance(timedelta(seconds=1))
            made(scene.organiser.post(f"{scene.path}/check-ins", {"code": code}), 201)
        first = made(scene.organiser.get(f"{scene.path}/check-ins?limit=2"))
        rest = made(scene.organiser.get(f"{scene.path}/check-ins?limit=2&cursor={first['next_cursor']}"))
        assert [item["code"] for item in first["items"] + rest["items"]] == codes[::-1]

    @pytest.mark.parametrize(
        ("body", "wrong"),
        [
            ({}, {"code": "required"}),
            ({"code": "x", "codes": [{"code": "x", "at": "2030-01-01T00:00:00Z"}]}, {"code": "required"}),
            ({"codes": []}, {"codes": "too_few"}),
            ({"codes": [{"code": "x"}]}, {"codes.0.at": "required"}),
            ({"code": "x", "at": "yesterday"}, {"at": "invalid_time"}),
            (
                {"codes": [{"code": "x", "at": "2030-01-01T00:00:00Z"}], "at": "2030-01-01T00:00:00Z"},
                {"at": "not_allowed"},
            ),
        ],
    )
    def test_what_is_wrong_is_named(self, scene: Scene, body: object, wrong: dict[str, str]) -> None:
        assert wrong_fields(scene.organiser.post(f"{scene.path}/check-ins", body)) == wrong

    def test_an_unknown_event_has_no_door(self, scene: Scene) -> None:
        problem(scene.organiser.post(f"/events/{UNKNOWN}/check-ins", {"code": "x"}), 404, "not_found")


class TestOffline:
    def test_a_door_needs_the_public_key_and_nothing_else(self) -> None:
        sealed = Api.fresh(seal=Ed25519Seal(lambda: [b"a secret of thirty-two bytes...."]))
        ana, scene = sealed.user(name="Ana"), Scene.on_sale(sealed)
        [ticket] = tickets(ana, scene.booking(ana))
        [key] = made(sealed.anyone.get("/ticket-keys"))["keys"]
        assert (key["kty"], key["crv"]) == ("OKP", "Ed25519")
        public = Ed25519PublicKey.from_public_bytes(base64.urlsafe_b64decode(key["x"] + "="))
        raw = base64.b32decode(ticket["code"])
        public.verify(raw[36:], raw[:36])
        assert raw[1:17].hex() == scene.event_id.replace("-", "")


class TestCalendar:
    def test_an_event_goes_into_a_calendar_in_its_own_zone(self, scene: Scene) -> None:
        answer = scene.api.anyone.get(f"{scene.path}.ics")
        assert (answer.status_code, answer.content_type) == (200, "text/calendar; charset=utf-8")
        calendar = icalendar.Calendar.from_ical(answer.data)
        [event] = calendar.events
        read = scene.read()
        assert event.uid == f"{scene.event_id}@evently"
        assert (event["SUMMARY"], event["LOCATION"], event["STATUS"]) == (
            read["title"],
            "Kleine Halle",
            "CONFIRMED",
        )
        assert text_of(event.DTSTART.replace(microsecond=0)) == read["starts_at"][:19] + "Z"
        assert event["DTSTART"].params["TZID"] == "Europe/Berlin"
        assert [zone["TZID"] for zone in calendar.timezones] == ["Europe/Berlin"]

    def test_a_cancelled_event_replaces_the_one_in_the_calendar(self, scene: Scene) -> None:
        def entry() -> icalendar.Event:
            answer = scene.api.anyone.get(f"{scene.path}.ics")
            [found] = icalendar.Calendar.from_ical(answer.data).events
            return found

        before = entry()
        made(scene.organiser.post(f"{scene.path}/cancel", {"reason": "flood"}))
        after = entry()
        assert after.uid == before.uid
        assert after.sequence > before.sequence
        assert after["STATUS"] == "CANCELLED"
