import { IconPlayerStop } from "@tabler/icons-react";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useCallback } from "react";
import { api, body } from "../api/client";
import type { Hint } from "../api/events";
import { command as commandQuery } from "../api/queries";
import type { Command } from "../api/types";
import { useRefreshOn } from "../api/useRefreshOn";
import { formatDuration } from "../lib/age";
import { useClock } from "../lib/clock";
import { Age } from "../ui/Age";
import { GatedButton } from "../ui/GatedButton";
import { COMMAND_STATE, isFinal } from "../ui/looks";
import { Banner, Failure, Loading } from "../ui/Notice";
import { State, type StateLook } from "../ui/State";
import { CommandOutput } from "./CommandOutput";
import styles from "./CommandView.module.css";

/** A command's life so far, its output, and the button that ends it. */
export function CommandView({ commandId }: { commandId: string }) {
  const command = useQuery(commandQuery(commandId));
  const concerns = useCallback((hint: Hint) => hint.kind === "command" && hint.commandId === commandId, [commandId]);
  useRefreshOn(concerns, ["commands", "one", commandId], 250);
  if (command.data) return <Loaded command={command.data} />;
  if (command.error) {
    return <Failure error={command.error} what="The command could not be loaded." retry={() => void command.refetch()} />;
  }
  return <Loading lines={6} />;
}

function Loaded({ command }: { command: Command }) {
  const client = useQueryClient();
  const cancel = useMutation({
    mutationFn: () => body(api.POST("/api/commands/{id}/cancel", { params: { path: { id: command.id } } })),
    onSuccess: (changed) => client.setQueryData(commandQuery(command.id).queryKey, changed),
  });
  const over = isFinal(command.state);
  const waiting = Boolean(command.cancel_requested_at) && !over;
  return (
    <div className={styles.view}>
      <div className={styles.state}>
        <span className={styles.verdict}>
          <span role="status">
            <State look={lookOf(command)} />
          </span>
          <Ending command={command} />
        </span>
        {over ? null : (
          <GatedButton
            permission={waiting ? { allowed: false, reason: "It was asked for already; the agent answers next." } : command.permissions.cancel}
            color="red"
            variant="light"
            leftSection={<IconPlayerStop size={16} aria-hidden />}
            loading={cancel.isPending}
            onClick={() => cancel.mutate()}
          >
            {waiting ? "Cancelling…" : "Cancel the command"}
          </GatedButton>
        )}
      </div>
      {cancel.error ? <Failure error={cancel.error} what="The command was not cancelled." /> : null}
      {command.reason ? <p className="any">{command.reason}</p> : null}
      {command.late_result ? (
        <Banner family="info" title="A result arrived after the command had ended here.">
          <p>It is kept, and does not change the state: </p>
          <code className="mono any">{JSON.stringify(command.late_result)}</code>
        </Banner>
      ) : null}
      <CommandOutput key={command.id} command={command} />
    </div>
  );
}

/** That a self-test came to its end is no verdict: what it found is, below. */
function lookOf({ program, state }: Command): StateLook {
  return program.kind === "selftest" && state === "succeeded" ? { ...COMMAND_STATE.succeeded, family: "quiet", word: "Ran to its end" } : COMMAND_STATE[state];
}

/** How it stands in numbers: exit code, how long it ran, since when it waits. */
function Ending({ command }: { command: Command }) {
  const { started_at, finished_at } = command;
  const length = useClock((now) =>
    started_at ? formatDuration((finished_at ? Date.parse(finished_at) : now) - Date.parse(started_at)) : "",
  );
  return (
    <span className={styles.ending}>
      {command.exit_code == null ? null : <span>exit code {command.exit_code}</span>}
      {command.signal == null ? null : <span>signal {command.signal}</span>}
      {started_at ? <span>{finished_at ? `ran ${length}` : `running for ${length}`}</span> : null}
      {finished_at ? <Age at={finished_at} prefix="ended" /> : null}
      {command.state === "queued" ? <Age at={command.expires_at} prefix="expires" /> : null}
    </span>
  );
}
