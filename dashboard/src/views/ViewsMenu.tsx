import { Button, Menu } from "@mantine/core";
import { IconArrowBackUp, IconBookmark, IconBookmarkOff, IconDeviceFloppy, IconPencil, IconPlus, IconTrash } from "@tabler/icons-react";
import { Suspense } from "react";
import type { View } from "../api/types";
import { page } from "../frame/pages";
import { sentence } from "../lib/words";
import type { Views } from "./useViews";
import styles from "./Views.module.css";

const ViewDialogs = page(() => import("./ViewDialogs"), "ViewDialogs");

/** The saved views of a page: to choose one, and what is done with the one that is chosen. */
export function ViewsMenu({ views }: { views: Views }) {
  const { chosen, changed, list } = views;
  const mine = list.data?.items.filter((view) => view.mine) ?? [];
  const others = list.data?.items.filter((view) => !view.mine) ?? [];
  return (
    <>
      <Menu position="bottom-end" withinPortal onOpen={() => views.setOpened(true)}>
        <Menu.Target>
          <Button variant="default" leftSection={<IconBookmark size={15} aria-hidden />}>
            {chosen ? (
              <>
                View: <strong className={styles.name}>{chosen.name}</strong>
                {changed ? <span className={styles.changed}>changed</span> : null}
              </>
            ) : (
              "Views"
            )}
          </Button>
        </Menu.Target>
        <Menu.Dropdown className={styles.menu}>
          {list.data === undefined ? (
            list.error ? (
              <Menu.Item closeMenuOnClick={false} onClick={() => void list.refetch()}>
                They could not be loaded. Try again
              </Menu.Item>
            ) : (
              <Menu.Label>Loading …</Menu.Label>
            )
          ) : list.data.items.length === 0 ? (
            <Menu.Label>No view is saved yet</Menu.Label>
          ) : null}
          {mine.length > 0 ? <Menu.Label>Yours</Menu.Label> : null}
          {mine.map((view) => (
            <Choice key={view.id} view={view} below={SHARED[view.shared]} views={views} />
          ))}
          {others.length > 0 ? <Menu.Label>Shared with you</Menu.Label> : null}
          {others.map((view) => (
            <Choice key={view.id} view={view} below={`by ${view.owner_name}`} views={views} />
          ))}
          <Menu.Divider />
          {chosen ? <OfChosen view={chosen} views={views} /> : null}
          <Menu.Item leftSection={<IconPlus size={14} aria-hidden />} onClick={() => views.open("save")}>
            Save as…
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
      {views.search.view_dialog ? (
        <Suspense fallback={null}>
          <ViewDialogs views={views} />
        </Suspense>
      ) : null}
    </>
  );
}

/** With whom a view of the reader's own is shared; nothing where it is not. */
const SHARED: Record<View["shared"], string | undefined> = {
  nobody: undefined,
  organization: "shared with an organization",
  everyone: "shared with everyone",
};

function Choice({ view, below, views }: { view: View; below: string | undefined; views: Views }) {
  const isChosen = view.id === views.chosen?.id;
  return (
    <Menu.CheckboxItem checked={isChosen} closeMenuOnClick onChange={() => views.apply(view)}>
      <span className={styles.choice}>{view.name}</span>
      {below ? <span className={styles.below}>{below}</span> : null}
    </Menu.CheckboxItem>
  );
}

/** What can be done with the view that is chosen. */
function OfChosen({ view, views }: { view: View; views: Views }) {
  const { edit } = view.permissions;
  const stale = views.changed || views.lost.length > 0;
  return (
    <>
      {edit.allowed ? null : <Menu.Label>{sentence(edit.reason ?? "you may not change this view")}</Menu.Label>}
      {stale && edit.allowed ? (
        <Menu.Item leftSection={<IconDeviceFloppy size={14} aria-hidden />} onClick={() => views.save.mutate(view)}>
          Save the changes
        </Menu.Item>
      ) : null}
      {views.changed ? (
        <Menu.Item leftSection={<IconArrowBackUp size={14} aria-hidden />} onClick={() => views.apply(view)}>
          Discard the changes
        </Menu.Item>
      ) : null}
      {edit.allowed ? (
        <>
          <Menu.Item leftSection={<IconPencil size={14} aria-hidden />} onClick={() => views.open("edit")}>
            Rename or share…
          </Menu.Item>
          <Menu.Item leftSection={<IconTrash size={14} aria-hidden />} onClick={() => views.open("delete")}>
            Delete…
          </Menu.Item>
        </>
      ) : null}
      <Menu.Item leftSection={<IconBookmarkOff size={14} aria-hidden />} onClick={views.leave}>
        Close the view
      </Menu.Item>
      <Menu.Divider />
    </>
  );
}
