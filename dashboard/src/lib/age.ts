const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** A length of time in one or two units, short: `45 s`, `12 min`, `3 h 20 min`, `5 d`, `14 months`. */
export function formatDuration(milliseconds: number): string {
  const ms = Math.max(0, milliseconds);
  if (ms < MINUTE) return `${Math.floor(ms / SECOND)} s`;
  if (ms < HOUR) return `${Math.floor(ms / MINUTE)} min`;
  if (ms < DAY) {
    const minutes = Math.floor((ms % HOUR) / MINUTE);
    const hours = Math.floor(ms / HOUR);
    return minutes > 0 && hours < 10 ? `${hours} h ${minutes} min` : `${hours} h`;
  }
  const days = Math.floor(ms / DAY);
  if (days < 60) return `${days} d`;
  if (days < 730) return `${Math.floor(days / 30.44)} months`;
  return `${Math.floor(days / 365.25)} years`;
}

/** Units of a length of time, in seconds. */
const UNITS = [
  { seconds: 86_400, one: "day", many: "days" },
  { seconds: 3_600, one: "hour", many: "hours" },
  { seconds: 60, one: "minute", many: "minutes" },
  { seconds: 1, one: "second", many: "seconds" },
] as const;

/** A set length of time in words, in the largest unit in which it is a whole number: `3 hours`. */
export function inWords(seconds: number): string {
  const unit = UNITS.find((each) => seconds >= each.seconds && seconds % each.seconds === 0) ?? UNITS[3];
  const count = seconds / unit.seconds;
  return `${count} ${count === 1 ? unit.one : unit.many}`;
}

/** How long ago (or until) an instant is. A clock that differs by a few seconds never shows a future age. */
export function formatRelative(at: number, now: number): string {
  const past = now - at;
  if (past >= -5 * SECOND && past < 5 * SECOND) return "just now";
  if (past >= 0) return `${formatDuration(past)} ago`;
  // What was set to three days shall not say two: the future is rounded up to the minute.
  return `in ${formatDuration(-past < MINUTE ? -past : Math.ceil(-past / MINUTE) * MINUTE)}`;
}

/** How long something has lasted: `for 4 min`; what began just now has not lasted yet. */
export function formatSince(at: number, now: number): string {
  if (now - at < 5 * SECOND) return "just now";
  return `for ${formatDuration(now - at)}`;
}

/** The time of day in the reader's zone; with the day where it is not today's. */
export function formatTime(at: number, now = Date.now()): string {
  const [then, today] = [new Date(at), new Date(now)];
  if (then.toDateString() !== today.toDateString()) return formatAbsolute(at);
  return then.toLocaleTimeString("en-GB");
}

/** Making one takes a hundred times as long as using it, and a list has one instant or more in each row. */
const formats = new Map<string | undefined, Intl.DateTimeFormat>();

function formatIn(timeZone: string | undefined): Intl.DateTimeFormat {
  const known = formats.get(timeZone);
  if (known) return known;
  const format = new Intl.DateTimeFormat("en-GB", {
    weekday: "short",
    year: "numeric",
    month: "short",
    day: "2-digit",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    timeZone,
    timeZoneName: "short",
  });
  formats.set(timeZone, format);
  return format;
}

/** The instant in the time zone that was the reader's own when the page was opened, with the zone's name. */
export function formatAbsolute(at: number, timeZone?: string): string {
  return formatIn(timeZone).format(at);
}
