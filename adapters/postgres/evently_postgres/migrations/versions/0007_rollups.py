"""Figures that are kept with every booking."""

from __future__ import annotations

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

# What happened before this: the journal knows. What the version of before books while this runs, the doctor adds.
_SINCE_THE_BEGINNING = r"""
WITH told AS (
    SELECT journal.event_id, number, kind, data, actor_id, (at AT TIME ZONE timezone)::date AS day
    FROM journal JOIN events ON events.id = journal.event_id WHERE true
), moved AS (
    SELECT told.event_id, told.number, told.kind, told.day, booking.id, booking.currency, booking.amount,
        booking.origin = 'waitlist' AS waited,
        kind = 'confirmed' OR (kind = 'granted' AND data #>> '{booking,status}' = 'confirmed') AS confirms,
        CASE kind WHEN 'granted' THEN (data #>> '{booking,quantity}')::bigint WHEN 'confirmed' THEN 0
            ELSE -(data ->> 'freed')::bigint END AS more
    FROM told JOIN bookings AS booking ON booking.event_id = told.event_id AND booking.id
        = CASE kind WHEN 'granted' THEN data #>> '{booking,id}' ELSE data ->> 'booking_id' END::uuid
    WHERE kind IN ('granted', 'confirmed', 'reduced', 'cancelled', 'lapsed')
), booked AS (
    SELECT *, sum(more) OVER (PARTITION BY event_id, id ORDER BY number)::bigint AS quantity,
        coalesce(bool_or(confirms) OVER (
            PARTITION BY event_id, id ORDER BY number ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ), false) AS was_confirmed
    FROM moved
), sold AS (
    SELECT *, CASE WHEN kind = 'confirmed' THEN quantity WHEN confirms OR was_confirmed THEN more ELSE 0 END AS sold,
        CASE WHEN kind = 'confirmed' THEN -quantity WHEN confirms OR was_confirmed THEN 0 ELSE more END AS held
    FROM booked
), lined AS (
    SELECT told.event_id, told.number, told.kind, told.day, entry.id, entry.currency,
        CASE kind WHEN 'joined' THEN (data #>> '{entry,missing}')::bigint
            WHEN 'granted' THEN -(data #>> '{booking,quantity}')::bigint
            WHEN 'requeued' THEN (data ->> 'returned')::bigint ELSE 0 END AS more
    FROM told JOIN waitlist_entries AS entry ON entry.event_id = told.event_id AND entry.id
        = CASE kind WHEN 'joined' THEN data #>> '{entry,id}' WHEN 'granted' THEN data #>> '{booking,entry_id}'
            ELSE data ->> 'entry_id' END::uuid
    WHERE kind IN ('joined', 'requeued', 'entry_ended')
        OR (kind = 'granted' AND data #>> '{booking,origin}' = 'waitlist')
), waited AS (
    SELECT *, sum(more) OVER (PARTITION BY event_id, id ORDER BY number)::bigint AS missing FROM lined
), served AS (
    SELECT entry.event_id, currency, (ended_at AT TIME ZONE timezone)::date AS day, ended_at - joined_at AS length
    FROM waitlist_entries AS entry JOIN events ON events.id = entry.event_id
    WHERE entry.status = 'served' AND true
), happened (event_id, day, currency, confirmed, cancelled, sold, revenue, held, waiting, freed, refilled, offers, accepted, declined, joined, served) AS (
    SELECT event_id, day, currency, confirms::int, (kind = 'cancelled' AND was_confirmed)::int, sold, sold * amount, held,
        0, greatest(0, -more), CASE WHEN kind = 'granted' AND waited THEN more ELSE 0 END,
        (kind = 'granted' AND waited AND NOT confirms)::int, (kind = 'confirmed' AND waited)::int,
        (kind IN ('cancelled', 'lapsed') AND waited AND NOT was_confirmed)::int, 0, 0
    FROM sold
    UNION ALL
    SELECT event_id, day, currency, 0, 0, 0, 0, 0,
        CASE kind WHEN 'entry_ended' THEN -missing ELSE more END, 0, 0, 0, 0, 0, (kind = 'joined')::int, 0
    FROM waited
    UNION ALL
    SELECT event_id, day, currency, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1 FROM served
), figures AS (
    SELECT event_id, coalesce(day, '-infinity'::date) AS day, currency,
        sum(confirmed)::bigint AS confirmed, sum(cancelled)::bigint AS cancelled, sum(sold)::bigint AS sold, sum(revenue)::bigint AS revenue, sum(held)::bigint AS held, sum(waiting)::bigint AS waiting, sum(freed)::bigint AS freed, sum(refilled)::bigint AS refilled, sum(offers)::bigint AS offers, sum(accepted)::bigint AS accepted, sum(declined)::bigint AS declined, sum(joined)::bigint AS joined, sum(served)::bigint AS served
    FROM happened GROUP BY GROUPING SETS ((event_id, day, currency), (event_id, currency))
), waits AS (
    SELECT event_id, width_bucket(floor(extract(epoch FROM length)), ARRAY[
        1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 15, 16, 17, 19, 21, 23, 25, 27, 29, 32, 35, 38, 41, 45,
        49, 54, 59, 64, 70, 76, 83, 91, 99, 108, 117, 128, 140, 152, 166, 181, 197, 215, 235, 256, 279, 304,
        332, 362, 395, 431, 470, 512, 558, 609, 664, 724, 790, 861, 939, 1024, 1117, 1218, 1328, 1448, 1579,
        1722, 1878, 2048, 2233, 2435, 2656, 2896, 3158, 3444, 3756, 4096, 4467, 4871, 5312, 5793, 6317,
        6889, 7512, 8192, 8933, 9742, 10624, 11585, 12634, 13777, 15024, 16384, 17867, 19484, 21247, 23170,
        25268, 27554, 30048, 32768, 35734, 38968, 42495, 46341, 50535, 55109, 60097, 65536, 71468, 77936,
        84990, 92682, 101070, 110218, 120194, 131072, 142935, 155872, 169979, 185364, 202141, 220436,
        240387, 262144, 285870, 311744, 339959, 370728, 404281, 440872, 480774, 524288, 571740, 623487,
        679917, 741455, 808563, 881744, 961548, 1048576, 1143480, 1246974, 1359835, 1482910, 1617125,
        1763488, 1923097, 2097152, 2286960, 2493948, 2719670, 2965821, 3234251, 3526975, 3846194, 4194304,
        4573921, 4987896, 5439339, 5931642, 6468501, 7053950, 7692387, 8388608, 9147842, 9975792, 10878679,
        11863283, 12937002, 14107901, 15384775, 16777216, 18295684, 19951585, 21757357, 23726566, 25874004,
        28215802, 30769550, 33554432, 36591368, 39903169, 43514715, 47453133, 51748008, 56431603, 61539100,
        67108864, 73182735, 79806339, 87029429, 94906266, 103496017, 112863206, 123078199, 134217728
    ]::numeric[]) AS wait,
        count(*)::int AS entries
    FROM served GROUP BY 1, 2
), active AS (
    SELECT DISTINCT event_id, day, actor_id AS user_id FROM told
    WHERE actor_id IS NOT NULL AND kind NOT LIKE 'event\_%'
), days AS (
    INSERT INTO event_figures (event_id, day, currency, confirmed, cancelled, sold, revenue, held, waiting, freed, refilled, offers, accepted, declined, joined, served)
    SELECT event_id, day, currency, confirmed, cancelled, sold, revenue, held, waiting, freed, refilled, offers, accepted, declined, joined, served FROM figures
    WHERE confirmed <> 0 OR cancelled <> 0 OR sold <> 0 OR revenue <> 0 OR held <> 0 OR waiting <> 0 OR freed <> 0 OR refilled <> 0 OR offers <> 0 OR accepted <> 0 OR declined <> 0 OR joined <> 0 OR served <> 0
), lengths AS (
    INSERT INTO event_waits (event_id, wait, entries) SELECT event_id, wait, entries FROM waits
)
INSERT INTO event_users (event_id, day, user_id) SELECT event_id, day, user_id FROM active
"""

