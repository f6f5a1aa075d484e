// ufw, firewalld and Docker as Debian has them: the real programs, of packages that are unpacked and not installed.
import { behind, type Firewall } from "./matrix.ts";
import { bridged, docker, firewall, hasBridged } from "./programs.ts";

const toWeb = "-d 10.9.0.2 -p tcp --dport 80 -j DROP";

const programs: Record<string, Firewall> = {
  ufw: {
    install: `${firewall} install`,
    start: `${firewall} ufw start`,
    reload: `${firewall} ufw reload`,
    restart: `${firewall} ufw restart`,
    deny: {
      add: "ufw route deny proto tcp to 10.9.0.2 port 80",
      stops: "published",
      remove: "ufw route delete deny proto tcp to 10.9.0.2 port 80",
      refuses: /stopped by the rule `-A ufw-user-forward -d 10.9.0.2.*`ufw delete NUMBER`/,
    },
    remedies: 0,
  },
  firewalld: {
    install: `${firewall} install`,
    start: `[ ! -e ${bridged} ] || echo 1 >${bridged}\n${firewall} firewalld start`,
    reload: `${firewall} firewalld reload`,
    restart: `${firewall} firewalld restart`,
    deny: {
      add: `firewall-cmd -q --direct --add-rule ipv4 filter FORWARD 0 ${toWeb}`,
      stops: "published",
      remove: `firewall-cmd -q --direct --remove-rule ipv4 filter FORWARD 0 ${toWeb}`,
      refuses: /stopped by the rule `-A FORWARD\S* -d 10.9.0.2/,
    },
    // The way out; and, where bridged packets come by FORWARD, what containers on each of the bridges say to each other.
    remedies: hasBridged ? 2 : 1,
  },
  "Docker with iptables": {
    start: `${docker} start`,
    reload: "kill -HUP $(cat /run/docker-state/pid)",
    restart: `${docker} restart`,
    deny: {
      add: `iptables -I DOCKER-USER ${toWeb}`,
      stops: "published",
      remove: `iptables -D DOCKER-USER ${toWeb}`,
      refuses: /stopped by the rule `-A DOCKER-USER -d 10.9.0.2/,
    },
    remedies: 0,
    end: `${docker} stop`,
  },
};

for (const [name, one] of Object.entries(programs)) behind(name, one);
