import { IS_MAC } from "./useShortcuts";
import styles from "./KeyMap.module.css";

const NAMES: Record<string, string> = { " ": "Space", Escape: "Esc", ArrowUp: "↑", ArrowDown: "↓" };

/** Keys as they are printed on the keyboard. */
export function Keys({ keys }: { keys: readonly string[] }) {
  return (
    <span className={styles.combination}>
      {keys.map((key, index) => (
        <span key={index} className={styles.combination}>
          {index > 0 ? <span className="muted">then</span> : null}
          {key.split("+").map((part) => (
            <kbd key={part} className={styles.key}>
              {part === "Mod" ? (IS_MAC ? "⌘" : "Ctrl") : (NAMES[part] ?? part)}
            </kbd>
          ))}
        </span>
      ))}
    </span>
  );
}
