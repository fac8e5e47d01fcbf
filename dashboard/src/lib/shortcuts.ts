/** What a key press is judged by; a `KeyboardEvent` is one. */
export interface Press {
  key: string;
  code: string;
  ctrlKey: boolean;
  metaKey: boolean;
  altKey: boolean;
  shiftKey: boolean;
  /** A key that is held down. */
  repeat: boolean;
  /** Milliseconds on a clock that only moves forward. */
  timeStamp: number;
}

/** Headings of the list of keys, in its order. */
const SHORTCUT_GROUPS = ["Anywhere", "Go to", "Table", "This page"] as const;

/** A key, or keys one after another, and what they do. */
export interface Shortcut {
  /** `["j"]`, `["Shift+J"]`, `["g", "a"]`, `["Mod+K"]`; Mod is Ctrl, on a Mac Command. */
  keys: readonly string[];
  /** What it does, as the list of keys says it. */
  words: string;
  group: (typeof SHORTCUT_GROUPS)[number];
  run: () => void;
  /** Holding the key down does it again and again. */
  repeats?: boolean;
}

/** Where a key was pressed. */
export interface PressedIn {
  /** What is typed goes into a field, or an open menu or list takes the keys. */
  typing: boolean;
  /** A dialog lies over the page. */
  dialog: boolean;
  /** Enter and Space press what has the focus. */
  pressable: boolean;
}

/** The second key of a sequence comes within so many milliseconds of the first. */
const PATIENCE = 1_500;
const PRESSING = new Set(["Enter", " "]);

/** The name of what was pressed: `Mod+K`, `Shift+J`, `g`, `?`; undefined for a press with other modifiers. */
export function pressName(press: Press, mac: boolean): string | undefined {
  // A layout without Latin letters: the place of the key counts.
  const key = press.key.length === 1 && press.key > "~" && press.code.startsWith("Key") ? press.code.slice(3).toLowerCase() : press.key;
  const [mod, other] = mac ? [press.metaKey, press.ctrlKey] : [press.ctrlKey, press.metaKey];
  if (other || press.altKey) return undefined;
  if (mod) return press.shiftKey ? undefined : `Mod+${key.toUpperCase()}`;
  // Shift makes `?`, but a capital letter is not the letter.
  if (press.shiftKey && key.length > 1) return undefined;
  if (press.shiftKey && /[a-z]/i.test(key)) return `Shift+${key.toUpperCase()}`;
  return /^[A-Z]$/.test(key) ? key.toLowerCase() : key;
}

/** Whether the keys of a shortcut are plain ones, which would get in the way of typing and of speech input. */
export function isSingleKey(shortcut: Pick<Shortcut, "keys">): boolean {
  return !shortcut.keys.some((key) => key.startsWith("Mod+"));
}

/**
 * All shortcuts that work at the moment. Plain keys do nothing while somebody types, while a dialog is open, with
 * modifiers, or when they are switched off; of two with the same keys the later one counts.
 */
export class Shortcuts {
  #lists: (readonly Shortcut[])[] = [];
  #all: readonly Shortcut[] = [];
  #listeners = new Set<() => void>();
  #begun: { keys: string[]; at: number } | undefined;
  #single = true;

  constructor(private readonly mac: boolean) {}

  /** Adds shortcuts; what is returned takes them away again. */
  add(list: readonly Shortcut[]): () => void {
    this.#set([...this.#lists, list]);
    return () => this.#set(this.#lists.filter((each) => each !== list));
  }

  /** All that work, the same array as long as nothing changes. */
  all = (): readonly Shortcut[] => this.#all;

  /** Whether shortcuts of plain keys work. */
  single = (): boolean => this.#single;

  allowSingle(single: boolean): void {
    this.#single = single;
    this.#tell();
  }

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  };

  /** Takes a key press; whether it was one of ours. */
  press(press: Press, where: PressedIn): boolean {
    const name = pressName(press, this.mac);
    const before = this.#begun && press.timeStamp - this.#begun.at <= PATIENCE ? this.#begun.keys : [];
    // Shift on its way to `?` ends no sequence.
    if (press.key !== "Shift") this.#begun = undefined;
    if (name === undefined || where.dialog || (where.pressable && PRESSING.has(name))) return false;
    const plain = !name.startsWith("Mod+");
    if (plain && (where.typing || !this.#single)) return false;
    const found = this.#find([...before, name]) ?? this.#find([name]);
    if (!found) {
      const begins = !press.repeat && this.#all.some(({ keys }) => keys.length > 1 && keys[0] === name);
      if (begins) this.#begun = { keys: [name], at: press.timeStamp };
      return begins;
    }
    if (!press.repeat || found.repeats) found.run();
    return true;
  }

  #find(keys: readonly string[]): Shortcut | undefined {
    const wanted = keys.join(" ");
    return this.#all.findLast((each) => each.keys.join(" ") === wanted);
  }

  #set(lists: (readonly Shortcut[])[]): void {
    this.#lists = lists;
    this.#all = lists.flat();
    this.#tell();
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}

/** The shortcuts as the list of keys shows them: by heading, each set of keys once. */
export function grouped(all: readonly Shortcut[]): { group: string; shortcuts: Shortcut[] }[] {
  const last = new Map(all.map((shortcut) => [shortcut.keys.join(" "), shortcut]));
  return SHORTCUT_GROUPS.map((group) => ({
    group,
    shortcuts: [...last.values()].filter((each) => each.group === group),
  })).filter(({ shortcuts }) => shortcuts.length > 0);
}
