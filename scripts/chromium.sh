#!/bin/sh
# Debian's Chromium for the pictures and for the tests of `linuxnet view`: its packages, and those of its libraries that this
# machine lacks, are unpacked into a folder outside the checkout (LINUXNET_CHROMIUM; default ~/.cache/linuxnet-chromium), and
# not installed. One font, so that pictures look alike everywhere. To remove it, remove the folder.
set -eu
cache=${LINUXNET_CHROMIUM:-$HOME/.cache/linuxnet-chromium}

say() { echo "chromium: $*"; }
fail() { echo "chromium: $*" >&2; exit 1; }
[ ! -e "$cache/ready" ] || exit 0
if ! command -v apt-get >/dev/null; then
  own=$(command -v chromium || command -v chromium-browser || :)
  [ -n "$own" ] || fail "this system has neither apt-get nor chromium."
  mkdir -p "$cache"
  ln -sf "$own" "$cache/run"
  touch "$cache/ready"
  exit 0
fi

parent=$(dirname "$cache")
mkdir -p "$parent"
exec 9>"$cache.lock"
flock 9
[ ! -e "$cache/ready" ] || exit 0
scratch=$(mktemp -d -p "$parent")
trap 'rm -rf "$scratch"' EXIT
chmod 755 "$scratch"

# What is not installed of all that it needs; where it is installed itself, it alone.
packages() {
  apt-get install -s -q --no-install-recommends chromium 2>>"$scratch/log" | sed -n 's/^Inst \([^ ]*\) .*/\1/p'
  echo chromium chromium-common fonts-dejavu-core
}
fetch() {
  wanted=$(packages | tr ' ' '\n' | sort -u)
  # shellcheck disable=SC2086
  (cd "$scratch" && apt-get download -q $wanted) >>"$scratch/log" 2>&1
}

say "unpacking Debian's chromium into $cache (a download of 130 MB)"
fetch || { apt-get update -q >>"$scratch/log" 2>&1 && fetch; } || fail "apt-get download failed: $(tail -n 3 "$scratch/log")"
mkdir "$scratch/made"
for package in "$scratch"/*.deb; do
  dpkg -x "$package" "$scratch/made"
  rm "$package"
done
cat >"$scratch/made/fonts.conf" <<XML
<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><dir>$cache/usr/share/fonts</dir><cachedir>$cache/fonts-cache</cachedir></fontconfig>
XML
# Its libraries, among them pulseaudio's own, which lie in a folder below.
made=$(cd "$scratch/made" && find usr/lib lib -name '*.so*' -printf '%h\n' 2>/dev/null | grep linux-gnu | sort -u | sed "s|^|$cache/|" | paste -sd:)
cat >"$scratch/made/run" <<SH
#!/bin/sh
LD_LIBRARY_PATH=$made FONTCONFIG_FILE=$cache/fonts.conf exec $cache/usr/lib/chromium/chromium "\$@"
SH
chmod 755 "$scratch/made/run"
rm -rf "$cache"
mv -T "$scratch/made" "$cache"
lost=$(LD_LIBRARY_PATH=$made ldd "$cache/usr/lib/chromium/chromium" | grep 'not found' || :)
[ -z "$lost" ] || fail "libraries are missing: $lost. \`apt-get install --no-install-recommends chromium\` brings them."
touch "$cache/ready"
