import { Outlet, useNavigate, useRouterState } from "@tanstack/react-router";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useCallback, useEffect } from "react";
import { ApiError } from "../api/client";
import { type Hint, useHints } from "../api/events";
import { me } from "../api/queries";
import { session } from "../api/session";
import type { User } from "../api/types";
import { Failure, Loading } from "../ui/Notice";
import styles from "./Frame.module.css";
import { Rail } from "./Rail";
import { ScopeTree } from "./ScopeTree";
import { TopBar } from "./TopBar";

/** What surrounds every page behind the login. */
export function Frame() {
  const user = useQuery(me);
  useSessionEnd();
  if (user.data) return <Signed user={user.data} />;
  return (
    <main className={styles.broken}>
      {user.error instanceof ApiError && user.error.status >= 500 ? (
        <Failure error={user.error} what="The server could not say who you are." retry={() => void user.refetch()} />
      ) : (
        <Loading />
      )}
    </main>
  );
}

function Signed({ user }: { user: User }) {
  const client = useQueryClient();
  const onHint = useCallback(
    (hint: Hint) => {
      if (hint.kind === "resync") void client.invalidateQueries();
    },
    [client],
  );
  useHints(onHint);
  return (
    <div className={styles.frame}>
      <a href="#content" className={styles.skip}>
        Skip to the page's content
      </a>
      <Rail />
      <aside className={styles.tree} aria-label="Scope">
        <ScopeTree />
      </aside>
      <div className={styles.column}>
        <TopBar user={user} />
        <main id="content" tabIndex={-1} className={styles.page}>
          <Outlet />
        </main>
      </div>
    </div>
  );
}

/** When the session is over, goes to the login and remembers where the reader was. */
function useSessionEnd() {
  const navigate = useNavigate();
  const client = useQueryClient();
  const here = useRouterState({ select: (state) => state.location.href });
  useEffect(
    () =>
      session.onEnd(() => {
        const known = client.getQueryData(me.queryKey) !== undefined;
        client.clear();
        void navigate({ to: "/login", search: { next: here, ended: known || undefined }, replace: true });
      }),
    [navigate, client, here],
  );
}
