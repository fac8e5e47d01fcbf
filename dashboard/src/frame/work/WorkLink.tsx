import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import type { WorkItem } from "../../api/types";

/** Leads to a run or a command. */
export function WorkLink({ item, className, onClick, children }: {
  item: WorkItem;
  className?: string | undefined;
  onClick?: (() => void) | undefined;
  children: ReactNode;
}) {
  const path: string = item.kind === "run" ? `/commands/runs/${item.id}` : `/commands/${item.id}`;
  return (
    <Link to={path} className={className} onClick={onClick}>
      {children}
    </Link>
  );
}
