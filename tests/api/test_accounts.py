"""Coming in, and one's own account."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from werkzeug.test import TestResponse

from evently_core.values import Role, UserId
from tests.api.harness import PASSWORD, Api, Client, problem, wrong_fields
from tests.api.scene import UNKNOWN

ADA = {"email": "ada@example.org", "password": PASSWORD, "name": "Ada"}


class TestRegistration:
    def test_makes_an_attendee(self, api: Api) -> None:
        answer = api.anyone.post("/auth/register", ADA | {"email": " Ada@Example.org"})
        assert answer.status_code == 201
        user = answer.get_json()
        assert user.keys() == {"id", "email", "name", "role", "created_at"}
        assert (user["email"], user["name"], user["role"]) == ("ada@example.org", "Ada", "attendee")
        assert user["created_at"].endswith("Z")

    def test_names_everything_that_is_wrong_at_once(self, api: Api) -> None:
        answer = api.anyone.post("/auth/register", {"email": "ada", "password": "short", "role": "admin"})
        assert wrong_fields(answer) == {
            "email": "invalid_email",
            "password": "too_short",
            "name": "required",
            "role": "unknown_field",
        }

    def test_of_a_taken_email_is_a_conflict(self, api: Api) -> None:
        api.anyone.post("/auth/register", ADA)
        answer = api.anyone.post("/auth/register", ADA | {"email": "ADA@example.org"})
        problem(answer, 409, "email_taken")
        assert "Idempotency-Replayed" not in answer.headers

    def test_under_a_key_happens_once(self, api: Api) -> None:
        key = {"Idempotency-Key": "once"}
        first = api.anyone.post("/auth/register", ADA, headers=key)
        second = api.anyone.post("/auth/register", ADA, headers=key)
        assert (second.status_code, second.get_json()) == (201, first.get_json())
        assert "Idempotency-Replayed" not in first.headers
        assert second.headers["Idempotency-Replayed"] == "true"

    def test_of_a_taken_email_is_replayed_as_well(self, api: Api) -> None:
        api.anyone.post("/auth/register", ADA)
        key = {"Idempotency-Key": "once"}
        api.anyone.post("/auth/register", ADA, headers=key)
        again = api.anyone.post("/auth/register", ADA, headers=key)
        problem(again, 409, "email_taken")
        assert again.headers["Idempotency-Replayed"] == "true"

    @pytest.mark.parametrize("change", [{"name": "Eve"}, {"password": "another password"}])
    def test_with_other_content_under_the_same_key_is_refused(self, api: Api, change: dict[str, str]) -> None:
        key = {"Idempotency-Key": "once"}
        api.anyone.post("/auth/register", ADA, headers=key)
        problem(api.anyone.post("/auth/register", ADA | change, headers=key), 422, "idempotency_key_reused")

    @pytest.mark.parametrize("key", ["", " ", "two words", "k" * 256, "schlüssel"])
    def test_takes_only_keys_that_are_keys(self, api: Api, key: str) -> None:
        answer = api.anyone.post("/auth/register", ADA, headers={"Idempotency-Key": key})
        problem(answer, 400, "invalid_idempotency_key")


class TestLogIn:
    def test_gives_two_tokens_and_says_who_it_is(self, api: Api) -> None:
        api.anyone.post("/auth/register", ADA)
        answer = api.anyone.post("/auth/login", {"email": "ADA@example.org", "password": PASSWORD})
        assert answer.status_code == 200
        assert answer.headers["Cache-Control"] == "no-store"
        login = answer.get_json()
        assert login.keys() == {"access_token", "refresh_token", "token_type", "expires_in", "user"}
        assert (login["token_type"], login["expires_in"]) == ("Bearer", 15 * 60)
        assert login["user"]["email"] == "ada@example.org"

    @pytest.mark.parametrize(
        ("email", "password"),
        [("ada@example.org", "wrong"), ("eve@example.org", PASSWORD), ("no mail", PASSWORD), ("", "")],
    )
    def test_says_the_same_whatever_is_wrong(self, api: Api, email: str, password: str) -> None:
        api.anyone.post("/auth/register", ADA)
        answer = api.anyone.post("/auth/login", {"email": email, "password": password})
        members = problem(answer, 401, "bad_credentials")
        assert members["detail"] == "E-mail and password do not belong together."
        assert answer.headers["WWW-Authenticate"] == "Bearer"

    def test_keeps_from_where_it_came(self, api: Api) -> None:
        ada = api.user(name="ada")
        [session] = api.services.accounts.sessions(ada.actor)
        assert (session.device.instance, session.device.address) == ("api-1", "127.0.0.1")
        assert session.device.user_agent.startswith("Werkzeug")


class TestRefresh:
    def test_rotates_the_tokens(self, api: Api) -> None:
        ada = api.user(name="ada")
        login = refreshed(ada).get_json()
        assert login["user"]["id"] == ada.id
        assert login["refresh_token"] != ada.tokens["refresh_token"]
        assert ada.bearing(login["access_token"]).get("/auth/me").status_code == 200

    def test_with_a_token_of_before_ends_the_session(self, api: Api) -> None:
        ada = api.user(name="ada")
        newest = refreshed(ada).get_json()
        assert ada.get("/auth/me").status_code == 200
        problem(refreshed(ada), 401, "session_ended")
        problem(ada.get("/auth/me"), 401, "session_ended")
        problem(ada.bearing(newest["refresh_token"]).post("/auth/refresh"), 401, "session_ended")

    def test_needs_the_refresh_token(self, api: Api) -> None:
        problem(api.anyone.post("/auth/refresh"), 401, "not_signed_in")
        problem(api.user().post("/auth/refresh"), 401, "invalid_token")

    def test_of_an_expired_session_is_refused(self, api: Api) -> None:
        ada = api.user(name="ada")
        api.clock.advance(timedelta(days=30))
        problem(refreshed(ada), 401, "session_ended")


class TestLogOut:
    def test_kills_both_tokens_at_once(self, api: Api) -> None:
        ada = api.user(name="ada")
        assert ada.get("/auth/me").status_code == 200
        answer = ada.post("/auth/logout")
        assert (answer.status_code, answer.data) == (204, b"")
        problem(ada.get("/auth/me"), 401, "session_ended")
        problem(refreshed(ada), 401, "session_ended")
        problem(ada.post("/auth/logout"), 401, "session_ended")

    def test_leaves_the_other_sessions_alone(self, api: Api) -> None:
        ada = api.user(name="ada")
        elsewhere = api.logged_in("ada@example.org")
        ada.post("/auth/logout")
        assert elsewhere.get("/auth/me").status_code == 200

    def test_holds_for_an_instance_that_did_not_know_the_session(self, api: Api) -> None:
        ada = api.user(name="ada")
        ada.post("/auth/logout")
        problem(Client(api.beside().app, ada.tokens).get("/auth/me"), 401, "session_ended")


class TestMe:
    @pytest.mark.parametrize("role", list(Role))
    def test_is_for_every_role(self, api: Api, role: Role) -> None:
        user = api.user(role)
        assert user.get("/auth/me").get_json() == user.tokens["user"]

    def test_is_for_nobody_else(self, api: Api) -> None:
        answer = api.anyone.get("/auth/me")
        problem(answer, 401, "not_signed_in")
        assert answer.headers["WWW-Authenticate"] == "Bearer"

    def test_can_be_renamed(self, api: Api) -> None:
        ada = api.user(name="ada")
        assert ada.patch("/auth/me", {"name": " Countess "}).get_json()["name"] == "Countess"
        assert ada.get("/auth/me").get_json()["name"] == "Countess"

    def test_stays_as_it_is_when_nothing_is_asked(self, api: Api) -> None:
        ada = api.user(name="ada")
        assert ada.patch("/auth/me", {}).get_json() == ada.tokens["user"]

    def test_may_change_the_password_which_ends_the_other_sessions_at_once(self, api: Api) -> None:
        ada = api.user(name="ada")
        elsewhere = api.logged_in("ada@example.org")
        assert elsewhere.get("/auth/me").status_code == 200
        change = {"password": "another password", "current_password": PASSWORD}
        assert ada.patch("/auth/me", change).status_code == 200
        assert ada.get("/auth/me").status_code == 200
        problem(elsewhere.get("/auth/me"), 401, "session_ended")
        assert api.logged_in("ada@example.org", "another password").id == ada.id

    @pytest.mark.parametrize(
        ("change", "wrong"),
        [
            ({"password": "another password"}, {"current_password": "required"}),
            (
                {"password": "another password", "current_password": "guess"},
                {"current_password": "wrong_password"},
            ),
            ({"password": "short", "name": ""}, {"password": "too_short", "name": "too_short"}),
            ({"name": None}, {"name": "null"}),
            ({"name": " "}, {"name": "invalid_name"}),
            ({"email": "eve@example.org"}, {"email": "unknown_field"}),
            ({"role": "admin"}, {"role": "unknown_field"}),
        ],
    )
    def test_takes_only_what_is_acceptable(
        self, api: Api, change: dict[str, Any], wrong: dict[str, str]
    ) -> None:
        assert wrong_fields(api.user().patch("/auth/me", change)) == wrong


class TestMakingUsers:
    @pytest.mark.parametrize("role", list(Role))
    def test_is_for_admins_in_any_role(self, api: Api, role: Role) -> None:
        answer = api.user(Role.ADMIN).post("/auth/users", ADA | {"role": role.value})
        assert answer.status_code == 201
        assert answer.get_json()["role"] == role.value
        assert api.logged_in("ada@example.org").tokens["user"]["role"] == role.value

    @pytest.mark.parametrize("role", [Role.ATTENDEE, Role.ORGANISER])
    def test_is_for_nobody_else(self, api: Api, role: Role) -> None:
        # Who may not do it is told so before anything about what was sent.
        problem(api.user(role).post("/auth/users", {"nonsense": 1}), 403, "forbidden")
        problem(api.anyone.post("/auth/users", {"nonsense": 1}), 401, "not_signed_in")

    def test_knows_three_roles(self, api: Api) -> None:
        answer = api.user(Role.ADMIN).post("/auth/users", ADA | {"role": "root"})
        assert wrong_fields(answer) == {"role": "not_allowed"}

    def test_under_a_key_happens_once_for_each_admin(self, api: Api) -> None:
        key = {"Idempotency-Key": "once"}
        body = ADA | {"role": "organiser"}
        first, second = api.user(Role.ADMIN), api.user(Role.ADMIN, "other")
        made = first.post("/auth/users", body, headers=key)
        again = first.post("/auth/users", body, headers=key)
        assert (again.status_code, again.get_json()) == (201, made.get_json())
        assert again.headers["Idempotency-Replayed"] == "true"
        problem(second.post("/auth/users", body, headers=key), 409, "email_taken")


def test_a_role_that_was_taken_away_is_gone_though_the_token_still_names_it(api: Api) -> None:
    admin, fallen = api.user(Role.ADMIN), api.user(Role.ADMIN, "fallen")
    api.services.accounts.set_role(admin.actor, UserId(UUID(fallen.id)), Role.ATTENDEE)
    problem(fallen.post("/auth/users", ADA | {"role": "admin"}), 403, "forbidden")


def refreshed(client: Client) -> TestResponse:
    return client.bearing(client.tokens["refresh_token"]).post("/auth/refresh")


class TestSessions:
    def test_are_listed_with_where_from_and_the_present_one_is_marked(self, api: Api) -> None:
        ana = api.user(name="Ana")
        api.clock.advance(timedelta(minutes=5))
        phone = api.logged_in("ana@example.org")
        answer = phone.get("/auth/sessions", headers={"User-Agent": "Lynx"}).get_json()
        assert [session["current"] for session in answer["items"]] == [True, False]
        newest = answer["items"][0]
        assert (newest["instance"], newest["address"]) == ("api-1", "127.0.0.1")
        assert answer["next_cursor"] is None
        assert "token" not in str(answer)
        assert [session["current"] for session in ana.get("/auth/sessions").get_json()["items"]] == [
            False,
            True,
        ]

    def test_one_that_is_ended_signs_nobody_in_any_more_and_the_others_do(self, api: Api) -> None:
        ana = api.user(name="Ana")
        phone = api.logged_in("ana@example.org")
        [lost] = [one["id"] for one in ana.get("/auth/sessions").get_json()["items"] if not one["current"]]
        assert ana.delete(f"/auth/sessions/{lost}").status_code == 204
        problem(phone.get("/auth/me"), 401, "session_ended")
        assert ana.get("/auth/me").status_code == 200
        assert ana.delete(f"/auth/sessions/{lost}").status_code == 204

    def test_all_of_them_end_at_once(self, api: Api) -> None:
        ana, ben = api.user(name="Ana"), api.user(name="Ben")
        phone = api.logged_in("ana@example.org")
        assert ana.delete("/auth/sessions").status_code == 204
        for session in (ana, phone):
            problem(session.get("/auth/me"), 401, "session_ended")
        assert ben.get("/auth/me").status_code == 200


class TestUsersOfAnAdmin:
    def test_are_listed_page_by_page(self, api: Api) -> None:
        admin = api.user(Role.ADMIN)
        for number in range(4):
            api.user(name=f"User{number}")
        first = admin.get("/auth/users?limit=3").get_json()
        rest = admin.get(f"/auth/users?limit=3&cursor={first['next_cursor']}").get_json()
        names = [user["name"] for user in first["items"] + rest["items"]]
        assert names == ["admin", "User0", "User1", "User2", "User3"]
        assert rest["next_cursor"] is None

    def test_a_role_counts_from_the_next_request_on(self, api: Api) -> None:
        admin, ana = api.user(Role.ADMIN), api.user(name="Ana")
        answer = admin.patch(f"/auth/users/{ana.id}", {"role": "organiser"})
        assert answer.get_json()["role"] == "organiser"
        assert ana.get("/auth/me").get_json()["role"] == "organiser"

    def test_a_new_password_ends_the_sessions_of_that_user(self, api: Api) -> None:
        admin, ana = api.user(Role.ADMIN), api.user(name="Ana")
        assert admin.patch(f"/auth/users/{ana.id}", {"password": "another battery"}).status_code == 200
        problem(ana.get("/auth/me"), 401, "session_ended")
        api.logged_in("ana@example.org", "another battery")

    def test_nobody_unknown_is_changed(self, api: Api) -> None:
        problem(api.user(Role.ADMIN).patch(f"/auth/users/{UNKNOWN}", {"role": "admin"}), 404, "not_found")
