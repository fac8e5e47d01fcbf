import { Button, type ButtonProps, Tooltip } from "@mantine/core";
import type { ReactNode } from "react";
import type { Permission } from "../api/types";
import { sentence } from "../lib/words";

/**
 * A button that, when the user may not press it, stays in its place and says why. Before that is known it is an
 * ordinary button: the server decides anyway.
 */
export function GatedButton({ permission, children, ...button }: ButtonProps & {
  permission: Permission | undefined;
  children: ReactNode;
  onClick?: () => void;
  type?: "submit" | "button";
  /** Makes it a link, where it leads to an address. */
  renderRoot?: (props: Record<string, unknown>) => ReactNode;
  "aria-label"?: string;
}) {
  if (permission?.allowed ?? true) return <Button {...button}>{children}</Button>;
  const reason = sentence(permission?.reason || "you may not do this");
  return (
    <Tooltip label={reason} maw={320} position="bottom">
      <Button
        {...button}
        type="button"
        renderRoot={undefined}
        data-disabled
        aria-disabled
        aria-description={reason}
        onClick={(event) => event.preventDefault()}
      >
        {children}
      </Button>
    </Tooltip>
  );
}
