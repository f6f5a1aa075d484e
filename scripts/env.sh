# The environment of this checkout, to be sourced (`. scripts/env.sh`, from any folder of it): Node 24, the engine, and a
# state of its own. What is set already stays as it is.

linuxnet_root=$PWD
while [ ! -f "$linuxnet_root/scripts/env.sh" ] && [ -n "$linuxnet_root" ]; do linuxnet_root=${linuxnet_root%/*}; done
if [ -z "$linuxnet_root" ]; then
  echo "scripts/env.sh is to be sourced in a folder of the checkout, and $PWD is none." >&2
  return 1
fi

# node_modules/.linuxnet/bin holds `pulumi`, a link to the engine that scripts/setup.sh has found or made.
case :$PATH: in
  *:"$linuxnet_root/node_modules/.linuxnet/bin":"$linuxnet_root/node_modules/.bin":*) ;;
  *) PATH=$linuxnet_root/node_modules/.linuxnet/bin:$linuxnet_root/node_modules/.bin:$PATH ;;
esac
# A user's PATH on Debian lacks the folders of ip, nft and sysctl.
case :$PATH: in *:/usr/sbin:*) ;; *) PATH=$PATH:/usr/sbin:/sbin ;; esac

if [ -z "${PULUMI_BACKEND_URL:-}" ]; then
  # Without metadata=skip the backend writes a file `.attrs` beside each file, and not in one go: an engine that is killed
  # there leaves a state that no engine reads ("failed to load checkpoint: EOF").
  PULUMI_BACKEND_URL=file://$linuxnet_root/.pulumi-state?metadata=skip
  mkdir -p "$linuxnet_root/.pulumi-state"
fi
if [ -z "${PULUMI_CONFIG_PASSPHRASE+set}" ] && [ -z "${PULUMI_CONFIG_PASSPHRASE_FILE+set}" ]; then
  PULUMI_CONFIG_PASSPHRASE=
  export PULUMI_CONFIG_PASSPHRASE
fi
: "${PULUMI_SKIP_UPDATE_CHECK:=true}"
# Node keeps there what it has compiled: the program and the plugin of each operation start in half the time.
: "${NODE_COMPILE_CACHE:=$linuxnet_root/node_modules/.linuxnet/compiled}"
export PATH PULUMI_BACKEND_URL PULUMI_SKIP_UPDATE_CHECK NODE_COMPILE_CACHE
