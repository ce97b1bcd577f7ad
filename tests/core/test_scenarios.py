"""The rules one by one, told as stories: a line for what somebody says, and everything that comes of it."""

from __future__ import annotations

from datetime import timedelta

from evently_core.event import Policy
from evently_core.memory.storage import MemoryStorage
from evently_core.reasons import SENTENCES, ReasonCode
from evently_core.services.events import EventAnswer, NewTicketType
from evently_core.testing.storage_contract import House
from tests.core.house import at
from tests.core.naive import Kind
from tests.core.stories import event, tell

# -- smart booking ----------------------------------------------------------------------------------------------


def test_two_of_ten_seats_are_booked_and_eight_wait() -> None:
    tell(
        event(2),
        """
        ana asks 10, part, join   -> 2 booked, 8 wait at 1 (sold_out)
        """,
    )


def test_who_gives_seats_back_does_not_get_them_again() -> None:
    tell(
        event(2),
        """
        ana asks 10, part, join   -> 2 booked, 8 wait at 1 (sold_out)
        ben asks 2, join          -> 2 wait at 2 (sold_out)
        ana cancels               -> 2 cancelled; ana's wait is over (left); ben gets 2
        """,
    )


def test_a_whole_party_waits_when_nothing_is_free() -> None:
    tell(
        event(2),
        """
        ana asks 2                -> 2 booked
        ben asks 3, join          -> 3 wait at 1 (sold_out)
        """,
    )


def test_who_does_not_want_to_wait_is_refused_with_figures() -> None:
    tell(
        event(2),
        """
        ana asks 2                -> 2 booked
        ben asks 3, join          -> 3 wait at 1 (sold_out, free 0, requested 3, ahead 0)
        cara asks 1               -> refused (sold_out, free 0, requested 1, ahead 1)
        """,
    )


def test_a_part_without_waiting_is_booked_and_the_rest_refused() -> None:
    tell(
        event(2),
        """
        ana asks 3, part          -> 2 booked, the rest is refused (sold_out)
        """,
    )


def test_a_part_is_no_smaller_than_one_booking_must_be() -> None:
    tell(
        event(3, kinds={"floor": Kind(min_party=2)}),
        """
        ana asks 2                -> 2 booked
        ben asks 3, part          -> refused (not_enough_for_party, free 1, requested 3)
        ben asks 3, part, join    -> 3 wait at 1 (not_enough_for_party)
        seats = 4                 -> ben gets 2
        seats = 5                 -> ben gets 1
        """,
    )


# -- who comes first ----------------------------------------------------------------------------------------------


def test_seats_set_aside_for_somebody_who_waits_are_not_for_newcomers() -> None:
    tell(
        event(4),
        """
        ana asks 2                -> 2 booked
        ben asks 3, join          -> 3 wait at 1 (not_enough_for_party)
        cara asks 1               -> refused (line_ahead, free 2, requested 1, ahead 1)
        cara asks 1, join         -> 1 waits at 2 (line_ahead)
        ana reduces to 1          -> 1 confirmed; ben gets 3
        ben cancels               -> 3 cancelled; cara gets 1
        """,
    )


def test_a_party_of_ten_is_not_starved_by_singles_of_any_type() -> None:
    tell(
        event(10, kinds={"floor": Kind(), "box": Kind(own=5)}),
        """
        ana asks 6 floor          -> 6 booked
        ben asks 10 floor, join   -> 10 wait at 1 (not_enough_for_party)
        cara asks 1 box           -> refused (line_ahead)
        dan asks 1 floor          -> refused (line_ahead)
        ana cancels               -> 6 cancelled; ben gets 10
        """,
    )


def test_who_waits_for_a_full_pool_does_not_stop_the_floor() -> None:
    tell(
        event(6, kinds={"floor": Kind(), "vip": Kind(own=2)}),
        """
        ana asks 2 vip            -> 2 booked
        ben asks 2 vip, join      -> 2 wait at 1 (sold_out)
        cara asks 4 floor         -> 4 booked
        ana cancels               -> 2 cancelled; ben gets 2
        """,
    )


