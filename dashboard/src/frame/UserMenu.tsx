import { Menu } from "@mantine/core";
import { IconApi, IconChevronDown, IconKeyboard, IconLogout, IconUserCircle } from "@tabler/icons-react";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { api, body } from "../api/client";
import type { User } from "../api/types";
import { forgetDrafts } from "../lib/draftStore";
import { forgetVisits } from "../lib/visits";
import { ThemeItems } from "./ThemeItems";
import styles from "./TopBar.module.css";

const ROLES = { dev_admin: "Owner of the installation", admin: "Administrator", user: "User" } as const;

/** Who is signed in, and what concerns the whole dashboard: theme, keys, the end of the session. */
export function UserMenu({ user, openKeyMap }: { user: User; openKeyMap: () => void }) {
  const navigate = useNavigate();
  const client = useQueryClient();
  const [failed, setFailed] = useState(false);
  const logout = useMutation({
    mutationFn: () => body(api.POST("/api/auth/logout")),
    onSuccess: () => {
      client.clear();
      forgetDrafts();
      forgetVisits();
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
        <Menu.Item className={styles.ofKeyboard} leftSection={<IconKeyboard size={16} aria-hidden />} onClick={openKeyMap}>
          Keyboard
        </Menu.Item>
        <Menu.Item leftSection={<IconApi size={16} aria-hidden />} renderRoot={(props) => <Link to="/reference" {...props} />}>
          API
        </Menu.Item>
        <Menu.Divider />
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
