import { useSyncExternalStore } from "react";

let shown = "";
const listeners = new Set<() => void>();

/** Names the page that is shown, for the browser's tab and the breadcrumbs. */
export function namePage(name: string): void {
  document.title = name ? `${name} · GuruRMM` : "GuruRMM";
  if (name === shown) return;
  shown = name;
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void) {
  listeners.add(listener);
  return () => void listeners.delete(listener);
}

/** The name of the page that is shown. */
export function usePageName(): string {
  return useSyncExternalStore(subscribe, () => shown);
}