def test_nobody_who_waits_for_one_ticket_type_is_served_with_another() -> None:
    tell(
        event(4, kinds={"floor": Kind(own=2), "vip": Kind(own=2)}),
        """
        ana asks 2 vip            -> 2 booked
        ben asks 1 vip, join      -> 1 waits at 1 (sold_out)
        floor own = 4             ->
        seats = 9                 ->
        vip own = 3               -> ben gets 1
        """,
    )


def test_a_limit_of_two_lets_two_pass_and_the_journal_names_who_was_passed() -> None:
    tell(
        event(4, bypass=2),
        """
        ana asks 4                -> 4 booked
        ben asks 3, join          -> 3 wait at 1 (sold_out)
        cara asks 1, join         -> 1 waits at 2 (sold_out)
        dan asks 1, join          -> 1 waits at 3 (sold_out)
        eve asks 1, join          -> 1 waits at 4 (sold_out)
        ana reduces to 3          -> 3 confirmed; cara gets 1 past ben
        ana reduces to 2          -> 2 confirmed; dan gets 1 past ben
        ana reduces to 1          -> 1 confirmed
        finn asks 1               -> refused (line_ahead)
        cara cancels              -> 1 cancelled
        dan cancels               -> 1 cancelled; ben gets 3
        """,
    )


def test_a_newcomer_passes_over_too_and_is_counted() -> None:
    tell(
        event(3, bypass=1),
        """
        ana asks 1                -> 1 booked
        ben asks 3, join          -> 3 wait at 1 (not_enough_for_party)
        cara asks 1               -> 1 booked; it goes past ben
        dan asks 1                -> refused (line_ahead)
        """,
    )


def test_who_loses_no_room_is_not_passed_over() -> None:
    tell(
        event(6, bypass=1, kinds={"floor": Kind(), "vip": Kind(own=2)}),
        """
        ana asks 1 vip            -> 1 booked
        ben asks 2 vip, join      -> 2 wait at 1 (not_enough_for_party)
        cara asks 3 floor         -> 3 booked
        dan asks 1 vip            -> 1 booked; it goes past ben
        """,
    )


def test_raising_the_limit_serves_who_was_stopped() -> None:
    tell(
        event(2),
        """
        ana asks 1                -> 1 booked
        ben asks 2, join          -> 2 wait at 1 (not_enough_for_party)
        cara asks 1, join         -> 1 waits at 2 (line_ahead)
        bypass = 1                -> cara gets 1 past ben
        """,
    )


def test_priority_goes_before_order_and_order_before_size() -> None:
    tell(
        event(2),
        """
        ana asks 2                -> 2 booked
        ben asks 1, join          -> 1 waits at 1 (sold_out)
        cara asks 1, join         -> 1 waits at 2 (sold_out)
        dan asks 1, join          -> 1 waits at 3 (sold_out)
        the organiser moves dan to 5 -> waiting
        the organiser moves ben to -1 -> waiting
        eve asks 1, join          -> 1 waits at 3 (sold_out)
        ana cancels               -> 2 cancelled; dan gets 1; cara gets 1
        dan cancels               -> 1 cancelled; eve gets 1
        eve cancels               -> 1 cancelled; ben gets 1
        """,
    )


def test_a_move_that_lets_somebody_in_does_so_at_once() -> None:
    tell(
        event(2),
        """
        ana asks 1                -> 1 booked
        ben asks 2, join          -> 2 wait at 1 (not_enough_for_party)
        cara asks 1, join         -> 1 waits at 2 (line_ahead)
        the organiser moves cara to 1 -> served; cara gets 1
        the organiser moves cara to 2 -> refused (not_waiting)
        """,
    )


