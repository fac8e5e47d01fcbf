import { formatAbsolute, formatRelative } from "../lib/age";
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
