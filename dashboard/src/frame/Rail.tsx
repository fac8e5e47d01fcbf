import { Drawer } from "@mantine/core";
import { useDisclosure, useMediaQuery } from "@mantine/hooks";
import { IconDots, IconLayoutSidebarLeftCollapse, IconLayoutSidebarLeftExpand } from "@tabler/icons-react";
import { Link, useRouterState } from "@tanstack/react-router";
import { FUNCTIONS } from "./functions";
import styles from "./Rail.module.css";

type Function = (typeof FUNCTIONS)[number];

/** So many functions stand in the bar of a phone; the others behind More. */
const IN_BAR = 4;

/** The functions: what to look at. It folds to its icons; on a phone it is the bar at the bottom. */
export function Rail({ folded, fold }: { folded: boolean; fold: (folded: boolean) => void }) {
  const phone = useMediaQuery("(max-width: 640px)", false, { getInitialValueInEffect: false });
  const Fold = folded ? IconLayoutSidebarLeftExpand : IconLayoutSidebarLeftCollapse;
  return (
    <nav className={styles.rail} aria-label="Pages" data-folded={(folded && !phone) || undefined}>
      <img src="/favicon.svg" alt="GuruRMM" width={28} height={28} className={styles.mark} />
      <ul className={styles.list}>
        {FUNCTIONS.slice(0, phone ? IN_BAR : undefined).map((each) => (
          <li key={each.to}>
            <FunctionLink function={each} titled={folded && !phone} />
          </li>
        ))}
        {phone ? (
          <li>
            <More />
          </li>
        ) : null}
      </ul>
      {phone ? null : (
        <button type="button" className={styles.fold} aria-pressed={folded} onClick={() => fold(!folded)} title={folded ? "Show the words" : "Only icons"}>
          <Fold size={18} stroke={1.7} aria-hidden />
          <span className="sr">Fold the pages to icons</span>
        </button>
      )}
    </nav>
  );
}

function FunctionLink({ function: { to, word, icon: Glyph, ...rest }, titled, onClick }: { function: Function; titled?: boolean; onClick?: () => void }) {
  return (
    <Link to={to} className={styles.link} activeProps={{ "data-active": true }} title={titled ? word : undefined} onClick={onClick}>
      <Glyph size={20} stroke={1.7} aria-hidden />
      <span className={styles.word}>{word}</span>
      <span className={styles.short} aria-hidden>
        {"short" in rest ? rest.short : word}
      </span>
    </Link>
  );
}

/** The functions that do not fit into a phone's bar. */
function More() {
  const [open, sheet] = useDisclosure();
  const others = FUNCTIONS.slice(IN_BAR);
  const active = useRouterState({ select: ({ location }) => others.some(({ to }) => location.pathname.startsWith(to)) });
  return (
    <>
      <button type="button" className={styles.link} data-active={active || undefined} aria-haspopup="dialog" onClick={sheet.open}>
        <IconDots size={20} stroke={1.7} aria-hidden />
        <span>More</span>
      </button>
      <Drawer opened={open} onClose={sheet.close} position="bottom" size="auto" title="More pages" classNames={{ content: styles.sheet ?? "" }} closeButtonProps={{ "aria-label": "Close" }}>
        <ul className={styles.others}>
          {others.map((each) => (
            <li key={each.to}>
              <FunctionLink function={each} onClick={sheet.close} />
            </li>
          ))}
        </ul>
      </Drawer>
    </>
  );
}
