import { Button, Group, Loader, SegmentedControl, Stack } from "@mantine/core";
import { useLocalStorage } from "@mantine/hooks";
import { IconCircleCheck } from "@tabler/icons-react";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { agent } from "../api/queries";
import { api, body } from "../api/client";
import type { Hint } from "../api/events";
import type { Agent, NewToken } from "../api/types";
import { useRefreshOn } from "../api/useRefreshOn";
import { isLoopback } from "../lib/enroll";
import { Age } from "../ui/Age";
import { CopyLine } from "../ui/CopyLine";
import { PRESENCE } from "../ui/looks";
import { Banner } from "../ui/Notice";
import { State } from "../ui/State";
import styles from "./EnrollWait.module.css";

/** How many of a site's machines are looked at for a new one, newest sign of life first. */
const CANDIDATES = 10;
const SYSTEMS = [
  { value: "windows", label: "Windows" },
  { value: "linux", label: "Linux" },
];
type System = "windows" | "linux";
const concernsAgents = (hint: Hint) => hint.kind === "agent" || hint.kind === "fleet";

/** Shows the token's secret, once, and waits for the machines that use it. */
export function EnrollWait({ made, onClose }: { made: NewToken; onClose: () => void }) {
  const { token } = made;
  const [system, setSystem] = useLocalStorage<System>({ key: "gururmm-enroll-system", defaultValue: "windows", getInitialValueInEffect: false });
  const line = system === "windows" ? made.install_command_windows : made.install_command;
  const joined = useJoined(token.site_id, token.created_at);
  return (
    <Stack>
      <p>
        The machine joins <strong className="any">{token.organization_name}</strong> ›{" "}
        <strong className="any">{token.site_name}</strong>.
      </p>
      <SegmentedControl
        aria-label="Operating system of the machine"
        data={SYSTEMS}
        value={system}
        onChange={(value) => setSystem(value === "linux" ? "linux" : "windows")}
      />
      <ol className={styles.steps}>
        {system === "windows" ? (
          <>
            <li>
              Put <code>gururmm-agent.exe</code> on the machine; <code>scripts/build-agent.sh windows</code> builds it.
            </li>
            <li>There, in PowerShell as administrator, in the folder that holds it:</li>
          </>
        ) : (
          <>
            <li>
              Put <code>gururmm-agent</code> into <code>/usr/local/bin</code> of the machine; <code>scripts/build-agent.sh linux</code>{" "}
              builds it.
            </li>
            <li>There, in a terminal:</li>
          </>
        )}
      </ol>
      <CopyLine text={line} label="The command to run on the machine" />
      <p className="muted">It enrolls the machine, then installs the agent as a service and starts it.</p>
      {isLoopback(line) ? (
        <Banner family="warn" title="This address leads only from the server to itself.">
          <p>
            Other machines cannot use it. Start the server with <code>--public-url https://…</code>, the address under which they
            reach it, and create another token.
          </p>
        </Banner>
      ) : null}
      <Banner family="warn" title="The secret in this line will not be shown again.">
        <p>
          Who has it can enroll {token.max_uses === 1 ? "one machine" : "machines"} here. It expires{" "}
          <Age at={token.expires_at} /> and can be revoked under Enrollment tokens.
        </p>
      </Banner>
      <div role="status" className={styles.wait}>
        {joined.length === 0 ? (
          <>
            <Loader size={16} aria-hidden />
            <span>Waiting for the first machine. You may close this; it appears under Agents.</span>
          </>
        ) : (
          <ul className={styles.list}>
            {joined.map((each) => (
              <li key={each.id} className={styles.line}>
                <IconCircleCheck size={18} className={styles.good} aria-hidden />
                <span>
                  <Link to="/agents/$agentId/{-$tab}" params={{ agentId: each.id }}>
                    {each.name}
                  </Link>{" "}
                  joined <Age at={each.enrolled_at} />
                </span>
                <State look={PRESENCE[each.presence.state]} />
              </li>
            ))}
          </ul>
        )}
      </div>
      <Group justify="flex-end">
        <Button onClick={onClose}>{joined.length === 0 ? "Close" : "Done"}</Button>
      </Group>
    </Stack>
  );
}

/** The site's agents that were enrolled since the token was made. */
function useJoined(siteId: string, since: string): Agent[] {
  const client = useQueryClient();
  const key = ["agents", "joined", siteId, since];
  useRefreshOn(concernsAgents, key, 1_000);
  const found = useQuery({
    queryKey: key,
    refetchInterval: 5_000,
    queryFn: async ({ signal }) => {
      const query = { site_id: siteId, sort: "-last_seen" as const, limit: CANDIDATES };
      const page = await body(api.GET("/api/agents", { signal, params: { query } }));
      const whole = await Promise.all(page.items.map((each) => client.query({ ...agent(each.id), staleTime: 1_000 })));
      return whole.filter((each) => Date.parse(each.enrolled_at) >= Date.parse(since));
    },
  });
  return found.data ?? [];
}
