import { useQuery } from "@tanstack/react-query";
import { useMatch } from "@tanstack/react-router";
import { useEffect } from "react";
import { agent, organization } from "../api/queries";
import { rememberVisit } from "../lib/visits";
import { useScope } from "./useScope";

/** Keeps in mind which agents and organizations are looked at, for the palette. Shows nothing. */
export function Visits({ userId }: { userId: string }) {
  const agentId = useMatch({ from: "/frame/agents/$agentId/{-$tab}", shouldThrow: false, select: ({ params }) => params.agentId });
  const { organization_id } = useScope();
  const machine = useQuery({
    ...agent(agentId ?? ""),
    enabled: agentId !== undefined,
    select: ({ name, organization_name, site_name }) => ({ name, place: `${organization_name} › ${site_name}` }),
  });
  const chosen = useQuery({
    ...organization(organization_id ?? ""),
    enabled: organization_id !== undefined,
    select: ({ name }) => ({ name, place: "" }),
  });
  useVisit(userId, "agent", agentId, machine.data);
  useVisit(userId, "organization", organization_id, chosen.data);
  return null;
}

function useVisit(userId: string, kind: "agent" | "organization", id: string | undefined, seen: { name: string; place: string } | undefined) {
  const name = seen?.name;
  const place = seen?.place;
  useEffect(() => {
    if (id !== undefined && name !== undefined) rememberVisit(userId, { kind, id, name, place: place ?? "" });
  }, [userId, kind, id, name, place]);
}
