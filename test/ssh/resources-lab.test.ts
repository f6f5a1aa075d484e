// Half of the tests of the resources against the kernel, over ssh as lab.
import { kernelTestsAs } from "../support/hosts-source.ts";

await kernelTestsAs("lab", 0);
