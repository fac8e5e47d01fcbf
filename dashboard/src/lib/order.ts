let count = 0;

/**
 * The next number of an order in which hints and questions happened. Unlike a clock it never steps back, and no two
 * things happen at once.
 */
export function tick(): number {
  count += 1;
  return count;
}
