import { Button, type ButtonProps, Tooltip } from "@mantine/core";
import type { ReactNode } from "react";
import type { Permission } from "../api/types";

/** A button that, when the user may not press it, stays in its place and says why. */
export function GatedButton({ permission, children, onClick, ...button }: ButtonProps & {
  permission: Permission;
  children: ReactNode;
  onClick: () => void;
  "aria-label"?: string;
}) {
  if (permission.allowed) {
    return (
      <Button {...button} onClick={onClick}>
        {children}
      </Button>
    );
  }
  const reason = permission.reason || "You may not do this.";
  return (
    <Tooltip label={reason} maw={320}>
      <Button {...button} data-disabled aria-disabled aria-description={reason} onClick={(event) => event.preventDefault()}>
        {children}
      </Button>
    </Tooltip>
  );
}
