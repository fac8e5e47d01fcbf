import { Menu } from "@mantine/core";
import type { ReactNode } from "react";
import type { Permission } from "../api/types";
import { sentence } from "../lib/words";

/** An entry of a menu that, when the user may not choose it, stays in its place and says why. */
export function GatedItem({ permission, icon, color, onClick, renderRoot, children }: {
  permission: Permission;
  icon?: ReactNode;
  color?: string;
  onClick?: () => void;
  /** Makes it a link, where it leads to an address. */
  renderRoot?: (props: Record<string, unknown>) => ReactNode;
  children: string;
}) {
  if (permission.allowed) {
    return (
      <Menu.Item leftSection={icon} color={color} onClick={onClick} renderRoot={renderRoot}>
        {children}
      </Menu.Item>
    );
  }
  return (
    <Menu.Item leftSection={icon} aria-disabled closeMenuOnClick={false} className="muted">
      {children}
      <br />
      <small>{sentence(permission.reason ?? "")}</small>
    </Menu.Item>
  );
}
