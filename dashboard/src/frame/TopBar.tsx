import { Drawer } from "@mantine/core";
import { useDisclosure, useMediaQuery } from "@mantine/hooks";
import { IconAlertTriangle, IconBroadcast, IconCloudOff, IconRefresh, IconSearch, IconSitemap } from "@tabler/icons-react";
import { useAwaySince } from "../api/connection";
import { useLive } from "../api/events";
import type { User } from "../api/types";
import { Breadcrumbs } from "./Breadcrumbs";
import { Keys } from "./Keys";
import { ScopeTree } from "./ScopeTree";
import styles from "./TopBar.module.css";
import { UserMenu } from "./UserMenu";
import { useFailing } from "./useFailing";
import { useScopeNames } from "./useScope";
import { Bell } from "./work/Bell";

/** Where the page is, what can be searched, whether it is live, and who is signed in. */
export function TopBar({ user, tree, setTree, openKeyMap, openPalette }: {
  user: User;
  /** Whether the tree stands beside the page, where there is room for it. */
  tree: boolean;
  setTree: (shown: boolean) => void;
  openKeyMap: () => void;
  openPalette: () => void;
}) {
  return (
    <div className={styles.bar}>
      <ScopeButton tree={tree} setTree={setTree} />
      <Breadcrumbs />
      <button type="button" className={styles.find} onClick={openPalette} aria-haspopup="dialog" aria-keyshortcuts="Control+K Meta+K">
        <IconSearch size={15} aria-hidden />
        <span className={styles.findWord}>Find or do</span>
        <span className={styles.findKeys} aria-hidden>
          <Keys keys={["Mod+K"]} />
        </span>
      </button>
      <Live />
      <Bell userId={user.id} />
      <UserMenu user={user} openKeyMap={openKeyMap} />
    </div>
  );
}

/** Says the scope; shows and hides the tree where it has room, otherwise opens it as a sheet. */
function ScopeButton({ tree, setTree }: { tree: boolean; setTree: (shown: boolean) => void }) {
  const [open, sheet] = useDisclosure();
  const scope = useScopeNames();
  const narrow = useMediaQuery("(max-width: 1080px)", false, { getInitialValueInEffect: false });
  return (
    <>
      <button
        type="button"
        className={styles.scope}
        onClick={narrow ? sheet.open : () => setTree(!tree)}
        aria-haspopup={narrow ? "dialog" : undefined}
        aria-expanded={narrow ? open : tree}
        title={narrow ? "Choose the scope" : tree ? "Hide the tree" : "Show the tree"}
      >
        <IconSitemap size={17} aria-hidden />
        <span className="sr">Scope: {scope}</span>
      </button>
      <Drawer opened={open} onClose={sheet.close} title="Scope" size={320} closeButtonProps={{ "aria-label": "Close" }}>
        <ScopeTree onChoose={sheet.close} />
      </Drawer>
    </>
  );
}

const AWAY = ["Away", "The server does not answer; it is asked again every two seconds.", IconCloudOff] as const;
const FAILING = ["Failing", "The server answers, but could not answer a part of this page.", IconAlertTriangle] as const;
const LIVE = ["Live", "Changes arrive as they happen.", IconBroadcast] as const;
const POLLING = ["Polling", "The live stream is away; this page asks again every 15 seconds.", IconRefresh] as const;

function Live() {
  const stream = useLive() ? LIVE : POLLING;
  const away = useAwaySince() !== null;
  const failing = useFailing();
  const state = away ? AWAY : failing ? FAILING : stream;
  const [word, title, Glyph] = state;
  return (
    <span className={styles.live} data-live={state === LIVE || undefined} data-failing={state === FAILING || undefined} title={title}>
      <Glyph size={15} aria-hidden />
      <span className={styles.liveWord}>{word}</span>
    </span>
  );
}
