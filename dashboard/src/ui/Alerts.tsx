import { IconAlertTriangle, IconDatabase, IconRefreshAlert } from "@tabler/icons-react";
import type { VolumeUse } from "../api/types";
import { formatBytes, formatPercent, levelOf, percentOf } from "../lib/units";
import styles from "./Alerts.module.css";

/** The volume with the least room, as a share; null when none was reported. */
export function fullest(volumes: readonly VolumeUse[]): VolumeUse | null {
  const share = (volume: VolumeUse) => percentOf(volume.used_bytes, volume.total_bytes) ?? 0;
  return volumes.reduce<VolumeUse | null>((worst, each) => (worst === null || share(each) > share(worst) ? each : worst), null);
}

/** How a volume's use reads in full. */
export function volumeWords(volume: VolumeUse): string {
  return `${volume.mount}: ${formatBytes(volume.used_bytes)} of ${formatBytes(volume.total_bytes)} used`;
}

/** Says that a volume is nearly full; says nothing while it is not. */
export function VolumeAlert({ volume }: { volume: VolumeUse | null | undefined }) {
  const percent = volume ? percentOf(volume.used_bytes, volume.total_bytes) : null;
  const level = levelOf(percent);
  if (!volume || percent === null || level === "normal") return null;
  const Glyph = level === "bad" ? IconAlertTriangle : IconDatabase;
  return (
    <span className={styles.alert} data-level={level} title={volumeWords(volume)}>
      <Glyph size={14} aria-hidden /> {volume.mount} {formatPercent(percent)}
    </span>
  );
}

/** Says that the machine waits for a restart. */
export function RestartAlert() {
  return (
    <span className={styles.alert} data-level="warn" title="A restart is pending">
      <IconRefreshAlert size={14} aria-hidden /> Restart pending
    </span>
  );
}