def test_a_newcomer_before_those_of_low_priority_speaks_for_the_line_from_then_on() -> None:
    """Ben had stopped the line; cara has not been passed over yet, so that dan may go past her at once (I5)."""
    tell(
        event(4, bypass=1, kinds={"floor": Kind(), "box": Kind()}),
        """
        ana asks 2 floor          -> 2 booked
        ben asks 3 floor, join    -> 3 wait at 1 (not_enough_for_party)
        eve asks 1 box            -> 1 booked; it goes past ben
        dan asks 1 box, join      -> 1 waits at 1 (line_ahead)
        the organiser moves dan to -2 -> waiting
        the organiser moves ben to -1 -> waiting
        cara asks 3 floor, join   -> 3 wait at 1 (not_enough_for_party); dan gets 1 past cara
        """,
    )


# -- holds and offers -----------------------------------------------------------------------------------------------


def test_a_hold_is_confirmed_or_lapses() -> None:
    tell(
        event(3, hold_for=30),
        """
        ana asks 2                -> 2 held until 30
        ben asks 1                -> 1 held until 30
        ana confirms              -> 2 confirmed
        ana confirms              -> 2 confirmed
        30 minutes pass, and somebody looks -> ben's 1 lapse
        ben confirms              -> refused (hold_expired)
        """,
    )


def test_a_lapsed_hold_holds_nothing_though_nobody_swept() -> None:
    tell(
        event(2, hold_for=30),
        """
        ana asks 2                -> 2 held until 30
        29 minutes pass           ->
        ben asks 2                -> refused (sold_out)
        1 minute pass             ->
        ben asks 2                -> 2 held until 60; ana's 2 lapse
        ana cancels               -> 2 expired
        """,
    )


def test_each_grant_to_somebody_who_waits_is_an_offer_with_a_full_window() -> None:
    tell(
        event(2, offer_window=60),
        """
        ana asks 1                -> 1 booked
        ben asks 1                -> 1 booked
        cara asks 2, part, join   -> 2 wait at 1 (sold_out)
        ana cancels               -> 1 cancelled; cara is offered 1 until 60
        10 minutes pass           ->
        ben cancels               -> 1 cancelled; cara is offered 1 until 70
        cara accepts              -> refused (booking_id_required, open_offers 2)
        50 minutes pass, and somebody looks -> cara's 1 lapse; cara's wait is over (lapsed)
        cara accepts              -> 1 confirmed
        cara accepts              -> 1 confirmed
        """,
    )


def test_without_a_window_of_its_own_an_offer_has_that_of_a_hold() -> None:
    tell(
        event(1, hold_for=20),
        """
        ana asks 1                -> 1 held until 20
        ben asks 1, join          -> 1 waits at 1 (sold_out)
        ana cancels               -> 1 cancelled; ben is offered 1 until 20
        """,
    )


def test_without_any_window_who_waited_has_the_seats_at_once() -> None:
    tell(
        event(1),
        """
        ana asks 1                -> 1 booked
        ben queues for 1          -> 1 waits at 1 (sold_out)
        ana cancels               -> 1 cancelled; ben gets 1
        ben accepts               -> 1 confirmed
        """,
    )


def test_a_declined_offer_ends_the_entry_and_serves_the_next() -> None:
    tell(
        event(1, offer_window=60),
        """
        ana asks 1                -> 1 booked
        ben asks 1, join          -> 1 waits at 1 (sold_out)
        cara asks 1, join         -> 1 waits at 2 (sold_out)
        ana cancels               -> 1 cancelled; ben is offered 1 until 60
        ben declines              -> 1 cancelled; ben's wait is over (left); cara is offered 1 until 60
        ben declines              -> 1 cancelled
        ben accepts               -> refused (no_open_offer)
        """,
    )


