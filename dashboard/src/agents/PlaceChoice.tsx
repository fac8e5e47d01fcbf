import { Button, Select, TextInput } from "@mantine/core";
import { keepPreviousData, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { api, ApiError, body } from "../api/client";
import { organization, organizations, sites } from "../api/queries";
import type { Permission } from "../api/types";
import { GatedButton } from "../ui/GatedButton";
import { messageOf } from "../ui/Notice";
import styles from "./PlaceChoice.module.css";

/** Chooses an organization, found by the server, or makes one on the spot. */
export function OrganizationChoice({ value, onChange, error }: {
  value: string | null;
  onChange: (id: string | null) => void;
  error?: string | undefined;
}) {
  const client = useQueryClient();
  const [q, setQ] = useState("");
  const list = useQuery({ ...organizations(q.trim() || undefined), placeholderData: keepPreviousData });
  const chosen = useQuery({ ...organization(value ?? ""), enabled: value !== null });
  const items = list.data?.items ?? [];
  const all = chosen.data && !items.some((each) => each.id === chosen.data.id) ? [chosen.data, ...items] : items;
  return (
    <ChooseOrMake
      label="Organization"
      empty={list.data?.items.length === 0 && !q}
      create={list.data?.permissions.create}
      options={all.map((each) => ({ value: each.id, label: each.name }))}
      value={value}
      onChange={onChange}
      error={error}
      onSearch={(text) => setQ(text === chosen.data?.name ? "" : text)}
      make={async (name) => {
        const made = await body(api.POST("/api/organizations", { body: { name } }));
        await client.invalidateQueries({ queryKey: ["organizations"] });
        return made.id;
      }}
    />
  );
}

/** Chooses one of an organization's sites, or makes one on the spot. */
export function SiteChoice({ organizationId, value, onChange, error }: {
  organizationId: string;
  value: string | null;
  onChange: (id: string | null) => void;
  error?: string | undefined;
}) {
  const client = useQueryClient();
  const list = useQuery(sites(organizationId));
  const [only, another] = list.data?.items ?? [];
  const onlyId = another ? undefined : only?.id;
  useEffect(() => {
    if (value === null && onlyId) onChange(onlyId);
  }, [value, onlyId, onChange]);
  return (
    <ChooseOrMake
      label="Site"
      empty={list.data?.items.length === 0}
      create={list.data?.permissions.create}
      options={(list.data?.items ?? []).map((each) => ({ value: each.id, label: each.name }))}
      value={value}
      onChange={onChange}
      error={error}
      make={async (name) => {
        const path = { id: organizationId };
        const made = await body(api.POST("/api/organizations/{id}/sites", { params: { path }, body: { name } }));
        await client.invalidateQueries({ queryKey: ["sites"] });
        void client.invalidateQueries({ queryKey: ["organizations"] });
        return made.id;
      }}
    />
  );
}

interface ChoiceProps {
  label: "Organization" | "Site";
  /** There is nothing to choose from: start with making one. */
  empty: boolean | undefined;
  /** Whether the user may make one. */
  create: Permission | undefined;
  options: { value: string; label: string }[];
  value: string | null;
  onChange: (id: string | null) => void;
  onSearch?: (text: string) => void;
  make: (name: string) => Promise<string>;
  error?: string | undefined;
}

function ChooseOrMake({ label, empty, create, options, value, onChange, onSearch, make, error }: ChoiceProps) {
  const [making, setMaking] = useState<boolean>();
  const [name, setName] = useState("");
  const creation = useMutation({
    mutationFn: () => make(name.trim()),
    onSuccess: (id) => {
      onChange(id);
      setMaking(false);
      setName("");
    },
  });
  const noun = label.toLowerCase();
  if (empty && create?.allowed === false) {
    return (
      <p className="muted">
        There is no {noun} to choose, and you cannot make one: {create.reason}.
      </p>
    );
  }
  if (making ?? empty) {
    const failure = creation.error;
    const problem = failure instanceof ApiError && failure.fields.name ? failure.fields.name : failure && messageOf(failure);
    return (
      <div className={styles.row}>
        <TextInput
          className={styles.field}
          label={`New ${noun}`}
          description={empty ? `There is no ${noun} yet; name the first one.` : undefined}
          value={name}
          maxLength={100}
          error={problem ?? error}
          onChange={(event) => setName(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key !== "Enter") return;
            event.preventDefault();
            if (name.trim() && create?.allowed !== false) creation.mutate();
          }}
        />
        <GatedButton permission={create} size="sm" disabled={!name.trim()} loading={creation.isPending} onClick={() => creation.mutate()}>
          Add
        </GatedButton>
        {empty ? null : (
          <Button size="sm" variant="default" onClick={() => setMaking(false)}>
            Choose one
          </Button>
        )}
      </div>
    );
  }
  return (
    <div className={styles.row}>
      <Select
        className={styles.field}
        label={label}
        placeholder={`Choose the ${noun}`}
        data={options}
        value={value}
        onChange={onChange}
        searchable
        openOnFocus={false}
        nothingFoundMessage={`No ${noun} has this in its name.`}
        error={error}
        data-autofocus={label === "Organization" || undefined}
        {...(onSearch ? { onSearchChange: onSearch } : {})}
      />
      <GatedButton permission={create} size="sm" variant="default" onClick={() => setMaking(true)}>
        New {noun}
      </GatedButton>
    </div>
  );
}
