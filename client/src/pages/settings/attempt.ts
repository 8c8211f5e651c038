import { toasts } from "../../components/toasts.svelte";
import { told } from "../http";

/** Does something to the settings, says why it was refused, and calls `after` either way: what the page shows may be old. */
export async function attempt(work: () => Promise<void>, after: () => void): Promise<void> {
  try {
    await work();
  } catch (error) {
    toasts.show(told(error), { level: "bad" });
  }
  after();
}
