import { Tooltip } from "@mantine/core";
import { formatAbsolute, formatRelative, formatSince } from "../lib/age";
import { useClock } from "../lib/clock";

/** An instant as its age, ticking; the absolute time and its zone on hover. */
export function Age({ at, prefix, tip }: { at: string; prefix?: string | undefined; tip?: boolean | undefined }) {
  const instant = Date.parse(at);
  const words = useClock((now) => formatRelative(instant, now));
  return <Time at={at} words={prefix ? `${prefix} ${words}` : words} absolute={formatAbsolute(instant)} tip={tip} />;
}

/** How long something has lasted since an instant, ticking; when it began, and the zone, on hover. */
export function Since({ at, tip }: { at: string; tip?: boolean | undefined }) {
  const instant = Date.parse(at);
  const words = useClock((now) => formatSince(instant, now));
  return <Time at={at} words={words} absolute={`since ${formatAbsolute(instant)}`} tip={tip} />;
}

/**
 * A time in words. With `tip`, for where few of them stand and none stands in a link or a button, the keyboard and a
 * finger reach the absolute time as well.
 */
function Time({ at, words, absolute, tip }: { at: string; words: string; absolute: string; tip: boolean | undefined }) {
  if (!tip) {
    return (
      <time dateTime={at} title={absolute} className="num">
        {words}
      </time>
    );
  }
  return (
    <Tooltip label={absolute}>
      <time dateTime={at} aria-label={`${words}, ${absolute}`} role="note" tabIndex={0} className="num">
        {words}
      </time>
    </Tooltip>
  );
}
