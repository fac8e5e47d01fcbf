import { useEffect, useSyncExternalStore } from "react";
import { type PressedIn, type Shortcut, Shortcuts } from "../lib/shortcuts";

/** Where it is kept that shortcuts of plain keys are switched off. */
const STORED = "gururmm-single-keys";
const TYPING =
  "input:not([type=checkbox], [type=radio], [type=button]), textarea, select, [contenteditable=true], [role=menu], [role=listbox], [role=combobox]";
const PRESSABLE = "a[href], button, summary, input, [role=button], [role=menuitem], [role=option], [role=treeitem]";

/** Whether this is a Mac, where Mod is the Command key. */
export const IS_MAC = /Macintosh|iPhone|iPad/.test(navigator.userAgent);

/** The one registry of all keys; `?` lists what is in it. */
export const shortcuts = new Shortcuts(IS_MAC);
try {
  shortcuts.allowSingle(localStorage.getItem(STORED) !== "off");
} catch {
  // Storage is closed to this page: the keys work, as by default.
}

/** Switches shortcuts of plain keys on or off, on this computer. */
export function setSingleKeys(on: boolean): void {
  shortcuts.allowSingle(on);
  try {
    localStorage.setItem(STORED, on ? "on" : "off");
  } catch {
    // It holds until the page is closed.
  }
}

/** These keys work while the component is shown. The list must stay the same between renderings, or be memoized. */
export function useShortcuts(list: readonly Shortcut[]): void {
  useEffect(() => shortcuts.add(list), [list]);
}

/** All keys that work at the moment. */
export function useAllShortcuts(): readonly Shortcut[] {
  return useSyncExternalStore(shortcuts.subscribe, shortcuts.all);
}

/** Whether shortcuts of plain keys work. */
export function useSingleKeys(): boolean {
  return useSyncExternalStore(shortcuts.subscribe, shortcuts.single);
}

function pressedIn(target: EventTarget | null): PressedIn {
  const element = target instanceof Element ? target : null;
  return {
    typing: element?.closest(TYPING) != null,
    dialog: document.querySelector("[role=dialog], [role=alertdialog]") !== null,
    pressable: element?.closest(PRESSABLE) != null,
  };
}

/** Listens to the keyboard for the registry; once, in the frame. */
export function useShortcutKeys(): void {
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.isComposing) return;
      if (shortcuts.press(event, pressedIn(event.target))) event.preventDefault();
    };
    document.addEventListener("keydown", onKeyDown);
    return () => document.removeEventListener("keydown", onKeyDown);
  }, []);
}
