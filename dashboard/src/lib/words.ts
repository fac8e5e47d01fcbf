/** Words as one sentence: a capital first, a full stop last. */
export function sentence(words: string): string {
  const trimmed = words.trim();
  if (trimmed === "") return "";
  const capital = trimmed.charAt(0).toUpperCase() + trimmed.slice(1);
  return /[.!?…]$/.test(capital) ? capital : `${capital}.`;
}
