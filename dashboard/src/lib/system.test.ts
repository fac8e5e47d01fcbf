import { expect, it } from "vitest";
import { shortSystem } from "./system";

it.each([
  ["Microsoft Windows Server 2022 Standard", "Server 2022 Std"],
  ["Microsoft Windows 11 Pro", "Windows 11 Pro"],
  ["Debian GNU/Linux 12 (bookworm)", "Debian 12"],
  ["Ubuntu 24.04.1 LTS", "Ubuntu 24.04.1 LTS"],
])("%s is %s", (name, short) => expect(shortSystem(name)).toBe(short));
