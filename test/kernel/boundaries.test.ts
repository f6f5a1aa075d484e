// Every command boundary: for each operation of each kind, the shell, the session and the plugin are killed before and after every step,
// and every step fails. Over ssh: test/ssh/boundaries.test.ts.
import { localBoundaries } from "../support/boundary-tests.ts";

localBoundaries();
