// Half of the tests of the resources against the kernel, over ssh as labpw.
import { kernelTestsAs } from "../support/hosts-source.ts";

await kernelTestsAs("labpw", 0);
