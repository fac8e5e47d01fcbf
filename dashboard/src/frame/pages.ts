import { lazyRouteComponent } from "@tanstack/react-router";
import { connection } from "../api/connection";

/** The code of a page could not be fetched. */
export class PageNotLoadedError extends Error {
  constructor(
    /** The server answers, but no longer has this code: it was updated. */
    readonly outdated: boolean,
  ) {
    super(outdated ? "The server has a newer version of this page." : "The code of this page could not be fetched.");
    this.name = "PageNotLoadedError";
  }
}

const loaders: (() => Promise<void>)[] = [];

/** A component whose code is fetched when it is needed, and again after it could not be fetched. */
export function page<T extends Record<string, unknown>, K extends keyof T & string>(importer: () => Promise<T>, name: K) {
  const component = lazyRouteComponent<T, K>(
    () =>
      importer().catch(async () => {
        throw new PageNotLoadedError(await connection.check());
      }),
    name,
  );
  loaders.push(async () => {
    await (component as { preload?: () => Promise<unknown> }).preload?.();
  });
  return component;
}

/** Fetches the code of all pages that is not here yet, so that they open even when the server is away. */
export async function loadPages(): Promise<void> {
  await Promise.all(loaders.map((load) => load()));
}
