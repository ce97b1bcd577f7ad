// What a request for seats would come to, as things stand. The server decides; this tells before.

/**
 * Return how many seats would be had now and how many would wait at which place.
 * @param kind the ticket type, with its seats as they read now
 */
export function outlook(kind, quantity, { acceptPartial, joinWaitlist, waitlistOn }) {
  const free = Math.max(0, kind.seats_available);
  const waits = joinWaitlist && waitlistOn;
  if (free >= quantity) return { now: quantity, waiting: 0, place: null, free };
  const now = acceptPartial && free >= kind.min_per_booking ? free : 0;
  const waiting = waits ? quantity - now : 0;
  return { now, waiting, place: waiting ? kind.waiting + 1 : null, free };
}