def test_silence_ends_the_entry_where_it_drops() -> None:
    tell(
        event(1, offer_window=60),
        """
        ana asks 1                -> 1 booked
        ben asks 1, join          -> 1 waits at 1 (sold_out)
        cara asks 1, join         -> 1 waits at 2 (sold_out)
        ana cancels               -> 1 cancelled; ben is offered 1 until 60
        60 minutes pass, and somebody looks -> ben's 1 lapse; ben's wait is over (lapsed); cara is offered 1 until 120
        """,
    )


def test_silence_sends_to_the_end_once_where_it_requeues() -> None:
    tell(
        event(1, offer_window=60, requeue=True),
        """
        ana asks 1                -> 1 booked
        ben asks 1, join          -> 1 waits at 1 (sold_out)
        cara asks 1, join         -> 1 waits at 2 (sold_out)
        ana cancels               -> 1 cancelled; ben is offered 1 until 60
        60 minutes pass, and somebody looks -> ben's 1 lapse; ben's 1 go to the end; cara is offered 1 until 120
        60 minutes pass, and somebody looks -> cara's 1 lapse; cara's 1 go to the end; ben is offered 1 until 180
        60 minutes pass, and somebody looks -> ben's 1 lapse; ben's wait is over (lapsed); cara is offered 1 until 240
        """,
    )


def test_a_party_sent_to_the_end_takes_no_fewer_seats_than_one_booking_must_have() -> None:
    """A rest of one may come alone; once the whole party waits again, the minimum counts again."""
    tell(
        event(4, offer_window=60, requeue=True, kinds={"floor": Kind(min_party=2), "box": Kind()}),
        """
        ana asks 4 floor             -> 4 booked
        ben asks 3 floor, part, join -> 3 wait at 1 (sold_out)
        cara asks 1 box, join        -> 1 waits at 1 (sold_out)
        ana reduces to 2             -> 2 confirmed; ben is offered 2 until 60
        60 minutes pass, and somebody looks -> ben's 2 lapse; ben's 2 go to the end; cara is offered 1 until 120
        seats = 5                    -> ben is offered 2 until 120
        """,
    )


def test_a_lapsed_hold_takes_the_rest_of_its_request_along() -> None:
    tell(
        event(2, hold_for=30),
        """
        ana asks 4, part, join    -> 2 held until 30, 2 wait at 1 (sold_out)
        ben asks 2, join          -> 2 wait at 2 (sold_out)
        30 minutes pass, and somebody looks -> ana's 2 lapse; ana's wait is over (lapsed); ben is offered 2 until 60
        """,
    )


def test_no_hold_outlives_the_end_of_sales_or_the_start() -> None:
    tell(
        event(4, hold_for=30, offer_window=60, closes=900),
        """
        850 minutes pass          ->
        ana asks 2                -> 2 held until 880
        25 minutes pass           ->
        ben asks 2                -> 2 held until 900
        closes = 890              -> ben's hold ends at 890
        cara asks 1, join         -> 1 waits at 1 (sold_out)
        5 minutes pass, and somebody looks -> ana's 2 lapse; cara is offered 1 until 890
        starts = 889              -> rejected (InvalidValue)
        closes = none             ->
        starts = 885              -> ben's hold ends at 885; cara's hold ends at 885
        5 minutes pass, and somebody looks -> ben's 2 lapse; cara's 1 lapse; cara's wait is over (lapsed)
        """,
    )


# -- giving back ----------------------------------------------------------------------------------------------------


def test_seats_given_back_go_to_the_next_in_line() -> None:
    tell(
        event(4),
        """
        ana asks 4                -> 4 booked
        ben asks 2, join          -> 2 wait at 1 (sold_out)
        cara asks 2, join         -> 2 wait at 2 (sold_out)
        ana reduces to 1          -> 1 confirmed; ben gets 2
        ana reduces to 1          -> refused (not_fewer, requested 1, quantity 1)
        ana cancels               -> 1 cancelled; cara gets 2
        ana cancels               -> 1 cancelled
        ana reduces to 1          -> refused (booking_cancelled)
        """,
    )


