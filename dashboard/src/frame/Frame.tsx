import { useDisclosure } from "@mantine/hooks";
import { Outlet, useRouter } from "@tanstack/react-router";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Suspense, useEffect } from "react";
import { ApiError } from "../api/client";
import { events, type Hint } from "../api/events";
import { me } from "../api/queries";
import { isSessionEnd, session } from "../api/session";
import type { User } from "../api/types";
import { useRefreshOn } from "../api/useRefreshOn";
import { Failure, Loading } from "../ui/Notice";
import styles from "./Frame.module.css";
import { loadPages, page } from "./pages";
import { Rail } from "./Rail";
import { ScopeGuard } from "./ScopeGuard";
import { ScopeTree } from "./ScopeTree";
import { StaleNotice } from "./StaleNotice";
import { TopBar } from "./TopBar";
import { useFrameKeys } from "./useFrameKeys";
import { useKept } from "./useKept";
import { Visits } from "./Visits";

const Palette = page(() => import("./palette/Palette"), "Palette");
const KeyMap = page(() => import("./KeyMap"), "KeyMap");

/** Names and counts of organizations and sites are asked for again at most once per so many milliseconds. */
const FLEET_PAUSE = 5_000;
/** The other pages' code is fetched when the first page has had so much time, in milliseconds. */
const LOAD_PAUSE = 1_500;
const concernsAgents = (hint: Hint) => hint.kind === "agent" || hint.kind === "fleet";
const concernsFleet = (hint: Hint) => hint.kind === "fleet";

/** What surrounds every page behind the login. */
export function Frame() {
  const user = useQuery(me);
  useSessionEnd();
  if (user.data) return <Signed user={user.data} />;
  return (
    <main className={styles.broken}>
      {user.error instanceof ApiError && !isSessionEnd(user.error) ? (
        <Failure error={user.error} what="The server could not say who you are." retry={() => void user.refetch()} />
      ) : (
        <Loading />
      )}
    </main>
  );
}

function Signed({ user }: { user: User }) {
  const client = useQueryClient();
  useEffect(
    () =>
      events.subscribe((hint) => {
        if (hint.kind === "resync") void client.invalidateQueries();
      }),
    [client],
  );
  useEffect(() => {
    const timer = setTimeout(() => void loadPages(), LOAD_PAUSE);
    return () => clearTimeout(timer);
  }, []);
  useRefreshOn(concernsAgents, ["organizations"], FLEET_PAUSE);
  useRefreshOn(concernsAgents, ["sites"], FLEET_PAUSE);
  useRefreshOn(concernsAgents, ["spine"], FLEET_PAUSE);
  useRefreshOn(concernsFleet, ["enrollment-tokens"], FLEET_PAUSE);
  const [keyMap, { open: openKeyMap, close: closeKeyMap }] = useDisclosure();
  const [palette, { open: openPalette, close: closePalette }] = useDisclosure();
  const [railFolded, foldRail] = useKept("rail-folded", false);
  const [tree, setTree] = useKept("tree-shown", true);
  useFrameKeys({ openKeyMap, openPalette });
  return (
    <div className={styles.frame} data-rail={railFolded ? "folded" : undefined} data-tree={tree ? undefined : "away"}>
      <a href="#content" className={styles.skip}>
        Skip to the page's content
      </a>
      <Rail folded={railFolded} fold={foldRail} />
      <aside className={styles.tree} aria-label="Scope">
        <ScopeTree />
      </aside>
      <div className={styles.column}>
        <TopBar user={user} tree={tree} setTree={setTree} openKeyMap={openKeyMap} openPalette={openPalette} />
        <main id="content" tabIndex={-1} className={styles.page}>
          <StaleNotice />
          <ScopeGuard>
            <Outlet />
          </ScopeGuard>
        </main>
      </div>
      <Suspense>{keyMap ? <KeyMap onClose={closeKeyMap} /> : null}</Suspense>
      <Suspense>{palette ? <Palette userId={user.id} onClose={closePalette} openKeyMap={openKeyMap} /> : null}</Suspense>
      <Visits userId={user.id} />
    </div>
  );
}

/** When the session is over, goes to the login and remembers where the reader was. */
function useSessionEnd() {
  const router = useRouter();
  const client = useQueryClient();
  useEffect(() => {
    let leaving = false;
    return session.onEnd(() => {
      // Several requests find out at once; the first one knows where the reader was.
      if (leaving) return;
      leaving = true;
      const ended = client.getQueryData(me.queryKey) !== undefined || undefined;
      client.clear();
      void router.navigate({ to: "/login", search: { next: router.state.location.href, ended }, replace: true, ignoreBlocker: true });
    });
  }, [router, client]);
}
