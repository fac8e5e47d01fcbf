import { Select, Stack } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { api, body } from "../api/client";
import { me, organization } from "../api/queries";
import type { NewEnrollmentToken, NewToken } from "../api/types";
import type { Schema } from "../lib/schema";
import type { Scope } from "../lib/search";
import { sentence } from "../lib/words";
import { Banner } from "../ui/Notice";
import { SchemaForm } from "../ui/SchemaForm";
import { OrganizationChoice, SiteChoice } from "./PlaceChoice";

const EXPIRIES = [
  { value: 1, label: "1 hour" },
  { value: 24, label: "1 day" },
  { value: 72, label: "3 days" },
  { value: 168, label: "1 week" },
  { value: 720, label: "30 days" },
  { value: 8760, label: "1 year" },
];

/** What an enrollment token is for: where its machines go, how long and how often it works. */
export function EnrollForm({ scope, onMade, onClose }: {
  scope: Scope;
  onMade: (made: NewToken) => void;
  onClose: () => void;
}) {
  const client = useQueryClient();
  const user = useQuery(me);
  const [organizationId, setOrganizationId] = useState(scope.organization_id ?? null);
  const chosen = useQuery({ ...organization(organizationId ?? ""), enabled: organizationId !== null });
  const enroll = chosen.data?.permissions.enroll;
  const schema = useMemo(
    (): Schema<NewEnrollmentToken> => ({
      site_id: {
        kind: "custom",
        label: "Site",
        required: true,
        render: (site) => (
          <>
            <OrganizationChoice
              value={organizationId}
              error={organizationId ? undefined : site.error}
              onChange={(id) => {
                setOrganizationId(id);
                site.set("");
              }}
            />
            {organizationId ? (
              <SiteChoice
                key={organizationId}
                organizationId={organizationId}
                value={site.value || null}
                onChange={(id) => site.set(id ?? "")}
                error={site.error}
              />
            ) : (
              <Select label="Site" placeholder="Choose the organization first" data={[]} disabled required />
            )}
          </>
        ),
      },
      label: { kind: "text", label: "Label (optional)", help: "For you: where this token went.", longest: 100 },
      expires_in_hours: { kind: "select", label: "Valid for", options: EXPIRIES },
      max_uses: { kind: "number", label: "Machine limit", placeholder: "Unlimited", least: 1, most: 100_000 },
    }),
    [organizationId],
  );
  const initial = useMemo(
    (): NewEnrollmentToken => ({ site_id: scope.site_id ?? "", label: null, expires_in_hours: 72, max_uses: null }),
    [scope.site_id],
  );
  return (
    <Stack>
      <p className="muted">A machine that joins with this token belongs to the site you choose here.</p>
      <SchemaForm
        schema={schema}
        initial={initial}
        save={(token) => body(api.POST("/api/enrollment-tokens", { body: token }))}
        onDone={(made) => {
          void client.invalidateQueries({ queryKey: ["enrollment-tokens"] });
          onMade(made);
        }}
        action="Create the token"
        failure="The token was not created."
        onCancel={onClose}
        permission={enroll}
        draft={user.data && { userId: user.data.id, form: "enrollment-token" }}
      >
        {enroll?.allowed === false ? (
          <Banner family="info" title="You cannot enroll machines in this organization.">
            <p>{sentence(enroll.reason ?? "")}</p>
          </Banner>
        ) : null}
      </SchemaForm>
    </Stack>
  );
}