def test_reducing_withdraws_the_waiting_rest() -> None:
    tell(
        event(4),
        """
        ana asks 6, part, join    -> 4 booked, 2 wait at 1 (sold_out)
        ben asks 1, join          -> 1 waits at 2 (sold_out)
        ana reduces to 3          -> 3 confirmed; ana's wait is over (left); ben gets 1
        """,
    )


def test_a_booking_is_not_reduced_below_the_minimum() -> None:
    tell(
        event(4, kinds={"floor": Kind(min_party=2)}),
        """
        ana asks 4                -> 4 booked
        ana reduces to 1          -> refused (below_minimum, requested 1, limit 2)
        """,
    )


def test_after_the_deadline_only_the_organiser_gives_seats_back() -> None:
    tell(
        event(4, cancel_until=100),
        """
        ana asks 4                -> 4 booked
        100 minutes pass          ->
        ana cancels               -> refused (cancel_deadline_passed)
        ana reduces to 1          -> refused (cancel_deadline_passed)
        the organiser reduces ana to 3 -> 3 confirmed
        the organiser cancels ana -> 3 cancelled
        """,
    )


def test_the_deadline_is_that_of_the_day_of_booking() -> None:
    tell(
        event(4, cancel_until=100),
        """
        ana asks 2                -> 2 booked
        cancel_until = 10         ->
        ben asks 2                -> 2 booked
        50 minutes pass           ->
        ana cancels               -> 2 cancelled
        ben cancels               -> refused (cancel_deadline_passed)
        """,
    )


def test_leaving_lets_those_behind_go_on_and_leaves_offers_open() -> None:
    tell(
        event(3, offer_window=60),
        """
        ana asks 2                -> 2 booked
        ben asks 4, part, join    -> 1 booked, 3 wait at 1 (sold_out)
        cara asks 2, join         -> 2 wait at 2 (sold_out)
        ana reduces to 1          -> 1 confirmed; ben is offered 1 until 60
        ben leaves                -> left
        ben leaves                -> left
        ana cancels               -> 1 cancelled
        ben accepts               -> 1 confirmed
        """,
    )


def test_when_the_first_of_a_line_leaves_the_next_is_served() -> None:
    tell(
        event(3),
        """
        ana asks 2                -> 2 booked
        ben asks 2, join          -> 2 wait at 1 (not_enough_for_party)
        cara asks 1, join         -> 1 waits at 2 (line_ahead)
        ben leaves                -> left; cara gets 1
        """,
    )


# -- capacity ---------------------------------------------------------------------------------------------------------


def test_more_seats_serve_the_line() -> None:
    tell(
        event(1),
        """
        ana asks 1                -> 1 booked
        ben asks 2, part, join    -> 2 wait at 1 (sold_out)
        seats = 2                 -> ben gets 1
        seats = 9                 -> ben gets 1
        """,
    )


def test_no_pool_is_set_below_what_is_taken() -> None:
    tell(
        event(5, hold_for=30, kinds={"floor": Kind(), "vip": Kind(own=3)}),
        """
        ana asks 2 vip            -> 2 held until 30
        ben asks 2 floor          -> 2 held until 30
        ben confirms              -> 2 confirmed
        seats = 3                 -> refused (capacity_below_taken, taken 4, requested 3)
        vip own = 1               -> refused (capacity_below_taken, taken 2, requested 1)
        seats = 4                 ->
        vip own = 2               ->
        30 minutes pass           ->
        vip own = 0               -> ana's 2 lapse
        seats = 2                 ->
        """,
    )


# -- limits -----------------------------------------------------------------------------------------------------------


