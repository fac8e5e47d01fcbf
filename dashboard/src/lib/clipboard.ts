/**
 * Copies a text; whether that worked. Over plain HTTP browsers give no clipboard to scripts, but still let them answer a
 * copy that the reader asked for.
 */
export async function copyText(text: string): Promise<boolean> {
  try {
    if (isSecureContext) {
      await navigator.clipboard.writeText(text);
      return true;
    }
  } catch {
    // A browser may refuse even so; the other way is left.
  }
  const give = (event: ClipboardEvent) => {
    event.clipboardData?.setData("text/plain", text);
    event.preventDefault();
    event.stopImmediatePropagation();
  };
  document.addEventListener("copy", give, true);
  try {
    // Deprecated, and the only way where the page is not on HTTPS.
    // eslint-disable-next-line @typescript-eslint/no-deprecated
    return document.execCommand("copy");
  } finally {
    document.removeEventListener("copy", give, true);
  }
}

/** Hands a text to the browser as a file to keep. */
export function downloadText(name: string, text: string): void {
  downloadFile(name, new Blob([text], { type: "text/plain;charset=utf-8" }));
}

/** Hands a file to the browser to keep. */
export function downloadFile(name: string, file: Blob): void {
  const address = URL.createObjectURL(file);
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  URL.revokeObjectURL(address);
}
