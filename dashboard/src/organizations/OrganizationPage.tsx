import { Button, Menu } from "@mantine/core";
import { useMediaQuery } from "@mantine/hooks";
import { IconBuildingOff, IconDevicesPlus, IconDots, IconEdit, IconMapPinOff, IconPlus, IconTrash } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useParams } from "@tanstack/react-router";
import { useState } from "react";
import { ApiError } from "../api/client";
import { organization, sites } from "../api/queries";
import type { Organization, Permission, Site } from "../api/types";
import { formatCount } from "../lib/units";
import { sentence } from "../lib/words";
import { Age } from "../ui/Age";
import { ConfirmDialog } from "../ui/ConfirmDialog";
import { GatedButton } from "../ui/GatedButton";
import { GatedItem } from "../ui/GatedItem";
import { Banner, Empty, Failure, ListFailure, Loading } from "../ui/Notice";
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
            <Age at={created_at} prefix="created" />
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
        {permissions.edit.allowed || list.data?.permissions.create.allowed !== false || rows.some(({ permissions: own }) => own.edit.allowed) ? null : (
          <Banner family="info" title="You may look at this organization, but not change it.">
            <p>{sentence(list.data.permissions.create.reason ?? permissions.edit.reason ?? "")}</p>
          </Banner>
        )}
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
                    <SiteActions site={site} enroll={permissions.enroll} ask={(kind) => setDialog({ kind, site })} />
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

/** What can be done with a site: on a phone in a menu, for a finger does not hit three words in a row. */
function SiteActions({ site, enroll, ask }: { site: Site; enroll: Permission; ask: (kind: "rename-site" | "delete-site") => void }) {
  const phone = useMediaQuery("(max-width: 640px)", false, { getInitialValueInEffect: false });
  const place = { organization_id: site.organization_id, site_id: site.id };
  if (phone) {
    return (
      <Menu position="bottom-end" width={260}>
        <Menu.Target>
          <Button variant="subtle" aria-label={`What to do with ${site.name}`}>
            <IconDots size={18} aria-hidden />
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          <GatedItem permission={enroll} renderRoot={(props) => <Link to="/agents/enroll" search={place} {...props} />}>
            Enroll a machine
          </GatedItem>
          <GatedItem permission={site.permissions.edit} onClick={() => ask("rename-site")}>
            Rename
          </GatedItem>
          <Menu.Divider />
          <GatedItem permission={site.permissions.delete} color="red" onClick={() => ask("delete-site")}>
            Delete
          </GatedItem>
        </Menu.Dropdown>
      </Menu>
    );
  }
  return (
    <span className={styles.actions}>
      <GatedButton
        permission={enroll}
        variant="subtle"
        size="compact-xs"
        aria-label={`Enroll a machine at ${site.name}`}
        leftSection={<IconDevicesPlus size={14} aria-hidden />}
        renderRoot={(props) => <Link to="/agents/enroll" search={place} {...props} />}
      >
        Enroll
      </GatedButton>
      <GatedButton
        permission={site.permissions.edit}
        variant="subtle"
        size="compact-xs"
        aria-label={`Rename ${site.name}`}
        onClick={() => ask("rename-site")}
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
        onClick={() => ask("delete-site")}
      >
        Delete
      </GatedButton>
    </span>
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