def test_what_somebody_has_and_waits_for_stays_within_the_limit() -> None:
    tell(
        event(3, per_user=4),
        """
        ana asks 2                -> 2 booked
        ana asks 2, part, join    -> 1 booked, 1 waits at 1 (sold_out)
        ana asks 1                -> refused (over_user_limit, requested 1, has 4, limit 4)
        ben queues for 5          -> refused (over_user_limit, requested 5, has 0, limit 4)
        per_user = 1              ->
        seats = 4                 -> ana gets 1
        """,
    )


def test_seats_on_offer_count_once() -> None:
    tell(
        event(1, per_user=2, offer_window=60),
        """
        ana asks 1                -> 1 booked
        ben asks 2, part, join    -> 2 wait at 1 (sold_out)
        ana cancels               -> 1 cancelled; ben is offered 1 until 60
        ben asks 1                -> refused (over_user_limit, requested 1, has 2, limit 2)
        ben declines              -> 1 cancelled; ben's wait is over (left)
        ben asks 1                -> 1 booked
        """,
    )


def test_a_party_is_neither_too_large_nor_too_small() -> None:
    tell(
        event(20, max_party=6, kinds={"floor": Kind(min_party=2), "vip": Kind(max_party=3)}),
        """
        ana asks 7 floor          -> refused (over_booking_limit, requested 7, limit 6)
        ana asks 4 vip            -> refused (over_booking_limit, requested 4, limit 3)
        ana asks 1 floor          -> refused (below_minimum, requested 1, limit 2)
        """,
    )


def test_one_waits_once_in_a_line() -> None:
    tell(
        event(1, kinds={"floor": Kind(), "vip": Kind()}),
        """
        ana asks 1 floor          -> 1 booked
        ben asks 1 floor, join    -> 1 waits at 1 (sold_out)
        ben queues for 2 floor    -> refused (already_waiting, waiting_for 1)
        ben asks 2 floor, join    -> refused (already_waiting)
        ben asks 1 vip, join      -> 1 waits at 1 (sold_out)
        """,
    )


def test_a_line_may_be_full_or_not_there_at_all() -> None:
    tell(
        event(1, max_entries=1),
        """
        ana asks 1                -> 1 booked
        ben asks 1, join          -> 1 waits at 1 (sold_out)
        cara asks 1, join         -> refused (waitlist_full, limit 1)
        cara asks 1               -> refused (sold_out)
        waitlist = no             ->
        cara asks 1, join         -> refused (waitlist_off)
        ana cancels               -> 1 cancelled; ben gets 1
        """,
    )


def test_a_part_is_booked_even_if_the_rest_cannot_wait() -> None:
    tell(
        event(1, waitlist=False),
        """
        ana asks 2, part, join    -> 1 booked, the rest is refused (waitlist_off)
        """,
    )


def test_who_could_have_seats_need_not_wait() -> None:
    tell(
        event(2),
        """
        ana queues for 3          -> 3 wait at 1 (not_enough_for_party)
        ana leaves                -> left
        ana queues for 2          -> refused (seats_available, available 2, requested 2)
        ana queues for 3, part    -> refused (seats_available, available 2, requested 3)
        """,
    )


# -- windows and the life of an event -----------------------------------------------------------------------------------


def test_seats_are_sold_inside_both_windows_only() -> None:
    tell(
        event(9, opens=10, closes=100, kinds={"early": Kind(closes=50), "late": Kind(opens=60)}),
        """
        ana asks 1 early          -> refused (sales_not_open)
        10 minutes pass           ->
        ana asks 1 early          -> 1 booked
        ana asks 1 late           -> refused (sales_not_open)
        40 minutes pass           ->
        ana asks 1 early          -> refused (sales_closed)
        10 minutes pass           ->
        ana asks 1 late           -> 1 booked
        40 minutes pass           ->
        ana asks 1 late           -> refused (sales_closed)
        """,
    )


