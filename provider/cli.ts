export { main, start } from "./cli/main.ts";
