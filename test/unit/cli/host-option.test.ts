import { expect, test } from "vitest";
import { readHost } from "../../../provider/cli/host-option.ts";

test.each([
  ["lab1", { host: "lab1" }],
  ["root@lab1:2222", { user: "root", host: "lab1", port: 2222 }],
  ["10.0.0.1:22", { host: "10.0.0.1", port: 22 }],
  ["root@[fd00::1]:22", { user: "root", host: "fd00::1", port: 22 }],
  ["fd00::1", { host: "fd00::1" }],
])("--host %s", (text, connection) => {
  expect(readHost(text)).toEqual(connection);
});

test.each(["", "-oProxyCommand=x", "a b", "root@", "@lab", "lab:99999", "$(id)"])("--host %j is refused", (text) => {
  expect(() => readHost(text)).toThrow("--host");
});
