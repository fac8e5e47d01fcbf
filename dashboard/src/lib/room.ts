/** From which widths of a table on (in pixels) columns come in. */
export const STEPS = [0, 560, 760, 960, 1180] as const;

interface Column {
  width?: number;
  grow?: number;
  from?: number;
}

/**
 * What the columns of a table share at each width: the pixels that are taken (`--fixed-<step>`), and the sum of the shares in
 * the rest (`--grow-<step>`). None where a column has neither: that one takes the rest.
 */
export function roomOf(columns: readonly Column[], taken: number, widest = Infinity): Record<`--${string}`, string> | undefined {
  if (columns.some(({ width, grow }) => width === undefined && grow === undefined)) return undefined;
  const at = (step: number): [`--${string}`, string][] => {
    const shown = columns.filter(({ from = 0 }) => from <= step);
    const fixed = shown.reduce((sum, { width = 0 }) => sum + Math.min(width, widest), taken);
    const grow = shown.reduce((sum, { width, grow = 0 }) => sum + (width === undefined ? grow : 0), 0);
    return [
      [`--fixed-${step}`, `${fixed}px`],
      [`--grow-${step}`, String(grow)],
    ];
  };
  return Object.fromEntries(STEPS.flatMap(at));
}
