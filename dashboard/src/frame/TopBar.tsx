import { Drawer, Menu } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconChevronDown, IconKeyboard, IconLogout, IconRefresh, IconSitemap, IconUserCircle, IconBroadcast, IconCloudOff } from "@tabler/icons-react";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { api, body } from "../api/client";
import { useAwaySince } from "../api/connection";
import { useLive } from "../api/events";
import type { User } from "../api/types";
import { forgetDrafts } from "../lib/draftStore";
import { ScopeTree } from "./ScopeTree";
import { ThemeItems } from "./ThemeItems";
import styles from "./TopBar.module.css";
import { useScopeNames } from "./useScope";

const ROLES = { dev_admin: "Owner of the installation", admin: "Administrator", user: "User" } as const;

/** Where the page looks, whether it is live, and who is signed in. */
export function TopBar({ user, openKeyMap }: { user: User; openKeyMap: () => void }) {
  const [open, sheet] = useDisclosure();
  const scope = useScopeNames();
  return (
    <div className={styles.bar}>
      <button type="button" className={styles.scope} onClick={sheet.open} aria-haspopup="dialog">
        <IconSitemap size={16} aria-hidden />
        <span className="sr">Scope:</span>
        <span className="cut">{scope}</span>
        <IconChevronDown size={14} aria-hidden />
      </button>
      <Drawer opened={open} onClose={sheet.close} title="Scope" size={300} closeButtonProps={{ "aria-label": "Close" }}>
        <ScopeTree onChoose={sheet.close} />
      </Drawer>
      <Live />
      <UserMenu user={user} openKeyMap={openKeyMap} />
    </div>
  );
}

function Live() {
  const live = useLive();
  const away = useAwaySince() !== null;
  if (away) {
    return (
      <span className={styles.live} title="The server does not answer; it is asked again every two seconds.">
        <IconCloudOff size={15} aria-hidden />
        Away
      </span>
    );
  }
  return live ? (
    <span className={styles.live} data-live title="Changes arrive as they happen.">
      <IconBroadcast size={15} aria-hidden />
      Live
    </span>
  ) : (
    <span className={styles.live} title="The live stream is away; this page asks again every 15 seconds.">
      <IconRefresh size={15} aria-hidden />
      Polling
    </span>
  );
}

function UserMenu({ user, openKeyMap }: { user: User; openKeyMap: () => void }) {
  const navigate = useNavigate();
  const client = useQueryClient();
  const [failed, setFailed] = useState(false);
  const logout = useMutation({
    mutationFn: () => body(api.POST("/api/auth/logout")),
    onSuccess: () => {
      client.clear();
      forgetDrafts();
      void navigate({ to: "/login" });
    },
    onError: () => setFailed(true),
  });
  return (
    <Menu position="bottom-end" width={260} onOpen={() => setFailed(false)}>
      <Menu.Target>
        <button type="button" className={styles.user}>
          <IconUserCircle size={20} stroke={1.6} aria-hidden />
          <span className={styles.userName}>{user.name}</span>
          <span className="sr">Account and theme</span>
          <IconChevronDown size={14} aria-hidden />
        </button>
      </Menu.Target>
      <Menu.Dropdown>
        <div className={styles.who}>
          <strong className="any">{user.name}</strong>
          <span className="muted any">{user.email}</span>
          <span className="muted">{ROLES[user.role]}</span>
        </div>
        <Menu.Divider />
        <ThemeItems />
        <Menu.Divider />
        <Menu.Item leftSection={<IconKeyboard size={16} aria-hidden />} onClick={openKeyMap}>
          Keyboard
        </Menu.Item>
        <Menu.Item
          leftSection={<IconLogout size={16} aria-hidden />}
          onClick={() => logout.mutate()}
          closeMenuOnClick={false}
        >
          {failed ? "Log out (failed, try again)" : "Log out"}
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
