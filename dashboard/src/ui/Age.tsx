import { formatAbsolute, formatRelative, formatSince } from "../lib/age";
import { useClock } from "../lib/clock";

/** An instant as its age, ticking; the absolute time and its zone on hover. */
export function Age({ at, prefix }: { at: string; prefix?: string }) {
  const instant = Date.parse(at);
  const words = useClock((now) => formatRelative(instant, now));
  return (
    <time dateTime={at} title={formatAbsolute(instant)} className="num">
      {prefix ? `${prefix} ` : ""}
      {words}
    </time>
  );
}

/** How long something has lasted since an instant, ticking; when it began, and the zone, on hover. */
export function Since({ at }: { at: string }) {
  const instant = Date.parse(at);
  const words = useClock((now) => formatSince(instant, now));
  return (
    <time dateTime={at} title={`since ${formatAbsolute(instant)}`} className="num">
      {words}
    </time>
  );
}
