import { IconKey, IconPlus } from "@tabler/icons-react";
import { useInfiniteQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import { api, ApiError, body } from "../api/client";
import { enrollmentTokens } from "../api/queries";
import type { EnrollmentToken } from "../api/types";
import { useScope } from "../frame/useScope";
import { idOf, mergePages } from "../lib/pages";
import { formatCount } from "../lib/units";
import { sentence } from "../lib/words";
import { Age } from "../ui/Age";
import { ConfirmDialog } from "../ui/ConfirmDialog";
import { type Column, DataTable } from "../ui/DataTable";
import { GatedButton } from "../ui/GatedButton";
import { TOKEN_STATE } from "../ui/looks";
import { Empty } from "../ui/Notice";
import { ListBody } from "../ui/ListBody";
import { usePaging } from "../ui/ListEnd";
import { PageHeader } from "../ui/PageHeader";
import { State } from "../ui/State";
import { TwoLines } from "../ui/TwoLines";

/** The tokens with which machines may join. */
export function TokensPage() {
  const client = useQueryClient();
  const scope = useScope();
  const listed = enrollmentTokens(scope);
  const list = useInfiniteQuery(listed);
  const rows = useMemo(() => mergePages(list.data?.pages ?? []), [list.data]);
  const [revoking, setRevoking] = useState<EnrollmentToken>();
  const columns = useMemo(() => columnsWith(setRevoking), []);
  const paging = usePaging(listed.queryKey, list);
  // Who may see no token at all may make none either.
  const refusal = list.error instanceof ApiError && list.error.status === 403 ? { allowed: false, reason: list.error.message } : undefined;
  const add = (
    <GatedButton
      permission={list.data?.pages.at(-1)?.permissions.create ?? refusal}
      leftSection={<IconPlus size={16} aria-hidden />}
      renderRoot={(props) => <Link to="/agents/enroll" search={scope} {...props} />}
    >
      New token
    </GatedButton>
  );
  return (
    <>
      <PageHeader title="Enrollment tokens" actions={add} />
      <ListBody
        list={list}
        isEmpty={rows.length === 0}
        what="The tokens could not be loaded."
        empty={
          <Empty icon={IconKey} title="There is no enrollment token here" action={add}>
            A token lets machines join one site, for a time and as often as you say. Its secret is shown once, when it is created.
          </Empty>
        }
        failed={() =>
          refusal ? (
            <Empty icon={IconKey} title="You may not see enrollment tokens">
              {sentence(refusal.reason)}
            </Empty>
          ) : null
        }
      >
        <DataTable label="Enrollment tokens" columns={columns} rows={rows} rowId={idOf} {...paging} />
      </ListBody>
      {revoking ? (
        <ConfirmDialog
          title="Revoke this enrollment token?"
          action="Revoke the token"
          run={() => body(api.DELETE("/api/enrollment-tokens/{id}", { params: { path: { id: revoking.id } } }))}
          onDone={() => {
            void client.invalidateQueries({ queryKey: ["enrollment-tokens"] });
            setRevoking(undefined);
          }}
          onClose={() => setRevoking(undefined)}
        >
          <p className="any">
            {revoking.label ? <strong>{revoking.label}</strong> : "The token"} for {revoking.organization_name} ›{" "}
            {revoking.site_name}: no further machine can join with it. Machines that joined stay.
          </p>
        </ConfirmDialog>
      ) : null}
    </>
  );
}

function columnsWith(revoke: (token: EnrollmentToken) => void): Column<EnrollmentToken>[] {
  return [
    {
      id: "label",
      header: "Token",
      grow: 3,
      cell: (token) => (
        <TwoLines
          below={
            <>
              {formatCount(token.uses)} used
              {token.state === "active" ? (
                <>
                  , ends <Age at={token.expires_at} />
                </>
              ) : null}
              , {token.site_name}
            </>
          }
        >
          {/* A token has no page: its name has the focus that a row's link would have. */}
          <span title={token.label ?? undefined} data-row-link tabIndex={-1}>
            {token.label || (
              <span className="muted" title="no label">
                created <Age at={token.created_at} />
              </span>
            )}
          </span>
        </TwoLines>
      ),
    },
    { id: "state", header: "State", width: 110, cell: (token) => <State look={TOKEN_STATE[token.state]} /> },
    {
      id: "place",
      header: "Site",
      from: 560,
      grow: 2.4,
      cell: (token) => (
        <span title={`${token.organization_name} › ${token.site_name}`}>
          {token.organization_name} › {token.site_name}
        </span>
      ),
    },
    {
      id: "uses",
      header: "Used",
      from: 560,
      width: 124,
      align: "right",
      cell: (token) => <span className="num">{usesOf(token)}</span>,
    },
    {
      id: "expires",
      header: "Expires",
      from: 760,
      width: 160,
      // One that was revoked expires no more.
      cell: (token) => (token.revoked_at ? <Age at={token.revoked_at} prefix="revoked" /> : <Age at={token.expires_at} />),
    },
    { id: "by", header: "Created by", from: 960, grow: 2, cell: (token) => <span title={token.created_by}>{token.created_by}</span> },
    {
      id: "revoke",
      header: "Action",
      width: 96,
      align: "right",
      cell: (token) =>
        token.state === "active" ? (
          <GatedButton
            permission={token.permissions.revoke}
            variant="subtle"
            size="compact-xs"
            color="red"
            aria-label={`Revoke ${token.label ?? "the token"} of ${token.site_name}`}
            onClick={() => revoke(token)}
          >
            Revoke
          </GatedButton>
        ) : null,
    },
  ];
}

/** How often it was used, out of how often it may be. */
function usesOf({ uses, max_uses }: EnrollmentToken): string {
  return max_uses == null ? `${formatCount(uses)}, no limit` : `${formatCount(uses)} of ${formatCount(max_uses)}`;
}
