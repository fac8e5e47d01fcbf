import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { api, body } from "../api/client";
import { command as commandQuery } from "../api/queries";
import type { Agent, Permission } from "../api/types";

/** A self-test is over within 90 s; one that the agent did not get by then is about a moment that has passed. */
const SELFTEST = { program: { kind: "selftest" as const }, timeout_seconds: 120, expires_in_seconds: 300 };

/** Asks an agent to examine itself, and leads to where its report appears. */
export function useSelftest() {
  const client = useQueryClient();
  const navigate = useNavigate();
  return useMutation({
    mutationFn: (agentId: string) =>
      body(api.POST("/api/agents/{id}/commands", { params: { path: { id: agentId } }, body: SELFTEST })),
    onSuccess: (made) => {
      client.setQueryData(commandQuery(made.id).queryKey, made);
      void client.invalidateQueries({ queryKey: ["commands", "list"] });
      void navigate({ to: "/commands/$commandId", params: { commandId: made.id } });
    },
  });
}

/** Whether a self-test can be asked for, and why not. */
export function selftestPermission(agent: Agent, asked: boolean): Permission {
  if (!agent.permissions.command.allowed) return agent.permissions.command;
  if (agent.presence.state !== "online") return { allowed: false, reason: "the agent is not online" };
  return asked ? { allowed: false, reason: "it was asked for already" } : { allowed: true };
}
