import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useCallback, useState } from "react";
import { api, body } from "../api/client";
import { views as viewsOf } from "../api/queries";
import type { View, ViewPage } from "../api/types";
import { choiceNamed, type Choosable, type ColumnChoice, columnNames } from "../lib/columns";
import type { Scope, ViewAddress } from "../lib/search";
import { addressOf, isOther, lostFilters, type Parse, queryOf, withoutScope } from "../lib/views";

/** The columns of a page that lets them be chosen. */
interface Columns {
  columns: readonly Choosable[];
  chosen: ColumnChoice | undefined;
  choose: (chosen: ColumnChoice | undefined) => void;
}

/** The saved views of a page: which there are, which one the address names, and whether it is still as saved. */
export function useViews({ page, search, parse, columns }: {
  page: ViewPage;
  search: Scope & ViewAddress;
  /** Reads an address as the page does. */
  parse: Parse;
  columns?: Columns;
}) {
  const client = useQueryClient();
  const navigate = useNavigate();
  const [opened, setOpened] = useState(false);
  const list = useQuery({ ...viewsOf(page), enabled: opened || search.saved !== undefined || search.view_dialog !== undefined });
  const chosen = list.data?.items.find(({ id }) => id === search.saved);
  const lost = chosen ? lostFilters(chosen.query, parse) : [];

  const go = useCallback(
    (next: object, replace = false) => void navigate({ to: ".", search: next, replace } as Parameters<typeof navigate>[0]),
    [navigate],
  );
  const apply = (view: View) => {
    if (columns && view.columns.length > 0) columns.choose(choiceNamed(view.columns, columns.columns));
    go(addressOf(view, search, parse));
  };
  const otherColumns =
    chosen !== undefined &&
    chosen.columns.length > 0 &&
    columns !== undefined &&
    columnNames(choiceNamed(chosen.columns, columns.columns)).join() !== columnNames(columns.chosen).join();
  const save = useMutation({
    mutationFn: async (view: View) => {
      const query = queryOf(search);
      const change = {
        // A view for wherever the reader is stays one.
        query: view.query.organization_id ? query : withoutScope(query),
        ...(columns && view.columns.length > 0 ? { columns: columnNames(columns.chosen) } : {}),
      };
      await body(api.PATCH("/api/views/{id}", { params: { path: { id: view.id } }, body: change }));
      await client.invalidateQueries({ queryKey: ["views", page] });
    },
  });
  return {
    page,
    search,
    list,
    chosen,
    lost,
    /** The address names a view that the reader does not have. */
    gone: search.saved !== undefined && list.isSuccess && !list.isFetching && chosen === undefined,
    changed: chosen !== undefined && (otherColumns || isOther(chosen, search, parse)),
    columns: columns && columnNames(columns.chosen),
    setOpened,
    apply,
    leave: () => go({ ...search, saved: undefined }),
    save,
    open: (view_dialog: ViewAddress["view_dialog"]) => go({ ...search, view_dialog }),
    close: () => go({ ...search, view_dialog: undefined }, true),
    /** Goes on with this view, or with none. */
    settle: (saved: string | undefined) => go({ ...search, saved, view_dialog: undefined }, true),
  };
}

export type Views = ReturnType<typeof useViews>;