_STATEMENTS = (
    """
    CREATE TABLE event_figures (
        event_id UUID NOT NULL,
        day DATE NOT NULL,
        currency TEXT NOT NULL,
        confirmed BIGINT NOT NULL,
        cancelled BIGINT NOT NULL,
        sold BIGINT NOT NULL,
        revenue BIGINT NOT NULL,
        held BIGINT NOT NULL,
        waiting BIGINT NOT NULL,
        freed BIGINT NOT NULL,
        refilled BIGINT NOT NULL,
        offers BIGINT NOT NULL,
        accepted BIGINT NOT NULL,
        declined BIGINT NOT NULL,
        joined BIGINT NOT NULL,
        served BIGINT NOT NULL,
        CONSTRAINT event_figures_pkey PRIMARY KEY (event_id, day, currency)
    ) WITH (fillfactor = 50)
    """,
    "CREATE INDEX event_figures_day_event_id_idx ON event_figures (day, event_id)",
    """
    CREATE TABLE event_waits (
        event_id UUID NOT NULL,
        wait INTEGER NOT NULL,
        entries INTEGER NOT NULL,
        CONSTRAINT event_waits_pkey PRIMARY KEY (event_id, wait),
        CONSTRAINT event_waits_wait_check CHECK (wait >= 0)
    ) WITH (fillfactor = 50)
    """,
    """
    CREATE TABLE event_users (
        event_id UUID NOT NULL,
        day DATE NOT NULL,
        user_id UUID NOT NULL,
        CONSTRAINT event_users_pkey PRIMARY KEY (event_id, day, user_id)
    )
    """,
    "CREATE INDEX event_users_day_idx ON event_users USING brin (day)",
    _SINCE_THE_BEGINNING,
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)
