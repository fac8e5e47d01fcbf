import { IconProgress } from "@tabler/icons-react";
import type { WorkItem } from "../../api/types";
import { endOf } from "../../lib/work";
import { COMMAND_STATE } from "../../ui/looks";
import type { StateLook } from "../../ui/State";

/** How a piece of work is shown: as its state is everywhere else. */
export function workLook(item: WorkItem): StateLook {
  return item.ended_at ? COMMAND_STATE[endOf(item)] : { family: "info", word: "Under way", icon: IconProgress };
}
