// Every command boundary over ssh: as test/kernel/boundaries.test.ts, with a session that sshd holds.
import { sshBoundaries } from "../support/boundary-tests.ts";

sshBoundaries();
