import { Modal, Select } from "@mantine/core";
import { keepPreviousData, useQuery, useQueryClient } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { api, body } from "../api/client";
import { organization, organizations } from "../api/queries";
import type { Sharing, View } from "../api/types";
import { useScopeNames } from "../frame/useScope";
import type { Schema } from "../lib/schema";
import { queryOf, withoutScope } from "../lib/views";
import { sentence } from "../lib/words";
import { ConfirmDialog } from "../ui/ConfirmDialog";
import { SchemaForm } from "../ui/SchemaForm";
import type { Views } from "./useViews";

/** Longest name of a view. */
const LONGEST_NAME = 100;

/** What a view is called, and who has it. */
interface Naming {
  name: string;
  shared: Sharing;
  organization_id: string | null;
}

interface NewView extends Naming {
  scoped: boolean;
  with_columns: boolean;
}

/** The dialog of saved views that the address names. */
export function ViewDialogs({ views }: { views: Views }) {
  const { chosen } = views;
  if (views.search.view_dialog === "save") return <SaveDialog views={views} />;
  if (!chosen?.permissions.edit.allowed) return null;
  if (views.search.view_dialog === "edit") return <EditDialog key={chosen.id} view={chosen} views={views} />;
  return <DeleteDialog view={chosen} views={views} />;
}

function SaveDialog({ views }: { views: Views }) {
  const client = useQueryClient();
  const scope = useScopeNames();
  const { organization_id } = views.search;
  const { columns } = views;
  const sharing = useSharing(views, "nobody");
  const schema = useMemo(
    () => ({
      ...sharing,
      ...(organization_id ? { scoped: { kind: "switch", label: `Only for ${scope}`, help: "Else it shows wherever the reader is." } } : {}),
      ...(columns ? { with_columns: { kind: "switch", label: "With the columns as they are shown" } } : {}),
    }),
    [sharing, organization_id, scope, columns],
  ) as unknown as Schema<NewView>;
  const initial = useMemo(
    (): NewView => ({ name: "", shared: "nobody", organization_id: organization_id ?? null, scoped: organization_id !== undefined, with_columns: columns !== undefined }),
    [organization_id, columns],
  );
  return (
    <Modal opened onClose={views.close} title="Save this view" closeButtonProps={{ "aria-label": "Close" }}>
      <SchemaForm
        schema={schema}
        initial={initial}
        save={async ({ scoped, with_columns, ...naming }) => {
          const query = queryOf(views.search);
          const view = {
            ...audienceOf(naming),
            page: views.page,
            query: scoped ? query : withoutScope(query),
            columns: with_columns ? (columns ?? []) : [],
          };
          const made = await body(api.POST("/api/views", { body: view }));
          await client.invalidateQueries({ queryKey: ["views", views.page] });
          return made;
        }}
        onDone={(made) => views.settle(made.id)}
        action="Save the view"
        failure="The view was not saved."
        onCancel={views.close}
        guard
      />
    </Modal>
  );
}

function EditDialog({ view, views }: { view: View; views: Views }) {
  const client = useQueryClient();
  const schema = useSharing(views, view.shared);
  const initial = useMemo(
    (): Naming => ({ name: view.name, shared: view.shared, organization_id: view.organization_id ?? null }),
    [view],
  );
  return (
    <Modal opened onClose={views.close} title="Rename or share the view" closeButtonProps={{ "aria-label": "Close" }}>
      <SchemaForm
        schema={schema}
        initial={initial}
        save={async (naming) => {
          const changed = await body(api.PATCH("/api/views/{id}", { params: { path: { id: view.id } }, body: audienceOf(naming) }));
          await client.invalidateQueries({ queryKey: ["views", views.page] });
          return changed;
        }}
        onDone={() => views.close()}
        action="Save"
        failure="The view was not changed."
        onCancel={views.close}
        guard
        changedOnly
      />
    </Modal>
  );
}

function DeleteDialog({ view, views }: { view: View; views: Views }) {
  const client = useQueryClient();
  return (
    <ConfirmDialog
      title="Delete this view?"
      action="Delete the view"
      run={() => body(api.DELETE("/api/views/{id}", { params: { path: { id: view.id } } }))}
      onDone={() => {
        views.settle(undefined);
        void client.invalidateQueries({ queryKey: ["views", views.page] });
      }}
      onClose={views.close}
    >
      <p className="any">
        <strong>{view.name}</strong> is gone for {view.shared === "nobody" ? "you" : "everybody who has it"}. What it shows stays, and so do the
        filters that are set now.
      </p>
    </ConfirmDialog>
  );
}

/** The fields of a name and of who has the view; an organization is asked for where it is shared with one. */
function useSharing(views: Views, first: Sharing): Schema<Naming> {
  const [shared, setShared] = useState(first);
  const permissions = views.list.data?.permissions;
  return useMemo(() => {
    const refused = [permissions?.share_organization, permissions?.share_everyone].find((each) => each?.allowed === false);
    const options = [
      { value: "nobody" as const, label: "Nobody else" },
      { value: "organization" as const, label: "Whoever belongs to one organization", disabled: permissions?.share_organization.allowed === false },
      { value: "everyone" as const, label: "Everyone", disabled: permissions?.share_everyone.allowed === false },
    ];
    return {
      name: { kind: "text", label: "Name", required: true, longest: LONGEST_NAME },
      shared: {
        kind: "custom",
        label: "Shared with",
        render: (field) => (
          <Select
            label="Shared with"
            description={refused?.reason ? sentence(refused.reason) : undefined}
            data={options}
            value={field.value}
            allowDeselect={false}
            error={field.error}
            onChange={(next) => {
              if (next === null) return;
              setShared(next);
              field.set(next);
            }}
          />
        ),
      },
      organization_id: {
        kind: "custom",
        label: "Organization",
        required: shared === "organization",
        render: (field) =>
          shared === "organization" ? <OrganizationField value={field.value} onChange={(id) => field.set(id)} error={field.error} /> : null,
      },
    };
  }, [shared, permissions]);
}

function OrganizationField({ value, onChange, error }: {
  value: string | null;
  onChange: (id: string | null) => void;
  error: string | undefined;
}) {
  const [q, setQ] = useState("");
  const list = useQuery({ ...organizations(q.trim() || undefined), placeholderData: keepPreviousData });
  const chosen = useQuery({ ...organization(value ?? ""), enabled: value !== null });
  const items = list.data?.items ?? [];
  const all = chosen.data && !items.some(({ id }) => id === chosen.data.id) ? [chosen.data, ...items] : items;
  return (
    <Select
      label="Organization"
      placeholder="Choose the organization"
      data={all.map(({ id, name }) => ({ value: id, label: name }))}
      value={value}
      onChange={onChange}
      searchable
      openOnFocus={false}
      onSearchChange={(text) => setQ(text === chosen.data?.name ? "" : text)}
      nothingFoundMessage="No organization has this in its name."
      error={error}
    />
  );
}

/** As the server wants it: an organization only where the view is shared with one. */
function audienceOf({ name, shared, organization_id }: Naming) {
  return { name, shared, ...(shared === "organization" ? { organization_id } : {}) };
}
