import fc from "fast-check";

/** What a shell, a here-document, `ip -batch`, printf or a terminal could take for something of its own. */
const pieces = [
  ..."'\"`$\\;&|<>(){}[]*?!#~%=^- \t\n\r\v\f\b\u0007\u001b\u007f",
  "$(id)",
  "`id`",
  // biome-ignore lint/suspicious/noTemplateCurlyInString: the shell's own
  "${IFS}",
  "$'\\x41'",
  "'\\''",
  "\\\n",
  "\r\n",
  "&&",
  "||",
  ">>/dev/null",
  "--",
  "-e",
  "-n",
  "--help",
  "%s%n%d",
  "\\0\\c",
  "IP",
  "\nIP\n",
  "\nNFT\n",
  "\nEOF\n",
  "<<'IP'",
  "\nlinuxnet-000000000000000000000000 0 0\n",
  "\nlinuxnet-000000000000000000000000-end-0\n",
  "\nfact-000000000000000000000000 0 0\n",
  "@failed 0 1 1\n",
  "exit 1\n",
  "~root",
  "*",
  "é",
  "ß",
  "日本",
  "🦀",
  "👩‍👩‍👧",
  "\u0080",
  "\u00a0",
  "\u00ff",
  "\u0301",
  "\u2028",
  "\u202e",
  "\ufeff",
  "\uffff",
  "\u{10ffff}",
];

const piece = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...pieces) },
  { weight: 1, arbitrary: fc.string({ unit: "binary", minLength: 1, maxLength: 4 }) },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 255 }).map((code) => String.fromCharCode(code)) },
);

/** Any text that an argument can hold, with a strong liking for what breaks quoting. */
export const hostile: fc.Arbitrary<string> = fc
  .array(piece, { maxLength: 12 })
  .map((parts) => parts.join("").replaceAll("\0", ""));
