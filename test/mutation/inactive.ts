// In a thread that is kept, the last change is still active while the next tests are collected: only a static one acts there.
import { inject } from "vitest";

const provided = inject as (key: string) => string | undefined;
const stryker = (globalThis as { __stryker__?: { activeMutant?: string | undefined } }).__stryker__;
if (stryker && provided("mutantActivation") !== "static") stryker.activeMutant = undefined;