def test_a_line_closes_when_its_sales_end() -> None:
    tell(
        event(2, kinds={"early": Kind(closes=50), "late": Kind()}),
        """
        ana asks 2 early          -> 2 booked
        ben asks 1 early, join    -> 1 waits at 1 (sold_out)
        cara asks 1 late, join    -> 1 waits at 1 (sold_out)
        50 minutes pass, and somebody looks -> ben's wait is over (closed)
        ana cancels               -> 2 cancelled; cara gets 1
        """,
    )


def test_only_lines_on_sale_take_part() -> None:
    tell(
        event(2, kinds={"floor": Kind(), "vip": Kind()}),
        """
        ana asks 2 vip            -> 2 booked
        ben asks 1 floor, join    -> 1 waits at 1 (sold_out)
        cara asks 1 vip, join     -> 1 waits at 1 (sold_out)
        floor opens = 30          ->
        ana cancels               -> 2 cancelled; cara gets 1
        30 minutes pass, and somebody looks -> ben gets 1
        """,
    )


def test_a_draft_is_published_once_and_sold_then() -> None:
    tell(
        event(2, status="draft"),
        """
        ana asks 1                -> rejected (NotFound)
        complete the event        -> refused (event_not_published)
        publish the event         ->
        publish the event         ->
        ana asks 1                -> 1 booked
        """,
    )


def test_cancelling_the_event_cancels_all_bookings_and_closes_all_lines() -> None:
    house = tell(
        event(2, hold_for=30),
        """
        ana asks 1                -> 1 held until 30
        ana confirms              -> 1 confirmed
        ben asks 2, part, join    -> 1 held until 30, 1 waits at 1 (sold_out)
        cara asks 1, join         -> 1 waits at 2 (sold_out)
        ana cancels               -> 1 cancelled; ben is offered 1 until 30
        cancel the event          -> ben's 1 are cancelled; ben's 1 are cancelled; ben's wait is over (closed); cara's wait is over (closed)
        cancel the event          ->
        dan asks 1                -> refused (event_cancelled)
        seats = 9                 -> refused (event_cancelled)
        publish the event         -> refused (event_cancelled)
        """,
    )
    assert house.wake_at is None


def test_completing_the_event_closes_its_lines_and_keeps_bookings() -> None:
    tell(
        event(1),
        """
        ana asks 1                -> 1 booked
        ben asks 1, join          -> 1 waits at 1 (sold_out)
        complete the event        -> ben's wait is over (closed)
        ben asks 1                -> refused (event_completed)
        cancel the event          -> refused (event_completed)
        """,
    )


def test_an_event_that_has_ended_is_not_published() -> None:
    tell(
        event(1, status="draft"),
        """
        1180 minutes pass         ->
        publish the event         -> refused (event_ended)
        """,
    )


# -- reasons ------------------------------------------------------------------------------------------------------------


def test_of_several_reasons_the_first_in_the_fixed_order_is_given() -> None:
    """Each line mends what the line before was refused for."""
    tell(
        event(3, opens=10, max_party=3, per_user=3, max_entries=1, kinds={"floor": Kind(min_party=2)}),
        """
        ana asks 9                -> refused (sales_not_open)
        10 minutes pass           ->
        ana asks 9                -> refused (over_booking_limit)
        ana asks 1                -> refused (below_minimum)
        ana asks 2                -> 2 booked
        ana asks 2                -> refused (over_user_limit)
        ben asks 3, join          -> 3 wait at 1 (not_enough_for_party)
        per_user = 9              ->
        ben asks 3, join          -> refused (already_waiting)
        cara asks 2, join         -> refused (waitlist_full)
        cara asks 2               -> refused (line_ahead)
        seats = 2                 ->
        cara asks 2               -> refused (sold_out)
        complete the event        -> ben's wait is over (closed)
        cara asks 9               -> refused (event_completed)
        """,
    )


def test_every_reason_has_a_sentence() -> None:
    assert set(SENTENCES) == set(ReasonCode)
    assert all(text.endswith(".") and text[0].isupper() for text in SENTENCES.values())


# -- prices ---------------------------------------------------------------------------------------------------------------


