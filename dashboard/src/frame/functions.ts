import { IconBuilding, IconDeviceDesktop, IconHistory, IconHome, IconKey, IconPackages, IconTerminal2 } from "@tabler/icons-react";

/** The functions of the dashboard: what to look at, in the rail's order. `key` follows `g` on the keyboard. */
export const FUNCTIONS = [
  { to: "/overview", word: "Overview", icon: IconHome, key: "h" },
  { to: "/agents", word: "Agents", icon: IconDeviceDesktop, key: "a" },
  { to: "/commands", word: "Commands", icon: IconTerminal2, key: "c" },
  { to: "/software", word: "Software", icon: IconPackages, key: "s" },
  { to: "/organizations", word: "Organizations", short: "Orgs", icon: IconBuilding, key: "o" },
  { to: "/enrollment-tokens", word: "Enrollment tokens", short: "Tokens", icon: IconKey, key: "t" },
  { to: "/audit", word: "Audit", icon: IconHistory, key: "l" },
] as const;
