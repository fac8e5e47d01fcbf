import { useRouter } from "@tanstack/react-router";
import { useMemo } from "react";
import type { Shortcut } from "../lib/shortcuts";
import { FUNCTIONS } from "./functions";
import { useShortcutKeys, useShortcuts } from "./useShortcuts";

/** Puts the focus into the first filter of the page. */
function focusFilter() {
  const fields = document.querySelectorAll<HTMLInputElement>("#content [role=search] input, #content input[type=search]");
  const field = [...fields].find((each) => each.checkVisibility());
  field?.focus();
  field?.select();
}

/** The keys that work on every page. */
export function useFrameKeys({ openKeyMap, openPalette }: { openKeyMap: () => void; openPalette: () => void }) {
  const router = useRouter();
  const list = useMemo(
    (): Shortcut[] => [
      { keys: ["Mod+K"], words: "Find or do anything", group: "Anywhere", run: openPalette },
      { keys: ["?"], words: "Show the keys", group: "Anywhere", run: openKeyMap },
      { keys: ["/"], words: "Go to the page's filter", group: "Anywhere", run: focusFilter },
      ...FUNCTIONS.map(
        ({ to, word, key }): Shortcut => ({
          keys: ["g", key],
          words: word,
          group: "Go to",
          run: () => void router.navigate({ to }),
        }),
      ),
      { keys: ["g", "p"], words: "API", group: "Go to", run: () => void router.navigate({ to: "/reference" }) },
    ],
    [router, openKeyMap, openPalette],
  );
  useShortcuts(list);
  useShortcutKeys();
}
