// Wall-clock times of a zone and instants, both ways.

/** Return an instant as a `datetime-local` input takes it, in a zone. */
export function toLocal(instant, zone) {
  const parts = partsIn(new Date(instant), zone);
  return `${parts.year}-${parts.month}-${parts.day}T${parts.hour}:${parts.minute}`;
}

/** Return the instant of a wall-clock time in a zone, as RFC 3339; null for none. A time that a change of clocks skips is the one after it. */
export function toInstant(local, zone) {
  if (!local) return null;
  const wanted = Date.parse(`${local}Z`);
  let guess = wanted;
  for (let step = 0; step < 3; step += 1) guess -= Date.parse(`${toLocal(guess, zone)}Z`) - wanted;
  return new Date(guess).toISOString();
}

export function isZone(zone) {
  try {
    return Boolean(new Intl.DateTimeFormat("en", { timeZone: zone }));
  } catch {
    return false;
  }
}

function partsIn(date, zone) {
  const format = new Intl.DateTimeFormat("en-CA", { timeZone: zone, year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  return Object.fromEntries(format.formatToParts(date).map(({ type, value }) => [type, value]));
}
