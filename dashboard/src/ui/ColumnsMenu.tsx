import { Button, Menu } from "@mantine/core";
import { IconColumns3 } from "@tabler/icons-react";
import { type ColumnChoice, withColumn } from "../lib/columns";
import styles from "./ColumnsMenu.module.css";
import type { Column } from "./DataTable";

/** Which columns the table shows. Narrow windows leave some of them out. */
export function ColumnsMenu<T>({ columns, shown, chosen, choose }: {
  columns: readonly Column<T>[];
  shown: readonly Column<T>[];
  chosen: ColumnChoice | undefined;
  choose: (chosen: ColumnChoice | undefined) => void;
}) {
  const ids = new Set(shown.map(({ id }) => id));
  return (
    <Menu position="bottom-end" withinPortal>
      <Menu.Target>
        <Button className={styles.wide} variant="default" leftSection={<IconColumns3 size={15} aria-hidden />}>
          Columns
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        {columns
          .filter(({ fixed }) => !fixed)
          .map((column) => (
            <Menu.CheckboxItem key={column.id} checked={ids.has(column.id)} onChange={(on) => choose(withColumn(chosen, column, on))}>
              {column.header}
            </Menu.CheckboxItem>
          ))}
        <Menu.Divider />
        <Menu.Item disabled={chosen === undefined} closeMenuOnClick={false} onClick={() => choose(undefined)}>
          Reset the columns
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
