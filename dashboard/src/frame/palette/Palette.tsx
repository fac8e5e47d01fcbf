import { Modal } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { IconSearch } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useMatch, useNavigate } from "@tanstack/react-router";
import { type KeyboardEvent, useEffect, useId, useRef, useState } from "react";
import { agent as agentQuery, mayEnroll } from "../../api/queries";
import { useSelftest } from "../../agent/useSelftest";
import { ranked, step } from "../../lib/palette";
import { sentence } from "../../lib/words";
import { readVisits } from "../../lib/visits";
import { Failure } from "../../ui/Notice";
import { State } from "../../ui/State";
import { found } from "../queries";
import { Keys } from "../Keys";
import { useScope } from "../useScope";
import { agentActions, type Entry, foundGroups, generalActions, type Group, pageEntries, visitEntries } from "./entries";
import styles from "./Palette.module.css";

/** The server is asked when the typing pauses for so many milliseconds. */
const PAUSE = 120;
/** Longest text that can be searched for. */
const LONGEST = 100;

/** Finds agents, organizations, sites, people, pages, and what can be done with what one looks at. */
export function Palette({ userId, onClose, openKeyMap }: { userId: string; onClose: () => void; openKeyMap: () => void }) {
  const [typed, setTyped] = useState("");
  const q = typed.trim();
  const [asked] = useDebouncedValue(q, PAUSE);
  const answer = useQuery({ ...found(asked), enabled: asked !== "" });
  const searching = q !== "" && (asked !== q || answer.isPending);
  const [failed, setFailed] = useState<unknown>();
  const groups = useGroups(userId, q, asked === q ? answer.data : undefined, openKeyMap);
  const entries = groups.flatMap((group) => group.entries);
  const [chosen, setChosen] = useState<string>();
  const at = Math.max(0, entries.findIndex(({ id }) => id === chosen));
  const active = entries[at];
  const list = useId();
  /** Work that is under way: what is pressed twice in a row is meant once. */
  const isBusy = useRef(false);

  const choose = (entry: Entry | undefined) => {
    if (isBusy.current || !entry || entry.permission?.allowed === false) return;
    const work = entry.run();
    if (!(work instanceof Promise)) {
      onClose();
      return;
    }
    isBusy.current = true;
    void work.then(onClose, setFailed).finally(() => (isBusy.current = false));
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      setChosen(entries[step(at, event.key === "ArrowDown" ? 1 : -1, entries.length)]?.id);
    } else if (event.key === "Enter" && !event.nativeEvent.isComposing) choose(active);
    else if (event.key === "k" && (event.ctrlKey || event.metaKey)) onClose();
    else return;
    event.preventDefault();
  };
  return (
    <Modal
      opened
      onClose={onClose}
      withCloseButton={false}
      size={620}
      yOffset="10vh"
      padding={0}
      title="Find and do"
      classNames={{ content: styles.content ?? "", header: "sr" }}
    >
      <label className={styles.field}>
        <IconSearch size={18} aria-hidden />
        <span className="sr">Find an agent, an organization, a page or an action</span>
        <input
          className={styles.input}
          type="text"
          role="combobox"
          data-autofocus
          aria-expanded={entries.length > 0}
          aria-controls={list}
          aria-activedescendant={active ? `${list}-${active.id}` : undefined}
          aria-autocomplete="list"
          autoComplete="off"
          spellCheck={false}
          maxLength={LONGEST}
          placeholder="Agent, organization, page or action"
          value={typed}
          onChange={(event) => {
            setTyped(event.currentTarget.value);
            setChosen(undefined);
          }}
          onKeyDown={onKeyDown}
        />
      </label>
      {failed ? (
        <div className={styles.failure}>
          <Failure error={failed} what="It was not accepted." />
        </div>
      ) : null}
      {answer.error && asked === q ? (
        <div className={styles.failure}>
          <Failure error={answer.error} what="The server could not be searched." retry={() => void answer.refetch()} />
        </div>
      ) : null}
      <div role="listbox" id={list} aria-label="What was found" className={styles.results}>
        {groups.map((group, index) => (
          <div key={group.title} role="group" aria-labelledby={`${list}-group-${index}`}>
            <div className={styles.group} id={`${list}-group-${index}`} role="presentation">
              {group.title}
            </div>
            {group.entries.map((entry) => (
              <Option key={entry.id} id={`${list}-${entry.id}`} entry={entry} active={entry === active} choose={() => choose(entry)} />
            ))}
          </div>
        ))}
      </div>
      <p role="status" className={entries.length > 0 && !searching ? "sr" : styles.note}>
        {searching
          ? "Searching…"
          : entries.length > 0
            ? `${entries.length} found`
            : answer.error
              ? ""
              : `Nothing is called “${q}”.`}
      </p>
    </Modal>
  );
}

function Option({ id, entry, active, choose }: { id: string; entry: Entry; active: boolean; choose: () => void }) {
  const { icon: Glyph, title, detail, state, keys, permission } = entry;
  const line = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (active) line.current?.scrollIntoView({ block: "nearest" });
  }, [active]);
  const reason = permission?.allowed === false ? sentence(permission.reason ?? "You may not do this") : undefined;
  return (
    <div
      ref={line}
      id={id}
      role="option"
      aria-selected={active}
      aria-disabled={reason ? true : undefined}
      className={styles.option}
      onClick={choose}
    >
      <Glyph size={17} stroke={1.7} aria-hidden />
      <span className={styles.title}>{title}</span>
      <span className={styles.detail}>{reason ?? detail}</span>
      {state ? <State look={state} /> : null}
      {keys ? <Keys keys={keys} /> : null}
    </div>
  );
}

/** What is offered: with nothing typed what one may want here; otherwise what answers it, the server's part last. */
function useGroups(userId: string, q: string, answer: Parameters<typeof foundGroups>[0] | undefined, openKeyMap: () => void): Group[] {
  const navigate = useNavigate();
  const scope = useScope();
  const agentId = useMatch({ from: "/frame/agents/$agentId/{-$tab}", shouldThrow: false, select: ({ params }) => params.agentId });
  const { data: agent } = useQuery({ ...agentQuery(agentId ?? ""), enabled: agentId !== undefined });
  const { mutateAsync: selftest } = useSelftest();
  const { data: enroll } = useQuery(mayEnroll(scope));
  const actions = [...(agent ? agentActions(agent, navigate, selftest) : []), ...generalActions(scope, navigate, enroll)];
  const visits = visitEntries(
    readVisits(userId).filter(({ id }) => id !== agentId),
    navigate,
  );
  const pages = pageEntries(navigate, openKeyMap);
  const own: Group[] =
    q === ""
      ? [
          { title: agent ? "On this page" : "Actions", entries: actions },
          { title: "Recent", entries: visits },
          { title: "Pages", entries: pages },
        ]
      : [
          { title: "Actions", entries: ranked(actions, q) },
          { title: "Pages", entries: ranked(pages, q) },
        ];
  return [...own, ...(answer ? foundGroups(answer, navigate) : [])].filter(({ entries }) => entries.length > 0);
}
