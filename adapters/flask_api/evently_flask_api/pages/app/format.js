// Times, amounts and counts as people read them.

const LOCALE = navigator.languages.find((language) => language.startsWith("en")) ?? "en-GB";
const HERE = Intl.DateTimeFormat().resolvedOptions().timeZone;

/** Return a formatter of instants, in a zone. */
function clock(zone, options) {
  return new Intl.DateTimeFormat(LOCALE, { timeZone: zone, ...options });
}

export function dayLeaf(instant, zone) {
  const date = new Date(instant);
  return {
    day: clock(zone, { day: "numeric" }).format(date),
    month: clock(zone, { month: "short" }).format(date),
    weekday: clock(zone, { weekday: "long" }).format(date),
    year: clock(zone, { year: "numeric" }).format(date),
  };
}

export function dateText(instant, zone = HERE) {
  return clock(zone, { weekday: "short", day: "numeric", month: "short", year: "numeric" }).format(new Date(instant));
}

export function dateShortText(instant, zone = HERE) {
  return clock(zone, { day: "numeric", month: "short" }).format(new Date(instant));
}

export function timeText(instant, zone = HERE) {
  return clock(zone, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" }).format(new Date(instant));
}

export function secondText(instant, zone = HERE) {
  return clock(zone, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" }).format(new Date(instant));
}

/** The time of a line among others, to the second; of one that is older than a day, with its date. */
export function lineTimeText(instant, zone = HERE) {
  const isOld = Date.now() - new Date(instant) > 86_400_000;
  return isOld ? `${dateShortText(instant, zone)}, ${timeText(instant, zone)}` : secondText(instant, zone);
}

export function momentText(instant, zone = HERE) {
  return `${dateText(instant, zone)}, ${timeText(instant, zone)}`;
}

/** When an event is, in its own zone: "Tue 8 Dec 2026, 20:00–23:00". */
export function spanText({ starts_at: from, ends_at: to, timezone: zone }) {
  const sameDay = dateText(from, zone) === dateText(to, zone);
  return sameDay ? `${momentText(from, zone)}–${timeText(to, zone)}` : `${momentText(from, zone)} – ${momentText(to, zone)}`;
}

export function zoneText(zone) {
  return `${zone.split("/").at(-1).replaceAll("_", " ")} time`;
}

/** Whether clocks here show another time at that instant. */
export function isElsewhere(instant, zone) {
  return momentText(instant, zone) !== momentText(instant, HERE);
}

export function moneyText({ amount, currency }) {
  return amount === 0 ? "free" : sumText({ amount, currency });
}

/** A sum, which may be nothing, or less. */
export function sumText({ amount, currency }) {
  return new Intl.NumberFormat(LOCALE, { style: "currency", currency }).format(amount / 10 ** minorDigits(currency));
}

/** Sums of several currencies; "–" of none. */
export function sumsText(sums) {
  return sums.map(sumText).join(", ") || "–";
}

/** A sum in whole units, as on an axis. */
export function roughSumText(units, currency) {
  return new Intl.NumberFormat(LOCALE, { style: "currency", currency, maximumFractionDigits: 0 }).format(units);
}

export function minorDigits(currency) {
  return new Intl.NumberFormat(LOCALE, { style: "currency", currency }).resolvedOptions().maximumFractionDigits;
}

export function numberText(number) {
  return new Intl.NumberFormat(LOCALE).format(number);
}

export function percentText(share) {
  return share === null || share === undefined ? "–" : new Intl.NumberFormat(LOCALE, { style: "percent", maximumFractionDigits: 1 }).format(share);
}

/** "1 seat", "12 seats". */
export function count(number, one, many = `${one}s`) {
  return `${numberText(number)} ${number === 1 ? one : many}`;
}

/** A span of seconds as it is counted down: "2 d 3 h", "1 h 05 min", "4:09". */
export function durationText(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const [days, hours, minutes] = [Math.floor(whole / 86_400), Math.floor(whole / 3600) % 24, Math.floor(whole / 60) % 60];
  if (days) return `${days} d ${hours} h`;
  if (hours) return `${hours} h ${String(minutes).padStart(2, "0")} min`;
  return `${minutes}:${String(whole % 60).padStart(2, "0")}`;
}

/** A span of seconds as it is told: "2 d 3 h", "1 h 05 min", "4 min 9 s", "9 s". */
export function lengthText(seconds) {
  if (seconds >= 3600) return durationText(seconds);
  const [minutes, rest] = [Math.floor(seconds / 60), Math.round(seconds % 60)];
  return minutes ? `${minutes} min ${rest} s` : `${rest} s`;
}

/** A day of the calendar, which is no instant: "24 Nov", with the year if asked for. */
export function dayText(day, { year = false } = {}) {
  return clock("UTC", { day: "numeric", month: "short", ...(year ? { weekday: "short", year: "numeric" } : {}) }).format(new Date(day));
}

/** "Nov 2026", of a day in it. */
export function monthText(day) {
  return clock("UTC", { month: "short", year: "numeric" }).format(new Date(day));
}

/** "3 minutes ago", "in 2 days". */
export function sinceText(instant) {
  const seconds = (new Date(instant) - Date.now()) / 1000;
  const format = new Intl.RelativeTimeFormat(LOCALE, { numeric: "auto" });
  const units = [["day", 86_400], ["hour", 3600], ["minute", 60]];
  const [unit, size] = units.find(([, size]) => Math.abs(seconds) >= size) ?? ["second", 1];
  return format.format(Math.round(seconds / size), unit);
}
