import { useQueryClient } from "@tanstack/react-query";
import { useRouter } from "@tanstack/react-router";
import { me } from "../api/queries";
import type { User } from "../api/types";
import { forgetDrafts } from "../lib/draftStore";

/** What happens after a login: who it is becomes known, and the reader goes to where they wanted to be. */
export function useSignedIn(next: string | undefined): (user: User) => void {
  const client = useQueryClient();
  const router = useRouter();
  return (user) => {
    client.clear();
    forgetDrafts(user.id);
    client.setQueryData(me.queryKey, user);
    router.history.push(next ?? "/overview");
  };
}