def test_the_price_is_that_of_the_day_of_asking() -> None:
    house = tell(
        event(1, kinds={"floor": Kind(price=1000)}),
        """
        ana asks 1                -> 1 booked
        ben asks 1, join          -> 1 waits at 1 (sold_out)
        floor price = 5000        ->
        ana cancels               -> 1 cancelled; ben gets 1
        ben cancels               -> 1 cancelled
        cara asks 1               -> 1 booked
        """,
    )
    assert [booking.unit_price.amount for booking in house.bookings()] == [1000, 1000, 5000]


# -- keys -----------------------------------------------------------------------------------------------------------------


def test_the_same_key_answers_the_same_again_and_does_nothing_again() -> None:
    house = tell(
        event(2),
        """
        ana asks 2, key one       -> 2 booked
        ana asks 2, key one       -> 2 booked
        ana asks 1, key one       -> refused (idempotency_key_reused)
        ben asks 1, key two       -> refused (sold_out)
        ana cancels               -> 2 cancelled
        ben asks 1, key two       -> refused (sold_out)
        ben asks 1, key three     -> 1 booked
        """,
    )
    assert len(house.bookings()) == 2
    assert house.state.bookings[house.bookings()[0].id].created_at == at(0)


# -- explaining, planning -------------------------------------------------------------------------------------------------


def test_it_is_explained_why_somebody_has_no_seat() -> None:
    house = House(MemoryStorage())
    floor, box = NewTicketType(name="floor"), NewTicketType(name="box", capacity=1)
    hold = Policy(hold_for=timedelta(minutes=30))
    event = house.published(capacity=4, ticket_types=(floor, box), policy=hold)
    on_floor, in_box = (kind.id for kind in event.ticket_types)
    house.booked(event, 1, 1, ticket_type_id=in_box)
    house.booked(event, 5, 1, ticket_type_id=on_floor)
    house.waits(event, 2, 1, ticket_type_id=in_box)
    house.waits(event, 3, 3, ticket_type_id=on_floor)
    house.waits(event, 4, 1, ticket_type_id=on_floor)

    def why(person: int) -> list[tuple[str, dict[str, object]] | None]:
        user = house.person(person)
        assert user.user_id is not None
        lines = house.events.explain(user, event.id, user.user_id)
        return [
            None if line.reason is None else (line.reason.code, dict(line.reason.figures)) for line in lines
        ]

    sold_out = {"free": 0, "available": 0, "requested": 1, "least": 1, "ahead": 0}
    too_few = {"free": 2, "available": 2, "requested": 3, "least": 3, "ahead": 0}
    behind = {"free": 2, "available": 0, "requested": 1, "least": 1, "ahead": 1}
    assert why(2)[1] == ("sold_out", sold_out)
    assert why(3)[0] == ("not_enough_for_party", too_few)
    assert why(4)[0] == ("line_ahead", behind)
    house.pass_by(minutes=30)
    assert why(2)[1] is None, "the hold has lapsed: the seat is on its way, though nobody has swept"
    assert why(3)[0] is None
    assert why(4)[0] == ("sold_out", {**behind, "free": 0})
    house.sweeping.sweep()
    assert why(3)[0] == ("sold_out", {"free": 0, "available": 0, "requested": 1, "least": 1, "ahead": 1})


def test_a_pool_may_be_planned_smaller_than_what_lapsed_holds_still_count_as_taken() -> None:
    house = House(MemoryStorage())
    event = house.published(capacity=4, policy=Policy(hold_for=timedelta(minutes=30)))
    house.booked(event, 1, 2)
    house.booked(event, 2, 2)
    house.pass_by(minutes=30)
    planned = house.events.change(house.organiser, event.id, {"capacity": 1}, dry_run=True)
    assert isinstance(planned, EventAnswer)
    assert (planned.view.seats.total.taken, planned.view.seats.total.free) == (0, 1)
