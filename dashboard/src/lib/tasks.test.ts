import { describe, expect, it } from "vitest";
import { taskDraft } from "./tasks";

const volume = (mount: string, used_bytes: number) => ({ mount, used_bytes, total_bytes: 100 });
const windows = { os_family: "windows" as const, latest_volumes: [volume("C:", 10), volume("D:\\", 95)] };
const linux = { os_family: "linux" as const, latest_volumes: [volume("/", 99), volume("/srv/data", 10)] };

describe("a command that is written for the reader", () => {
  it("is in the words of the machine's system", () => {
    expect(taskDraft("restart", windows)).toMatchObject({ kind: "shell", interpreter: "powershell" });
    expect(taskDraft("restart", windows)?.script).toMatch(/^shutdown\.exe \/r/);
    expect(taskDraft("restart", linux)).toMatchObject({ interpreter: "sh" });
    expect(taskDraft("restart", { os_family: null, latest_volumes: [] })).toBeNull();
  });

  it("looks at the fullest volume", () => {
    expect(taskDraft("space", windows)?.script).toContain("'D:\\'");
    expect(taskDraft("space", linux)?.script).toContain("'/' ");
    expect(taskDraft("space", { ...linux, latest_volumes: [] })).toBeNull();
  });

  it("takes no name of a volume into a script that could be more than a name", () => {
    for (const mount of ["/x'; reboot; '", "/x y", "$(reboot)", "/`reboot`"]) {
      expect(taskDraft("space", { ...linux, latest_volumes: [volume(mount, 99)] })).toBeNull();
    }
    for (const mount of ["C:'; Restart-Computer; '", "CC:", "C:\\x'"]) {
      expect(taskDraft("space", { ...windows, latest_volumes: [volume(mount, 99)] })).toBeNull();
    }
  });
});
