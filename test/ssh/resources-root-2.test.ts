// The other half of the tests of the resources against the kernel, over ssh as root.
import { kernelTestsAs } from "../support/hosts-source.ts";

await kernelTestsAs("root", 1);
