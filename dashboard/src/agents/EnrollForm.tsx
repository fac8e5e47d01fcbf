import { Button, Group, NumberInput, Select, Stack, TextInput } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, ApiError, body } from "../api/client";
import { organization } from "../api/queries";
import type { NewToken } from "../api/types";
import type { Scope } from "../lib/search";
import { sentence } from "../lib/words";
import { GatedButton } from "../ui/GatedButton";
import { Banner, Failure } from "../ui/Notice";
import { OrganizationChoice, SiteChoice } from "./PlaceChoice";

const EXPIRIES = [
  { value: "1", label: "1 hour" },
  { value: "24", label: "1 day" },
  { value: "72", label: "3 days" },
  { value: "168", label: "1 week" },
  { value: "720", label: "30 days" },
  { value: "8760", label: "1 year" },
];

/** Most machines that one token can be limited to. */
const MOST_MACHINES = 100_000;

/** Whether this can stand in the field: nothing, or a number within the bounds. */
function isUses(uses: number | string): boolean {
  return uses === "" || (typeof uses === "number" && Number.isInteger(uses) && uses >= 1 && uses <= MOST_MACHINES);
}

/** What an enrollment token is for: where its machines go, how long and how often it works. */
export function EnrollForm({ scope, onMade, onClose }: {
  scope: Scope;
  onMade: (made: NewToken) => void;
  onClose: () => void;
}) {
  const client = useQueryClient();
  const [organizationId, setOrganizationId] = useState(scope.organization_id ?? null);
  const [siteId, setSiteId] = useState(scope.site_id ?? null);
  const [label, setLabel] = useState("");
  const [hours, setHours] = useState("72");
  const [uses, setUses] = useState<number | string>("");
  const make = useMutation({
    mutationFn: () =>
      body(
        api.POST("/api/enrollment-tokens", {
          body: {
            site_id: siteId ?? "",
            label: label.trim() || null,
            expires_in_hours: Number(hours),
            max_uses: typeof uses === "number" ? uses : null,
          },
        }),
      ),
    onSuccess: (made) => {
      void client.invalidateQueries({ queryKey: ["enrollment-tokens"] });
      onMade(made);
    },
  });
  const chosen = useQuery({ ...organization(organizationId ?? ""), enabled: organizationId !== null });
  const enroll = chosen.data?.permissions.enroll;
  const usesProblem = isUses(uses) ? undefined : "A whole number from 1 to 100000, or nothing for no limit.";
  const fields = make.error instanceof ApiError ? make.error.fields : {};
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (siteId && !usesProblem && enroll?.allowed !== false) make.mutate();
      }}
    >
      <Stack>
        <p className="muted">A machine that joins with this token belongs to the site you choose here.</p>
        <OrganizationChoice
          value={organizationId}
          onChange={(id) => {
            setOrganizationId(id);
            setSiteId(null);
          }}
        />
        {organizationId ? (
          <SiteChoice key={organizationId} organizationId={organizationId} value={siteId} onChange={setSiteId} error={fields.site_id} />
        ) : null}
        <TextInput
          label="Label (optional)"
          description="For you: where this token went."
          value={label}
          maxLength={200}
          error={fields.label}
          onChange={(event) => setLabel(event.currentTarget.value)}
        />
        <Group grow align="flex-start">
          <Select label="Valid for" data={EXPIRIES} value={hours} allowDeselect={false} onChange={(value) => setHours(value ?? "72")} error={fields.expires_in_hours} />
          <NumberInput
            label="Most machines"
            placeholder="Unlimited"
            min={1}
            max={MOST_MACHINES}
            clampBehavior="none"
            allowDecimal={false}
            hideControls
            value={uses}
            error={usesProblem ?? fields.max_uses}
            onChange={setUses}
          />
        </Group>
        {enroll?.allowed === false ? (
          <Banner family="info" title="You cannot enroll machines in this organization.">
            <p>{sentence(enroll.reason ?? "")}</p>
          </Banner>
        ) : null}
        {make.error ? <Failure error={make.error} what="The token was not made." placed={["site_id", "label", "expires_in_hours", "max_uses"]} /> : null}
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <GatedButton
            permission={enroll}
            type="submit"
            disabled={!siteId || usesProblem !== undefined}
            loading={make.isPending}
          >
            Make the token
          </GatedButton>
        </Group>
      </Stack>
    </form>
  );
}
