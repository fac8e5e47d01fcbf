import { Button } from "@mantine/core";
import { IconBuildingOff, IconDevicesPlus, IconEdit, IconMapPinOff, IconPlus, IconTrash } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useParams } from "@tanstack/react-router";
import { useState } from "react";
import { ApiError } from "../api/client";
import { organization, sites } from "../api/queries";
import type { Organization, Site } from "../api/types";
import { formatCount } from "../lib/units";
import { Age } from "../ui/Age";
import { ConfirmDialog } from "../ui/ConfirmDialog";
import { GatedButton } from "../ui/GatedButton";
import { Empty, Failure, ListFailure, Loading } from "../ui/Notice";
import { PageHeader } from "../ui/PageHeader";
import { PlainTable } from "../ui/PlainTable";
import { createSite, deleteOrganization, deleteSite, renameOrganization, renameSite } from "./changes";
import { NameDialog } from "./NameDialog";
import styles from "./OrganizationPage.module.css";

/** One customer and its sites. */
export function OrganizationPage() {
  const { organizationId } = useParams({ from: "/frame/organizations/$organizationId" });
  const chosen = useQuery(organization(organizationId));
  if (chosen.data) return <Loaded key={organizationId} organization={chosen.data} />;
  if (chosen.error instanceof ApiError && chosen.error.status === 404) {
    return (
      <>
        <PageHeader title="No such organization" />
        <Empty
          icon={IconBuildingOff}
          title="There is no organization with this id"
          action={
            <Button variant="default" renderRoot={(props) => <Link to="/organizations" {...props} />}>
              All organizations
            </Button>
          }
        >
          It was deleted, or it is not one of yours.
        </Empty>
      </>
    );
  }
  if (chosen.error) {
    return <ListFailure error={chosen.error} what="The organization could not be loaded." retry={() => void chosen.refetch()} />;
  }
  return <Loading lines={8} />;
}

type Dialog = { kind: "rename" | "delete" | "new-site" } | { kind: "rename-site" | "delete-site"; site: Site };

