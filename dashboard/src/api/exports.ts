/** Most bytes of a file that is held until it is whole: 100,000 rows are far below. */
const MOST_BYTES = 512 * 1024 * 1024;
/** So much of the end of a file (bytes) is looked at for the line that says that it is not whole. */
const TAIL = 4_096;

/** A list as a file. */
interface ExportedFile {
  name: string;
  file: Blob;
  /** Why it ends before the list does, in the server's words. */
  incomplete: string | undefined;
}

/** The name that the server gives a file. */
export function fileName(disposition: string | null): string {
  return /filename="([^"/\\]+)"/.exec(disposition ?? "")?.[1] ?? "export.csv";
}

/** What the last line of a file says of why it is not whole; undefined where it is. */
export function incompleteness(end: string): string | undefined {
  const last = end.trimEnd().split("\n").at(-1) ?? "";
  return /^"?# incomplete: ([^"]*?)"?,*$/.exec(last.trim())?.[1];
}

/** Reads a file to its end. It is taken in pieces, so that the reader is told how far it is and can leave it. */
export async function readExport(response: Response, progress: (bytes: number) => void): Promise<ExportedFile> {
  const reader = response.body?.getReader();
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let bytes = 0;
  for (;;) {
    const piece = await reader?.read();
    if (!piece || piece.done) break;
    parts.push(piece.value);
    bytes += piece.value.byteLength;
    if (bytes > MOST_BYTES) {
      await reader?.cancel();
      throw new Error("the file is larger than this page can hold; narrow the filter");
    }
    progress(bytes);
  }
  const file = new Blob(parts, { type: "text/csv;charset=utf-8" });
  const end = await file.slice(-TAIL).text();
  return { name: fileName(response.headers.get("content-disposition")), file, incomplete: incompleteness(end) };
}
