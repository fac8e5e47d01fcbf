import { Checkbox, Modal } from "@mantine/core";
import { grouped, isSingleKey } from "../lib/shortcuts";
import { Keys } from "./Keys";
import styles from "./KeyMap.module.css";
import { setSingleKeys, useAllShortcuts, useSingleKeys } from "./useShortcuts";

/** The keys that work on this page, made from the registry itself. */
export function KeyMap({ onClose }: { onClose: () => void }) {
  const all = useAllShortcuts();
  const single = useSingleKeys();
  return (
    <Modal opened onClose={onClose} size="lg" title="Keyboard" closeButtonProps={{ "aria-label": "Close" }}>
      <Checkbox
        label="Single-key shortcuts"
        description="Keys without Ctrl. Switch them off when they get in the way of speech input. It is kept on this computer."
        checked={single}
        onChange={(event) => setSingleKeys(event.currentTarget.checked)}
      />
      <div className={styles.groups}>
        {grouped(all).map(({ group, shortcuts }) => (
          <section key={group} className={styles.group} aria-label={group}>
            <h3>{group}</h3>
            <dl className={styles.keys}>
              {shortcuts.map((shortcut) => (
                <div key={shortcut.keys.join(" ")} className={styles.line}>
                  <dt className={single || !isSingleKey(shortcut) ? undefined : styles.off}>{shortcut.words}</dt>
                  <dd>
                    <Keys keys={shortcut.keys} />
                  </dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
    </Modal>
  );
}
