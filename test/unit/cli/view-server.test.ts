import { type OutgoingHttpHeaders, request } from "node:http";
import { connect } from "node:net";
import { Script } from "node:vm";
import { afterAll, beforeAll, expect, test } from "vitest";
import { pageFiles } from "../../../provider/cli/viewing/page.ts";
import { type Served, serve } from "../../../provider/cli/viewing/server.ts";

const token = "a-token-that-nobody-knows";
const files = pageFiles("lab/<dev>");
let served: Served;
let port: number;

beforeAll(async () => {
  served = await serve({ port: 0, token, files, first: () => '{"first":true}' });
  port = Number(new URL(served.url).port);
});
afterAll(() => served.close());

interface Reply {
  code: number | undefined;
  headers: Record<string, unknown>;
  text: string;
}

/** One request as it is given: `fetch` would not let the Host header be another. */
function ask(path: string, headers: OutgoingHttpHeaders = {}, method = "GET"): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: "127.0.0.1", port, path, method, headers, agent: false }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (chunk: string) => {
        text += chunk;
        // Events have no end.
        if (text.includes("\n\n") && path.endsWith("events")) response.destroy();
      });
      response.on("close", () => resolve({ code: response.statusCode, headers: response.headers, text }));
    });
    asked.on("error", reject).end();
  });
}

test("the page and its files are there for who knows the token, and load nothing from elsewhere", async () => {
  expect(served.url).toBe(`http://127.0.0.1:${port}/${token}/`);
  const page = await ask(`/${token}/`);
  expect(page).toMatchObject({ code: 200, headers: { "content-type": "text/html; charset=utf-8" } });
  expect(page.text).toContain("<title>lab/&#60;dev&#62;</title>");
  const [css, js] = [await ask(`/${token}/page.css`), await ask(`/${token}/page.js`)];
  expect(css).toMatchObject({ code: 200, headers: { "content-type": "text/css; charset=utf-8" } });
  expect(js).toMatchObject({ code: 200, headers: { "content-type": "text/javascript; charset=utf-8" } });
  expect(() => new Script(js.text)).not.toThrow();
  for (const { text, headers } of [page, css, js]) {
    expect(text).not.toMatch(/https?:|url\(|@import|<script>|<style| style=| on\w+=/);
    expect(headers).toMatchObject({
      "content-security-policy":
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
      "referrer-policy": "no-referrer",
      "x-content-type-options": "nosniff",
      "x-frame-options": "DENY",
      "cross-origin-resource-policy": "same-origin",
      "cache-control": "no-store",
    });
    expect(headers).not.toHaveProperty("access-control-allow-origin");
  }
});

test.each([
  "/",
  `/${token}`,
  `/${token}x/`,
  `/${token.slice(0, -1)}/`,
  "//",
  `/x/${token}/`,
  `/${token}/page.html`,
  `/${token}/../${token}/page.js/`,
  `/?token=${token}`,
  "/favicon.ico",
])("%s leads nowhere, and tells nothing", async (path) => {
  const { code, text, headers } = await ask(path);
  expect({ code, text }).toEqual({ code: 404, text: "There is no such page.\n" });
  expect(headers["content-security-policy"]).toContain("default-src 'none'");
});

test.each([
  "evil.example",
  "evil.example:PORT",
  "127.0.0.1",
  "127.0.0.1:1",
  "127.0.0.1.evil.example:PORT",
  "[::1]:PORT",
  "localhost.:PORT",
])("a page of the host %j that leads here is not answered, with the right token either", async (host) => {
  const { code, text } = await ask(`/${token}/`, { host: host.replace("PORT", `${port}`) });
  expect({ code, text }).toEqual({ code: 421, text: "This page is of 127.0.0.1.\n" });
});

test("localhost is this machine too", async () => {
  expect(await ask(`/${token}/`, { host: `localhost:${port}` })).toMatchObject({ code: 200 });
});

test.each(["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD", "TRACE"])("%s is refused", async (method) => {
  expect(await ask(`/${token}/`, {}, method)).toMatchObject({ code: 405, headers: { allow: "GET" } });
});

test("who reads the events gets the first at once, and what is sent from then on", async () => {
  const { code, text, headers } = await ask(`/${token}/events`);
  expect({ code, text }).toEqual({ code: 200, text: 'retry: 1000\ndata: {"first":true}\n\n' });
  expect(headers["content-type"]).toBe("text/event-stream");
  const later = new Promise<string>((resolve) => {
    let seen = "";
    request({ host: "127.0.0.1", port, path: `/${token}/events`, agent: false }, (response) => {
      response.setEncoding("utf8").on("data", (chunk: string) => {
        seen += chunk;
        if (seen.includes("second")) response.destroy();
        else served.send('{"second":true}');
      });
      response.on("close", () => resolve(seen));
    }).end();
  });
  expect(await later).toContain('data: {"second":true}\n\n');
});

test("it listens on 127.0.0.1 alone, and says when the port is another's", async () => {
  await expect(serve({ port, token, files, first: () => "" })).rejects.toThrow(
    `cannot listen on 127.0.0.1:${port}: another program holds the port. Name another with --port, or leave it out.`,
  );
  const elsewhere = new Promise((resolve) => {
    connect({ host: "127.0.0.2", port })
      .on("connect", () => resolve("answered"))
      .on("error", ({ code }: NodeJS.ErrnoException) => resolve(code));
  });
  expect(await elsewhere).toBe("ECONNREFUSED");
});
