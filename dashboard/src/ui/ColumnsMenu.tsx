import { Button, Menu } from "@mantine/core";
import { IconCheck, IconColumns3 } from "@tabler/icons-react";
import { withColumn } from "../lib/columns";
import type { Column } from "./DataTable";

/** Which columns the table shows. Narrow windows leave some of them out. */
export function ColumnsMenu<T>({ columns, shown, chosen, choose }: {
  columns: readonly Column<T>[];
  shown: readonly Column<T>[];
  chosen: readonly string[] | undefined;
  choose: (chosen: readonly string[] | undefined) => void;
}) {
  const ids = new Set(shown.map(({ id }) => id));
  return (
    <Menu position="bottom-end" closeOnItemClick={false} withinPortal>
      <Menu.Target>
        <Button variant="default" leftSection={<IconColumns3 size={15} aria-hidden />}>
          Columns
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        {columns
          .filter(({ fixed }) => !fixed)
          .map(({ id, header }) => (
            <Menu.Item
              key={id}
              role="menuitemcheckbox"
              aria-checked={ids.has(id)}
              leftSection={<IconCheck size={14} aria-hidden visibility={ids.has(id) ? undefined : "hidden"} />}
              onClick={() => choose(withColumn(columns, chosen, id, !ids.has(id)))}
            >
              {header}
            </Menu.Item>
          ))}
        <Menu.Divider />
        <Menu.Item disabled={chosen === undefined} onClick={() => choose(undefined)}>
          As usual
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
