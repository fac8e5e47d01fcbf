import { Button } from "@mantine/core";
import { Banner, Failure, InPage } from "../ui/Notice";
import type { Views } from "./useViews";

/** What is to be said about the saved view of the address, above its list. */
export function ViewNotice({ views }: { views: Views }) {
  const { chosen, lost, gone, save } = views;
  if (save.error && chosen) {
    return (
      <InPage>
        <Failure error={save.error} what="The view was not saved." retry={() => save.mutate(chosen)} />
      </InPage>
    );
  }
  if (gone) {
    return (
      <InPage>
        <Banner
          family="info"
          title="The saved view of this address was deleted, or is not shared with you."
          action={
            <Button variant="default" onClick={views.leave}>
              Go on without it
            </Button>
          }
        >
          <p>The filters of the address hold.</p>
        </Banner>
      </InPage>
    );
  }
  if (chosen && lost.length > 0) {
    return (
      <InPage>
        <Banner
          family="warn"
          title={lost.length === 1 ? "A filter of this view no longer exists and was left out." : `${lost.length} filters of this view no longer exist and were left out.`}
          action={
            chosen.permissions.edit.allowed ? (
              <Button variant="default" loading={save.isPending} onClick={() => save.mutate(chosen)}>
                Save the view as it is shown
              </Button>
            ) : null
          }
        >
          <p className="any">{lost.map((name) => `${name}: ${chosen.query[name]}`).join(", ")}</p>
        </Banner>
      </InPage>
    );
  }
  return null;
}
