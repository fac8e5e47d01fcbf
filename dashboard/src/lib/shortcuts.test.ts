import { describe, expect, it, vi } from "vitest";
import { grouped, type Press, type PressedIn, pressName, type Shortcut, Shortcuts } from "./shortcuts";

const press = (key: string, more: Partial<Press> = {}): Press => ({
  key,
  code: "",
  ctrlKey: false,
  metaKey: false,
  altKey: false,
  shiftKey: false,
  repeat: false,
  timeStamp: 0,
  ...more,
});
const PAGE: PressedIn = { typing: false, dialog: false, pressable: false };
const shortcut = (keys: string[], more: Partial<Shortcut> = {}) => ({
  keys,
  words: keys.join(" "),
  group: "Table" as const,
  run: vi.fn(),
  ...more,
});

describe("the name of a press", () => {
  it("knows Mod of either kind of computer", () => {
    expect(pressName(press("k", { ctrlKey: true }), false)).toBe("Mod+K");
    expect(pressName(press("k", { metaKey: true }), true)).toBe("Mod+K");
    expect(pressName(press("k", { ctrlKey: true }), true)).toBeUndefined();
    expect(pressName(press("k", { ctrlKey: true, shiftKey: true }), false)).toBeUndefined();
    expect(pressName(press("k", { ctrlKey: true, altKey: true }), false)).toBeUndefined();
  });
  it("takes the question mark with Shift, and a capital letter as another key", () => {
    expect(pressName(press("?", { shiftKey: true }), false)).toBe("?");
    expect(pressName(press("J", { shiftKey: true }), false)).toBe("Shift+J");
    expect(pressName(press("Enter", { shiftKey: true }), false)).toBeUndefined();
    // Caps lock.
    expect(pressName(press("J"), false)).toBe("j");
  });
  it("goes by the place of the key where the layout has no Latin letters", () => {
    expect(pressName(press("о", { code: "KeyJ" }), false)).toBe("j");
  });
});

describe("a shortcut", () => {
  it("runs on its key, and the later of two with the same key", () => {
    const shortcuts = new Shortcuts(false);
    const [first, second] = [shortcut(["j"]), shortcut(["j"])];
    shortcuts.add([first]);
    const leave = shortcuts.add([second]);
    expect(shortcuts.press(press("j"), PAGE)).toBe(true);
    expect(second.run).toHaveBeenCalledTimes(1);
    leave();
    shortcuts.press(press("j"), PAGE);
    expect(first.run).toHaveBeenCalledTimes(1);
    expect(second.run).toHaveBeenCalledTimes(1);
  });

  it("of a plain key does nothing while somebody types, in a dialog, or when switched off", () => {
    const shortcuts = new Shortcuts(false);
    const [plain, mod] = [shortcut(["j"]), shortcut(["Mod+K"])];
    shortcuts.add([plain, mod]);
    expect(shortcuts.press(press("j"), { ...PAGE, typing: true })).toBe(false);
    expect(shortcuts.press(press("j"), { ...PAGE, dialog: true })).toBe(false);
    expect(shortcuts.press(press("j", { ctrlKey: true }), PAGE)).toBe(false);
    shortcuts.allowSingle(false);
    expect(shortcuts.press(press("j"), PAGE)).toBe(false);
    expect(plain.run).not.toHaveBeenCalled();
    expect(shortcuts.press(press("k", { ctrlKey: true }), { ...PAGE, typing: true })).toBe(true);
    expect(mod.run).toHaveBeenCalledTimes(1);
    expect(shortcuts.press(press("k", { ctrlKey: true }), { ...PAGE, dialog: true })).toBe(false);
  });

  it("leaves Enter to what has the focus", () => {
    const shortcuts = new Shortcuts(false);
    const open = shortcut(["Enter"]);
    shortcuts.add([open]);
    expect(shortcuts.press(press("Enter"), { ...PAGE, pressable: true })).toBe(false);
    expect(shortcuts.press(press("Enter"), PAGE)).toBe(true);
    expect(open.run).toHaveBeenCalledTimes(1);
  });

  it("of two keys wants them one after the other, soon", () => {
    const shortcuts = new Shortcuts(false);
    const [agents, alone] = [shortcut(["g", "a"]), shortcut(["a"])];
    shortcuts.add([agents, alone]);
    expect(shortcuts.press(press("g"), PAGE)).toBe(true);
    shortcuts.press(press("a", { timeStamp: 400 }), PAGE);
    expect(agents.run).toHaveBeenCalledTimes(1);
    expect(alone.run).not.toHaveBeenCalled();
    // Too late, and not after another key.
    shortcuts.press(press("g", { timeStamp: 1_000 }), PAGE);
    shortcuts.press(press("a", { timeStamp: 9_000 }), PAGE);
    shortcuts.press(press("g", { timeStamp: 10_000 }), PAGE);
    shortcuts.press(press("z", { timeStamp: 10_100 }), PAGE);
    shortcuts.press(press("a", { timeStamp: 10_200 }), PAGE);
    expect(agents.run).toHaveBeenCalledTimes(1);
    expect(alone.run).toHaveBeenCalledTimes(2);
  });

  it("is not done again while its key is held, unless it says so", () => {
    const shortcuts = new Shortcuts(false);
    const [once, again] = [shortcut(["x"]), shortcut(["j"], { repeats: true })];
    shortcuts.add([once, again]);
    for (const key of ["x", "j"]) for (const repeat of [false, true, true]) shortcuts.press(press(key, { repeat }), PAGE);
    expect(once.run).toHaveBeenCalledTimes(1);
    expect(again.run).toHaveBeenCalledTimes(3);
  });
});

it("the list of keys has each set of keys once, by heading", () => {
  const list = [shortcut(["j"], { words: "old" }), shortcut(["?"], { group: "Anywhere" }), shortcut(["j"], { words: "new" })];
  expect(grouped(list).map(({ group, shortcuts }) => [group, shortcuts.map(({ words }) => words)])).toEqual([
    ["Anywhere", ["?"]],
    ["Table", ["new"]],
  ]);
});
