import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { OWNER, workDir } from "./fixtures";

/** Longest directory of a socket that the server puts into its data directory; a longer one goes under /tmp. */
const LONGEST_SOCKET_DIR = 90;

/** Runs a statement in the server's own Postgres; the answer as text. */
function sql(statement: string): string {
  const data = join(workDir(), "server");
  const near = join(data, "postgres/run");
  const far = `/tmp/gururmm-${createHash("sha256").update(near).digest("hex").slice(0, 16)}`;
  return execFileSync("psql", ["-XqAt", "-v", "ON_ERROR_STOP=1", "-U", "gururmm", "-d", "gururmm", "-c", statement], {
    env: {
      ...process.env,
      PGHOST: near.length <= LONGEST_SOCKET_DIR ? near : far,
      PGPASSWORD: readFileSync(join(data, "postgres.password"), "utf8").trim(),
    },
    encoding: "utf8",
  }).trim();
}

/** An account with a role in one organization, with the owner's password: accounts have no page yet. */
export function makeMember(email: string, role: "viewer" | "technician" | "org_admin", organization: string): void {
  sql(`
    WITH made AS (
      INSERT INTO users (id, email, name, role, password_hash, created_at)
      SELECT gen_random_uuid(), '${email}', '${role}', 'user', password_hash, now() FROM users WHERE email = '${OWNER.email}'
      RETURNING id)
    INSERT INTO user_memberships SELECT made.id, o.id, '${role}' FROM made, organizations o WHERE o.name = '${organization}'`);
}

/** Makes it so that an agent was last there so long ago: nobody can wait for that. */
export function isAwayFor(agentId: string, time: string): void {
  sql(`
    UPDATE agent_presence SET state = 'offline', since = now() - interval '${time}', last_seen_at = now() - interval '${time}',
                              lease_until = now() - interval '${time}'
    WHERE agent_id = '${agentId}'`);
}

/** Makes it so that an agent enrolled two hours ago and was never there. */
export function neverConnected(agentId: string): void {
  sql(`DELETE FROM agent_presence WHERE agent_id = '${agentId}'`);
  sql(`UPDATE agents SET enrolled_at = now() - interval '2 hours' WHERE id = '${agentId}'`);
}