function Loaded({ organization: { id, name, agent_count, site_count, created_at, permissions } }: { organization: Organization }) {
  const list = useQuery(sites(id));
  const [dialog, setDialog] = useState<Dialog>();
  const rows = list.data?.items ?? [];
  const newSite = (
    <GatedButton
      permission={list.data?.permissions.create}
      leftSection={<IconPlus size={16} aria-hidden />}
      onClick={() => setDialog({ kind: "new-site" })}
    >
      New site
    </GatedButton>
  );
  return (
    <>
      <PageHeader
        title={name}
        detail={
          <>
            <Link to="/agents" search={{ organization_id: id }}>
              {formatCount(agent_count)} {agent_count === 1 ? "agent" : "agents"}
            </Link>
            <span>
              {formatCount(site_count)} {site_count === 1 ? "site" : "sites"}
            </span>
            <Age at={created_at} prefix="made" />
          </>
        }
        actions={
          <>
            {newSite}
            <GatedButton
              permission={permissions.edit}
              variant="default"
              leftSection={<IconEdit size={16} aria-hidden />}
              onClick={() => setDialog({ kind: "rename" })}
            >
              Rename
            </GatedButton>
            <GatedButton
              permission={permissions.delete}
              variant="default"
              leftSection={<IconTrash size={16} aria-hidden />}
              onClick={() => setDialog({ kind: "delete" })}
            >
              Delete
            </GatedButton>
          </>
        }
      />
      <div className={styles.body}>
        {list.error && !list.data ? (
          <Failure error={list.error} what="The sites could not be loaded." retry={() => void list.refetch()} />
        ) : list.isPending ? (
          <Loading lines={4} />
        ) : rows.length === 0 ? (
          <Empty icon={IconMapPinOff} title="This organization has no site yet" action={newSite}>
            Machines join a site. Create the first one, then enroll a machine.
          </Empty>
        ) : (
          <section className={styles.panel}>
            <PlainTable
              label="Sites"
              rows={rows}
              rowId={(site) => site.id}
              columns={[
                {
                  header: "Site",
                  cell: (site) => (
                    <Link to="/agents" search={{ organization_id: id, site_id: site.id }}>
                      {site.name}
                    </Link>
                  ),
                },
                { header: "Agents", narrow: true, right: true, cell: (site) => (
                    <Link to="/agents" search={{ organization_id: id, site_id: site.id }}>
                      {formatCount(site.agent_count)}
                    </Link>
                  ),
                },
                { header: "Created", narrow: true, hideOnPhone: true, cell: (site) => <Age at={site.created_at} /> },
                {
                  header: "Actions",
                  narrow: true,
                  right: true,
                  cell: (site) => (
                    <span className={styles.actions}>
                      <GatedButton
                        permission={permissions.enroll}
                        variant="subtle"
                        size="compact-xs"
                        aria-label={`Enroll a machine at ${site.name}`}
                        leftSection={<IconDevicesPlus size={14} aria-hidden />}
                        renderRoot={(props) => (
                          <Link to="/agents/enroll" search={{ organization_id: id, site_id: site.id }} {...props} />
                        )}
                      >
                        Enroll
                      </GatedButton>
                      <GatedButton
                        permission={site.permissions.edit}
                        variant="subtle"
                        size="compact-xs"
                        aria-label={`Rename ${site.name}`}
                        onClick={() => setDialog({ kind: "rename-site", site })}
                      >
                        Rename
                      </GatedButton>
                      <GatedButton
                        permission={site.permissions.delete}
                        variant="subtle"
                        size="compact-xs"
                        color="red"
                        aria-label={`Delete ${site.name}`}
                        className={styles.apart}
                        onClick={() => setDialog({ kind: "delete-site", site })}
                      >
                        Delete
                      </GatedButton>
                    </span>
                  ),
                },
              ]}
            />
          </section>
        )}
      </div>
      {dialog ? <Dialogs dialog={dialog} id={id} name={name} close={() => setDialog(undefined)} /> : null}
    </>
  );
}

function Dialogs({ dialog, id, name, close }: { dialog: Dialog; id: string; name: string; close: () => void }) {
  const navigate = useNavigate();
  switch (dialog.kind) {
    case "rename":
      return (
        <NameDialog
          title="Rename the organization"
          label="Name"
          action="Rename"
          initial={name}
          save={(next) => renameOrganization(id, next)}
          onDone={close}
          onClose={close}
        />
      );
    case "delete":
      return (
        <ConfirmDialog
          title={`Delete ${name}?`}
          action="Delete the organization"
          typeName={name}
          run={() => deleteOrganization(id)}
          onDone={() => void navigate({ to: "/organizations", search: { organization_id: undefined, site_id: undefined } })}
          onClose={close}
        >
          <p>
            Its sites and enrollment tokens go with it. It must have no agents that are not decommissioned. The audit log
            keeps what was done.
          </p>
        </ConfirmDialog>
      );
    case "new-site":
      return (
        <NameDialog
          title="New site"
          label="Name"
          action="Create the site"
          save={(next) => createSite(id, next)}
          onDone={close}
          onClose={close}
        />
      );
    case "rename-site":
      return (
        <NameDialog
          title="Rename the site"
          label="Name"
          action="Rename"
          initial={dialog.site.name}
          save={(next) => renameSite(dialog.site.id, next)}
          onDone={close}
          onClose={close}
        />
      );
    case "delete-site":
      return (
        <ConfirmDialog
          title={`Delete the site ${dialog.site.name}?`}
          action="Delete the site"
          run={() => deleteSite(dialog.site.id)}
          onDone={close}
          onClose={close}
        >
          <p>Its enrollment tokens stop working. It must have no agents that are not decommissioned.</p>
        </ConfirmDialog>
      );
  }
}
