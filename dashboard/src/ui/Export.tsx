import { Button } from "@mantine/core";
import { IconDownload } from "@tabler/icons-react";
import { formatBytes } from "../lib/units";
import { sentence } from "../lib/words";
import { Banner, Failure, InPage } from "./Notice";
import type { ListExport } from "./useExport";

/** Takes the list, as it is filtered, as a file. */
export function ExportButton({ file }: { file: ListExport }) {
  return (
    <Button variant="default" leftSection={<IconDownload size={15} aria-hidden />} disabled={file.isRunning} onClick={file.start}>
      Export CSV
    </Button>
  );
}

/** How far a file is, and why there is none. */
export function ExportNotice({ file }: { file: ListExport }) {
  if (file.isRunning) {
    return (
      <InPage>
        <Banner
          family="info"
          title="The file is being made."
          action={
            <Button variant="default" onClick={file.cancel}>
              Cancel
            </Button>
          }
        >
          <p className="num">{formatBytes(file.bytes)} so far</p>
        </Banner>
      </InPage>
    );
  }
  if (file.error) {
    return (
      <InPage>
        <Failure error={file.error} what="There is no file." retry={file.start} />
      </InPage>
    );
  }
  if (file.incomplete === undefined) return null;
  return (
    <InPage>
      <Banner
        family="warn"
        title="The file ends before the list does; its last line says so."
        action={
          <Button variant="default" onClick={file.forget}>
            Understood
          </Button>
        }
      >
        <p className="any">{sentence(file.incomplete)}</p>
      </Banner>
    </InPage>
  );
}
